"""The routes that spend nothing: models, the caller's balance, and the health of the hub."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

from domain.accounts.identity import Caller
from domain.accounts.key_access import may_call
from domain.catalog.catalog import Catalog, Served, listed_models, priced
from domain.ledger.ledger import balance, usable
from domain.pricing.money import format_credits
from domain.refusals import BadRequest, NotFound, Refusal, StorageUnavailable
from domain.routing.tree import Route, offers_of
from entrypoints.http.api.model_description import Listed, anthropic_model, google_model, openai_model
from entrypoints.http.api.paging import page_of
from entrypoints.http.dialects.dialect_choice import dialect_of
from entrypoints.http.dialects.google.recognition import is_googles, with_key
from entrypoints.http.keys import caller_of_request
from entrypoints.http.replies import json_reply, refuse
from entrypoints.http.wire import Handler, Reply, Request
from entrypoints.usecases.call_context import CallContext
from ports.books import StorageError

CURRENCY = {"id": "credit", "name": "Credit", "symbol": "", "decimal": 9}

Read = Callable[[Request, Caller], Awaitable[Any]]


def models_handler(hub: CallContext) -> Handler:
    """`GET /v1/models`: the models that may be called, in the form that the caller's SDK expects."""

    async def read(request: Request, caller: Caller) -> Any:
        listed = [one for one in await callable_models(hub) if may_call(caller.key, one.name, one.served.model)]
        if is_googles(request):
            return {"models": [*map(google_model, listed)]}
        if "anthropic-version" in request.headers:
            page = page_of(request, [one.name for one in listed])
            if isinstance(page, BadRequest):
                return page
            data = [anthropic_model(one) for one in listed[page.start : page.end]]
            edges = {"first_id": data[0]["id"] if data else None, "last_id": data[-1]["id"] if data else None}
            return {"data": data, "has_more": page.has_more, **edges}
        return {"object": "list", "data": [*map(openai_model, listed)]}

    return authenticated(hub, read)


def model_handler(hub: CallContext) -> Handler:
    """`GET /v1/models/{id}`: one model, by `provider/model` or bare name."""

    async def read(request: Request, caller: Caller) -> Any:
        name = request.path_values["model"].removeprefix("models/")
        route = hub.route(await hub.current_catalog(), name, hub.clock.now_ms())
        if not isinstance(route, Route):
            return route
        listed = _described(hub, name, next(offers_of(route.root)))
        if is_googles(request):
            return google_model(listed)
        return anthropic_model(listed) if "anthropic-version" in request.headers else openai_model(listed)

    return authenticated(hub, read)


async def callable_models(hub: CallContext) -> list[Listed]:
    """Every callable model that the hub knows by name, then every alias, with the description of its first model.

    With billing on these are the models with a rate. With billing off the price book adds the models that it has for
    the configured providers, which may serve more.
    """
    catalog, now_ms = await hub.current_catalog(), hub.clock.now_ms()
    listed = [Listed(name=f"{one.provider.name}/{one.model}", served=one) for one in listed_models(catalog, now_ms)]
    if not hub.billed:
        known = {f"{one.provider.name}/{one.model}" for one in priced(catalog, now_ms)}
        listed += [one for one in _unsold(hub, catalog, now_ms) if one.name not in known]
        listed.sort(key=lambda one: one.name)
    for name in sorted(catalog.aliases):
        route = hub.route(catalog, name, now_ms)
        if isinstance(route, Route):
            listed.append(_described(hub, name, next(offers_of(route.root))))
    return listed


def _unsold(hub: CallContext, catalog: Catalog, now_ms: int) -> Iterator[Listed]:
    """The models that the price book has for the configured providers."""
    for provider in catalog.providers.values():
        for price in hub.prices(provider.name, now_ms):
            served = Served(provider=provider, model=price.model, rate=None)
            yield Listed(name=f"{provider.name}/{price.model}", served=served, price=price)


def _described(hub: CallContext, name: str, served: Served) -> Listed:
    price = None if served.rate else hub.price_at(served.provider.name, served.model, hub.clock.now_ms())
    return Listed(name=name, served=served, price=price)


def kept_response(hub: CallContext) -> Handler:
    """`GET` and `DELETE /v1/responses/{id}`: always not found, since the hub keeps no answers."""

    async def read(request: Request, caller: Caller) -> Any:
        return NotFound(kind="response", name=request.path_values["response"])

    return authenticated(hub, read)


def balance_handler(hub: CallContext) -> Handler:
    """`GET /api/user/credit/balance`: the wallet that pays for the key, amounts as exact decimals in credits."""

    async def read(request: Request, caller: Caller) -> Any:
        now_ms = hub.clock.now_ms()
        grants = await hub.storage.wallet(caller.account.id)
        now = balance(grants, now_ms)
        return {
            "user": caller.account.name,
            "posted": format_credits(now.posted_nanos),
            "held": format_credits(now.held_nanos),
            "available": format_credits(now.available_nanos),
            "grants": len(usable(grants, now_ms)),
            "billing": hub.billed,
            "payment_link": hub.payment_link,
            # As AIGNE's clients read it, in the smallest units.
            "balance": str(now.available_nanos),
            "total": str(sum(grant.amount_nanos for grant in usable(grants, now_ms))),
            "grantCount": len(usable(grants, now_ms)),
            "pendingCredit": str(now.held_nanos),
            "currency": CURRENCY,
        }

    return authenticated(hub, read)


def healthz(hub: CallContext) -> Handler:
    """`GET /healthz`: the process answers."""

    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        yield json_reply(request, {"status": "ok"})

    return handle


def readyz(hub: CallContext) -> Handler:
    """`GET /readyz`: the books can be read, and written after a failed write, and new calls are admitted; else 503.

    `unsettled` is the number of ended calls that wait to be written to the books, `settled_late` the number of such
    calls that were settled since the process began.
    """

    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        waiting = hub.unsettled
        counts = {"unsettled": len(waiting), "settled_late": waiting.settled}
        try:
            await hub.storage.check_writable()
            version = await hub.storage.catalog_version()
        except StorageError as problem:
            yield json_reply(request, {"status": "unavailable", "reason": str(problem), **counts}, 503)
            return
        if waiting.is_full:
            reason = f"{len(waiting)} calls wait to be settled: no new one is admitted"
            yield json_reply(request, {"status": "unavailable", "reason": reason, **counts}, 503)
            return
        yield json_reply(request, {"status": "ready", "catalog_version": version, **counts})

    return handle


def authenticated(hub: CallContext, read: Read) -> Handler:
    """Answer only the holder of a valid key, read again from the books: a revoked key is refused at once."""

    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        dialect = dialect_of(request)
        caller = await caller_of_request(hub, with_key(request))
        if not isinstance(caller, Caller):
            yield refuse(dialect, request, caller)
            return
        try:
            found = await read(request, caller)
        except StorageError as problem:
            found = StorageUnavailable(reason=str(problem))
        yield refuse(dialect, request, found) if isinstance(found, Refusal) else json_reply(request, found)

    return handle
