"""The hub on Falcon ASGI: a binder between Falcon and the table of routes, and nothing else.

An `Exchange` surrounds each request. It holds the handler's context, which is left only after the last byte was sent,
and, if the handler asks for it, a cancel scope that a hang-up cancels. Falcon's `resp.stream` alone would notice no
hang-up where the server's `send` is a no-op, and would not close a stream that it had not begun to read.

A POST to exactly a path of the table needs no router. It goes to its handler directly, which saves a twentieth of a
call; Falcon serves everything else (`asgi_falcon.py`). A server loads it at its start. Where there is no lifespan, it
is loaded with the first request that needs it: a function that calls models starts without router and pages.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

import anyio

from entrypoints.asgi_exchange import Exchange, Receive, Scope, Send, send_reply
from entrypoints.asgi_reply import EXCHANGE, Facts, address_of, failed, replied, request_of
from entrypoints.http.bodies import BodyMemory, BodyReader
from entrypoints.http.cors import cors_headers
from entrypoints.http.model_routes import model_handlers
from entrypoints.http.wire import Handler, joined
from entrypoints.serve.process import end_process
from entrypoints.server_refusals import refused, send_refusal
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.maintenance import sweep_regularly
from entrypoints.usecases.manage.notice_delivery import deliver_regularly

# The HTTP versions that Falcon knows. It refuses any other spelling, and some servers use one.
_VERSIONS = {"1.0", "1.1", "2", "3"}

Routed = Callable[..., Awaitable[None]]


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
        self._routed: Routed | None = None
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
                    scope[EXCHANGE] = exchange
                    routed = self._routed or self._route(hub)
                    await routed(dict(scope), _nothing, send)

    async def _serve_directly(
        self, hub: CallContext, handler: Handler, exchange: Exchange, scope: Scope, send: Send
    ) -> None:
        facts = Facts(scope["method"], scope["path"], "", joined(scope["headers"]), address=address_of(scope))
        try:
            reply = await replied(hub, handler, exchange, facts)
        except Exception as error:
            reply = failed(request_of(hub, facts), error)
        origins = hub.cors_origins
        await send_reply(send, reply, cors_headers(origins, facts.headers.get("origin")) if origins else ())

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        serving = False
        try:
            async with self._open_hub() as hub, anyio.create_task_group() as background:
                background.start_soon(sweep_regularly, hub)
                background.start_soon(deliver_regularly, hub)
                self._serve(hub)
                self._route(hub)
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
        self._hub, self._memory, self._direct = hub, BodyMemory(hub.body_memory_bytes), model_handlers(hub)

    def _route(self, hub: CallContext) -> Routed:
        """Load all routes and their router; from then on each POST to exactly a path goes to its handler directly."""
        from entrypoints.asgi_falcon import falcon_app
        from entrypoints.http.routes import served_routes

        table = served_routes(hub)
        self._routed = routed = falcon_app(hub, table)
        self._direct = {
            route.template: route.handler for route in table if route.method == "POST" and "{" not in route.template
        }
        return routed


async def _nothing() -> MutableMapping[str, Any]:
    """An empty body for Falcon, which would otherwise wait for the body's first part before it looks for a route."""
    return {"type": "http.request", "body": b"", "more_body": True}
