"""The playground: several models side by side, under the visitor's own key. The script calls the relay."""

from domain.accounts.key_access import calling_refusal, may_call
from entrypoints.http.api.reads import callable_models
from entrypoints.http.dashboard.page import View, Visitor
from entrypoints.http.wire import Request
from entrypoints.usecases.call_context import CallContext

NAMES_MAX = 1_000


async def playground_page(hub: CallContext, visitor: Visitor, request: Request) -> View:
    """`GET /dashboard/playground`."""
    key = visitor.caller.key
    listed = [one.name for one in await callable_models(hub) if may_call(key, one.name, one.served.model)]
    wanted = request.query_value("model") or next((name for name in listed if name != "echo/echo"), "echo/echo")
    values = {
        "names": listed[:NAMES_MAX],
        "model": wanted if request.query_value("model") else ("echo/echo" if "echo/echo" in listed else wanted),
        "refused": calling_refusal(key, "chat") is not None,
        "billed": hub.billed,
    }
    return View(template="playground.html", title="Playground", values=values)
