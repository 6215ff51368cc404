"""One answer, from its status line to its end: filled by its connection, read by its caller.

House rule: a body that ends early never looks like its end. An answer ends in exactly one of three ways: whole
(`end`), broken (`fail`), or left by its caller (`leave`), which closes the connection at once.
"""

from collections.abc import AsyncIterator, Coroutine
from typing import Protocol

import httpx2

# As much is read ahead of a caller who is slower than the provider.
READ_AHEAD = 64 * 1024
# A body of known length is handed over in one piece up to this size: one turn of the event loop instead of several.
WHOLE_BYTES_MAX = 1024 * 1024


class RequestNotReceived(httpx2.RemoteProtocolError):
    """The peer closed the connection, which had rested, before it received anything of the request."""


class Source(Protocol):
    """The connection, as its answer sees it."""

    is_full: bool
    is_sending: bool

    def write(self, data: bytes) -> None: ...
    def go_on(self) -> None: ...
    def abort(self) -> None: ...
    async def wait(self, limit_s: float | None) -> None: ...


class Answer(httpx2.AsyncByteStream):
    """The answer to one request; as a stream, its body, to be read once. `limit_s` bounds every wait for it."""

    __slots__ = (
        "_begun",
        "_connection",
        "_error",
        "_left",
        "_limit_s",
        "_over",
        "_pieces",
        "_size",
        "_whole",
        "headers",
        "request",
        "status",
        "version",
    )

    def __init__(self, connection: Source, request: httpx2.Request, limit_s: float | None) -> None:
        self.request = request
        self.status = 0
        self.version = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self._connection: Source | None = connection
        self._limit_s = limit_s
        self._pieces: list[bytes] = []
        self._size = 0
        self._whole = False  # Whether the caller is better off with all of the body at once.
        self._over = False
        self._left = False
        self._begun = False
        self._error: httpx2.TransportError | None = None

    # --- the connection's side ---

    def begin(self, status: int, version: bytes, headers: list[tuple[bytes, bytes]], length: int | None) -> None:
        """The headers are whole. `length` is that of the body where it was told and the body is not a stream."""
        self.status = status
        self.version = version
        self.headers = headers
        self._whole = length is not None and length <= WHOLE_BYTES_MAX

    def feed(self, piece: bytes) -> bool:
        """More of the body; whether there is room for more still."""
        self._pieces.append(piece)
        self._size += len(piece)
        return self._whole or self._size < READ_AHEAD

    def end(self) -> None:
        """The body is whole; the connection has nothing to do with it any more."""
        self._over = True
        self._connection = None

    def fail(self, error: httpx2.TransportError) -> None:
        """There will be no more, though there should be."""
        self._error = error
        self._connection = None

    @property
    def has_news(self) -> bool:
        """Whether there is something that a waiting caller wants to know."""
        if self._over or self._error is not None:
            return True
        return bool(self.status) and (not self._begun or (bool(self._pieces) and not self._whole))

    # --- the caller's side ---

    async def head(self) -> None:
        """Wait for the headers. An interim answer (1xx) is none."""
        while not self.status:
            await self._wait("answer")

    async def send(self, piece: bytes) -> bool:
        """Send more of the request's body and wait for room; False if the answer has begun without it."""
        if self._connection is not None and not self.status:
            self._connection.write(piece)
        while not self.status:
            if self._connection is not None and not self._connection.is_full:
                return True
            await self._wait("room to write", httpx2.WriteTimeout)
        return False

    def sent(self, last: bytes) -> None:
        """The request's body is sent but for these last bytes."""
        if self._connection is not None and not self.status:
            self._connection.write(last)
            self._connection.is_sending = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        if self._begun:
            raise httpx2.StreamConsumed()
        self._begun = True
        return _Pieces(self)

    async def next_chunk(self) -> bytes:
        """The next piece of the body; StopAsyncIteration at its end."""
        while True:
            if self._left:
                raise httpx2.StreamClosed()
            if self._pieces and (self._over or not self._whole):
                return self._take()
            if self._over:
                raise StopAsyncIteration
            await self._wait("more")

    async def aclose(self) -> None:
        self.leave()

    def leave(self) -> None:
        """Nobody wants the rest: close the connection, unless it has given all and gone on."""
        self._left = True
        self._pieces.clear()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()

    def _take(self) -> bytes:
        pieces = self._pieces
        taken = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._pieces = []
        self._size = 0
        if self._connection is not None:
            self._connection.go_on()
        return taken

    async def _wait(self, what: str, late: type[httpx2.TimeoutException] = httpx2.ReadTimeout) -> None:
        """Until there is news; the connection is closed where there is none in time, or nobody wants it any more."""
        if self._error is not None:
            raise self._error
        assert self._connection is not None
        try:
            await self._connection.wait(self._limit_s)
        except TimeoutError:
            self.leave()
            raise late(f"no {what} within {self._limit_s} s", request=self.request) from None
        except BaseException:
            self.leave()
            raise


class _Pieces(AsyncIterator[bytes]):
    """The body's pieces, as they come."""

    __slots__ = ("_answer",)

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def __anext__(self) -> Coroutine[None, None, bytes]:
        return self._answer.next_chunk()
