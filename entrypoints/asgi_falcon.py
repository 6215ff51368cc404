"""Falcon on ASGI: a router for the requests whose path does not lead to their handler directly."""

from collections.abc import Awaitable, Callable
from typing import Any

import falcon
import falcon.asgi

from entrypoints.asgi_reply import EXCHANGE, Facts, address_of, failed, replied, request_of
from entrypoints.falcon_middleware import middleware
from entrypoints.http.routes import by_template, canonical_path
from entrypoints.http.unrouted import unserved
from entrypoints.http.wire import Handler, Reply, Route, joined
from entrypoints.usecases.call_context import CallContext


def falcon_app(hub: CallContext, table: tuple[Route, ...]) -> "falcon.asgi.App[Any, Any]":
    """Falcon with the hub's routes, and the hub's own errors for requests that Falcon refuses."""
    app: falcon.asgi.App[Any, Any] = falcon.asgi.App(middleware=middleware(canonical_path(table), hub.cors_origins))
    for template, handlers in by_template(table).items():
        app.add_route(template, _resource(hub, handlers))

    async def refused(req: falcon.asgi.Request, resp: falcon.asgi.Response, error: Exception, _: object) -> None:
        request = request_of(hub, _facts(req, {}))
        if isinstance(error, falcon.HTTPError):
            allow = dict(error.headers or {}).get("Allow", "")
            _render(resp, unserved(request, error.status_code, tuple(allow.split(", "))))
        else:
            _render(resp, failed(request, error))

    app.add_error_handler(Exception, refused)
    app.add_error_handler(falcon.HTTPError, refused)
    return app


def _resource(hub: CallContext, handlers: dict[str, Handler]) -> object:
    responders = {f"on_{method.lower()}": _responder(hub, handler) for method, handler in handlers.items()}
    return type("Resource", (), responders)()


def _responder(hub: CallContext, handler: Handler) -> Callable[..., Awaitable[None]]:
    async def respond(_: object, req: falcon.asgi.Request, resp: falcon.asgi.Response, **path_values: str) -> None:
        _render(resp, await replied(hub, handler, req.scope[EXCHANGE], _facts(req, path_values)))

    return respond


def _facts(req: falcon.asgi.Request, path_values: dict[str, str]) -> Facts:
    headers = joined(req.scope["headers"])
    return Facts(req.method, req.path, req.query_string, headers, path_values, address_of(req.scope))


def _render(resp: falcon.asgi.Response, reply: Reply) -> None:
    resp.status = reply.status
    resp.set_headers(reply.headers)
    if reply.cookie is not None:
        resp.append_header("set-cookie", reply.cookie)
    if isinstance(reply.body, bytes):
        resp.data = reply.body
    else:
        resp.stream = reply.body
