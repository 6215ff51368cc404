"""Bodies that are whole: all of their bytes, within a bound, and what they mean."""

from collections.abc import Awaitable, Callable

import msgspec

from adapters.providers.dialect import ProviderDialect
from adapters.providers.framing.ndjson import LineFramer
from adapters.providers.framing.surrogates import Halves, may_be_in, without_lone
from adapters.providers.provider_name import ProviderName
from domain.failures import Failure
from domain.model_api.call import ModelCall
from domain.model_api.events import Broken, Ended, Event, Started, TextDelta, UsageReported

# The next bytes of a body, None at its end, or why there are no more.
Read = Callable[[], Awaitable[bytes | Failure | None]]

WHOLE_BYTES_MAX = 64 * 1024 * 1024
EMPTY_ANSWER = "The provider ended its answer without having said anything."
_SILENT = frozenset((Started, UsageReported, Ended, Broken))


class _ErrorBody(msgspec.Struct, frozen=True):
    error: msgspec.Raw


def is_error(body: bytes) -> bool:
    """Whether a JSON body is an error object in any dialect: all of them call it `error`."""
    try:
        return bytes(msgspec.json.decode(body, type=_ErrorBody).error) != b"null"
    except msgspec.MsgspecError:
        return False


async def read_whole(read: Read, provider: ProviderName, bytes_max: int = WHOLE_BYTES_MAX) -> bytes | Failure:
    """All that is left of a body, or why it cannot be had."""
    body = await read()
    if body is None:
        return b""
    if isinstance(body, Failure):
        return body
    parts, size = [body], len(body)
    while size <= bytes_max:
        piece = await read()
        if piece is None:
            return body if len(parts) == 1 else b"".join(parts)
        if isinstance(piece, Failure):
            return piece
        parts.append(piece)
        size += len(piece)
    return Failure(kind="malformed", message=f"{provider.name} answered with more than {bytes_max} bytes")


def understood(dialect: ProviderDialect, call: ModelCall, body: bytes) -> tuple[Event, ...]:
    """The events of a whole body, without lone halves of characters; an answer that says nothing is broken."""
    try:
        events = dialect.decode(body)
    except UnicodeEncodeError:  # A lone half stands where it has to be written as UTF-8.
        events = dialect.decode(without_lone(body))
    if may_be_in(body):
        events = Halves().joined(events)
    if call.kind.text and isinstance(events[-1], Ended) and not dialect.defers and not says(events):
        return (Broken(failure=Failure(kind="malformed", message=EMPTY_ANSWER)),)
    return events


def turns(call: ModelCall, dialect: ProviderDialect) -> bool:
    """Whether an answer of the other form can be turned into the one asked for. A line of JSON is a stream as well."""
    return call.kind.text and dialect.framer is not LineFramer


def says(events: tuple[Event, ...]) -> bool:
    """Whether anything is said in them: a text, a call, why the model stopped; to begin and to count is nothing."""
    return any(
        type(event) not in _SILENT and (type(event) is not TextDelta or event.text or event.signature)
        for event in events
    )


def scrubbed(events: tuple[Event, ...], provider: ProviderName) -> tuple[Event, ...]:
    """The events with the secret cleared out of what they say went wrong."""
    return tuple(
        Broken(failure=provider.failure(event.failure)) if isinstance(event, Broken) else event for event in events
    )
