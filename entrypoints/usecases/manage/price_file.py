"""A price list that an operator wrote: JSON, in dollars, by provider.

    {"openai": [{"model": "gpt-5", "prices": {"input": "1.25", "output": "10"}, "from": "2026-11-01",
                 "names": ["=gpt-5", "^gpt-5-2025"], "context": 400000, "max_output": 128000,
                 "tiers": [{"service": "priority", "above_tokens": 0, "prices": {"input": "2.5"}}],
                 "variants": [{"size": "1024x1536", "quality": "high", "prices": {"image": "250000"}}]}]}

Prices are decimals, as text, for a million units; units are named as in a price's reply.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime

import msgspec

from domain.money import AmountError, parse_credits
from domain.pricing.by_size import Variant, distinct
from domain.pricing.price_book import Names, Price, checked_names, price_id
from domain.pricing.tiers import Tier, UnitPrices

UNIT_NAMES = tuple(name.removesuffix("_nanos") for name in UnitPrices.__struct_fields__)


class PriceFileError(Exception):
    """The file is not a price list; the message names the place and the remedy."""


class _Tier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    prices: dict[str, str]
    service: str | None = None
    above_tokens: int = 0
    from_minute: int = 0
    until_minute: int = 0


class _Variant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    prices: dict[str, str]
    size: str | None = None
    quality: str | None = None


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from"}):
    model: str
    prices: dict[str, str]
    since: date | None = None
    names: Names = ()
    context: int | None = None
    max_output: int | None = None
    tiers: tuple[_Tier, ...] = ()
    variants: tuple[_Variant, ...] = ()


_DECODER = msgspec.json.Decoder(dict[str, list[_Entry]])


def read_price_file(content: bytes, source: str, now_ms: int) -> dict[str, list[Price]]:
    """The prices by provider; those without a date hold from now on. PriceFileError if it is not a price list."""
    try:
        entries = _DECODER.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise PriceFileError(f"{error}; docs/reference.md shows what a price list looks like") from None
    found: dict[str, list[Price]] = {}
    for provider, listed in entries.items():
        for entry in listed:
            try:
                found.setdefault(provider, []).append(_price(provider, entry, source, now_ms))
            except (ValueError, AmountError) as error:
                raise PriceFileError(f"{provider}/{entry.model}: {error}") from None
    return found


def _price(provider: str, entry: _Entry, source: str, now_ms: int) -> Price:
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
