"""How a call ends: what is captured of its hold, what is released, and what the call log records.

| ending                | output delivered | charge                                                       |
|-----------------------|------------------|--------------------------------------------------------------|
| `completed`           | any              | the usage that the provider reported, else an estimate       |
| `provider_failed`     | none             | nothing                                                      |
| `provider_failed`     | some             | what was reported, or estimated from what was delivered      |
| `timed_out`           | any              | as with `provider_failed`                                    |
| `client_disconnected` | any              | what was reported or estimated, once the provider had accepted |
| `lost`                | unknown          | nothing (`sweep`)                                            |

No charge is more than the hold; the rest of the usage's price is recorded as `uncollected_nanos`.
"""

from collections.abc import Sequence

import msgspec

from domain.billing.limits_of_call import models_of, resolved, tokens_of
from domain.billing.metering import Measured, Meter, counted, measure
from domain.billing.rerank_usage import ranked
from domain.books.rows import Call, Ending, Hold, Idempotency, Row, call_of
from domain.books.scopes import SettleFacts
from domain.books.statistics.sums import sum_of_call
from domain.catalog.vendors import VENDORS
from domain.failures import MAY_HAVE_COST
from domain.ledger.audited import AuditedCall
from domain.ledger.ledger import resolve
from domain.ledger.rows import Adjustment
from domain.limits.notices import crossing, threshold_in
from domain.limits.settle import Ended
from domain.model_api.call import AttemptRecord, Target
from domain.model_api.operations import SOLD_BY_PIECE
from domain.pricing.charge import cost, has_price, price
from domain.pricing.price_book import Price
from domain.pricing.rate import Rate
from domain.pricing.tiers import Occasion
from domain.usage import Usage

# Answered but not charged: the hub's fault; the provider may still bill it.
_COST_UNKNOWN = MAY_HAVE_COST | {"answered"}


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a call went, as seen by the process that ran it.

    `user_id` is the account that pays, and `caller_id` the user who calls, where that is another account.

    `served` is the target whose answer was accepted, with the `rate` it is sold at; None if none was. `price` is its
    provider's price in the book. `pieces`, `size` and `quality` were counted in the request, see `ModelCall`. `answer`
    is the encrypted answer to keep for the Idempotency-Key, if there is one and the answer is whole.
    `low_balance_nanos` is the threshold of wallets that have none of their own.
    """

    call_id: str
    user_id: str
    caller_id: str | None = None
    ending: Ending
    meter: Meter
    input_tokens: int
    pieces: Usage = Usage()
    size: str | None = None
    quality: str | None = None
    attempts: tuple[AttemptRecord, ...]
    served: Target | None = None
    rate: Rate | None = None
    price: Price | None = None
    first_byte_ms: int | None = None
    error: str | None = None
    status: int = 0
    content_type: str = ""
    answer: bytes | None = None
    low_balance_nanos: int | None = None


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """The call has ended. If `already`, it had ended before, and nothing was written.

    `adjustment` is the charge of a call that had been ended as lost (`late.py`).
    """

    call: Call | None
    writes: tuple[Row, ...] = ()
    already: bool = False
    adjustment: Adjustment | None = None


def settle(facts: SettleFacts, outcome: Outcome, now_ms: int) -> Settlement:
    """Close a call's hold exactly once; repeating it returns the first decision."""
    hold = facts.hold
    if hold is None:
        return Settlement(call=facts.call, already=True)
    measured = measured_of(outcome)
    meter = outcome.meter
    occasion = Occasion(
        service=meter.service_tier,
        at_ms=hold.started_ms,
        size=meter.size or outcome.size,
        quality=meter.quality or outcome.quality,
    )
    total_nanos = (
        price(measured.usage, outcome.rate, occasion).total_nanos if measured and outcome.rate and hold.billed else 0
    )
    attempts, price_id = _costed(outcome, measured, occasion)
    charge_nanos = min(total_nanos, hold.hold_nanos)
    moves = resolve(facts.grants, hold.hold_lines, hold.id, charge_nanos, now_ms)
    target = outcome.served
    ended = call_of(
        hold,
        owner=None,
        ending=outcome.ending,
        complete=outcome.ending == "completed",
        ended_ms=max(now_ms, hold.started_ms),  # the clock may have gone back
        first_byte_ms=outcome.first_byte_ms,
        provider=target.provider if target else None,
        provider_model=target.model if target else None,
        credential_id=target.credential_id if target else None,
        rate_id=outcome.rate.id if outcome.rate else None,
        attempts=attempts,
        usage=measured.usage if measured else None,
        usage_source=measured.source if measured else None,
        usage_note=measured.note if measured else None,
        charge_nanos=charge_nanos,
        uncollected_nanos=total_nanos - charge_nanos,
        error=outcome.error,
        service_tier=occasion.service,
        cost_nanos=total_cost(attempts),
        price_id=price_id,
        size=occasion.size,
        quality=occasion.quality,
    )
    kept = _kept(facts.duplicate, hold, outcome)
    counted = _counted(facts, hold, ended, now_ms) if hold.reserved else ()
    summed = sum_of_call(ended, hold.owner)
    writes = (*moves.grants, *moves.transfers, ended, summed, *kept, *counted)
    return Settlement(call=ended, writes=writes)


def _counted(facts: SettleFacts, hold: Hold, ended: Call, now_ms: int) -> tuple[Row, ...]:
    """What counts against the limits, budgets and purse of the call after its end, and the notices of crossings."""
    tokens = tokens_of(ended.usage) if ended.usage is not None else 0
    end = Ended(charge_nanos=ended.charge_nanos, tokens=tokens, models=models_of(ended))
    counted = resolved(hold.id, hold.payer_id, hold.reserved, facts.counts, end, now_ms)
    if facts.wallet_nanos is None:
        return counted
    threshold, before = threshold_in(hold.reserved), facts.wallet_nanos
    return (*counted, *crossing(hold.payer_id, threshold, before, before - ended.charge_nanos, hold.id, now_ms))


def measured_of(outcome: Outcome) -> Measured | None:
    """The usage that the call is charged for; None if it is charged for nothing."""
    if outcome.served is None:
        return None
    failed = outcome.ending in ("provider_failed", "timed_out", "lost")
    if failed and not outcome.meter.delivered:
        return None
    rate = outcome.rate
    if outcome.pieces.search_units:
        measured = ranked(outcome.meter, outcome.input_tokens, outcome.pieces, rate)
    elif outcome.meter.reported is None and rate is not None and _is_sold_by_the_piece(outcome.pieces, rate):
        measured = counted(outcome.meter, outcome.pieces)
    else:
        measured = measure(outcome.meter, outcome.input_tokens, outcome.pieces)
    if rate is None or rate.prices.request_nanos is None or measured.usage.requests:
        return measured
    return msgspec.structs.replace(measured, usage=msgspec.structs.replace(measured.usage, requests=1))


def _is_sold_by_the_piece(pieces: Usage, rate: Rate) -> bool:
    """Whether the request has a price by the piece, so that its tokens need no estimate."""
    return any(getattr(pieces, unit) and has_price(rate, unit) for unit in SOLD_BY_PIECE)


def occasion_of(call: Call | AuditedCall) -> Occasion:
    """How a call that has ended was served, as the books have it."""
    return Occasion(service=call.service_tier, at_ms=call.started_ms, size=call.size, quality=call.quality)


def total_cost(attempts: Sequence[AttemptRecord]) -> int | None:
    """What the providers ask for all attempts, in nano-USD; None if one of them is unknown."""
    costs = [attempt.cost_nanos for attempt in attempts]
    return None if None in costs else sum(nanos for nanos in costs if nanos is not None)


def _costed(
    outcome: Outcome, measured: Measured | None, occasion: Occasion
) -> tuple[tuple[AttemptRecord, ...], str | None]:
    """The attempts with their costs, and the price of the book that was used for the answered one.

    A provider's own report of its charge is used if the provider is known to report dollars. A failed attempt may have
    cost something, unless it failed before the provider could work.
    """
    records = [
        msgspec.structs.replace(record, cost_nanos=None if record.outcome in _COST_UNKNOWN else 0)
        for record in outcome.attempts
    ]
    if outcome.served is None or not records:
        return tuple(records), None
    vendor = VENDORS.get(outcome.served.provider)
    reported_nanos = outcome.meter.cost_nanos if vendor is not None and vendor.reports_cost else None
    cost_nanos, price_id = reported_nanos, None
    if cost_nanos is None and measured is not None and outcome.price is not None:
        usage = measured.usage
        if outcome.price.prices.request_nanos is not None and not usage.requests:
            usage = msgspec.structs.replace(usage, requests=1)
        cost_nanos, price_id = cost(usage, outcome.price, occasion), outcome.price.id
    records[-1] = msgspec.structs.replace(records[-1], cost_nanos=cost_nanos)
    return tuple(records), price_id


def _kept(duplicate: Idempotency | None, hold: Hold, outcome: Outcome) -> tuple[Idempotency, ...]:
    if duplicate is None or duplicate.call_id != hold.id or outcome.answer is None:
        return ()
    kept = msgspec.structs.replace(
        duplicate, status=outcome.status, content_type=outcome.content_type, answer=outcome.answer
    )
    return (kept,)
