"""A price list that an operator wrote: JSON, in dollars, by provider.

    {"openai": [{"model": "gpt-5", "prices": {"input": "1.25", "output": "10"}, "from": "2026-11-01",
                 "names": ["=gpt-5", "^gpt-5-2025"], "context": 400000, "max_output": 128000,
                 "tiers": [{"service": "priority", "above_tokens": 0, "prices": {"input": "2.5"}}],
                 "variants": [{"size": "1024x1536", "quality": "high", "prices": {"image": "250000"}}]}]}

Prices are decimals, as text, for a million units; units are named as in a price's reply.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TypeAlias

import msgspec

from domain.pricing.by_size import Variant, distinct
from domain.pricing.money import AmountError, parse_credits
from domain.pricing.price_book import Names, Price, checked_names, price_id
from domain.pricing.tiers import Tier, UnitPrices
from domain.refusals import BadRequest

UNIT_NAMES = tuple(name.removesuffix("_nanos") for name in UnitPrices.__struct_fields__)


class PriceFileError(Exception):
    """The file is not a price list; the message names the place and the remedy."""


class TierEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Prices for some requests: of a service tier, above a number of input tokens, or within some hours of the day."""

    prices: dict[str, str]
    service: str | None = None
    above_tokens: int = 0
    from_minute: int = 0
    until_minute: int = 0


class VariantEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Prices for pieces of a size, of a quality, or of both."""

    prices: dict[str, str]
    size: str | None = None
    quality: str | None = None


class PriceEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """What a provider asks for a model; `from` is the day from which on (null: now)."""

    model: str
    prices: dict[str, str]
    since: date | None = None
    names: Names = ()
    context: int | None = None
    max_output: int | None = None
    tiers: tuple[TierEntry, ...] = ()
    variants: tuple[VariantEntry, ...] = ()


PriceList: TypeAlias = dict[str, list[PriceEntry]]
_DECODER = msgspec.json.Decoder(PriceList)


def read_price_list(content: bytes) -> PriceList:
    """The entries by provider; PriceFileError if it is not a price list."""
    try:
        return _DECODER.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise PriceFileError(f"{error}; docs/reference.md shows what a price list looks like") from None


def listed_prices(listed: PriceList, source: str, now_ms: int) -> dict[str, list[Price]] | BadRequest:
    """The prices by provider, or the first that is none; those without a date hold from now on."""
    found: dict[str, list[Price]] = {}
    for provider, entries in listed.items():
        for entry in entries:
            try:
                found.setdefault(provider, []).append(_price(provider, entry, source, now_ms))
            except (ValueError, AmountError) as error:
                return BadRequest(field="prices", problem=f"{provider}/{entry.model}: {error}")
    return found


def _price(provider: str, entry: PriceEntry, source: str, now_ms: int) -> Price:
    if not provider or not entry.model or not entry.prices:
        raise ValueError("write a provider, a model and at least one price")
    effective_ms = now_ms
    if entry.since is not None:
        midnight = datetime(entry.since.year, entry.since.month, entry.since.day, tzinfo=UTC)
        effective_ms = int(midnight.timestamp()) * 1000
    return Price(
        id=price_id(provider, entry.model, effective_ms, now_ms),
        provider=provider,
        model=entry.model,
        effective_ms=effective_ms,
        known_ms=now_ms,
        source=source,
        names=checked_names(entry.names or (f"={entry.model.lower()}",)),
        prices=_units(entry.prices),
        tiers=tuple(
            Tier(
                prices=_units(tier.prices),
                service=tier.service,
                above_tokens=tier.above_tokens,
                from_minute=tier.from_minute,
                until_minute=tier.until_minute,
            )
            for tier in entry.tiers
        ),
        variants=distinct(
            tuple(
                Variant(prices=_units(variant.prices), size=variant.size, quality=variant.quality)
                for variant in entry.variants
            )
        ),
        context_tokens=entry.context,
        output_tokens_max=entry.max_output,
    )


def _units(prices: Mapping[str, str]) -> UnitPrices:
    for name in prices:
        if name not in UNIT_NAMES:
            raise ValueError(f"{name!r} is no price; the prices are {', '.join(UNIT_NAMES)}")
    return UnitPrices(**{f"{name}_nanos": parse_credits(text) for name, text in prices.items()})
