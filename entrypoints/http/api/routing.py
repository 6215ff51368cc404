"""`GET /api/route/{model}`: where this process would send a call now, and why; for owners and admins."""

from typing import Any

from domain.accounts.rows import User
from domain.refusals import NotAllowed
from entrypoints.http.api.reads import authenticated
from entrypoints.http.wire import Handler, Request
from entrypoints.usecases.call.explain_route import Sample, explained
from entrypoints.usecases.serving_context import CallContext


def route_handler(hub: CallContext) -> Handler:
    """The explanation by the advice of the process that answers; each has its own. `?stream=true` for a stream."""

    async def read(request: Request, user: User) -> Any:
        if user.role == "guest":
            return NotAllowed(action="see routes", role=user.role)
        sample = Sample(model=request.path_values["model"], stream=request.asked("stream") == "true")
        catalog = await hub.catalog_anew()
        return explained(catalog, hub.advice, sample, hub.billed, hub.strategy, hub.clock.now_ms())

    return authenticated(hub, read)
