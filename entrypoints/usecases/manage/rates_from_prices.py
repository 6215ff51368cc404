"""Selling by the price book: rates for all models of the present providers, or for some of them."""

from collections.abc import Callable, Iterable

from domain.books.management_scopes import ProviderFacts, ProviderScope
from domain.management.changes import Changed, Denied, Outcome, Unchanged
from domain.management.rates_from_prices import Sold, Terms, sell
from domain.pricing.price_book import Price, ProviderPrices, versions
from domain.refusals import BadRequest, NotFound, Remedy
from entrypoints.usecases.manage.price_book_view import price_book_view
from entrypoints.usecases.management_context import ManagementContext, actor

RULE = "AIHUB_MARGIN"


def as_decided(outcome: Outcome) -> Outcome:
    """The outcome as it was decided: it is written to the books."""
    return outcome


def previewed(outcome: Outcome) -> Outcome:
    """The outcome without its rows: nothing is written."""
    return Unchanged(row=outcome.row) if isinstance(outcome, Changed) else outcome


async def sell_by_book(
    context: ManagementContext,
    by: str,
    terms: Terms,
    provider: str | None = None,
    model: str | None = None,
    since_ms: int | None = None,
    ending: Callable[[Outcome], Outcome] = as_decided,
) -> list[Sold] | NotFound | BadRequest:
    """Make rates from all prices, from one provider's, or from one model's; returns the sold, provider by provider.

    The rates hold from `since_ms` on, at the prices of that moment; None: from now. `ending` is `as_decided` or
    `previewed`.
    """
    book = await price_book_view(context.book, context.storage)
    rows = (await context.storage.catalog()).providers
    chosen = [row.name for row in rows if provider in (None, row.name)]
    if provider is not None and not chosen:
        return NotFound(kind="provider", name=provider, remedy=Remedy("provider add", provider))
    found: list[Sold] = []
    for name in chosen:
        prices = _prices(book.provider_prices(name), model, context.clock.now_ms() if since_ms is None else since_ms)
        if prices:
            found.append(await _sell(context, by, name, prices, terms, model is not None, since_ms, ending))
    if model is not None and not found:
        return NotFound(kind="price", name=model, remedy=Remedy("price list"))
    return found


async def sell_by_rule(context: ManagementContext, terms: Terms | None, provider: str | None = None) -> None:
    """Sell the models of all providers, or of one, by the price book, if the operator's settings have terms."""
    if terms is not None:
        await sell_by_book(context, RULE, terms, provider)


async def _sell(
    context: ManagementContext,
    by: str,
    provider: str,
    prices: list[Price],
    terms: Terms,
    named: bool,
    since_ms: int | None,
    ending: Callable[[Outcome], Outcome],
) -> Sold:
    who = actor(context, by)
    rate_ids = [context.ids.new("rate") for _ in prices]
    reported: list[Sold] = []

    def rule(facts: ProviderFacts) -> Outcome:
        sold, outcome = sell(facts, who, prices, terms, rate_ids, named, since_ms)
        reported[:] = [sold]
        return ending(outcome)

    outcome = await context.storage.decide(ProviderScope(name=provider), rule)
    return Sold(provider=provider) if isinstance(outcome, Denied) else reported[0]


def _prices(provider_prices: ProviderPrices, model: str | None, now_ms: int) -> list[Price]:
    """The prices of a provider that hold now. Inherited prices are used only when the model is named."""
    if model is not None:
        held = versions(provider_prices, model)
        return _holding([held[-1].model] if held else [], provider_prices, now_ms)
    return _holding(provider_prices.prices, provider_prices, now_ms)


def _holding(models: Iterable[str], provider_prices: ProviderPrices, now_ms: int) -> list[Price]:
    found = []
    for model in models:
        lent = next(lent for lent in (provider_prices, *provider_prices.borrowed) if model in lent.prices)
        holding = [price for price in lent.prices[model] if price.effective_ms <= now_ms]
        if holding:
            found.append(holding[-1])
    return found
