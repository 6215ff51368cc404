"""Rates as AIGNE shows them: one for each type of a model, with what the provider asks, and every version."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import msgspec

from domain.catalog.catalog import Served, catalog_of, priced, versions_of
from domain.pricing.money import format_per_unit
from domain.pricing.rate import Rate
from domain.pricing.tiers import UnitPrices
from domain.refusals import BadRequest, NotFound
from entrypoints.http.aigne_management.access import Visit
from entrypoints.http.aigne_management.values import IMAGE, VIDEO, iso, kinds_of, page_of
from entrypoints.usecases.manage import rates
from entrypoints.usecases.manage.price_book_view import price_book_view
from entrypoints.usecases.management_context import ManagementContext

OUTPUT = {IMAGE: "image_nanos", VIDEO: "video_second_nanos"}


class Sold(msgspec.Struct, frozen=True, kw_only=True):
    """One type of a model that is sold, with what the provider asks for it, where the price book knows that."""

    served: Served
    kind: str
    cost: UnitPrices | None


async def sold(hub: ManagementContext, provider: str | None = None) -> list[Sold]:
    """Every type of every model that is sold now, by provider, model and type."""
    rows = await hub.storage.catalog()
    everything = catalog_of(0, [_enabled(row) for row in rows.providers], rows.credentials, rows.rates)
    book, now_ms = await price_book_view(hub.book, hub.storage), hub.clock.now_ms()
    found = []
    for served in priced(everything, now_ms):
        if provider in (None, served.provider.name):
            price = book.price_at(served.provider.name, served.model, now_ms)
            cost = price.prices if price else None
            found += [Sold(served=served, kind=kind, cost=cost) for kind in sorted(kinds_of(served))]
    return found


async def history(visit: Visit) -> Any:
    """`GET …/model-rates/{rid}/history`: every version, the newest first."""
    found, page = await named(visit), page_of(visit.request, 20)
    if isinstance(found, NotFound | BadRequest):
        return found
    if isinstance(page, BadRequest):
        return page
    provider, model = found.served.provider.name, found.served.model
    async with visit.acting.hub.storage.snapshot() as books:
        catalog = catalog_of(0, [], [], [rate async for rate in books.rates() if rate.provider == provider])
    held = versions_of(catalog, provider, model)
    book = await price_book_view(visit.acting.hub.book, visit.acting.hub.storage)
    listed = []
    for before, after in zip((None, *held), held, strict=False):
        costs = [
            costs_in(price.prices if (price := book.price_at(provider, model, one.effective_ms)) else None, found.kind)
            if one
            else None
            for one in (before, after)
        ]
        listed.append(
            {
                "id": after.id,
                "changeType": "manual_update" if after.source == rates.RATE_SOURCE else "bulk_update",
                "source": after.source,
                "previousRates": rates_in(before, found.kind) if before else None,
                "currentRates": None if after.removed else rates_in(after, found.kind),
                "previousUnitCosts": costs[0],
                "currentUnitCosts": costs[1],
                "detectedAt": after.effective_ms // 1000,
                "operatedBy": None,
            }
        )
    listed.reverse()
    return {"count": len(listed), "list": listed[page.part], "paging": {"page": page.page, "pageSize": page.size}}


def rate_id(model: str, kind: str) -> str:
    """The id of a rate: it stays when the rate changes."""
    return urlsafe_b64encode(f"{kind}:{model}".encode()).decode().rstrip("=")


def rate_view(one: Sold, is_admin: bool) -> dict[str, Any]:
    """A rate in AIGNE's shape; what the provider asks is for admins only."""
    rate, kind = rate_of(one), one.kind
    caching = {"readRate": rate.prices.cache_read_nanos, "writeRate": rate.prices.cache_write_nanos}
    features = [word for word, need in (("tools", "tools"), ("vision", "images")) if need in (rate.capabilities or ())]
    view: dict[str, Any] = {
        "id": rate_id(one.served.model, kind),
        "providerId": rate.provider,
        "model": one.served.model,
        "modelDisplay": rate.display_name or displayed(one.served.model),
        "description": None,
        "type": kind,
        "caching": {name: format_per_unit(nanos) for name, nanos in caching.items() if nanos is not None},
        **rates_in(rate, kind),
        "createdAt": iso(rate.known_ms),
        "updatedAt": iso(rate.known_ms),
        "modelMetadata": {"maxTokens": rate.context_tokens, "features": features},
        "deprecated": rate.hidden,
        "deprecatedAt": iso(rate.known_ms) if rate.hidden else None,
        "deprecatedReason": None,
    }
    return {**view, "unitCosts": costs_in(one.cost, kind)} if is_admin else view


def displayed(model: str) -> str:
    """A name for people: the last part of the path, in words, each with a capital."""
    return " ".join(word[:1].upper() + word[1:] for word in model.rpartition("/")[2].replace("-", " ").split())


def rates_in(rate: Rate, kind: str) -> dict[str, str]:
    """What one unit in and out is sold for."""
    prices = _of_kind(rate.prices, kind)
    return {"inputRate": format_per_unit(prices[0]), "outputRate": format_per_unit(prices[1])}


def costs_in(cost: UnitPrices | None, kind: str) -> dict[str, str] | None:
    """What the provider asks for one unit in and out; None if the price book does not know it."""
    if cost is None:
        return None
    prices = _of_kind(cost, kind)
    return {"input": format_per_unit(prices[0]), "output": format_per_unit(prices[1])}


def _of_kind(prices: UnitPrices, kind: str) -> tuple[int, int]:
    """What is requested for a million units in, and out: tokens, images or seconds."""
    return prices.input_nanos or 0, getattr(prices, OUTPUT.get(kind, "output_nanos")) or 0


def rate_of(one: Sold) -> Rate:
    """The rate of what is sold."""
    assert one.served.rate is not None, "only what has a rate is sold"
    return one.served.rate


async def find(hub: ManagementContext, provider: str, model: str, kind: str) -> Sold | None:
    """One type of a model that a provider sells."""
    found = await sold(hub, provider)
    return next((one for one in found if (one.served.model, one.kind) == (model, kind)), None)


async def named(visit: Visit) -> Sold | NotFound:
    """The rate that the path names."""
    provider, given = (visit.request.path_values[name] for name in ("provider", "rate"))
    try:
        kind, _, model = urlsafe_b64decode(given + "=" * (-len(given) % 4)).decode().partition(":")
    except ValueError:
        return NotFound(kind="rate", name=given)
    return await find(visit.acting.hub, provider, model, kind) or NotFound(kind="rate", name=given)


def _enabled(row: Any) -> Any:
    """The rates of a disabled provider are shown, too."""
    return msgspec.structs.replace(row, disabled_ms=None)
