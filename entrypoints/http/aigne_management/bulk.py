"""AIGNE's bulk update of rates: the price of each model with a margin, in credits."""

from typing import Any

import msgspec

from domain.books.management_scopes import ProviderFacts, ProviderScope
from domain.management.bulk_rates import Repriced, reprice
from domain.management.changes import Outcome, Unchanged
from domain.management.rates_from_prices import Terms
from domain.pricing.money import format_per_unit
from domain.refusals import BadRequest, Refusal
from entrypoints.http.aigne_management.access import Visit, wrong
from entrypoints.http.aigne_management.rate_views import rate_id, sold
from entrypoints.http.aigne_management.values import body_of, iso, nanos_of
from entrypoints.usecases.manage.price_actions import SyncPrices, sync_prices
from entrypoints.usecases.manage.price_book_view import price_book_view
from entrypoints.usecases.management_context import acting

# `nanos_of` reads one unit as 10**15; a percent and a dollar are 10**9.
_TO_NANOS = 10**6


async def bulk_rate_update(visit: Visit) -> Any:
    """`POST /api/ai-providers/bulk-rate-update`: mode margin. With `dryRun` nothing is written.

    Each provider's rates change in one transaction, with all their units and tiers; hidden models keep theirs.
    """
    body = body_of(visit.request)
    if isinstance(body, BadRequest):
        return body
    if body.get("mode", "margin") != "margin":
        return wrong("mode", "Only margin is offered here. Import prices with `aihub price sync`.")
    numbers = {}
    for name in ("profitMargin", "creditPrice"):
        if body.get(name) is None:
            return wrong(name, "The field is missing.")
        nanos = nanos_of(name, body[name])
        if isinstance(nanos, BadRequest):
            return nanos
        numbers[name] = nanos // _TO_NANOS
    if numbers["creditPrice"] < 1:
        return wrong("creditPrice", "Write what a credit costs in dollars, such as 1 or 0.01.")
    terms = Terms(margin_nanos=numbers["profitMargin"], credit_price_nanos=numbers["creditPrice"])
    is_dry = body.get("dryRun") is True
    rated, changed = 0, list[tuple[str, Repriced]]()
    for row in await _providers(visit):
        models, repriced = await _reprice(visit, row.name, terms, is_dry)
        rated += models
        changed += [(row.shown_name, one) for one in repriced]
    done = f"Successfully updated {len(changed)} model rates" if changed else "No model rates found to update"
    return {
        "message": f"[DRY RUN] {done}" if is_dry else done,
        "updated": len(changed),
        "skipped": rated - len(changed),
        "parameters": {"profitMargin": body["profitMargin"], "creditPrice": body["creditPrice"]},
        "summary": [_summary(name, one) for name, one in changed],
    }


async def trigger_rate_check(visit: Visit) -> Any:
    """`POST /api/ai-providers/trigger-rate-check`: what the public catalogue would change; nothing is written."""
    found = await sync_prices(visit.acting, SyncPrices(dry_run=True))
    if isinstance(found, Refusal):
        return found
    changes = [msgspec.to_builtins(one, enc_hook=str) for one in found] if isinstance(found, list) else []
    return {"message": "Rate check triggered", "timestamp": iso(visit.acting.hub.clock.now_ms()), "changes": changes}


async def _providers(visit: Visit) -> list[Any]:
    return list((await visit.acting.hub.storage.catalog()).providers)


async def _reprice(visit: Visit, provider: str, terms: Terms, is_dry: bool) -> tuple[int, tuple[Repriced, ...]]:
    """How many models the provider sells, and the new rates of those whose price is known."""
    hub, who = visit.acting.hub, acting(visit.acting)
    models = sorted({one.served.model for one in await sold(hub, provider)})
    book = await price_book_view(hub.book, hub.storage)
    found = [(model, book.price_at(provider, model, who.now_ms)) for model in models]
    prices = [(model, price, hub.ids.new("rate")) for model, price in found if price is not None]
    if not prices:
        return len(models), ()
    made: list[tuple[Repriced, ...]] = [()]

    def rule(facts: ProviderFacts) -> Outcome:
        made[0], outcome = reprice(facts, who, prices, terms)
        assert facts.provider is not None
        return Unchanged(row=facts.provider) if is_dry else outcome

    await hub.storage.decide(ProviderScope(name=provider), rule)
    return len(models), made[0]


def _summary(provider: str, one: Repriced) -> dict[str, Any]:
    return {
        "id": rate_id(one.after.model, "chatCompletion"),
        "model": one.after.model,
        "provider": provider,
        "oldInputRate": format_per_unit(one.before.input_nanos),
        "newInputRate": _number(one.after.input_nanos),
        "oldOutputRate": format_per_unit(one.before.output_nanos),
        "newOutputRate": _number(one.after.output_nanos),
    }


def _number(nanos: int) -> msgspec.Raw:
    """An exact JSON number."""
    return msgspec.Raw(format_per_unit(nanos).encode())
