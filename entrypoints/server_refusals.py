"""The server's refusals in the dialect of the caller, which both binders send before a request reaches its route."""

from typing import assert_never

from domain.refusals import BadHttp, BadRequest, HubFull, Refusal, TooLarge
from entrypoints.asgi_exchange import Scope, Send, send_reply
from entrypoints.http.cors import cors_headers
from entrypoints.http.dialects.dialect_choice import dialect_of
from entrypoints.http.replies import refuse
from entrypoints.http.wire import Request, joined
from entrypoints.server import REFUSED, Refused
from entrypoints.usecases.call_context import CallContext

# These paths are answered even when the hub is full: they decide whether it is kept running.
ALWAYS_SERVED = ("/healthz", "/readyz")


def refused(hub: CallContext, scope: Scope) -> Refusal | None:
    """The refusal of a request that the server would not serve; None if it is to be served."""
    why: Refused | None = scope.get(REFUSED)
    match why:
        case None:
            return None
        case "busy":
            return None if scope["path"] in ALWAYS_SERVED else HubFull()
        case "malformed":
            return BadRequest(field=None, problem="What was sent is not an HTTP request, or is not all of one.")
        case "body_too_large":
            return TooLarge(bytes_max=hub.body_bytes_max)
        case "version" | "head_too_large" | "slow":
            return BadHttp(problem=why)
        case _:
            assert_never(why)


async def send_refusal(hub: CallContext, scope: Scope, send: Send, refusal: Refusal) -> None:
    """Answer with a refusal, without a route."""
    request = Request(
        id=hub.ids.new("call"),
        method=scope["method"],
        path=scope["path"],
        headers=joined(scope["headers"]),
        body=b"",
        started_us=hub.clock.monotonic_us(),
    )
    more = cors_headers(hub.cors_origins, request.headers.get("origin")) if hub.cors_origins else ()
    await send_reply(send, refuse(dialect_of(request), request, refusal), more)
