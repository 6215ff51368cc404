"""The hub on Falcon ASGI: a binder between Falcon and the table of routes, and nothing else.

An `Exchange` surrounds each request. It holds the handler's context, which is left only after the last byte was sent,
and, if the handler asks for it, a cancel scope that a hang-up cancels. Falcon's `resp.stream` alone would notice no
hang-up where the server's `send` is a no-op, and would not close a stream that it had not begun to read.

A POST to exactly a path of the table needs no router. It goes to its handler directly, which saves a twentieth of a
call; Falcon serves everything else.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import MappingProxyType
from typing import Any, NamedTuple

import anyio
import falcon
import falcon.asgi

from entrypoints.asgi_exchange import Exchange, Receive, Scope, Send, send_reply
from entrypoints.falcon_middleware import middleware
from entrypoints.http.bodies import BodyMemory, BodyReader
from entrypoints.http.cors import cors_headers
from entrypoints.http.dialects.chosen import dialect_of
from entrypoints.http.replies import refuse
from entrypoints.http.routes import by_template, canonical_path, served_routes
from entrypoints.http.unrouted import internal_error, unreadable, unserved
from entrypoints.http.wire import Handler, Leave, Reply, Request, Route, joined
from entrypoints.serve.process import end_process
from entrypoints.server_refusals import refused, send_refusal
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.maintenance import sweep_regularly

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
        self._direct: dict[str, Handler] = {}
        self._memory = BodyMemory(0)
        self._opening = asyncio.Lock()
        self._opened = AsyncExitStack()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            hub = self._hub or await self.open()
            if (refusal := refused(hub, scope)) is not None:
                await send_refusal(hub, scope, send, refusal)
                return
            if scope["http_version"] not in _VERSIONS:
                scope["http_version"] = "1.0"
            async with Exchange(receive, send, BodyReader(hub, self._memory)) as exchange:
                handler = self._direct.get(scope["path"]) if scope["method"] == "POST" else None
                if handler is not None and not scope["query_string"]:
                    await self._serve_directly(hub, handler, exchange, scope, send)
                else:
                    assert self._falcon is not None
                    scope[_EXCHANGE] = exchange
                    await self._falcon(dict(scope), _nothing, send)

    async def _serve_directly(
        self, hub: CallContext, handler: Handler, exchange: Exchange, scope: Scope, send: Send
    ) -> None:
        facts = Facts(scope["method"], scope["path"], "", joined(scope["headers"]), address=_address(scope))
        try:
            reply = await _replied(hub, handler, exchange, facts)
        except Exception as error:
            reply = _failed(_request(hub, facts), error)
        origins = hub.cors_origins
        await send_reply(send, reply, cors_headers(origins, facts.headers.get("origin")) if origins else ())

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
        table = served_routes(hub)
        self._hub, self._memory, self._falcon = hub, BodyMemory(hub.body_memory_bytes), falcon_app(hub, table)
        self._direct = {
            route.template: route.handler for route in table if route.method == "POST" and "{" not in route.template
        }


async def _nothing() -> MutableMapping[str, Any]:
    """An empty body for Falcon, which would otherwise wait for the body's first part before it looks for a route."""
    return {"type": "http.request", "body": b"", "more_body": True}


class Facts(NamedTuple):
    """What a binder knows of a request before its body is read."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    path_values: Mapping[str, str] = MappingProxyType({})
    address: str = ""


def falcon_app(hub: CallContext, table: tuple[Route, ...]) -> "falcon.asgi.App[Any, Any]":
    """Falcon with the hub's routes, and the hub's own errors for requests that Falcon refuses."""
    app: falcon.asgi.App[Any, Any] = falcon.asgi.App(middleware=middleware(canonical_path(table), hub.cors_origins))
    for template, handlers in by_template(table).items():
        app.add_route(template, _resource(hub, handlers))

    async def failed(req: falcon.asgi.Request, resp: falcon.asgi.Response, error: Exception, _: object) -> None:
        request = _request(hub, _facts(req, {}))
        if isinstance(error, falcon.HTTPError):
            allow = dict(error.headers or {}).get("Allow", "")
            _render(resp, unserved(request, error.status_code, tuple(allow.split(", "))))
        else:
            _render(resp, _failed(request, error))

    app.add_error_handler(Exception, failed)
    app.add_error_handler(falcon.HTTPError, failed)
    return app


def _resource(hub: CallContext, handlers: dict[str, Handler]) -> object:
    responders = {f"on_{method.lower()}": _responder(hub, handler) for method, handler in handlers.items()}
    return type("Resource", (), responders)()


def _responder(hub: CallContext, handler: Handler) -> Callable[..., Awaitable[None]]:
    async def respond(_: object, req: falcon.asgi.Request, resp: falcon.asgi.Response, **path_values: str) -> None:
        _render(resp, await _replied(hub, handler, req.scope[_EXCHANGE], _facts(req, path_values)))

    return respond


async def _replied(hub: CallContext, handler: Handler, exchange: Exchange, facts: Facts) -> Reply:
    """Read the request's body and return the handler's reply."""
    body = await exchange.body.read(facts.method, facts.query, facts.headers, exchange.receive)
    if not isinstance(body, bytes):
        request = _request(hub, facts)
        return refuse(dialect_of(request), request, body)
    request = _request(hub, facts, body, exchange.watch)
    if (unread := unreadable(request)) is not None:
        return unread
    reply = await exchange.answer(handler, request)
    exchange.keep_alive(reply, hub.keep_alive_ms)
    return reply


def _failed(request: Request, error: Exception) -> Reply:
    _log.error("request %s failed", request.id, exc_info=error)
    return internal_error(request)


def _facts(req: falcon.asgi.Request, path_values: dict[str, str]) -> Facts:
    headers = joined(req.scope["headers"])
    return Facts(req.method, req.path, req.query_string, headers, path_values, _address(req.scope))


def _address(scope: Scope) -> str:
    """The other end of the connection; "" where the server does not report it."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def _request(
    hub: CallContext, facts: Facts, body: bytes = b"", watch: Callable[[], Leave | None] = lambda: None
) -> Request:
    return Request(
        id=hub.ids.new("call"),
        method=facts.method,
        path=facts.path,
        query=facts.query,
        headers=facts.headers,
        body=body,
        started_us=hub.clock.monotonic_us(),
        path_values=facts.path_values,
        watch=watch,
        address=facts.address,
    )


def _render(resp: falcon.asgi.Response, reply: Reply) -> None:
    resp.status = reply.status
    resp.set_headers(reply.headers)
    if reply.cookie is not None:
        resp.append_header("set-cookie", reply.cookie)
    if isinstance(reply.body, bytes):
        resp.data = reply.body
    else:
        resp.stream = reply.body
