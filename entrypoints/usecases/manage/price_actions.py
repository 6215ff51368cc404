"""The actions on the price book: their requests, replies and use cases."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from domain.management.price_sync import Difference, Move
from domain.pricing.price_book import Names, Price, standing, versions
from domain.refusals import BadRequest, NotFound, Remedy
from entrypoints.usecases.manage import price_sync
from entrypoints.usecases.manage.price_book_view import price_book_view
from entrypoints.usecases.manage.price_file import PriceList, listed_prices
from entrypoints.usecases.manage.rates_from_prices import sell_by_rule
from entrypoints.usecases.manage.unit_amounts import PriceAmounts, PriceVariant, TierView, price_amounts, tier_view
from entrypoints.usecases.management_context import ActionContext, Denial
from entrypoints.usecases.public_types import Dollars, Moment
from ports.price_book import CatalogueMissing


class ListPrices(msgspec.Struct, frozen=True, kw_only=True):
    """Whose prices to list."""

    provider: Annotated[str | None, Meta(description="only this provider's prices")] = None


class ShowPrice(msgspec.Struct, frozen=True, kw_only=True):
    """A model of the price book, by any of its names."""

    model: Annotated[str, Meta(description="PROVIDER/MODEL, such as openai/gpt-5-mini")]


class PriceView(msgspec.Struct, frozen=True, kw_only=True):
    """One version of what a provider asks for a model, in dollars per million units."""

    id: str
    model: str
    names: Annotated[Names, Meta(description="the patterns of the names that the provider has for the model")]
    effective: Annotated[Moment, Meta(description="since when the provider asks it; 1970: since the beginning")]
    known: Moment
    source: str
    prices: PriceAmounts
    tiers: list[TierView[PriceAmounts]]
    variants: list[PriceVariant]
    context: int | None
    max_output: int | None


class ComparePrices(msgspec.Struct, frozen=True, kw_only=True):
    """The prices to compare the book with: a list, or the public catalogue genai-prices as it is installed."""

    prices: Annotated[PriceList | None, Meta(description="a price list by provider (the public catalogue)")] = None
    source: Annotated[str, Meta(description="where the list is from")] = "price list"


class SyncPrices(ComparePrices, frozen=True, kw_only=True):
    """The prices to append to the book."""

    accept: Annotated[bool, Meta(description="append prices also where one moves by more than a tenth")] = False
    dry_run: Annotated[bool, Meta(description="only show what would change")] = False


class MoveView(msgspec.Struct, frozen=True, kw_only=True, rename={"label": "for"}):
    """The move of one price; `for` states for which requests it holds. Prices are null where there is none."""

    model: str
    label: str
    price: Annotated[str, Meta(description="the unit, such as input or cache_read")]
    before: Dollars | None
    after: Dollars | None
    move: Annotated[str, Meta(description='such as "+12.5 %", or new, gone, from nothing')]
    large: Annotated[bool, Meta(description="whether it must be accepted")]


class PriceChanges(msgspec.Struct, frozen=True, kw_only=True):
    """The changes for one provider: the number of new versions of prices, the models that are new, and the moves."""

    provider: str
    prices: int
    new_models: list[str]
    moves: list[MoveView]


class PricesSynced(msgspec.Struct, frozen=True, kw_only=True):
    """The number of appended prices and their providers, and the changes that wait until they are accepted."""

    appended: int
    waiting: list[PriceChanges]
    providers: list[str]
    sold: Annotated[bool, Meta(description="whether the models are sold by them, at the margin of the settings")]


async def list_prices(context: ActionContext, request: ListPrices) -> list[PriceView] | Denial:
    """The prices that hold now."""
    hub = context.hub
    book, now_ms = await price_book_view(hub.book, hub.storage), hub.clock.now_ms()
    known = book.providers()
    if request.provider is not None and request.provider not in known:
        problem = f"the price book knows no provider {request.provider!r}; it knows {', '.join(sorted(known))}"
        return BadRequest(field="provider", problem=problem)
    return [
        price_view(price)
        for provider in known
        if request.provider in (None, provider)
        for held in book.provider_prices(provider).prices.values()
        if (price := standing(held, now_ms))
    ]


async def show_price(context: ActionContext, request: ShowPrice) -> list[PriceView] | Denial:
    """Every version of one model's price, the newest last."""
    provider, _, name = request.model.partition("/")
    held = versions((await price_book_view(context.hub.book, context.hub.storage)).provider_prices(provider), name)
    return [*map(price_view, held)] or NotFound(kind="price", name=request.model, remedy=Remedy("price list"))


async def compare_prices(context: ActionContext, request: ComparePrices) -> list[PriceChanges] | Denial:
    """The changes that a sync would make; nothing is written."""
    incoming = _incoming(context, request)
    if isinstance(incoming, BadRequest):
        return incoming
    return [*map(_changes, await price_sync.compare(context.hub, incoming))]


async def sync_prices(context: ActionContext, request: SyncPrices) -> PricesSynced | list[PriceChanges] | Denial:
    """Append the new prices, and sell by them if the settings have a margin. A dry run is a comparison."""
    if request.dry_run:
        return await compare_prices(context, request)
    incoming = _incoming(context, request)
    if isinstance(incoming, BadRequest):
        return incoming
    synced = await price_sync.sync(context.hub, context.by, incoming, request.accept)
    await sell_by_rule(context.hub, context.policy.terms)
    return PricesSynced(
        appended=sum(len(each.difference.prices) for each in synced if each.appended),
        waiting=[_changes(each.difference) for each in synced if not each.appended],
        providers=[each.difference.provider for each in synced if each.appended],
        sold=context.policy.terms is not None,
    )


def price_view(price: Price) -> PriceView:
    """A price, to show it."""
    return PriceView(
        id=price.id,
        model=f"{price.provider}/{price.model}",
        names=price.names,
        effective=Moment(price.effective_ms),
        known=Moment(price.known_ms),
        source=price.source,
        prices=price_amounts(price.prices),
        tiers=[tier_view(tier, price_amounts(tier.prices)) for tier in price.tiers],
        variants=[
            PriceVariant(size=each.size, quality=each.quality, prices=price_amounts(each.prices))
            for each in price.variants
        ],
        context=price.context_tokens,
        max_output=price.output_tokens_max,
    )


def _incoming(context: ActionContext, request: ComparePrices) -> Mapping[str, Sequence[Price]] | BadRequest:
    now_ms = context.hub.clock.now_ms()
    if request.prices is not None:
        return listed_prices(request.prices, request.source, now_ms)
    try:
        return context.hub.book.catalogue(now_ms)
    except CatalogueMissing as missing:
        return BadRequest(field=None, problem=str(missing))


def _changes(changed: Difference) -> PriceChanges:
    return PriceChanges(
        provider=changed.provider,
        prices=len(changed.prices),
        new_models=[*changed.new_models],
        moves=[
            MoveView(
                model=f"{move.provider}/{move.model}",
                label=move.tier,
                price=move.unit.removesuffix("_nanos"),
                before=None if move.before_nanos is None else Dollars(move.before_nanos),
                after=None if move.after_nanos is None else Dollars(move.after_nanos),
                move=_percent(move),
                large=move.is_large,
            )
            for move in changed.moves
        ],
    )


def _percent(move: Move) -> str:
    if move.before_nanos is None:
        return "new"
    if move.after_nanos is None:
        return "gone"
    if move.thousandths is None:
        return "from nothing"
    whole, tenth = divmod(abs(move.thousandths), 10)
    return f"{'-' if move.thousandths < 0 else '+'}{whole}.{tenth} %"
