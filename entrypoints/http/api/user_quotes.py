"""The action that quotes a call of a user: it reads the call in its caller's dialect, as `POST /v1/quote` does.

The quote is that of a hub with billing on, whatever the settings of this environment: rates and wallets are in the
books, but whether another process charges is in its own environment, which cannot be read here.
"""

from dataclasses import replace
from typing import Annotated

import msgspec
from msgspec import Meta

from domain.accounts.identity import Caller, identify
from domain.refusals import BadRequest, NotFound, Refusal, Remedy
from entrypoints.usecases.call.ask import Ask
from entrypoints.usecases.call.quote import Quote, QuoteView, quote, quote_view
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.management_context import ActionContext


class QuoteCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call to quote: the JSON body of its request, and whose wallet would pay."""

    body: Annotated[msgspec.Raw, Meta(description="the request's JSON body")]
    user: Annotated[str, Meta(description="the user whose wallet would pay")] = "owner"
    route: Annotated[str | None, Meta(description="what it is for, such as /v1/completions (by its fields)")] = None


async def quote_call(context: ActionContext, request: QuoteCall) -> QuoteView | Refusal:
    """The charge that the call would have; nothing is spent."""
    # The routes know every caller's dialect, and this module is one of theirs.
    from entrypoints.http.api.quotes import read_quoted
    from entrypoints.http.model_routes import QUOTED

    hub = context.hub
    if not isinstance(hub, CallContext):
        return BadRequest(field=None, problem="a call can only be quoted where the providers are known")
    known = ", ".join(sorted(QUOTED))
    if request.route is not None and request.route not in QUOTED:
        return BadRequest(field="route", problem=f"nothing is quoted for {request.route!r}; write one of {known}")
    read = read_quoted(QUOTED, bytes(request.body), request.route)
    if isinstance(read, BadRequest):
        problem = f"the request has no recognisable form; name it by `route` with one of {known}"
        return BadRequest(field="route", problem=problem) if read.field == "route" else read
    dialect, call = read
    fingerprint = await _fingerprint(hub, request.user)
    if not isinstance(fingerprint, str):
        return fingerprint
    ask = Ask(call_id="quote", fingerprint=fingerprint, call=call, to_request=dialect.to_request)
    made = await quote(replace(hub, billed=True, _routed=None), ask)
    return quote_view(made, hub.billed) if isinstance(made, Quote) else made


async def _fingerprint(hub: CallContext, name: str) -> str | NotFound | BadRequest:
    """The fingerprint of an active key of the user."""
    user = await hub.storage.user_named(name)
    if user is None:
        return NotFound(kind="user", name=name, remedy=Remedy("user list"))
    now_ms = hub.clock.now_ms()
    own = (key for key in await hub.storage.keys() if key.user_id == user.id)
    keys = [key for key in own if isinstance(identify(key, user, now_ms), Caller)]
    if not keys:
        return BadRequest(field=None, problem=f"{name} has no key", remedy=Remedy("key create", name))
    return keys[0].fingerprint
