"""Rates and prices as requests and replies have them: an amount for each unit of the table of units.

The fields are made from `domain.usage.UNITS`, so that a new unit is accepted, shown and described without another list.
"""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from domain.pricing.by_size import VARIED, Variant
from domain.pricing.tiers import Tier, UnitPrices
from domain.usage import UNITS, Unit
from entrypoints.usecases.public_types import Credits, CreditsEach, Dollars

_Base = TypeVar("_Base", bound=msgspec.Struct)
Amounts = TypeVar("Amounts", bound=msgspec.Struct)


def _with_units(
    units: Iterable[Unit], amount: type[int], each: type[int], absent: UnsetType | None
) -> Callable[[type[_Base]], type[_Base]]:
    """A decorator that adds an optional field for each unit, `each` for those whose price of one is shown.

    A unit without a price is `absent`: None is shown as null, UNSET is left out.
    """

    def decorated(base: type[_Base]) -> type[_Base]:
        fields: list[Any] = []
        for unit in units:
            kind: Any = (each if unit.shown_each else amount) | (None if absent is None else UnsetType)
            fields.append((unit.label, Annotated[kind, Meta(description=unit.words)], absent))
        made: Any = msgspec.defstruct(
            base.__name__, fields, bases=(base,), module=base.__module__, frozen=True, kw_only=True
        )
        made.__doc__ = base.__doc__
        decorated_base: type[_Base] = made
        return decorated_base

    return decorated


@_with_units(UNITS, Credits, CreditsEach, absent=None)
class RatedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model with what each of its units is sold for."""

    model: Annotated[str, Meta(description="PROVIDER/MODEL, such as openai/gpt-5-mini")]


@_with_units(UNITS, Credits, CreditsEach, absent=UNSET)
class RateAmounts(msgspec.Struct, frozen=True, kw_only=True):
    """What units are sold for, in credits: those that have a rate."""


@_with_units(UNITS, Dollars, Dollars, absent=UNSET)
class PriceAmounts(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider asks for units, in dollars per million: those that have a price."""


@_with_units([unit for unit in UNITS if unit.price in VARIED], Credits, CreditsEach, absent=UNSET)
class RateVariant(msgspec.Struct, frozen=True, kw_only=True):
    """What one piece of a size, of a quality, or of both is sold for."""

    size: Annotated[str | None, Meta(description="such as 1024x1536, or 1080p for video; null for any")] = None
    quality: Annotated[str | None, Meta(description="such as high; null for any")] = None


class PriceVariant(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider asks for pieces of a size, of a quality, or of both."""

    size: str | None
    quality: str | None
    prices: PriceAmounts


class TierView(msgspec.Struct, Generic[Amounts], frozen=True, kw_only=True):
    """Prices that hold for some requests instead of the ordinary ones.

    `service` is the service tier (null: the standard one), `above_tokens` what the input must exceed, `from_minute` to
    `until_minute` the hours of the day in UTC (equal: all day).
    """

    service: str | None
    above_tokens: int
    from_minute: int
    until_minute: int
    prices: Amounts


def amounts_of(prices: UnitPrices) -> dict[str, Any]:
    """The prices that there are, as amounts of credits by the units' labels."""
    return {
        unit.label: (CreditsEach if unit.shown_each else Credits)(nanos)
        for unit in UNITS
        if (nanos := getattr(prices, unit.price)) is not None
    }


def price_amounts(prices: UnitPrices) -> PriceAmounts:
    """The prices that there are, in dollars per million."""
    given: dict[str, Any] = {
        unit.label: Dollars(nanos) for unit in UNITS if (nanos := getattr(prices, unit.price)) is not None
    }
    return PriceAmounts(**given)


def tier_view(tier: Tier, amounts: Amounts) -> TierView[Amounts]:
    """A tier with its prices as these amounts."""
    return TierView(
        service=tier.service,
        above_tokens=tier.above_tokens,
        from_minute=tier.from_minute,
        until_minute=tier.until_minute,
        prices=amounts,
    )


def rate_variant(variant: Variant) -> RateVariant:
    """A variant of a rate, to show it."""
    return RateVariant(size=variant.size, quality=variant.quality, **amounts_of(variant.prices))


def unit_prices(amounts: msgspec.Struct) -> UnitPrices:
    """The prices of the amounts that were given, as the books have them."""
    given = {unit.price: amount_of(amounts, unit.label) for unit in UNITS}
    return UnitPrices(**{field: int(nanos) for field, nanos in given.items() if nanos is not None})


def amount_of(amounts: msgspec.Struct | None, label: str) -> Any:
    """The amount of the unit of that label; None if it has none."""
    amount = getattr(amounts, label, None)
    return None if amount is UNSET else amount
