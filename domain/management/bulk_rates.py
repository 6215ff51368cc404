"""New rates for all models that are sold and whose price is known, also those that an operator set."""

from collections.abc import Sequence

import msgspec

from domain.books.management_scopes import ProviderFacts
from domain.books.rows import AuditEntry
from domain.management.changes import Actor, Changed, Outcome, Unchanged
from domain.management.rates_from_prices import Terms, rate_of
from domain.pricing.money import AmountError
from domain.pricing.price_book import Price
from domain.pricing.rate import Rate


class Repriced(msgspec.Struct, frozen=True, kw_only=True):
    """A model's rate before and after. `model` is the model's name in its rate, the price's may be another."""

    before: Rate
    after: Rate


def reprice(
    facts: ProviderFacts, actor: Actor, prices: Sequence[tuple[str, Price, str]], terms: Terms
) -> tuple[tuple[Repriced, ...], Outcome]:
    """New versions of the rates of one provider, in one decision.

    `prices` are models that have a rate, each with its price and the id of the new version. A hidden model keeps its
    rate, and so does one that has the rate already or whose price is too high to be charged.
    """
    assert facts.provider is not None, "only models of a provider have rates"
    made: list[Repriced] = []
    for model, price, rate_id in prices:
        versions = [rate for rate in facts.rates if rate.model == model and rate.effective_ms <= actor.now_ms]
        before = max(versions, key=lambda rate: (rate.effective_ms, rate.known_ms), default=None)
        if before is None or before.removed or before.hidden:
            continue
        moment_ms = max(actor.now_ms, before.effective_ms + 1)
        try:
            sold = rate_of(price, terms, facts.provider.name, rate_id, moment_ms)
        except (ValueError, AmountError):
            continue
        after = msgspec.structs.replace(
            sold,
            model=model,
            source=before.source,
            names=before.names,
            display_name=before.display_name,
            capabilities=before.capabilities,
            context_tokens=before.context_tokens or sold.context_tokens,
            output_tokens_max=before.output_tokens_max or sold.output_tokens_max,
        )
        if (after.prices, after.tiers, after.variants) != (before.prices, before.tiers, before.variants):
            made.append(Repriced(before=before, after=after))
    if not made:
        return (), Unchanged(row=facts.provider)
    entry = AuditEntry(
        id=actor.audit_id,
        at_ms=actor.now_ms,
        actor=actor.name,
        action="rate bulk",
        subject=facts.provider.name,
        detail=f"{len(made)} rates, margin {terms.margin_nanos}, credit price {terms.credit_price_nanos}",
    )
    return tuple(made), Changed(row=made[0].after, writes=(*(one.after for one in made), entry))
