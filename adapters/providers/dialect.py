"""A provider's dialect: a record of pure functions, and the values that they exchange.

Three layers are separate: framing (bytes to `ServerEvent`, in `framing`), meaning (`ServerEvent` to `Event`, in one
package per dialect), and money (the meter, in `domain`). A dialect does no I/O and knows no HTTP client; `http.py` is
the shell that drives it.
"""

from collections.abc import Callable, Iterable
from typing import Any, NoReturn, Protocol, TypeAlias

import msgspec

from domain.catalog.vendor import Vendor
from domain.dialects.unsupported_params import Lack
from domain.failures import Failure
from domain.model_api.call import Attempt, ModelCall
from domain.model_api.events import Event
from domain.refusals import UnsupportedParameter

Headers = tuple[tuple[str, str], ...]


class ServerEvent(msgspec.Struct, frozen=True):
    """One server-sent event: its name ("" if none), its data, and its exact bytes, blank line included.

    A comment or a blank event has no data (b"") but still has its `raw`, so that relaying loses nothing.
    """

    name: str
    data: bytes
    raw: bytes


class Framer(Protocol):
    """Framer of one answer: receives the bytes that were read and returns the events that are complete."""

    def feed(self, data: bytes) -> list[ServerEvent]:
        """Return the events that `data` completes. Raises FramingError if the bytes are not in this framing."""
        ...

    def finish(self) -> list[ServerEvent]:
        """Return the events that the end of the bytes completes. A truncated event is dropped."""
        ...


class Repairs(Protocol):
    """Repairs of one answer for its caller; an answer without a known defect keeps its bytes."""

    def whole(self, body: bytes) -> bytes:
        """Return a complete body."""
        ...

    def event(self, event: ServerEvent) -> bytes:
        """Return the bytes of one event of a stream."""
        ...


class FramingError(Exception):
    """The bytes are not in the framing's format, or one event is too large; the text says which."""


class PollStep(msgspec.Struct, frozen=True, kw_only=True):
    """A further request about a job, to `path` below the provider's base URL; with a body a POST, else a GET.

    `then` interprets its answer. A step that `waits` is sent after a pause.
    """

    path: str
    then: Callable[[bytes], "Step"]
    body: bytes = b""
    waits: bool = False


# The next step of a job: another request, or the events of the complete answer.
Step: TypeAlias = PollStep | tuple[Event, ...]


def never(*_: Any) -> NoReturn:
    """Stand in for a function that a dialect never needs, such as `encode` or `step`."""
    raise AssertionError("the dialect has no such function")


def _no_pass_through(call: ModelCall, attempt: Attempt) -> bytes:
    raise AssertionError(f"{call.dialect} does not pass through to {attempt.target.dialect}")


def _hidden_never(_call: ModelCall, _events: tuple[Event, ...]) -> bool:
    return False


class ProviderDialect(msgspec.Struct, frozen=True, kw_only=True):
    """The dialect of one family of providers.

    path             returns what is appended to the provider's base URL, by the model's name and whether it streams
    headers          returns the request headers for a secret (None: the provider needs none), lower case
    sign             returns further headers for one request, by its secret, its URL and its body, for providers that
                     need each request signed; a Failure if it cannot be signed
    framer           makes the framer of a streamed answer, one object for each answer; usually `sse.EventFramer`
    pass_through     returns the request body for a caller of the same dialect: the caller's own fields byte for byte,
                     with the model's name, the usage option and the output cap replaced
    encode           returns the request body for a canonical request of the dialect's operation (`ChatRequest`,
                     `EmbeddingsRequest`, …); expresses every field that is set
    refuses          returns why the dialect cannot express a canonical request, or None
    unsupported      for chat: yields every field that the dialect does not have; the table in
                     `domain.dialects.unsupported_params` decides which are refused, reported as dropped, or dropped
    decode           converts a complete 2xx body to events, ending with Ended; an invalid body becomes one
                     Broken("malformed")
    start            returns the state before the first stream event
    step             converts one stream event to (next state, events); an unknown event yields nothing; a provider's
                     error event yields Broken; the terminal event yields Ended
    hidden_from_caller  whether the caller must not see an event: its second argument is what `step` made of it
    header_events    returns the events of a 2xx answer's headers (lower-case names), before those of its body
    is_complete      whether a stream that ends with this state and without its terminal event is complete; `terminal`
                     is then sent to a caller of the same dialect in place of that event
    repairs          returns the repairs of an answer for a caller of the same dialect, None if it needs none
    as_stream        for APIs that are not chat: turns a complete answer into the stream that was asked for,
                     None if it cannot be read
    defers           whether a complete answer without content may be valid because the result comes later; `decode`
                     distinguishes it from a finished answer without content, which is a failure in every dialect
    job              for an API that answers with a job: returns the next step after its first answer (the last
                     argument); then `decode` is not used
    failure          converts a non-2xx answer (status, lower-case headers, body) to a Failure: kind by status, never
                     by text
    """

    name: str
    path: Callable[[str, bool], str]
    headers: Callable[[str | None], Headers]
    encode: Callable[[Any, Attempt], bytes]
    refuses: Callable[[Any], UnsupportedParameter | None]
    unsupported: Callable[[Any], Iterable[Lack]] | None = None
    decode: Callable[[bytes], tuple[Event, ...]]
    start: Callable[[], Any]
    step: Callable[[Any, ServerEvent], tuple[Any, tuple[Event, ...]]]
    failure: Callable[[int, dict[str, str], bytes], Failure]
    framer: Callable[[], Framer]
    sign: Callable[[str | None, str, bytes], Headers | Failure] | None = None
    pass_through: Callable[[ModelCall, Attempt], bytes] = _no_pass_through
    hidden_from_caller: Callable[[ModelCall, tuple[Event, ...]], bool] = _hidden_never
    header_events: Callable[[dict[str, str]], tuple[Event, ...]] | None = None
    is_complete: Callable[[Any, ModelCall], bool] | None = None
    terminal: bytes = b""
    as_stream: Callable[[bytes], bytes | None] | None = None
    defers: bool = False
    repairs: Callable[[ModelCall, Vendor], Repairs | None] | None = None
    job: Callable[[Any, Attempt, bytes], Step] | None = None
