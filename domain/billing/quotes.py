"""A quote: what a call would be charged at most and probably, and at which rates.

A quote names versions of rates, which never change, so a call that names the quote before it expires is charged by
them, even if the rates changed since. Nothing is written or held for a quote.
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
    """The content of a quote, encrypted into its id: its expiry, the model name, the rates."""

    expires_ms: int
    model: str
    rate_ids: tuple[str, ...]


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """The charge with one provider under one rate, in nanocredits: at most, and probably."""

    provider: str
    model: str
    rate: Rate
    limit: Bound
    expected_nanos: int


class Rehearsed(msgspec.Struct, frozen=True, kw_only=True):
    """The decision of the rule that admits calls; nothing of it is written."""

    planned: Planned
    writes: tuple[()] = ()


def offer(call: ModelCall, served: Served) -> Offer | None:
    """The charge of the call with one provider; None if there is no rate, or no bound of the charge."""
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
