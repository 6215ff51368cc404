"""The requests of AIGNE's clients before a call: where the hub is, which models it has, whether one can be called."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from domain.accounts.identity import Caller
from domain.accounts.rows import User
from domain.catalog.catalog import Served
from domain.ledger.ledger import balance
from domain.pricing.rate import Rate
from domain.refusals import InsufficientCredit, NoCredential, Refusal
from domain.routing.order import credentials_for
from domain.routing.tree import Route, offers_of, providers_of
from entrypoints.http.api.models_and_health import authenticated
from entrypoints.http.dialects.aigne.errors import NOT_ENOUGH
from entrypoints.http.errors import error_of
from entrypoints.http.replies import json_reply
from entrypoints.http.wire import Handler, Reply, Request
from entrypoints.usecases.call_context import CallContext

# The published client finds the hub by this name among the services of an origin.
_COMPONENT = "z8ia3xzq2tMq8CRHfaXj1BTYJyYnEcHbqP8cJ"
_MOUNT_POINTS = {
    "componentMountPoints": [{"did": _COMPONENT, "mountPoint": "/", "status": "running"}],
    "appName": "aihub",
    "appPid": "aihub",
    "appLogo": "",
    "prefix": "/",
    "preferences": {},
}


def blocklet_handler() -> Handler:
    """`GET /__blocklet__.js`: where the hub is mounted, as JSON with `?type=json`, else as a script."""

    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        if request.query_value("type") == "json":
            yield json_reply(request, _MOUNT_POINTS)
        else:
            script = b"window.blocklet = " + msgspec.json.encode(_MOUNT_POINTS) + b";"
            headers = (("content-type", "text/javascript"), ("x-request-id", request.id))
            yield Reply(status=200, headers=headers, body=script)

    return handle


def status_handler(hub: CallContext) -> Handler:
    """`GET /api/v2/status?model=`: whether a call to the model would be admitted now, and if not, why.

    Without a model it reports whether any can be called. `code` is a status of HTTP, `reason` the hub's own code.
    """

    async def read(request: Request, caller: Caller) -> Any:
        model = request.query_value("model")
        if not model:
            return {"available": await _any_usable(hub)}
        refusal = await _why_not(hub, model, caller.account)
        if refusal is None:
            return {"available": True}
        error = error_of(refusal)
        why = {"available": False, "error": error.message, "code": error.status, "reason": error.code}
        if isinstance(refusal, InsufficientCredit):
            why |= {"type": NOT_ENOUGH, "link": refusal.payment_link}
        return why

    return authenticated(hub, read)


def plain_status_handler(hub: CallContext) -> Handler:
    """`GET /api/v1/status`: whether any model can be called."""

    async def read(request: Request, caller: Caller) -> Any:
        return {"available": await _any_usable(hub)}

    return authenticated(hub, read)


async def _any_usable(hub: CallContext) -> bool:
    """Whether a provider is enabled that has a credential in use, or needs none."""
    catalog = await hub.current_catalog()
    offers = (Served(provider=provider, model="", rate=None) for provider in catalog.providers.values())
    return any(credentials_for(catalog, offer) is not None for offer in offers)


async def _why_not(hub: CallContext, model: str, user: User) -> Refusal | None:
    now_ms = hub.clock.now_ms()
    catalog = await hub.current_catalog()
    route = hub.route(catalog, model, now_ms)
    if not isinstance(route, Route):
        return route
    offers = tuple(offers_of(route.root))
    if all(credentials_for(catalog, offer) is None for offer in offers):
        return NoCredential(model=model, providers=providers_of(route.root))
    available_nanos = balance(await hub.storage.wallet(user.id), now_ms).available_nanos
    if hub.billed and available_nanos <= 0 and any(_costs(offer.rate) for offer in offers):
        return InsufficientCredit(bound_nanos=1, available_nanos=available_nanos, payment_link=hub.payment_link)
    return None


def _costs(rate: Rate | None) -> bool:
    if rate is None:
        return False
    prices = any(msgspec.structs.astuple(rate.prices))
    return prices or bool(rate.variants)
