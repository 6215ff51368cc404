"""Updating the price book from a newer catalogue: what is new, how far prices move, and what is appended.

Nothing is overwritten: a known price stays, and its successor states since when it is known.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from domain.books.rows import AuditEntry, Row
from domain.management.changes import Actor
from domain.pricing.by_size import variant_label
from domain.pricing.money import thousandths_moved
from domain.pricing.price_book import Price, news, standing
from domain.pricing.tiers import UnitPrices

# A price that moves by more than a tenth waits until an operator accepts it.
MOVE_THOUSANDTHS_MAX = 100


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """One unit of one model's price, before and after, in nano-USD per million units; None: it has no price.

    `tier` states for which requests, or which size and quality ("" for the ordinary ones). `thousandths` is how far it
    moved, of the old price; None if that is undefined.
    """

    provider: str
    model: str
    tier: str
    unit: str
    before_nanos: int | None
    after_nanos: int | None

    @property
    def thousandths(self) -> int | None:
        """How far the price moved, in thousandths of what it was, rounded away from zero."""
        if self.before_nanos is None or self.after_nanos is None:
            return None
        return thousandths_moved(self.before_nanos, self.after_nanos)

    @property
    def is_large(self) -> bool:
        """Whether an operator must accept it first. A unit that has a price for the first time moves nothing."""
        if self.before_nanos is None:
            return False
        return self.thousandths is None or abs(self.thousandths) > MOVE_THOUSANDTHS_MAX


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What a catalogue has for one provider that the book does not: the prices to append, and the moves they make."""

    provider: str
    prices: tuple[Price, ...] = ()
    moves: tuple[Move, ...] = ()
    new_models: tuple[str, ...] = ()


class Synced(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome for one provider: the difference, and whether it was appended."""

    difference: Difference
    writes: tuple[Row, ...] = ()

    @property
    def appended(self) -> bool:
        """Whether the book has it now."""
        return bool(self.writes)


def difference(provider: str, held: Sequence[Price], incoming: Iterable[Price], now_ms: int) -> Difference:
    """What the incoming prices of a provider change of the held ones."""
    by_model = _by_model(held)
    prices: list[Price] = []
    moves: list[Move] = []
    new_models: list[str] = []
    for model, versions in _by_model(incoming).items():
        known = by_model.get(model, [])
        learned = news(known, versions, now_ms)
        prices += learned
        if learned and not known:
            new_models.append(model)
        elif learned:
            moves += _moves(standing(known, now_ms), standing([*known, *learned], now_ms))
    return Difference(provider=provider, prices=tuple(prices), moves=tuple(moves), new_models=tuple(new_models))


def append(actor: Actor, changed: Difference, accepted: bool) -> Synced:
    """Append the new prices; none of the provider if a price moves far and `accepted` is false."""
    if not changed.prices or (not accepted and any(move.is_large for move in changed.moves)):
        return Synced(difference=changed)
    entry = AuditEntry(
        id=actor.audit_id,
        at_ms=actor.now_ms,
        actor=actor.name,
        action="price sync",
        subject=changed.provider,
        detail=f"{len(changed.prices)} prices, from {changed.prices[0].source}",
    )
    return Synced(difference=changed, writes=(*changed.prices, entry))


class Conditions(Protocol):
    """For which requests a tier holds: see `Tier`."""

    @property
    def service(self) -> str | None: ...
    @property
    def above_tokens(self) -> int: ...
    @property
    def from_minute(self) -> int: ...
    @property
    def until_minute(self) -> int: ...


def tier_label(tier: Conditions | None) -> str:
    """For which requests a tier holds, as text: "priority above 200000"."""
    if tier is None:
        return ""
    hours = (
        f"{_clock(tier.from_minute)}-{_clock(tier.until_minute)} UTC" if tier.from_minute != tier.until_minute else ""
    )
    above = f"above {tier.above_tokens}" if tier.above_tokens else ""
    return " ".join(word for word in (tier.service, above, hours) if word)


def _moves(before: Price | None, after: Price | None) -> list[Move]:
    if before is None or after is None:
        return []
    tiers_before, tiers_after = _by_label(before), _by_label(after)
    return [
        Move(
            provider=after.provider,
            model=after.model,
            tier=label,
            unit=unit,
            before_nanos=was,
            after_nanos=now,
        )
        for label in sorted({*tiers_before, *tiers_after})
        for unit in UnitPrices.__struct_fields__
        if (was := _price(tiers_before, label, unit)) != (now := _price(tiers_after, label, unit))
    ]


def _by_label(price: Price) -> dict[str, UnitPrices]:
    """The prices of each tier and variant by its label, and the ordinary ones under ""."""
    tiers = {tier_label(tier): tier.prices for tier in price.tiers}
    return {**tiers, **{variant_label(variant): variant.prices for variant in price.variants}, "": price.prices}


def _price(tiers: dict[str, UnitPrices], label: str, unit: str) -> int | None:
    """A tier's own price, else the ordinary one: a new or removed tier moves the price that it replaces."""
    own: int | None = getattr(tiers[label], unit) if label in tiers else None
    ordinary: int | None = getattr(tiers[""], unit)
    return ordinary if own is None else own


def _by_model(prices: Iterable[Price]) -> dict[str, list[Price]]:
    found: dict[str, list[Price]] = {}
    for price in prices:
        found.setdefault(price.model, []).append(price)
    return found


def _clock(minute: int) -> str:
    hours, rest = divmod(minute, 60)
    return f"{hours:02d}:{rest:02d}"
