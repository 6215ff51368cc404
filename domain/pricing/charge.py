"""What a usage costs: units of usage times units of a rate or a price, summed, and rounded once.

A unit that has no rate of its own is sold at its parent's rate, see `Rate`; a unit without a parent and without a rate
cannot be sold, and a request for it is refused. The same arithmetic gives the provider's cost (`cost`); there a unit
without a price makes the whole cost unknown.
"""

from collections.abc import Mapping
from functools import lru_cache
from operator import attrgetter
from typing import TypeAlias

import msgspec

from domain.pricing.by_size import VARIED, Variants, variant_price
from domain.pricing.money import charge_rounded_up
from domain.pricing.price_book import Price
from domain.pricing.rate import Rate
from domain.pricing.tiers import Occasion, Tier, UnitPrices, tier_of
from domain.usage import PRICE_OF_UNIT, UNITS, Usage

Nanos: TypeAlias = int

INPUT_UNITS = tuple(unit.name for unit in UNITS if unit.side == "in")
OUTPUT_UNITS = tuple(unit.name for unit in UNITS if unit.side == "out")
_PARENTS = {unit.name: unit.parent for unit in UNITS if unit.parent is not None}
ORDINARY = Occasion()
_units_of = attrgetter(*PRICE_OF_UNIT)


class ChargeLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a charge: the quantity of a unit, and nanocredits per million."""

    unit: str
    units: int
    nanos_per_million: Nanos


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """The charge of a usage: the lines that were used, and their total rounded up once."""

    rate_id: str
    lines: tuple[ChargeLine, ...]
    total_nanos: Nanos


class Dearest(msgspec.Struct, frozen=True, kw_only=True):
    """The dearest that a token of input, a token of output and each other unit can be, in nanos per million."""

    input_nanos: Nanos
    output_nanos: Nanos
    units: Mapping[str, Nanos]


@lru_cache(maxsize=4096)
def unit_rates(
    rate: Rate, tier: Tier | None = None, size: str | None = None, quality: str | None = None
) -> Mapping[str, Nanos]:
    """The price of every unit of usage, parents' rates filled in. The mapping is shared and must not be changed.

    `size` and `quality` are for a rate with variants.
    """
    return {unit: nanos or 0 for unit, nanos in _filled(rate.prices, tier, rate.variants, size, quality).items()}


def price(usage: Usage, rate: Rate, occasion: Occasion = ORDINARY) -> Charge:
    """The charge of a usage under a rate, at the tier of the occasion and of the usage's whole input.

    1,200 fresh input tokens at 150,000 nanos per million: one line, 180 nanos.
    """
    lines = tuple(
        ChargeLine(unit=unit, units=units, nanos_per_million=nanos)
        for unit, nanos in _rates_at(usage, rate, occasion).items()
        if (units := getattr(usage, unit))
    )
    total = charge_rounded_up((line.units, line.nanos_per_million) for line in lines)
    return Charge(rate_id=rate.id, lines=lines, total_nanos=total)


def total_of(usage: Usage, rate: Rate, occasion: Occasion = ORDINARY) -> Nanos:
    """The total of `price` without its lines, for proofs over millions of calls."""
    return charge_rounded_up(zip(_units_of(usage), _rates_at(usage, rate, occasion).values(), strict=True))


def _rates_at(usage: Usage, rate: Rate, occasion: Occasion) -> Mapping[str, Nanos]:
    tier = tier_of(rate.tiers, occasion, input_tokens_of(usage)) if rate.tiers else None
    return unit_rates(rate, tier, occasion.size, occasion.quality) if rate.variants else unit_rates(rate, tier)


def cost(usage: Usage, price: Price, occasion: Occasion = ORDINARY) -> Nanos | None:
    """What the provider asks for a usage, in nano-USD rounded up once; None if a unit that was used has no price."""
    tier = tier_of(price.tiers, occasion, input_tokens_of(usage)) if price.tiers else None
    made = (occasion.size, occasion.quality) if price.variants else (None, None)
    prices = _unit_prices(price.prices, tier, price.variants, *made)
    lines = [(units, prices[unit]) for unit in PRICE_OF_UNIT if (units := getattr(usage, unit))]
    known = [(units, nanos) for units, nanos in lines if nanos is not None]
    return charge_rounded_up(known) if len(known) == len(lines) else None


def input_tokens_of(usage: Usage) -> int:
    """The request's whole input: fresh, cached and written, of all types."""
    return sum(getattr(usage, unit) for unit in INPUT_UNITS)


def nanos_of(rate: Rate, unit: str) -> Nanos:
    """The rate's own price of a unit, in nanocredits per million; 0 if it has none."""
    nanos: Nanos | None = getattr(rate.prices, PRICE_OF_UNIT[unit])
    return nanos or 0


def has_price(rate: Rate, unit: str) -> bool:
    """Whether the rate has a price for the unit of usage, even if only for some sizes; 0 is a price if it is set."""
    field = PRICE_OF_UNIT[unit]
    if getattr(rate.prices, field) is not None:
        return True
    return field in VARIED and any(getattr(variant.prices, field) is not None for variant in rate.variants)


@lru_cache(maxsize=4096)
def dearest(rate: Rate, tiers: tuple[Tier, ...] = (), size: str | None = None, quality: str | None = None) -> Dearest:
    """The dearest of the ordinary rates and of those tiers, for any use of the provider's cache.

    `size` and `quality` are for a rate with variants.
    """
    rates = [unit_rates(rate, tier, size, quality) for tier in (None, *tiers)]
    units = {unit: max(found[unit] for found in rates) for unit in PRICE_OF_UNIT}
    return Dearest(
        input_nanos=max(units[unit] for unit in INPUT_UNITS),
        output_nanos=max(units[unit] for unit in OUTPUT_UNITS),
        units=units,
    )


@lru_cache(maxsize=1024)
def _unit_prices(
    prices: UnitPrices, tier: Tier | None, variants: Variants, size: str | None, quality: str | None
) -> Mapping[str, Nanos | None]:
    return _filled(prices, tier, variants, size, quality)


def _filled(
    base: UnitPrices, tier: Tier | None, variants: Variants, size: str | None, quality: str | None
) -> dict[str, Nanos | None]:
    """The price of every unit: the variant's, else the tier's, the ordinary one, the parent's; None if none has one."""
    found: dict[str, Nanos | None] = {}
    for unit, field in PRICE_OF_UNIT.items():
        nanos = getattr(tier.prices, field) if tier is not None else None
        nanos = getattr(base, field) if nanos is None else nanos
        if variants and field in VARIED:
            nanos = variant_price(variants, field, size, quality, nanos)
        found[unit] = found[_PARENTS[unit]] if nanos is None and unit in _PARENTS else nanos
    return found
