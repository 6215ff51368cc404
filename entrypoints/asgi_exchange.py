"""One request of an ASGI server: what surrounds its handler, and how its reply is sent."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, suppress
from types import AsyncGeneratorType, TracebackType
from typing import Any

import anyio

from entrypoints.http.bodies import BodyReader
from entrypoints.http.wire import Handler, Headers, Leave, Reply, Request

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Exchange:
    """One request and its answer: the contexts to close at the end, and the watch for a hang-up if requested."""

    def __init__(self, receive: Receive, send: Send, body: BodyReader) -> None:
        self.body = body
        self.receive = receive
        self._send = send
        self._handler: AbstractAsyncContextManager[Reply] | None = None
        self._cancel: anyio.CancelScope | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._pulse: Pulse | None = None

    async def __aenter__(self) -> "Exchange":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Leave the handler's context; a hang-up ends here, any other error goes on."""
        try:
            if self._pulse is not None:
                self._pulse.stop()
            self.body.release()
            # The handler knows the request, which knows this exchange: let go, the call's memory is free at once.
            handler, self._handler = self._handler, None
            if handler is not None:
                await handler.__aexit__(None, None, None)
        finally:
            # The scope ends here, where it was cancelled.
            watcher, self._watcher = self._watcher, None
            if watcher is not None:
                watcher.cancel()
            hung_up = self._cancel is not None and bool(self._cancel.__exit__(kind, error, trace))
        return hung_up

    async def answer(self, handler: Handler, request: Request) -> Reply:
        """The handler's reply; its context stays open until the exchange is over."""
        entered = handler(request)
        reply = await entered.__aenter__()
        self._handler = entered
        return reply

    def keep_alive(self, reply: Reply, every_ms: int) -> None:
        """Send keep-alives to the caller of a stream from now on."""
        if reply.keep_alive and every_ms and isinstance(reply.body, AsyncGeneratorType):
            self._pulse = Pulse(reply.body, reply, self._send, every_ms / 1000)

    def watch(self) -> Leave:
        """From now on a hang-up cancels this exchange's work, and so does the returned function."""
        cancel = self._cancel = anyio.CancelScope()
        cancel.__enter__()
        self._watcher = asyncio.get_running_loop().create_task(self._hang_up(cancel))
        return cancel.cancel

    async def _hang_up(self, cancel: anyio.CancelScope) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        cancel.cancel()


class Pulse:
    """Keeps the caller of a stream connected: one timer for the whole stream, and no work for each piece.

    It looks every `every_s` seconds. If no piece was given since the last look, and the body is working on the next
    (Falcon is not sending one), it sends the reply's keep-alive; so the first comes after one to two intervals.
    """

    def __init__(self, body: "AsyncGeneratorType[bytes, None]", reply: Reply, send: Send, every_s: float) -> None:
        self._body = body
        self._reply = reply
        self._send = send
        self._every_s = every_s
        self._given = -1
        self._loop = asyncio.get_running_loop()
        self._beat: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(every_s, self._look)

    def stop(self) -> None:
        """The stream is over. A beat that was on its way is as good as sent."""
        self._timer.cancel()
        if self._beat is not None:
            self._beat.cancel()

    def _look(self) -> None:
        given = self._reply.given()
        if given == self._given and self._body.ag_running and (self._beat is None or self._beat.done()):
            self._beat = self._loop.create_task(self._send_beat())
        self._given = given
        self._timer = self._loop.call_later(self._every_s, self._look)

    async def _send_beat(self) -> None:
        with suppress(Exception):  # The caller has left, which the watch notices, or the stream has just ended.
            await self._send({"type": "http.response.body", "body": self._reply.keep_alive, "more_body": True})


async def send_reply(send: Send, reply: Reply, more: Headers = ()) -> None:
    """Send a reply and `more` headers. Of headers with one name the last is sent."""
    lines = reply.headers + more
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in dict(lines).items()]
    if reply.cookie is not None:
        headers.append((b"set-cookie", reply.cookie.encode("latin-1")))
    body = reply.body
    if isinstance(body, bytes):
        headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        return
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    async for piece in body:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body"})
