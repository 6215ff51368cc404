"""One request and its answer: what the application receives and sends, as ASGI 3 defines it.

The answer's head is sent with the first piece of its body, in one write. A body that the application does not finish
never looks finished: the connection is reset.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any, Protocol

Message = MutableMapping[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]

# How many bytes of a body are read ahead of the application.
READ_AHEAD = 64 * 1024
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_log = logging.getLogger("aihub")


class Caller(Protocol):
    """The connection, as its exchanges see it."""

    is_full: bool

    def date(self) -> bytes: ...
    def write(self, data: bytes) -> None: ...
    async def room(self) -> None: ...
    def read_on(self) -> None: ...
    def answered(self) -> None: ...
    def break_off(self, reset: bool) -> None: ...


class Exchange:
    """One request and its answer. `keep_alive`: whether another request may follow on the connection."""

    __slots__ = (
        "_caller",
        "_chunked",
        "_head",
        "_left",
        "_pieces",
        "_reported_whole",
        "_size",
        "_waited_for",
        "_waiter",
        "complete",
        "expects_continue",
        "gone",
        "keep_alive",
        "scope",
        "started",
        "unreadable",
        "whole",
    )

    def __init__(self, caller: Caller, scope: Message, keep_alive: bool, expects_continue: bool = False) -> None:
        self.scope = scope
        self.keep_alive = keep_alive
        self.expects_continue = expects_continue
        self.whole = False  # The request's body has come to its end.
        self.unreadable = False  # The body will never be complete.
        self.started = False  # The answer's head was sent.
        self.complete = False  # The whole answer was sent.
        self.gone = False  # The caller has left.
        self._waited_for = self._reported_whole = False
        self._caller = caller
        self._pieces: list[bytes] = []
        self._size = 0
        self._head: Message | None = None
        self._chunked = False
        self._left: int | None = None  # Bytes left of the answer's body, if its length was announced.
        self._waiter: asyncio.Future[None] | None = None

    # --- the connection's side ---

    def feed(self, piece: bytes) -> bool:
        """Take more of the request's body; returns whether there is room for more."""
        self._pieces.append(piece)
        self._size += len(piece)
        return self._size < READ_AHEAD

    def wake(self) -> None:
        """Wake the application: an event has come that it may wait for."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def probe(self) -> None:
        """Send bytes without meaning, which show whether a caller whose sending side is closed has left for good.

        Before the answer, they are an interim answer (RFC 9110, section 15.2), if the application waits for a hang-up.
        Within a chunked body, they are a zero before the next chunk's size (RFC 9112, section 7.1).
        """
        if self.started:
            if self._chunked and not self.complete:
                self._caller.write(b"0")
        elif self.scope["http_version"] == "1.1" and self._waiter is not None and self._reported_whole:
            self._caller.write(_CONTINUE)

    async def run(self, app: App, tasks: "set[asyncio.Task[None]]") -> None:
        """Run the application, as one of the tasks; break off an answer that it leaves unfinished."""
        try:
            await app(self.scope, self.receive, self.send)
        except Exception:
            _log.exception("a request failed")
        finally:
            if not self.complete and not self.gone:
                # Only the connection's end shows the end of a body that has no length and no chunks.
                self._caller.break_off(self.started and not self._chunked and self._left is None)
            task = asyncio.current_task()
            assert task is not None
            tasks.discard(task)  # A callback of the task would cost another turn of the loop.

    # --- the application's side ---

    async def receive(self) -> Message:
        """The next part of the request's body; after the last, the message that the caller has left.

        The first call does not wait, so a request with a wrong key is refused without its body. A request whose body
        can never be complete also ends in `http.disconnect`: it can still be answered.
        """
        waited_for, self._waited_for = self._waited_for, True
        while not (self.gone or self.complete):
            if self._pieces or not waited_for or (self.whole and not self._reported_whole):
                return self._request()
            if self.unreadable:
                break
            if self.expects_continue and not self.whole:
                self.expects_continue = False
                self._caller.write(_CONTINUE)
            waiter = self._waiter = asyncio.get_running_loop().create_future()
            await waiter
        return {"type": "http.disconnect"}

    def _request(self) -> Message:
        pieces = self._pieces
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._pieces, self._size, self._reported_whole = [], 0, self.whole
        if not self.whole:
            self._caller.read_on()
        return {"type": "http.request", "body": body, "more_body": not self.whole}

    async def send(self, message: Message) -> None:
        """Send the answer's head (with the next piece) or a piece; waits while the caller is slower than the hub."""
        if self.gone:
            return
        if message["type"] == "http.response.start":
            self._head = message
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        data = self._piece(body, more) if self._head is None else self._opening(self._head, body, more)
        if data:
            self._caller.write(data)
        if not more:
            if self._left:
                raise ValueError(f"the answer is {self._left} bytes shorter than announced")
            self.complete = True
            self.wake()
            self._caller.answered()
        elif self._caller.is_full:
            await self._caller.room()

    def _opening(self, message: Message, body: bytes, more: bool) -> bytes:
        """The answer's head and the first piece of its body."""
        status, version, headers = message["status"], self.scope["http_version"], message.get("headers", ())
        lines = [_STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status]
        lines += [b"%b: %b\r\n" % (name, value) for name, value in headers]
        announced = dict(headers).get(b"content-length")
        if not self.whole:
            self.keep_alive = False
        if self.scope["method"] == "HEAD" or status < 200 or status in (204, 304):
            self._left, more = 0, False
        elif announced is not None:
            self._left = int(announced)
        elif not more:
            lines.append(b"content-length: %d\r\n" % len(body))
        elif version == "1.1":
            self._chunked = True
            lines.append(b"transfer-encoding: chunked\r\n")
        else:
            self.keep_alive = False  # Only the connection's end ends such a body.
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        elif version == "1.0":
            lines.append(b"connection: keep-alive\r\n")
        lines.append(self._caller.date())
        head = b"".join(lines)
        if head.count(b"\r") != len(lines) or head.count(b"\n") != len(lines):
            raise ValueError("a line break in a header")
        self.started, self._head = True, None
        return b"%b\r\n%b" % (head, self._piece(body, more))

    def _piece(self, body: bytes, more: bool) -> bytes:
        """A piece of the body with its framing."""
        if self._chunked:
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            return chunk if more else chunk + b"0\r\n\r\n"
        if self._left is not None:
            body = body[: self._left]
            self._left -= len(body)
        return body
