"""The hub as its use cases see it: ports, a few settings, and two caches that may be lost.

Storage holds the truth. The values kept here are either immutable (the catalogue at a version, which every plan checks)
or advice (turns and cool-downs), which is replaced as a whole; losing it changes no charge.
"""

from dataclasses import dataclass, field

from domain.catalog.aliases import Strategy
from domain.catalog.catalog import Catalog
from domain.dialects.unsupported_params import Policy
from domain.pricing.price_book import Price, standing
from domain.pricing.rate import Rate, rate_of_price
from domain.routing.learned import Advice
from domain.routing.tree import NoRoute, Route
from entrypoints.usecases.call.deadline import Looks
from entrypoints.usecases.call.filters import Filter
from entrypoints.usecases.call.latencies import Latencies
from entrypoints.usecases.call.route_cache import Routed
from entrypoints.usecases.call.unsettled import Unsettled
from entrypoints.usecases.manage.price_book_view import PriceBookView, price_book_view
from entrypoints.usecases.manage.usage_past import UsagePast
from entrypoints.usecases.management_context import ActionPolicy, Sealing
from ports.books import Storage
from ports.environment import Calendar, Clock, Ids, Liveness
from ports.price_book import PriceBook
from ports.providers import Providers
from ports.telemetry import Telemetry, Tracing
from ports.vault import Vault
from ports.webhooks import WebhookSender

COST_RATES_MAX = 1_024


@dataclass(kw_only=True)
class CallContext:
    """Everything a call needs. Durations are in milliseconds; `billed` is CREDIT_BASED_BILLING_ENABLED.

    `keep_alive_ms` is the interval at which a stream is checked for silence, 0 for never. `write_timeout_ms` is how
    long the caller of a stream may read nothing.
    `odd_usages` counts, by provider, the usage reports that were adjusted or completed by an estimate.
    `dashboard` is whether the dashboard is served. `webhooks` sends notices; None where nothing does.
    `strategy` is for bare models; an alias has its own. `unsupported` is the policy for unsupported parameters, unless
    the caller chooses another. `first_token_timeout_ms` of None sets no limit to the start of a stream.
    `filters` see every request before its admission, and the chunks of its answer.
    `running` holds the ids of the calls that this process is making, from before they are in the books; `unsettled`
    holds those that have ended and are not settled there yet. `looks` are the timers of their deadlines, `latencies`
    the durations of the calls that this process settled. `metrics_token` is AIHUB_METRICS_TOKEN. `tracing` is None
    where nothing follows traces.
    """

    storage: Storage
    book: PriceBook
    vault: Vault
    providers: Providers
    clock: Clock
    calendar: Calendar
    ids: Ids
    liveness: Liveness
    telemetry: Telemetry
    billed: bool
    payment_link: str | None
    upstream_timeout_ms: int
    retries_max: int
    body_bytes_max: int
    body_memory_bytes: int = 256 * 1024 * 1024
    keep_alive_ms: int = 15_000
    write_timeout_ms: int = 60_000
    first_token_timeout_ms: int | None = None
    strategy: Strategy = "round-robin"
    cors_origins: tuple[str, ...] = ()
    unsupported: Policy = "drop"
    filters: tuple[Filter, ...] = ()
    advice: Advice = field(default_factory=Advice)
    running: set[str] = field(default_factory=set)
    unsettled: Unsettled = field(default_factory=Unsettled)
    looks: Looks = field(default_factory=Looks)
    latencies: Latencies = field(default_factory=Latencies)
    metrics_token: str | None = None
    tracing: Tracing | None = None
    sealing: Sealing | None = None
    dashboard: bool = True
    webhooks: WebhookSender | None = None
    policy: ActionPolicy = field(default_factory=ActionPolicy)
    odd_usages: dict[str, int] = field(default_factory=dict)
    usage_past: UsagePast = field(default_factory=UsagePast)
    _catalog: Catalog | None = None
    _price_book: PriceBookView | None = None
    _routed: Routed | None = None
    _cost_rates: dict[tuple[str, str], tuple[Price, Rate]] = field(default_factory=dict)

    async def catalog(self) -> Catalog:
        """The catalogue as last read; it may be a version behind, which every plan notices."""
        if self._catalog is None:
            return await self.current_catalog()
        return self._catalog

    async def current_catalog(self) -> Catalog:
        """The catalogue as it is now, read again only if its version has moved."""
        if self._catalog is None or self._catalog.version != await self.storage.catalog_version():
            self._catalog = (await self.storage.catalog()).indexed()
            self._price_book = await price_book_view(self.book, self.storage)
        return self._catalog

    def route(self, catalog: Catalog, name: str, now_ms: int) -> Route | NoRoute:
        """The route that a name leads to now."""
        if self._routed is None:
            self._routed = Routed(self.billed, self.strategy)
        return self._routed.route(catalog, name, now_ms)

    def prices(self, provider: str, at_ms: int) -> list[Price]:
        """The prices of the provider's models at a moment, by the price book as last read."""
        held = self._price_book.provider_prices(provider).prices.values() if self._price_book is not None else ()
        return [price for versions in held if (price := standing(versions, at_ms))]

    def cost_rate(self, at_ms: int, provider: str, model: str) -> Rate | None:
        """What the provider asks for a model at a moment, as a rate; None if it is unknown."""
        price = self.price_at(provider, model, at_ms)
        if price is None:
            return None
        known = self._cost_rates.get((provider, model))
        if known is None or known[0] is not price:
            known = price, rate_of_price(price)
            if len(self._cost_rates) >= COST_RATES_MAX:
                self._cost_rates.clear()
            self._cost_rates[provider, model] = known
        return known[1]

    def price_at(self, provider: str, model: str, at_ms: int) -> Price | None:
        """The provider's price for a model, by the price book as last read; None if it is unknown."""
        return self._price_book.price_at(provider, model, at_ms) if self._price_book is not None else None
