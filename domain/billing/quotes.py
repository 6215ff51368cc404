"""A quote: what a call would be charged at most and in all likelihood, and the rates that it would be charged at.

A quote names versions of rates, which never change, so a call that names the quote within its time is charged by
them whatever was set since. Nothing is written or held for a quote.
"""

import msgspec

from domain.billing.plan import Planned, as_served
from domain.catalog.catalog import Served
from domain.model_api.call import ModelCall
from domain.pricing.bounds import Bound, bound
from domain.pricing.cost_estimate import expected_nanos
from domain.pricing.rate import Rate

QUOTE_KEPT_MS = 15 * 60_000


class Basis(msgspec.Struct, frozen=True):
    """What a quote stands on, sealed into its id: until when it holds, for which model name, at which rates."""

    expires_ms: int
    model: str
    rate_ids: tuple[str, ...]


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One way to make the call: at most, and in all likelihood, so many nanocredits under that rate."""

    provider: str
    model: str
    rate: Rate
    limit: Bound
    expected_nanos: int


class Rehearsed(msgspec.Struct, frozen=True, kw_only=True):
    """What the rule that admits calls would decide; nothing of it is written."""

    planned: Planned
    writes: tuple[()] = ()


def offer(call: ModelCall, served: Served) -> Offer | None:
    """What the call comes to with one provider; None where it has no rate, or the charge no bound."""
    if served.rate is None:
        return None
    limit = bound(as_served(call, served), served.rate)
    if not isinstance(limit, Bound):
        return None
    return Offer(
        provider=served.provider.name,
        model=served.model,
        rate=served.rate,
        limit=limit,
        expected_nanos=min(limit.nanos, expected_nanos(call, served.rate)),
    )
