"""The hub on Falcon ASGI: a binder between Falcon and the table of routes, and nothing else.

An `Exchange` surrounds each request. It holds the handler's context, which is left only after the last byte was sent,
and, if the handler asks for it, a cancel scope that a hang-up cancels. Falcon's `resp.stream` alone would notice no
hang-up where the server's `send` is a no-op, and would not close a stream that it had not begun to read.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from types import AsyncGeneratorType, TracebackType
from typing import Any

import anyio
import falcon
import falcon.asgi

from entrypoints.falcon_middleware import middleware
from entrypoints.http.bodies import BodyMemory, BodyReader
from entrypoints.http.dialects.chosen import dialect_of
from entrypoints.http.replies import refuse
from entrypoints.http.routes import by_template, canonical_path, routes
from entrypoints.http.unrouted import internal_error, unreadable, unserved
from entrypoints.http.wire import Handler, Leave, Reply, Request, joined
from entrypoints.serve.process import end_process
from entrypoints.server_refusals import refused, send_refusal
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.maintenance import sweep_regularly

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# The HTTP versions that Falcon knows. It refuses any other spelling, and some servers use one.
_VERSIONS = {"1.0", "1.1", "2", "3"}
_EXCHANGE = "aihub.exchange"
_log = logging.getLogger("aihub")


def create_app() -> "AsgiApp":
    """The application for an ASGI server, configured by the environment."""
    from entrypoints.wiring import hub_from_environment

    return AsgiApp(hub_from_environment, end_process)


class AsgiApp:
    """An ASGI application that opens its hub at lifespan startup, or at the first request where there is none.

    `end` is called where an error ends the hub while requests are served: servers go on then, with an application that
    can only refuse.
    """

    def __init__(
        self,
        open_hub: Callable[[], AbstractAsyncContextManager[CallContext]],
        end: Callable[[BaseException], None] = lambda error: None,
    ) -> None:
        self._open_hub = open_hub
        self._hub: CallContext | None = None
        self._end = end
        self._falcon: falcon.asgi.App[Any, Any] | None = None
        self._memory = BodyMemory(0)
        self._opening = asyncio.Lock()
        self._opened = AsyncExitStack()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            hub = self._hub or await self.open()
            assert self._falcon is not None
            if (refusal := refused(hub, scope)) is not None:
                await send_refusal(hub, scope, send, refusal)
                return
            if scope["http_version"] not in _VERSIONS:
                scope["http_version"] = "1.0"
            async with Exchange(receive, send, BodyReader(hub, self._memory)) as exchange:
                scope[_EXCHANGE] = exchange
                await self._falcon(dict(scope), _nothing, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        serving = False
        try:
            async with self._open_hub() as hub, anyio.create_task_group() as background:
                background.start_soon(sweep_regularly, hub)
                self._serve(hub)
                await send({"type": "lifespan.startup.complete"})
                serving = True
                await receive()
                serving = False
                background.cancel_scope.cancel()
        except Exception as error:
            if serving:
                self._end(error)
            raise
        await send({"type": "lifespan.shutdown.complete"})

    async def open(self) -> CallContext:
        """Open the hub where no lifespan does, until `close`; a Lambda function may end without it."""
        async with self._opening:
            if self._hub is None:
                self._serve(await self._opened.enter_async_context(self._open_hub()))
        assert self._hub is not None
        return self._hub

    async def close(self) -> None:
        """Close a hub that `open` or a request has opened."""
        await self._opened.aclose()

    def _serve(self, hub: CallContext) -> None:
        self._hub, self._memory, self._falcon = hub, BodyMemory(hub.body_memory_bytes), falcon_app(hub)


async def _nothing() -> MutableMapping[str, Any]:
    """An empty body for Falcon, which would otherwise wait for the body's first part before it looks for a route."""
    return {"type": "http.request", "body": b"", "more_body": True}


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


def falcon_app(hub: CallContext) -> "falcon.asgi.App[Any, Any]":
    """Falcon with the hub's routes, and the hub's own errors for requests that Falcon refuses."""
    table = routes(hub)
    app: falcon.asgi.App[Any, Any] = falcon.asgi.App(middleware=middleware(canonical_path(table), hub.cors_origins))
    for template, handlers in by_template(table).items():
        app.add_route(template, _resource(hub, handlers))

    async def failed(req: falcon.asgi.Request, resp: falcon.asgi.Response, error: Exception, _: object) -> None:
        request = _request(hub, req, joined(req.scope["headers"]), b"", {})
        if isinstance(error, falcon.HTTPError):
            allow = dict(error.headers or {}).get("Allow", "")
            _render(resp, unserved(request, error.status_code, tuple(allow.split(", "))))
        else:
            _log.error("request %s failed", request.id, exc_info=error)
            _render(resp, internal_error(request))

    app.add_error_handler(Exception, failed)
    app.add_error_handler(falcon.HTTPError, failed)
    return app


def _resource(hub: CallContext, handlers: dict[str, Handler]) -> object:
    responders = {f"on_{method.lower()}": _responder(hub, handler) for method, handler in handlers.items()}
    return type("Resource", (), responders)()


def _responder(hub: CallContext, handler: Handler) -> Callable[..., Awaitable[None]]:
    async def respond(_: object, req: falcon.asgi.Request, resp: falcon.asgi.Response, **path_values: str) -> None:
        exchange: Exchange = req.scope[_EXCHANGE]
        headers = joined(req.scope["headers"])
        body = await exchange.body.read(req.method, req.query_string, headers, exchange.receive)
        request = _request(hub, req, headers, body if isinstance(body, bytes) else b"", path_values, exchange.watch)
        if not isinstance(body, bytes):
            _render(resp, refuse(dialect_of(request), request, body))
            return
        if (unread := unreadable(request)) is not None:
            _render(resp, unread)
            return
        reply = await exchange.answer(handler, request)
        exchange.keep_alive(reply, hub.keep_alive_ms)
        _render(resp, reply)

    return respond


def _request(
    hub: CallContext,
    req: falcon.asgi.Request,
    headers: dict[str, str],
    body: bytes,
    path_values: dict[str, str],
    watch: Callable[[], Leave | None] = lambda: None,
) -> Request:
    return Request(
        id=hub.ids.new("call"),
        method=req.method,
        path=req.path,
        query=req.query_string,
        headers=headers,
        body=body,
        started_us=hub.clock.monotonic_us(),
        path_values=path_values,
        watch=watch,
    )


def _render(resp: falcon.asgi.Response, reply: Reply) -> None:
    resp.status = reply.status
    resp.set_headers(reply.headers)
    if isinstance(reply.body, bytes):
        resp.data = reply.body
    else:
        resp.stream = reply.body
