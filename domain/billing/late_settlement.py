"""Charging a call that was ended as lost although its process lived.

Where processes cannot see each other, a lease decides whether one lives. A process that stood still for longer than its
lease comes back and finds its calls ended and their holds given back. What a stream had delivered by then is not given
away: it is charged to what the wallet still affords, at most what was held for the call. The rest is recorded as owed.
The row of the call stays as it is; the charge is an adjustment of it.

A whole answer is not sent before its settlement, so a lost one was not delivered and is not charged.
"""

import msgspec

from domain.billing.limits_of_call import charged_again, counted_nanos
from domain.billing.metering import Measured
from domain.billing.rerating import WRITER, journal_line
from domain.billing.settlement import Outcome, Settlement, measured_of, settle
from domain.books.scopes import SettleFacts
from domain.books.statistics.sums import sum_of_adjustment
from domain.ledger.ledger import posted, taken
from domain.ledger.rows import Adjustment, LateUsage
from domain.pricing.charge import price
from domain.pricing.tiers import Occasion


def settle_late_too(facts: SettleFacts, outcome: Outcome, now_ms: int) -> Settlement:
    """Settle the call; if it was ended as lost meanwhile, charge what its stream delivered. Repeating changes nothing.

    The settlement is `already` there unless all of the charge could be collected.
    """
    call, rate = facts.call, outcome.rate
    measured = measured_of(outcome)
    if call is None or call.ending != "lost" or not (call.stream and call.billed and outcome.meter.delivered):
        return settle(facts, outcome, now_ms)
    if measured is None or rate is None:
        return settle(facts, outcome, now_ms)
    earlier = next((adjustment for adjustment in facts.adjustments if adjustment.late is not None), None)
    if earlier is not None:
        return Settlement(call=call, already=earlier.owed_nanos > 0, adjustment=earlier)
    late = _usage_of(outcome, measured)
    charge_nanos = min(price(late.usage, rate, occasion_of_late(late, call.started_ms)).total_nanos, call.hold_nanos)
    lines = taken(facts.grants, charge_nanos, now_ms)
    amount_nanos = sum(line.nanos for line in lines)
    adjustment = Adjustment(
        id=f"{call.id}:late",
        call_id=call.id,
        rate_id=rate.id,
        amount_nanos=amount_nanos,
        owed_nanos=charge_nanos - amount_nanos,
        at_ms=now_ms,
        lines=lines,
        late=late,
        counted_nanos=counted_nanos(call, facts.adjustments, amount_nanos),
    )
    grants = {grant.id: grant for grant in facts.grants}
    paying = tuple(
        msgspec.structs.replace(
            grants[line.grant_id], available_nanos=grants[line.grant_id].available_nanos - line.nanos
        )
        for line in lines
    )
    transfers = tuple(journal_line(adjustment, n, line, grants[line.grant_id]) for n, line in enumerate(lines))
    low = outcome.low_balance_nanos
    counted = charged_again(call, adjustment, facts.counts, facts.payer, posted(facts.grants), now_ms, low)
    return Settlement(
        call=call,
        writes=(*paying, *transfers, adjustment, sum_of_adjustment(call, adjustment, WRITER), *counted),
        already=adjustment.owed_nanos > 0,
        adjustment=adjustment,
    )


def occasion_of_late(late: LateUsage, started_ms: int) -> Occasion:
    """How the call was served."""
    return Occasion(service=late.service_tier, at_ms=started_ms, size=late.size, quality=late.quality)


def _usage_of(outcome: Outcome, measured: Measured) -> LateUsage:
    """What the call has delivered, and how it was served."""
    return LateUsage(
        usage=measured.usage,
        source=measured.source,
        service_tier=outcome.meter.service_tier,
        size=outcome.meter.size or outcome.size,
        quality=outcome.meter.quality or outcome.quality,
    )
