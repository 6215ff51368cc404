"""Charging past calls again, under the rate that is now known to hold for their time.

Only the difference moves, in both directions, and the call stays as it was settled. No adjustment raises a charge above
what was held for the call, because the caller was promised that bound; if the wallet does not cover an adjustment, it
takes what is available and records what is owed. What is given back goes to the grants that paid, the last one first;
for a grant that has expired or was voided it is breakage.
"""

from collections.abc import Iterable, Sequence

import msgspec

from domain.billing.limits_of_call import charged_again, counted_nanos
from domain.billing.settlement import occasion_of
from domain.books.rows import Call, Row
from domain.books.scopes import RerateFacts
from domain.books.statistics.sums import sum_of_adjustment
from domain.ledger.ledger import posted, taken
from domain.ledger.rows import Adjustment, Grant, HoldLine, Transfer, TransferKind
from domain.pricing.charge import price
from domain.pricing.rate import Rate

# In the sums of usage: what re-rating adds is in rows of their own.
WRITER = "rerate"


class Rerated(msgspec.Struct, frozen=True, kw_only=True):
    """The result of re-rating a call; no adjustment if there is nothing to move."""

    call_id: str
    adjustment: Adjustment | None = None
    writes: tuple[Row, ...] = ()


def rerate(facts: RerateFacts, rate: Rate, now_ms: int, low_balance_nanos: int | None = None) -> Rerated:
    """Charge one call under a rate; repeating it, or using a rate that was applied before, changes nothing.

    `low_balance_nanos` is the threshold of wallets that have none of their own.
    """
    call = facts.call
    if call is None or not is_due(call, facts.adjustments, rate):
        return Rerated(call_id=call.id if call else "")
    missing = charge_under(call, rate) - charged(call, facts.adjustments)
    if missing == 0:
        return Rerated(call_id=call.id)
    grants = {grant.id: grant for grant in facts.grants}
    lines = taken(facts.grants, missing, now_ms) if missing > 0 else _returned(call, facts.adjustments, -missing)
    amount = sum(line.nanos for line in lines)
    adjustment = Adjustment(
        id=f"{call.id}:adjustment:{rate.id}",
        call_id=call.id,
        rate_id=rate.id,
        amount_nanos=amount,
        owed_nanos=missing - amount if missing > 0 else 0,
        at_ms=now_ms,
        lines=lines,
        counted_nanos=counted_nanos(call, facts.adjustments, amount),
    )
    moved = tuple(
        msgspec.structs.replace(
            grants[line.grant_id], available_nanos=grants[line.grant_id].available_nanos - line.nanos
        )
        for line in lines
        if not grants[line.grant_id].is_over(now_ms)
    )
    before = sum(len(earlier.lines) for earlier in facts.adjustments)
    transfers = tuple(journal_line(adjustment, n, line, grants[line.grant_id]) for n, line in enumerate(lines, before))
    summed = sum_of_adjustment(call, adjustment, WRITER)
    has_nanos = posted(facts.grants)
    counted = charged_again(call, adjustment, facts.counts, facts.payer, has_nanos, now_ms, low_balance_nanos)
    return Rerated(call_id=call.id, adjustment=adjustment, writes=(*moved, *transfers, adjustment, summed, *counted))


def is_due(call: Call, adjustments: Sequence[Adjustment], rate: Rate) -> bool:
    """Whether the call was charged at all, and not yet by this version."""
    by = {call.rate_id, *(adjustment.rate_id for adjustment in adjustments)}
    return call.billed and call.usage is not None and rate.id not in by


def charge_under(call: Call, rate: Rate) -> int:
    """The charge of the call under a rate, at most what was held for it."""
    assert call.usage is not None, "a call is charged by its usage"
    return min(price(call.usage, rate, occasion_of(call)).total_nanos, call.hold_nanos)


def charged(call: Call, adjustments: Iterable[Adjustment]) -> int:
    """The sum of what the call has been charged so far."""
    return call.charge_nanos + sum(adjustment.amount_nanos for adjustment in adjustments)


def _returned(call: Call, adjustments: Iterable[Adjustment], nanos: int) -> tuple[HoldLine, ...]:
    """`nanos` of what the grants have paid for the call, the last one that paid first. Never more than each paid."""
    paid: dict[str, int] = {}
    rest = call.charge_nanos
    for line in call.hold_lines:
        part = min(line.nanos, rest)
        rest -= part
        paid[line.grant_id] = paid.get(line.grant_id, 0) + part
    for adjustment in adjustments:
        for line in adjustment.lines:
            paid[line.grant_id] = paid.get(line.grant_id, 0) + line.nanos
    lines: list[HoldLine] = []
    for grant_id, part in reversed(paid.items()):
        back = min(part, nanos)
        if back > 0:
            lines.append(HoldLine(grant_id, -back))
            nanos -= back
    assert nanos == 0, f"call {call.id} would get back {nanos} more than was paid for it"
    return tuple(lines)


def journal_line(adjustment: Adjustment, step: int, line: HoldLine, grant: Grant) -> Transfer:
    """The line of the journal; steps go on from those of the call's earlier adjustments."""
    kind: TransferKind = "adjustment"
    if line.nanos < 0:
        kind = "forfeit" if grant.is_over(adjustment.at_ms) else "refund"
    return Transfer(
        cause=adjustment.call_id,
        kind=kind,
        step=step,
        grant_id=grant.id,
        amount_nanos=abs(line.nanos),
        at_ms=adjustment.at_ms,
    )
