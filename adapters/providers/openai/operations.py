"""Common parts of OpenAI's APIs other than chat, on the provider's side: they pass through and are metered.

House rule: as in chat, only what must change changes in the caller's body; here that is the model's name.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.dialect import ProviderDialect, never
from adapters.providers.framing.sse import EventFramer
from adapters.providers.openai import headers
from adapters.providers.openai.failure import failure, malformed, reported_error
from domain.catalog.vendors import vendor_of
from domain.failures import Failure
from domain.model_api.call import Attempt, ModelCall
from domain.model_api.events import Broken, Event

_ENCODER = msgspec.json.Encoder()


class _Answer(Protocol):
    error: Any


_A = TypeVar("_A", bound=_Answer)


def read(decode: Callable[[bytes], _A], data: bytes) -> _A | Broken:
    """Decode an answer or one event of it; return `Broken` if it cannot be read or reports an error."""
    try:
        answer = decode(data)
    except DECODE_ERRORS as problem:
        return malformed(str(problem))
    return answer if answer.error is None else reported_error(answer.error, data)


def with_model(call: ModelCall, attempt: Attempt) -> bytes:
    """Return the caller's fields, byte for byte and in their order, with the provider's name of the model."""
    return _ENCODER.encode({**call.fields, "model": attempt.target.model})


def with_model_renamed(call: ModelCall, attempt: Attempt) -> bytes:
    """Return the same for a vendor that has other names for some fields."""
    names = dict(vendor_of(attempt.target.provider, attempt.target.base_url).renames)
    fields: dict[str, Any] = {names.get(name, name): value for name, value in call.fields.items()}
    fields["model"] = attempt.target.model
    return _ENCODER.encode(fields)


def failing_as(name: str) -> Callable[[int, dict[str, str], bytes], Failure]:
    """Return OpenAI's failures under this dialect's name, so that its callers receive the provider's own body."""

    def named_failure(status: int, headers: dict[str, str], body: bytes) -> Failure:
        return msgspec.structs.replace(failure(status, headers, body), dialect=name)

    return named_failure


def passing(
    name: str,
    path: str,
    decode: Callable[[bytes], tuple[Event, ...]],
    pass_through: Callable[[ModelCall, Attempt], bytes] = with_model,
) -> ProviderDialect:
    """Return the record of an API whose answers are not streamed."""
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
