"""Rates made from the price book: a model's price with a margin, in credits.

Every unit, tier and variant is carried over, so that the customer's charge follows the provider's answer as the
operator's cost does. A rate that an operator set or removed is left as it is.
"""

from collections.abc import Iterable, Sequence

import msgspec

from domain.books.management_scopes import ProviderFacts
from domain.books.rows import AuditEntry, Row
from domain.management.changes import Actor, Changed, Denied, Outcome, Unchanged
from domain.pricing.money import AmountError, rate_from_cost
from domain.pricing.price_book import Price
from domain.pricing.rate import Rate
from domain.pricing.tiers import UnitPrices
from domain.refusals import BadRequest, NotFound

BOOK_SOURCE = "price book"

_SAME = ("names", "prices", "tiers", "variants", "context_tokens", "output_tokens_max")


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How cost becomes rate: `margin_nanos`, 10**9 for one percent, and what one credit costs its buyer in nano-USD."""

    margin_nanos: int
    credit_price_nanos: int


class RateFromPrice(msgspec.Struct, frozen=True, kw_only=True):
    """A rate that was made from a price, and the rate that it replaces; None: the model was not on sale."""

    price: Price
    before: Rate | None
    after: Rate


class Sold(msgspec.Struct, frozen=True, kw_only=True):
    """The result of selling a provider's models, by the models' names.

    `changes` have the new rates. `kept` have a rate of the operator's own, or were removed from sale; `unchanged` have
    the rate already; `impossible` have a price that is too high to be charged.
    """

    provider: str
    changes: tuple[RateFromPrice, ...] = ()
    unchanged: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    impossible: tuple[str, ...] = ()

    @property
    def rates(self) -> tuple[Rate, ...]:
        """The new rates."""
        return tuple(change.after for change in self.changes)


def rate_of(price: Price, terms: Terms, provider: str, rate_id: str, moment_ms: int) -> Rate:
    """The rate for a price, each unit rounded up once. ValueError if it is dearer than can be charged."""
    ordinary = _sold(price.prices, terms)
    # A rate has a price for text: 0 where the book has none.
    texts = {"input_nanos": ordinary.input_nanos or 0, "output_nanos": ordinary.output_nanos or 0}
    tiers = tuple(msgspec.structs.replace(tier, prices=_sold(tier.prices, terms)) for tier in price.tiers)
    return Rate(
        id=rate_id,
        provider=provider,
        model=price.model,
        effective_ms=moment_ms,
        known_ms=moment_ms,
        source=f"{BOOK_SOURCE}: {price.id}",
        context_tokens=price.context_tokens,
        output_tokens_max=price.output_tokens_max,
        tiers=tiers,
        variants=tuple(
            msgspec.structs.replace(variant, prices=_sold(variant.prices, terms)) for variant in price.variants
        ),
        names=price.names,
        prices=msgspec.structs.replace(ordinary, **texts),
    )


def sell(
    facts: ProviderFacts,
    actor: Actor,
    prices: Iterable[Price],
    terms: Terms,
    rate_ids: Sequence[str],
    named: bool,
    since_ms: int | None = None,
) -> tuple[Sold, Outcome]:
    """New versions of the rates of these models; there are as many `rate_ids` as prices.

    `named`: the operator named this model, so it is sold again even if it was removed from sale. The rates hold from
    `since_ms` on, None: from now.
    """
    row = facts.provider
    if row is None or row.removed_ms is not None:
        return Sold(provider=""), Denied(refusal=NotFound(kind="provider", name=""))
    current = _current(facts.rates)
    new: list[RateFromPrice] = []
    unchanged, kept, impossible = [], [], []
    for price, rate_id in zip(prices, rate_ids, strict=True):
        standing = current.get(price.model)
        if standing is not None and (not named if standing.removed else not is_from_book(standing)):
            kept.append(price.model)
            continue
        moment_ms = max(actor.now_ms, standing.effective_ms + 1) if standing else actor.now_ms
        try:
            rate = _following(standing, rate_of(price, terms, row.name, rate_id, moment_ms), since_ms)
        except (ValueError, AmountError):
            impossible.append(price.model)
            continue
        holds = standing is not None and not standing.removed and standing.effective_ms <= rate.effective_ms
        if standing is not None and holds and _alike(standing, rate):
            unchanged.append(price.model)
        else:
            before = standing if standing is not None and not standing.removed else None
            new.append(RateFromPrice(price=price, before=before, after=rate))
    sold = Sold(
        provider=row.name,
        changes=tuple(new),
        unchanged=tuple(unchanged),
        kept=tuple(kept),
        impossible=tuple(impossible),
    )
    if not new:
        return sold, Unchanged(row=row)
    writes: tuple[Row, ...] = (*sold.rates, _audited(actor, row.name, len(new), terms))
    return sold, Changed(row=new[0].after, writes=writes)


def _following(standing: Rate | None, rate: Rate, since_ms: int | None) -> Rate:
    """The rate as it follows the present one: shown as that is, and effective from `since_ms`, where it is given."""
    if standing is not None and not standing.removed:
        rate = msgspec.structs.replace(rate, display_name=standing.display_name, hidden=standing.hidden)
    return rate if since_ms is None else msgspec.structs.replace(rate, effective_ms=since_ms)


def _audited(actor: Actor, provider: str, count: int, terms: Terms) -> AuditEntry:
    return AuditEntry(
        id=actor.audit_id,
        at_ms=actor.now_ms,
        actor=actor.name,
        action="rate bulk",
        subject=provider,
        detail=f"{count} rates, margin {terms.margin_nanos}, credit price {terms.credit_price_nanos}",
    )


def is_from_book(rate: Rate) -> bool:
    """Whether a rate was made from the price book, so that it may be replaced from it."""
    return rate.source.startswith(BOOK_SOURCE)


def terms_of(margin_nanos: int, credit_price_nanos: int) -> Terms | BadRequest:
    """The terms, or what is wrong with them."""
    if credit_price_nanos < 1:
        return BadRequest(field="credit_price", problem="write what a credit costs in dollars, such as 1 or 0.01")
    return Terms(margin_nanos=margin_nanos, credit_price_nanos=credit_price_nanos)


def _sold(prices: UnitPrices, terms: Terms) -> UnitPrices:
    return UnitPrices(
        **{
            name: rate_from_cost(nanos, terms.margin_nanos, terms.credit_price_nanos)
            for name in UnitPrices.__struct_fields__
            if (nanos := getattr(prices, name)) is not None
        }
    )


def _current(rates: Iterable[Rate]) -> dict[str, Rate]:
    """The newest version of each model's rate, even if it ended the sale."""
    found: dict[str, Rate] = {}
    for rate in sorted(rates, key=lambda rate: (rate.effective_ms, rate.known_ms)):
        found[rate.model] = rate
    return found


def _alike(one: Rate, other: Rate) -> bool:
    return all(getattr(one, field) == getattr(other, field) for field in _SAME)
