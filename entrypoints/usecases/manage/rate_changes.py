"""What changes in rates that are made from prices, amount by amount."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from domain.management.price_sync import tier_label
from domain.management.rates_from_prices import RateFromPrice
from domain.pricing.by_size import variant_label
from domain.pricing.price_book import Price
from domain.pricing.rate import Rate
from domain.pricing.tiers import UnitPrices
from domain.usage import UNITS
from entrypoints.usecases.public_types import Credits, CreditsEach, written

_NONE = UnitPrices()


class AmountChange(msgspec.Struct, frozen=True, kw_only=True):
    """An amount of a rate before and after; null: there is none. `cost` is the provider's price for the same."""

    model: Annotated[str, Meta(description="PROVIDER/MODEL")]
    unit: Annotated[str, Meta(description="such as input")]
    requests: Annotated[str, Meta(description="the tier or the size that it holds for; empty: all others")]
    per: Literal["million", "each"]
    before: Annotated[str | None, Meta(description="in credits, as an exact decimal")]
    after: Annotated[str | None, Meta(description="in credits, as an exact decimal")]
    cost: Annotated[str | None, Meta(description="in US dollars, as an exact decimal")]


def changed_amounts(changes: Iterable[RateFromPrice]) -> Iterator[AmountChange]:
    """Every amount that differs, model by model."""
    for change in changes:
        before, after, cost = _parts(change.before), _parts(change.after), _parts(change.price)
        model = f"{change.after.provider}/{change.after.model}"
        for requests in dict.fromkeys((*after, *before)):
            prices = (parts.get(requests, _NONE) for parts in (before, after, cost))
            yield from _differing(model, requests, *prices)


def _differing(
    model: str, requests: str, before: UnitPrices, after: UnitPrices, cost: UnitPrices
) -> Iterator[AmountChange]:
    for unit in UNITS:
        old, new, price = (getattr(prices, unit.price) for prices in (before, after, cost))
        if old == new:
            continue
        kind = CreditsEach if unit.shown_each else Credits
        yield AmountChange(
            model=model,
            unit=unit.label,
            requests=requests,
            per="each" if unit.shown_each else "million",
            before=None if old is None else written(kind(old)),
            after=None if new is None else written(kind(new)),
            cost=None if price is None else written(kind(price)),
        )


def _parts(priced: Rate | Price | None) -> dict[str, UnitPrices]:
    """The prices of a rate or a price, by the requests that they hold for."""
    if priced is None:
        return {}
    return {
        "": priced.prices,
        **{tier_label(tier): tier.prices for tier in priced.tiers},
        **{variant_label(variant): variant.prices for variant in priced.variants},
    }
