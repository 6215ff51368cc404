"""`GET /api/route/{model}`: where this process would send a call now, and why; for owners and admins."""

from typing import Any

from domain.accounts.identity import Caller
from domain.accounts.key_access import management_refusal
from domain.accounts.permissions import denied
from entrypoints.http.api.models_and_health import authenticated
from entrypoints.http.wire import Handler, Request
from entrypoints.usecases.call.explain_route import Sample, explained
from entrypoints.usecases.call_context import CallContext


def route_handler(hub: CallContext) -> Handler:
    """The explanation by the advice of this process; each process has its own. `?stream=true` explains a stream."""

    async def read(request: Request, caller: Caller) -> Any:
        if (refusal := denied(caller, "see routes") or management_refusal(caller.key)) is not None:
            return refusal
        sample = Sample(model=request.path_values["model"], stream=request.query_value("stream") == "true")
        catalog = await hub.current_catalog()
        return explained(catalog, hub.advice, sample, hub.billed, hub.strategy, hub.clock.now_ms())

    return authenticated(hub, read)
