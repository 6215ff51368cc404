"""From what a request is to the reply of its handler: what ASGI's two ways to a handler have in common."""

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from entrypoints.asgi_exchange import Exchange, Scope
from entrypoints.http.dialects.dialect_choice import dialect_of
from entrypoints.http.replies import refuse
from entrypoints.http.unrouted import internal_error, unreadable
from entrypoints.http.wire import Handler, Leave, Reply, Request
from entrypoints.usecases.call_context import CallContext

# Where an ASGI scope has its exchange, for what comes after a router.
EXCHANGE = "aihub.exchange"
_log = logging.getLogger("aihub")


class Facts(NamedTuple):
    """What a binder knows of a request before its body is read."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    path_values: Mapping[str, str] = MappingProxyType({})
    address: str = ""


async def replied(hub: CallContext, handler: Handler, exchange: Exchange, facts: Facts) -> Reply:
    """Read the request's body and return the handler's reply."""
    body = await exchange.body.read(facts.method, facts.query, facts.headers, exchange.receive)
    if not isinstance(body, bytes):
        request = request_of(hub, facts)
        return refuse(dialect_of(request), request, body)
    request = request_of(hub, facts, body, exchange.watch)
    if (unread := unreadable(request)) is not None:
        return unread
    reply = await exchange.answer(handler, request)
    exchange.keep_alive(reply, hub.keep_alive_ms)
    return reply


def failed(request: Request, error: Exception) -> Reply:
    """The reply where the hub fails; the log has the error."""
    _log.error("request %s failed", request.id, exc_info=error)
    return internal_error(request)


def address_of(scope: Scope) -> str:
    """The other end of the connection; "" where the server does not report it."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def request_of(
    hub: CallContext, facts: Facts, body: bytes = b"", watch: Callable[[], Leave | None] = lambda: None
) -> Request:
    """The request as handlers see it."""
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
