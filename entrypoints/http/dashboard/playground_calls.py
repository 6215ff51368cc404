"""Calls of the playground: routes of the API under the session instead of an API key.

A cookie alone calls nothing. The request must carry the session's token in `x-csrf-token`, a header that no page of
another origin can send without the hub's permission. The call is made with the key of the session, so its limits hold.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import msgspec

from domain.refusals import BadRequest, MissingKey, Refusal, StorageUnavailable
from entrypoints.http.dashboard.page import is_trusted, visitor_of
from entrypoints.http.dashboard.pages.own_calls import one_call
from entrypoints.http.dialects.openai_chat import OPENAI_CALLER
from entrypoints.http.replies import json_reply, refuse
from entrypoints.http.wire import Handler, Reply, Request, Route
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.call_view import CallWithAdjustments
from ports.books import StorageError

PREFIX = "/dashboard/relay"
RELAYED = (
    "/v1/chat/completions",
    "/v1/images/generations",
    "/v1/embeddings",
    "/v1/audio/speech",
    "/api/v2/video",
    "/v1/quote",
)
_KEYS = frozenset(("cookie", "authorization", "x-api-key", "api-key", "x-goog-api-key", "x-csrf-token"))
_SAFE = (("x-content-type-options", "nosniff"), ("cache-control", "no-store"))
_NO_TOKEN = BadRequest(field=None, problem="The request is not of a page of this session. Load the page again.")


def relay_routes(hub: CallContext, table: Iterable[Route]) -> tuple[Route, ...]:
    """The routes that the playground calls, each with the handler that it has in `table`."""
    found = [route for route in table if route.method == "POST" and route.template in RELAYED]
    return (
        *(
            Route(
                method="POST",
                template=PREFIX + route.template,
                handler=_relayed(hub, route.template, route.handler),
                spends=route.spends,
            )
            for route in found
        ),
        Route(method="GET", template=f"{PREFIX}/calls/{{id}}", handler=_relayed(hub, "", _charge_handler(hub))),
    )


def _relayed(hub: CallContext, path: str, handler: Handler) -> Handler:
    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        inner = await _under_key(hub, path, request)
        if isinstance(inner, Refusal):
            yield refuse(OPENAI_CALLER, request, inner)
            return
        async with handler(inner) as reply:
            yield msgspec.structs.replace(reply, headers=(*reply.headers, *_SAFE))

    return handle


async def _under_key(hub: CallContext, path: str, request: Request) -> Request | Refusal:
    """The request with the fingerprint of the session's key, or why there is none."""
    try:
        visitor = await visitor_of(hub, request)
    except StorageError as problem:
        return StorageUnavailable(reason=str(problem))
    if visitor is None:
        return MissingKey()
    if not is_trusted(visitor, request, request.headers.get("x-csrf-token", "")):
        return _NO_TOKEN
    headers = {name: value for name, value in request.headers.items() if name not in _KEYS}
    if not path:
        return request
    return msgspec.structs.replace(request, path=path, headers=headers, fingerprint=visitor.session.fingerprint)


def _charge_handler(hub: CallContext) -> Handler:
    """What a call was charged, and its usage: a stream has neither in its headers."""

    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        visitor = await visitor_of(hub, request)
        if visitor is None:
            yield refuse(OPENAI_CALLER, request, MissingKey())
            return
        call = await one_call(hub, visitor, request.path_values["id"])
        if not isinstance(call, CallWithAdjustments):
            yield refuse(OPENAI_CALLER, request, call)
            return
        yield json_reply(request, {name: getattr(call, name) for name in ("id", "charge", "billed", "ending", "usage")})

    return handle
