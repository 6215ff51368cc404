"""What OpenAI's APIs beside chat have in common, the provider's side: they pass through, and are metered on the way.

House rule: as in chat, nothing of the caller's body changes but what must; here that is the model's name.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import msgspec

from adapters.providers.decode_errors import NONSENSE
from adapters.providers.dialect import ProviderDialect, never
from adapters.providers.framing.sse import EventFramer
from adapters.providers.openai import headers
from adapters.providers.openai.failure import failure, malformed, told
from domain.catalog.vendors import vendor_of
from domain.failures import Failure
from domain.model_api.call import Attempt, ModelCall
from domain.model_api.events import Broken, Event

_ENCODER = msgspec.json.Encoder()


class _Answer(Protocol):
    error: Any


_A = TypeVar("_A", bound=_Answer)


def read(decode: Callable[[bytes], _A], data: bytes) -> _A | Broken:
    """An answer or an event of one, unless it is nonsense or tells an error instead."""
    try:
        answer = decode(data)
    except NONSENSE as problem:
        return malformed(str(problem))
    return answer if answer.error is None else told(answer.error, data)


def with_model(call: ModelCall, attempt: Attempt) -> bytes:
    """The caller's own fields, byte for byte and in their order, with the model's name at the provider."""
    return _ENCODER.encode({**call.fields, "model": attempt.target.model})


def with_model_renamed(call: ModelCall, attempt: Attempt) -> bytes:
    """The same, for a vendor that has other names for some fields."""
    names = dict(vendor_of(attempt.target.provider, attempt.target.base_url).renames)
    fields: dict[str, Any] = {names.get(name, name): value for name, value in call.fields.items()}
    fields["model"] = attempt.target.model
    return _ENCODER.encode(fields)


def failing_as(name: str) -> Callable[[int, dict[str, str], bytes], Failure]:
    """OpenAI's failures under this dialect's name, so that its callers are shown the provider's own body."""

    def understood(status: int, told: dict[str, str], body: bytes) -> Failure:
        return msgspec.structs.replace(failure(status, told, body), dialect=name)

    return understood


def passing(
    name: str,
    path: str,
    decode: Callable[[bytes], tuple[Event, ...]],
    pass_through: Callable[[ModelCall, Attempt], bytes] = with_model,
) -> ProviderDialect:
    """The record of an API whose answers are whole."""
    return ProviderDialect(
        name=name,
        path=lambda model, stream: path,
        headers=headers,
        encode=never,
        refuses=never,
        decode=decode,
        start=never,
        step=never,
        failure=failing_as(name),
        framer=EventFramer,
        pass_through=pass_through,
    )
