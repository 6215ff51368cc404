"""Complete bodies: all of their bytes, within a bound, and their events."""

from collections.abc import Awaitable, Callable

import msgspec

from adapters.providers.dialect import ProviderDialect
from adapters.providers.framing.ndjson import LineFramer
from adapters.providers.framing.surrogates import Halves
from adapters.providers.provider_name import ProviderName
from domain.dialects.surrogates import may_be_in, without_lone
from domain.failures import Failure
from domain.model_api.call import ModelCall
from domain.model_api.events import Broken, Ended, Event, Started, TextDelta, UsageReported

# Returns the next bytes of a body, None at its end, or the failure that ended it.
Read = Callable[[], Awaitable[bytes | Failure | None]]

WHOLE_BYTES_MAX = 64 * 1024 * 1024
EMPTY_ANSWER = "The provider ended its answer without any content."
_SILENT = frozenset((Started, UsageReported, Ended, Broken))


class _ErrorBody(msgspec.Struct, frozen=True):
    error: msgspec.Raw


def is_error(body: bytes) -> bool:
    """Whether a JSON body is an error object in any dialect: all of them have the key `error`."""
    try:
        return bytes(msgspec.json.decode(body, type=_ErrorBody).error) != b"null"
    except msgspec.MsgspecError:
        return False


async def read_whole(read: Read, provider: ProviderName, bytes_max: int = WHOLE_BYTES_MAX) -> bytes | Failure:
    """Return the rest of a body, or the failure that ended it."""
    body = await read()
    if body is None:
        return b""
    if isinstance(body, Failure):
        return body
    parts, size = [body], len(body)
    while size <= bytes_max:
        chunk = await read()
        if chunk is None:
            return body if len(parts) == 1 else b"".join(parts)
        if isinstance(chunk, Failure):
            return chunk
        parts.append(chunk)
        size += len(chunk)
    return Failure(kind="malformed", message=f"{provider.name} answered with more than {bytes_max} bytes")


def understood(dialect: ProviderDialect, call: ModelCall, body: bytes) -> tuple[Event, ...]:
    """Return the events of a complete body, without lone surrogates; an answer without content is broken."""
    try:
        events = dialect.decode(body)
    except UnicodeEncodeError:  # A lone half is in a text that must be written as UTF-8.
        events = dialect.decode(without_lone(body))
    if may_be_in(body):
        events = Halves().joined(events)
    if call.kind.text and isinstance(events[-1], Ended) and not dialect.defers and not has_content(events):
        return (Broken(failure=Failure(kind="malformed", message=EMPTY_ANSWER)),)
    return events


def turns(call: ModelCall, dialect: ProviderDialect) -> bool:
    """Whether an answer of the other form can be converted. A line of JSON is also a stream."""
    return call.kind.text and dialect.framer is not LineFramer


def has_content(events: tuple[Event, ...]) -> bool:
    """Whether the events have content: a text, a call, a finish reason; a start and usage do not count."""
    return any(
        type(event) not in _SILENT and (type(event) is not TextDelta or event.text or event.signature)
        for event in events
    )


def scrubbed(events: tuple[Event, ...], provider: ProviderName) -> tuple[Event, ...]:
    """Return the events with the secret removed from their failures."""
    return tuple(
        Broken(failure=provider.failure(event.failure)) if isinstance(event, Broken) else event for event in events
    )
