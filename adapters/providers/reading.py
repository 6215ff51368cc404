"""An answer's bytes as chunks: what one read brought, framed and understood by the provider's dialect.

House rule: an answer ends with exactly one `Ended` or `Broken`, whatever the provider does. Bytes come from a
`Read`; this file knows no HTTP client, and its iterators are plain objects, so that one that is left half-way
leaves nothing suspended behind.
"""

from collections.abc import Awaitable, Callable
from typing import Self

import msgspec

from adapters.providers.dialect import FramingError, ProviderDialect, ServerEvent
from domain.calls import ModelCall
from domain.chat import Broken, Ended, Event
from domain.failures import Failure
from ports.providers import Chunk

# The next bytes of a body, None at its end, or why there are no more.
Read = Callable[[], Awaitable[bytes | Failure | None]]

WHOLE_BYTES_MAX = 64 * 1024 * 1024
_PART_CHARACTERS_MIN = 16


class Party(msgspec.Struct, frozen=True):
    """The provider as messages name it, and the secret that it must never be heard to say."""

    name: str
    secret: str | None

    def __repr__(self) -> str:
        return f"Party({self.name!r})"

    def failure(self, failure: Failure) -> Failure:
        """The failure with the secret, wherever it occurs, replaced by its masked form."""
        if not self.secret:
            return failure
        code = None if failure.code is None else self.text(failure.code)
        return msgspec.structs.replace(
            failure, message=self.text(failure.message), code=code, body=self.body(failure.body)
        )

    def text(self, text: str) -> str:
        """The text without the secret."""
        for part in self._parts():
            text = text.replace(part, masked(part))
        return text

    def body(self, body: bytes) -> bytes:
        """The body without the secret, also where JSON has escaped its slashes."""
        for part in self._parts():
            mask = masked(part).encode()
            body = body.replace(part.encode(), mask).replace(part.replace("/", "\\/").encode(), mask)
        return body

    def _parts(self) -> list[str]:
        """The secret, and each part of one that is several in one line, as a pair of AWS keys is: whole ones first."""
        if not self.secret:
            return []
        return [self.secret, *(part for part in self.secret.split(":") if len(part) >= _PART_CHARACTERS_MIN)]


def masked(secret: str) -> str:
    """What may be shown of a secret: its first and last four characters, or nothing of a short one."""
    return f"{secret[:4]}…{secret[-4:]}" if len(secret) >= 16 else "…"


class _ErrorBody(msgspec.Struct, frozen=True):
    error: msgspec.Raw


def is_error(body: bytes) -> bool:
    """Whether a JSON body is an error object in any dialect: all of them call it `error`."""
    try:
        return bytes(msgspec.json.decode(body, type=_ErrorBody).error) != b"null"
    except msgspec.MsgspecError:
        return False


async def read_whole(read: Read, party: Party, bytes_max: int = WHOLE_BYTES_MAX) -> bytes | Failure:
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
    return Failure(kind="malformed", message=f"{party.name} answered with more than {bytes_max} bytes")


class WholeChunk:
    """The single chunk of an answer that is not streamed. `headed` are the events that its headers told."""

    __slots__ = ("_dialect", "_headed", "_over", "_party", "_read")

    ended = False  # There is nothing to linger for: a whole body is read to its end.

    def __init__(self, read: Read, dialect: ProviderDialect, party: Party, headed: tuple[Event, ...] = ()) -> None:
        self._read = read
        self._dialect = dialect
        self._party = party
        self._headed = headed
        self._over = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Chunk:
        if self._over:
            raise StopAsyncIteration
        self._over = True
        body = await read_whole(self._read, self._party)
        if isinstance(body, Failure):
            return Chunk(b"", (Broken(failure=body),))
        events = self._dialect.decode(body)
        if isinstance(events[-1], Broken):
            return Chunk(b"", scrubbed(events, self._party))
        return Chunk(body, self._headed + events)


class StreamChunks:
    """The chunks of a streamed answer, one for each read that brought anything, the terminal event on its own.

    The bytes of an error event are not relayed: the caller's side words the failure itself. Nor are the bytes of
    an event that never became whole. `ended` tells that the terminal word was heard.
    """

    __slots__ = ("_call", "_dialect", "_framer", "_over", "_party", "_read", "_ready", "_state", "ended")

    def __init__(self, read: Read, dialect: ProviderDialect, call: ModelCall, party: Party) -> None:
        self._read = read
        self._dialect = dialect
        self._call = call
        self._party = party
        self._framer = dialect.framer()
        self._state = dialect.start()
        self._ready: list[Chunk] = []
        self._over = False
        self.ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Chunk:
        while not self._ready:
            if self._over:
                raise StopAsyncIteration
            self._take(await self._read())
        return self._ready.pop(0)

    def _take(self, data: bytes | Failure | None) -> None:
        """Make chunks of what one read brought."""
        if isinstance(data, bytes):
            try:
                self._relay(self._framer.feed(data))
            except FramingError as error:
                self._break(Failure(kind="malformed", message=f"{self._party.name} sent no proper event: {error}"))
        elif data is None:
            self._relay(self._framer.finish())
            if not self._over:
                message = f"{self._party.name} closed the stream before its terminal event"
                self._break(Failure(kind="truncated", message=message))
        else:
            self._break(data)

    def _break(self, failure: Failure) -> None:
        self._over = True
        self._ready.append(Chunk(b"", (Broken(failure=failure),)))

    def _relay(self, framed: list[ServerEvent]) -> None:
        step, hides = self._dialect.step, self._dialect.hides
        raws: list[bytes] = []
        events: list[Event] = []
        for number, event in enumerate(framed):
            if not event.data:  # A comment or a blank: relayed, for it keeps connections alive, and means nothing.
                raws.append(event.raw)
                continue
            self._state, meant = step(self._state, event)
            if meant and isinstance(meant[-1], (Ended, Broken)):
                self._flush(raws, events)
                self._over = True
                if isinstance(meant[-1], Ended):
                    self.ended = True
                    # A [DONE] that came with the terminal event, as OpenRouter's after a response, goes with it.
                    last = [event.raw, *(after.raw for after in framed[number + 1 :] if after.data == b"[DONE]")]
                    self._ready.append(Chunk(b"" if hides(self._call, meant) else b"".join(last), meant))
                else:
                    self._ready.append(Chunk(b"", scrubbed(meant, self._party)))
                return
            events += meant
            if not hides(self._call, meant):
                raws.append(event.raw)
        self._flush(raws, events)

    def _flush(self, raws: list[bytes], events: list[Event]) -> None:
        if raws or events:
            self._ready.append(Chunk(raws[0] if len(raws) == 1 else b"".join(raws), tuple(events)))


def scrubbed(events: tuple[Event, ...], party: Party) -> tuple[Event, ...]:
    """The events with the secret cleared out of what they say went wrong."""
    return tuple(
        Broken(failure=party.failure(event.failure)) if isinstance(event, Broken) else event for event in events
    )
