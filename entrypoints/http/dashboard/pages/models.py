"""Providers with their credentials, models with rate, price and margin, aliases, and where a call would go."""

import msgspec

from domain.catalog.catalog import Catalog, priced
from domain.pricing.rate import Rate
from domain.refusals import Refusal
from domain.usage import UNITS
from entrypoints.http.dashboard.action_pages import done_text, path_of
from entrypoints.http.dashboard.page import View, Visitor
from entrypoints.http.dashboard.rendering import text_of
from entrypoints.http.wire import Request
from entrypoints.usecases.call.explain_route import ExplainRoute, RouteView, explain_route
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.aliases import list_aliases
from entrypoints.usecases.manage.provider_actions import list_credentials, list_providers
from entrypoints.usecases.management_context import NoFields
from entrypoints.usecases.public_types import Credits, CreditsEach, Dollars, Moment

PAGE = 50
# The units whose prices the table shows first, and the others if a model has nothing else.
_SHOWN = ("input_tokens", "output_tokens", "cache_read_tokens")


class PricedUnit(msgspec.Struct, frozen=True, kw_only=True):
    """What a unit of a model is sold for, what it costs, and the margin in tenths of a percent; None: unknown."""

    label: str
    per: str
    rate: Credits | CreditsEach
    cost: str | None
    margin: int | None

    @property
    def margin_text(self) -> str:
        """The margin, such as `+20.0 %`."""
        if self.margin is None:
            return ""
        sign = "-" if self.margin < 0 else "+"
        return f"{sign}{abs(self.margin) // 10}.{abs(self.margin) % 10} %"


class ModelRow(msgspec.Struct, frozen=True, kw_only=True):
    """A model that is sold."""

    name: str
    units: list[PricedUnit]
    context: int | None
    since: Moment
    source: str
    has_tiers: bool


async def providers_page(hub: CallContext, visitor: Visitor, request: Request) -> View | Refusal:
    """`GET /dashboard/providers`."""
    acting = visitor.acting(hub)
    providers, credentials = await list_providers(acting, NoFields()), await list_credentials(acting, NoFields())
    if not isinstance(providers, list):
        return providers
    if not isinstance(credentials, list):
        return credentials
    catalog = await hub.current_catalog()
    models: dict[str, int] = {}
    for provider, _ in catalog.rates:
        models[provider] = models.get(provider, 0) + 1
    by_provider = [(one, [each for each in credentials if each.provider == one.name]) for one in providers]
    values = {"providers": by_provider, "models": models, "path_of": path_of, "done": done_text(request)}
    return View(template="providers.html", title="Providers", values=values)


async def models_page(hub: CallContext, visitor: Visitor, request: Request) -> View:
    """`GET /dashboard/models`: what is sold, and what it costs."""
    wanted = (request.query_value("q") or "").strip()
    start = _whole(request.query_value("start"))
    catalog, now_ms = await hub.current_catalog(), hub.clock.now_ms()
    standing = [
        (f"{one.provider.name}/{one.model}", one.rate)
        for one in priced(catalog, now_ms)
        if one.rate is not None and wanted in f"{one.provider.name}/{one.model}"
    ]
    values = {
        "rows": [_model_row(hub, name, rate, now_ms) for name, rate in standing[start : start + PAGE]],
        "count": len(standing),
        "start": start,
        "next": start + PAGE if start + PAGE < len(standing) else None,
        "before": max(0, start - PAGE) if start else None,
        "wanted": wanted,
        "path_of": path_of,
        "done": done_text(request),
    }
    return View(template="models.html", title="Models and rates", values=values)


async def routing_page(hub: CallContext, visitor: Visitor, request: Request) -> View | Refusal:
    """`GET /dashboard/routing`: the aliases, and the explanation of a route where a model is named."""
    acting = visitor.acting(hub)
    aliases = await list_aliases(acting, NoFields())
    if not isinstance(aliases, list):
        return aliases
    model = (request.query_value("model") or "").strip()
    explained = await explain_route(acting, ExplainRoute(model=model)) if model else None
    values = {
        "aliases": aliases,
        "model": model,
        "route": explained if isinstance(explained, RouteView) else None,
        "unknown": bool(model) and not isinstance(explained, RouteView),
        "names": sorted({*catalog_names(await hub.current_catalog()), *(alias.name for alias in aliases)})[:500],
        "path_of": path_of,
        "done": done_text(request),
    }
    return View(template="routing.html", title="Aliases and routing", values=values)


def catalog_names(catalog: Catalog) -> list[str]:
    """The names of the models that are sold, `provider/model`."""
    return [f"{provider}/{model}" for provider, model in catalog.rates]


def _model_row(hub: CallContext, name: str, rate: Rate, now_ms: int) -> ModelRow:
    price = hub.price_at(rate.provider, rate.model, now_ms)
    credit_nanos = hub.policy.terms.credit_price_nanos if hub.policy.terms else 10**9
    units = []
    for unit in UNITS:
        nanos = getattr(rate.prices, unit.price)
        if nanos is None or (unit.parent is not None and unit.name not in _SHOWN):
            continue
        cost = getattr(price.prices, unit.price) if price is not None else None
        sold = nanos * credit_nanos // 10**9
        units.append(
            PricedUnit(
                label=unit.label.replace("_", " "),
                per="each" if unit.shown_each else "per million",
                rate=(CreditsEach if unit.shown_each else Credits)(nanos),
                cost=None if cost is None else _written(cost, unit.shown_each),
                margin=(sold - cost) * 1000 // cost if cost else None,
            )
        )
    return ModelRow(
        name=name,
        units=units,
        context=rate.context_tokens,
        since=Moment(rate.effective_ms),
        source=rate.source,
        has_tiers=bool(rate.tiers),
    )


def _written(nanos: int, each: bool) -> str:
    return text_of(CreditsEach(nanos) if each else Dollars(nanos))


def _whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 7 else 0
