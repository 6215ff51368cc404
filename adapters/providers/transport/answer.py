"""One answer, from its status line to its end: filled by its connection, read by its caller.

House rule: a truncated body never looks like a complete one. An answer ends in exactly one of three ways: complete
(`end`), broken (`fail`), or abandoned by its caller (`leave`), which closes the connection at once.
"""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Protocol

import httpx2

from adapters.providers.transport.request import Opening

if TYPE_CHECKING:
    import asyncio

# The bytes read ahead for a caller that is slower than the provider.
READ_AHEAD = 64 * 1024
# A body of known length is returned in one chunk up to this size: one iteration of the event loop instead of several.
WHOLE_BYTES_MAX = 1024 * 1024


class RequestNotReceived(httpx2.RemoteProtocolError):
    """The peer closed an idle connection before it received anything of the request."""


class Source(Protocol):
    """The connection, as its answer uses it."""

    is_full: bool
    is_sending: bool

    def write(self, data: bytes) -> None: ...
    def go_on(self) -> None: ...
    def abort(self) -> None: ...
    def waiter(self, limit_s: float | None) -> "asyncio.Future[None]": ...
    def waited(self, waiter: "asyncio.Future[None]") -> None: ...


class Answer(httpx2.AsyncByteStream):
    """The answer to one request; as a stream, its body, to be read once. `limit_s` bounds every wait for it."""

    __slots__ = (
        "_begun",
        "_chunks",
        "_connection",
        "_error",
        "_in_one_chunk",
        "_left",
        "_limit_s",
        "_over",
        "_size",
        "headers",
        "opening",
        "status",
        "version",
    )

    def __init__(self, connection: Source, opening: Opening, limit_s: float | None) -> None:
        self.opening = opening
        self.status = 0
        self.version = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self._connection: Source | None = connection
        self._limit_s = limit_s
        self._chunks: list[bytes] = []
        self._size = 0
        self._in_one_chunk = False  # Whether the caller gets all of the body in one chunk.
        self._over = False
        self._left = False
        self._begun = False
        self._error: httpx2.TransportError | None = None

    # --- the connection's side ---

    def begin(self, status: int, version: bytes, headers: list[tuple[bytes, bytes]], length: int | None) -> None:
        """The headers are complete. `length` is that of the body if it is known and the body is not a stream."""
        self.status = status
        self.version = version
        self.headers = headers
        self._in_one_chunk = length is not None and length <= WHOLE_BYTES_MAX

    def feed(self, chunk: bytes) -> bool:
        """Add a chunk of the body; return whether there is room for more."""
        self._chunks.append(chunk)
        self._size += len(chunk)
        return self._in_one_chunk or self._size < READ_AHEAD

    def end(self) -> None:
        """The body is complete; the answer no longer needs the connection."""
        self._over = True
        self._connection = None

    def fail(self, error: httpx2.TransportError) -> None:
        """End the answer with an error before its body is complete."""
        self._error = error
        self._connection = None

    @property
    def has_news(self) -> bool:
        """Return whether a waiting caller has something to process."""
        if self._over or self._error is not None:
            return True
        return bool(self.status) and (not self._begun or (bool(self._chunks) and not self._in_one_chunk))

    # --- the caller's side ---

    async def head(self) -> None:
        """Wait for the headers. An interim answer (1xx) is skipped."""
        while not self.status:
            await self._wait("answer")

    async def send(self, chunk: bytes) -> bool:
        """Send more of the request's body and wait for room; return False if the answer has already begun."""
        if self._connection is not None and not self.status:
            self._connection.write(chunk)
        while not self.status:
            if self._connection is not None and not self._connection.is_full:
                return True
            await self._wait("room to write", httpx2.WriteTimeout)
        return False

    def sent(self, last: bytes) -> None:
        """Send the last bytes of the request's body."""
        if self._connection is not None and not self.status:
            self._connection.write(last)
            self._connection.is_sending = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        if self._begun:
            raise httpx2.StreamConsumed()
        self._begun = True
        return _Chunks(self)

    async def read(self) -> bytes | None:
        """Return the next chunk of the body, None at its end."""
        self._begun = True
        while True:
            if self._left:
                raise httpx2.StreamClosed()
            if self._chunks and (self._over or not self._in_one_chunk):
                return self._take()
            if self._over:
                return None
            await self._wait("more")

    async def aclose(self) -> None:
        self.leave()

    def leave(self) -> None:
        """Abandon the rest: close the connection, unless the answer is complete."""
        self._left = True
        self._chunks.clear()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()

    def _take(self) -> bytes:
        chunks = self._chunks
        taken = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        self._chunks = []
        self._size = 0
        if self._connection is not None:
            self._connection.go_on()
        return taken

    async def _wait(self, what: str, late: type[httpx2.TimeoutException] = httpx2.ReadTimeout) -> None:
        """Wait for progress; close the connection on a timeout or a cancellation."""
        if self._error is not None:
            raise self._error
        connection = self._connection
        assert connection is not None
        waiter = connection.waiter(self._limit_s)
        try:
            await waiter
        except TimeoutError:
            self.leave()
            raise late(f"no {what} within {self._limit_s} s", request=self.opening.request) from None
        except BaseException:
            self.leave()
            raise
        finally:
            connection.waited(waiter)


class _Chunks(AsyncIterator[bytes]):
    """The body's chunks, as they come."""

    __slots__ = ("_answer",)

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def __anext__(self) -> bytes:
        chunk = await self._answer.read()
        if chunk is None:
            raise StopAsyncIteration
        return chunk


def framing_of(headers: list[tuple[bytes, bytes]]) -> tuple[int | None, bool, bool]:
    """Return the length of the body, whether the headers bound it, and whether it is a stream of events."""
    length, framed, streamed = None, False, False
    for name, value in headers:
        if name == b"content-length":
            framed, length = True, int(value)
        elif name == b"transfer-encoding":
            framed = b"chunked" in value.lower()
        elif name == b"content-type":
            streamed = value.startswith(b"text/event-stream")
    return length, framed, streamed
