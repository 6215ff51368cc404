"""An answer's bytes as chunks: one read, framed and decoded by the provider's dialect.

House rule: an answer ends with exactly one `Ended` or `Broken`, whatever the provider does. The form of an answer is
detected from its bytes, never from a header. Bytes come from a `Read`; this file knows no HTTP client, and its
iterators are plain objects, so that an abandoned one leaves nothing suspended.
"""

import re
from typing import Literal, Self

import msgspec

from adapters.providers.dialect import FramingError, ProviderDialect, Repairs, ServerEvent
from adapters.providers.framing.between_events import BlankEvents
from adapters.providers.framing.ndjson import LineFramer
from adapters.providers.framing.sse import BOM, EventFramer
from adapters.providers.framing.surrogates import Halves
from adapters.providers.provider_name import ProviderName
from adapters.providers.whole_body import (
    EMPTY_ANSWER,
    WHOLE_BYTES_MAX,
    Read,
    has_content,
    is_error,
    read_whole,
    scrubbed,
    turns,
    understood,
)
from domain.dialects.surrogates import may_be_in, without_lone
from domain.failures import Failure
from domain.model_api.call import ModelCall
from domain.model_api.events import Broken, Ended, Event, Started
from ports.providers import Chunk

# The beginning of server-sent events:
# https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
_FIELD = re.compile(rb"\s*(?:data|event|id|retry|)\s*:")
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


class WholeChunk:
    """The single chunk of an answer that is not streamed. `header_events` are the events of its headers.

    If a server streams all the same, the stream is read to its end: the events are those of the complete answer, and
    the bytes are not in the form that the caller asked for.
    """

    __slots__ = ("_call", "_dialect", "_headed", "_over", "_provider", "_read", "_repairs")

    ended = False  # The body is read to its end, so nothing lingers.

    def __init__(
        self,
        read: Read,
        dialect: ProviderDialect,
        call: ModelCall,
        provider: ProviderName,
        repairs: Repairs | None = None,
        header_events: tuple[Event, ...] = (),
    ) -> None:
        self._repairs = repairs
        self._read = read
        self._dialect = dialect
        self._call = call
        self._provider = provider
        self._headed = header_events
        self._over = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Chunk:
        if self._over:
            raise StopAsyncIteration
        self._over = True
        body = await read_whole(self._read, self._provider)
        if isinstance(body, Failure):
            return Chunk(b"", (Broken(failure=body),))
        body = body.removeprefix(BOM)
        if body[:1] != b"{" and self._call.kind.text and _FIELD.match(body):
            return self._gathered(body)
        events = understood(self._dialect, self._call, body)
        if isinstance(events[-1], Broken) and self._dialect.framer is LineFramer and b"\n" in body.strip():
            return self._gathered(body)
        if isinstance(events[-1], Broken):
            return Chunk(b"", scrubbed(events, self._provider))
        return Chunk(body if self._repairs is None else self._repairs.whole(body), self._headed + events)

    def _gathered(self, body: bytes) -> Chunk:
        """Return the events of a stream together."""
        chunks = StreamChunks(self._read, self._dialect, self._call, self._provider)
        chunks.take(body)
        chunks.take(None)
        return Chunk(None, (*self._headed, *(event for chunk in chunks.ready for event in chunk.events)))


class StreamChunks:
    """The chunks of a streamed answer, one for each read with content, with the terminal event in a chunk of its own.

    The bytes of an error event are not relayed: the caller's side renders the failure itself. Nor are the bytes of an
    incomplete event. `ended` is true after the terminal event. If a complete answer comes instead, the chunks have its
    events and no bytes, or the bytes of the stream that the dialect makes of it. With `repairs`, what would break
    clients between two events is changed.
    """

    __slots__ = (
        *(
            "_blanks",
            "_call",
            "_dialect",
            "_form",
            "_framer",
            "_halves",
            "_over",
            "_parts",
            "_provider",
            "_read",
            "_has_content",
            "_state",
        ),
        *("_repairs", "ended", "ready"),
    )

    def __init__(
        self,
        read: Read,
        dialect: ProviderDialect,
        call: ModelCall,
        provider: ProviderName,
        repairs: Repairs | None = None,
        may_repair: bool = True,
    ) -> None:
        self._repairs = repairs
        self._blanks = BlankEvents(may_repair)
        self._read = read
        self._dialect = dialect
        self._call = call
        self._provider = provider
        self._framer = dialect.framer()
        self._state = dialect.start()
        has_forms = dialect.as_stream is not None or turns(call, dialect)
        self._form: Literal["unknown", "stream", "whole"] = "unknown" if has_forms else "stream"
        self._parts: list[bytes] | None = None  # of a complete answer; None before the first bytes
        self._halves: Halves | None = None
        # A text and speech need content: a recording may be silent.
        self._has_content = not (call.kind.text or call.operation == "speech")
        self.ready: list[Chunk] = []
        self._over = False
        self.ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Chunk:
        while not self.ready:
            if self._over:
                raise StopAsyncIteration
            self.take(await self._read())
        return self.ready.pop(0)

    def take(self, data: bytes | Failure | None) -> None:
        """Make chunks of one read; nothing follows the end of the answer."""
        if self._over:
            return
        if isinstance(data, bytes):
            if self._parts is None:
                self._parts, data = [], data.removeprefix(BOM)
            if self._form != "stream" and self._is_whole(data, self._parts):
                return
            try:
                self._relay(self._framer.feed(data))
            except FramingError as error:
                self._break(Failure(kind="malformed", message=f"{self._provider.name} sent no proper event: {error}"))
        elif data is not None:
            self._break(data)
        elif self._form == "whole":
            self._whole(b"".join(self._parts or ()))
        else:
            self._relay(self._framer.finish())
            if not self._over:
                self._finish()

    def _is_whole(self, data: bytes, parts: list[bytes]) -> bool:
        """Whether this is part of a complete answer, which its first byte shows."""
        if self._form == "unknown":
            first = data.lstrip()[:1]
            if first:
                self._form = "whole" if first in (b"{", b"[") else "stream"
        if self._form != "whole":
            return False
        parts.append(data)
        if sum(map(len, parts)) > WHOLE_BYTES_MAX:
            message = f"{self._provider.name} answered with more than {WHOLE_BYTES_MAX} bytes"
            self._break(Failure(kind="malformed", message=message))
        return True

    def _whole(self, body: bytes) -> None:
        """Handle a complete answer.

        An error with a success status, a list of a stream's events, or the answer itself.
        """
        body, as_stream = body.strip(), self._dialect.as_stream
        events = understood(self._dialect, self._call, body) if self._call.kind.text and body[:1] != b"[" else ()
        if body[:1] == b"[":
            self._list(body)
        elif as_stream is not None and not is_error(body):
            self._streamed(as_stream(body))
        elif is_error(body) and (not events or _is_malformed(events[-1])):
            failure = self._dialect.failure(502, {}, self._provider.body(body))
            self._break(self._provider.failure(msgspec.structs.replace(failure, status=200)))
        elif isinstance(events[-1], Broken):
            self._over = True
            self.ready.append(Chunk(b"", scrubbed(events, self._provider)))
        else:
            self._over = True
            self.ready += [Chunk(None, events[:-1]), Chunk(None, events[-1:])]

    def _streamed(self, stream: bytes | None) -> None:
        """Return the stream that a complete answer was turned into; None if it could not be."""
        if stream is None:
            message = f"{self._provider.name} answered a request for a stream with a body that cannot be read"
            self._break(Failure(kind="malformed", message=message))
        else:
            self._form = "stream"
            self._relay(self._framer.feed(stream))
            self.take(None)

    def _list(self, body: bytes) -> None:
        """Return the events of a stream as one JSON list, as Gemini streams without `alt=sse`."""
        try:
            self._relay([ServerEvent("", bytes(item), b"") for item in _ITEMS.decode(body)])
            self._form = "stream"
            self.take(None)
            self.ready = [Chunk(None, chunk.events) for chunk in self.ready]
        except msgspec.MsgspecError as problem:
            self._break(Failure(kind="malformed", message=f"{self._provider.name} sent no proper JSON: {problem}"))

    def _finish(self) -> None:
        """Handle the end of the bytes without a terminal event: the answer is complete if it needs none."""
        dialect, framer = self._dialect, self._framer
        is_cut = isinstance(framer, EventFramer) and bool(framer.rest.strip())
        if (
            dialect.is_complete is not None
            and not is_cut
            and self._has_content
            and dialect.is_complete(self._state, self._call)
        ):
            self._over = self.ended = True
            self.ready.append(Chunk(dialect.terminal, (*self._after(), Ended())))
            return
        message = f"{self._provider.name} closed the stream before its terminal event"
        self._break(Failure(kind="truncated", message=message))

    def _break(self, failure: Failure) -> None:
        self._over = True
        self.ready.append(Chunk(b"", (Broken(failure=failure),)))

    def _relay(self, framed: list[ServerEvent]) -> None:
        step, hidden_from_caller = self._dialect.step, self._dialect.hidden_from_caller
        raws: list[bytes] = []
        events: list[Event] = []
        for number, event in enumerate(framed):
            # A comment or a blank event: relayed, because it keeps connections alive, and without meaning.
            if not event.data:
                raws.append(self._blanks.between(event.raw))
                continue
            try:
                self._state, decoded = step(self._state, event)
            except UnicodeEncodeError:  # A lone half is in a text that must be written as UTF-8.
                repaired = ServerEvent(event.name, without_lone(event.data), event.raw)
                self._state, decoded = step(self._state, repaired)
            if self._halves is not None or (b"\\u" in event.data and may_be_in(event.data)):
                decoded = self._joined(decoded)
            if not self._has_content:
                self._has_content = has_content(decoded)
            if decoded and isinstance(decoded[-1], (Ended, Broken)):
                self._flush(raws, events)
                self._over = True
                if not isinstance(decoded[-1], Ended):
                    self.ready.append(Chunk(b"", scrubbed(decoded, self._provider)))
                elif not self._has_content:
                    self._break(Failure(kind="malformed", message=EMPTY_ANSWER))
                else:
                    self.ended = True
                    # A [DONE] directly after the terminal event, as OpenRouter sends after a response, belongs to it.
                    last = [event.raw, *(after.raw for after in framed[number + 1 :] if after.data == b"[DONE]")]
                    self.ready.append(
                        Chunk(b"" if hidden_from_caller(self._call, decoded) else b"".join(last), decoded)
                    )
                return
            events += decoded
            if not hidden_from_caller(self._call, decoded):
                raws.append(self._blanks.event(event.raw if self._repairs is None else self._repairs.event(event)))
        self._flush(raws, events)

    def _joined(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        self._halves = self._halves or Halves()
        return self._halves.joined(events)

    def _after(self) -> tuple[Event, ...]:
        """Return the events that were still held back."""
        return () if self._halves is None else self._halves.joined((Started(id="", model=""),))[:-1]

    def _flush(self, raws: list[bytes], events: list[Event]) -> None:
        if raws or events:
            self.ready.append(Chunk(raws[0] if len(raws) == 1 else b"".join(raws), tuple(events)))


def _is_malformed(event: Event) -> bool:
    return isinstance(event, Broken) and event.failure.kind == "malformed"
