"""What a provider's dialect is: a record of pure functions, and the values they pass.

Three layers are kept apart: framing (bytes to `ServerEvent`, in `sse.py`), meaning (`ServerEvent` to `Event`, in one
file per dialect), and money (the meter, in `domain`). A dialect does no I/O and knows no HTTP client; `http.py` is
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
    """One server-sent event: its name ("" if none), its data, and the exact bytes it came in, blank line included.

    A comment or a blank event has no data (b"") but still has its `raw`, so that relaying loses nothing.
    """

    name: str
    data: bytes
    raw: bytes


class Framer(Protocol):
    """One answer's framing: fed what was read, it answers with the events that are now whole."""

    def feed(self, data: bytes) -> list[ServerEvent]:
        """The events that `data` completes. FramingError if no events can be made of it."""
        ...

    def finish(self) -> list[ServerEvent]:
        """The answer's bytes are over: what they complete. A cut event is dropped."""
        ...


class Mender(Protocol):
    """One answer's mending: its bytes as its caller can read them; the same bytes where nothing is amiss."""

    def whole(self, body: bytes) -> bytes:
        """A whole body."""
        ...

    def event(self, event: ServerEvent) -> bytes:
        """The bytes of one event of a stream."""
        ...


class FramingError(Exception):
    """The bytes are not what the framing promises, or one event is too large; the text tells."""


class PollStep(msgspec.Struct, frozen=True, kw_only=True):
    """A further request that a job takes: to `path` below the provider's base URL; with a body a POST, else a GET.

    `then` is what its answer means. One that `waits` gives the job time before.
    """

    path: str
    then: Callable[[bytes], "Step"]
    body: bytes = b""
    waits: bool = False


# What comes of an answer of a job's: something else to ask, or the events of the whole answer.
Step: TypeAlias = PollStep | tuple[Event, ...]


def never(*_: Any) -> NoReturn:
    """Stands for what a dialect is never asked: to say a canonical request, to read a stream or a whole answer."""
    raise AssertionError("a dialect was asked for what it does not have")


def _no_pass_through(call: ModelCall, attempt: Attempt) -> bytes:
    raise AssertionError(f"{call.dialect} does not pass through to {attempt.target.dialect}")


def _hidden_never(_call: ModelCall, _events: tuple[Event, ...]) -> bool:
    return False


class ProviderDialect(msgspec.Struct, frozen=True, kw_only=True):
    """How one family of providers is spoken to.

    path             what is appended to the provider's base URL, by the model's name and whether the answer streams
    headers          request headers for a secret (None: the provider takes none), lower case
    sign             further headers for one request, by its secret, its URL and its body, for providers that want
                     each request signed; a Failure where it cannot be signed
    framer           how a streamed answer is cut into events, one object for each answer; `sse.EventFramer` mostly
    pass_through     the request body for a caller of the same dialect: the caller's own fields byte for byte, with
                     the model's name, the usage option and the output cap replaced
    encode           the request body for a canonical request of the dialect's operation (`ChatRequest`,
                     `EmbeddingsRequest`, …); expresses every field that is set
    refuses          what of a canonical request the dialect cannot express and must, or None
    lacks            for chat: everything that the dialect has no field for, of which
    `domain.dialects.unsupported_params` makes what                  `refuses` says, what is left out and named, and
    what is left out decode           a whole 2xx body to events, ending with Ended; nonsense becomes one
    Broken("malformed") start            the state before the first stream event
    step             one stream event to (next state, events); an unknown event yields nothing; a provider's error
                     event yields Broken; the terminal word yields Ended
    hides            whether the caller must not see this event: its second argument is what `step` made of it
    headed           what the headers of a 2xx answer tell (lower-case names), before what its body does
    whole_at         whether a stream is whole that ends with this state and without its terminal word, and `terminal`
                     what a caller of the same dialect is given in place of that word
    mender           what mends the vendor's answers to the call for a caller of the same dialect, where something is
                     known to be amiss; None where nothing is
    defers           a whole answer may be one that is still to come, which says nothing; `decode` tells that from one
                     that is over and says nothing, which is a failure in every dialect
    job              for an API that answers with a job to ask after: what its first answer (the last argument) means
                     for the request; then nobody asks `decode`
    failure          a non-2xx answer (status, lower-case headers, body) as a Failure: kind by status, never by text
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
    defers: bool = False
    mender: Callable[[ModelCall, Vendor], Mender | None] | None = None
    job: Callable[[Any, Attempt, bytes], Step] | None = None
