"""What was spent in a period, and what is left: questions over one row, which needs no reset.

The periods' edges come from outside, because they follow the calendar of a time zone. A clock that goes back begins no
period again.
"""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from domain.limits.rows import Budget, BudgetSpent, Period

CALENDAR: tuple[Period, ...] = ("day", "week", "month", "quarter")


class Span(msgspec.Struct, frozen=True):
    """A period of the calendar: its first millisecond, and the first one after it."""

    start_ms: int
    end_ms: int


class Edges(msgspec.Struct, frozen=True, kw_only=True):
    """The periods of a time zone's calendar that contain a moment."""

    day: Span
    week: Span
    month: Span
    quarter: Span

    def of(self, period: Period) -> Span | None:
        """The period of that kind; None for those without edges."""
        return getattr(self, period) if period in CALENDAR else None


# The edges around a moment, by time zone and milliseconds.
Calendar: TypeAlias = Callable[[str, int], Edges]


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """What was spent of a budget has reached a percentage of its amount, once for each period."""

    budget_id: str
    subject: str
    percent: int
    spent_nanos: int
    amount_nanos: int


def spent_in(spent: BudgetSpent, period: Period) -> int:
    """What was charged in the present period."""
    return spent.total_nanos if period not in CALENDAR else int(getattr(spent, f"{period}_nanos"))


def rolled(spent: BudgetSpent, edges: Edges) -> BudgetSpent:
    """The row at the periods that contain a moment: those that have ended begin with nothing."""
    changes: dict[str, int] = {}
    for period in CALENDAR:
        start_ms = getattr(edges, period).start_ms
        if start_ms > getattr(spent, f"{period}_ms"):
            changes |= {f"{period}_ms": start_ms, f"{period}_nanos": 0}
    return msgspec.structs.replace(spent, **changes) if changes else spent


def remaining(budget: Budget, spent: BudgetSpent, now_ms: int) -> int:
    """What may still be held: the amount without what was charged and what open calls hold; below zero after a cut."""
    return budget.amount_at(now_ms) - spent_in(spent, budget.period) - spent.held_nanos


def held(spent: BudgetSpent, nanos: int) -> BudgetSpent:
    """The row after a hold."""
    return msgspec.structs.replace(spent, held_nanos=spent.held_nanos + nanos)


def moment_of(spent: BudgetSpent, now_ms: int) -> int:
    """The moment for which a call that is held now counts: not before the periods that have begun."""
    return max(now_ms, spent.day_ms, spent.week_ms, spent.month_ms, spent.quarter_ms)


def charged(spent: BudgetSpent, held_nanos: int, charge_nanos: int, at_ms: int) -> BudgetSpent:
    """The row after a settlement: the hold is gone, and the charge counts for the periods in which it was held."""
    changes = {"held_nanos": spent.held_nanos - held_nanos}
    if charge_nanos:
        changes["total_nanos"] = spent.total_nanos + charge_nanos
        for period in CALENDAR:
            if at_ms >= getattr(spent, f"{period}_ms"):
                changes[f"{period}_nanos"] = getattr(spent, f"{period}_nanos") + charge_nanos
    return msgspec.structs.replace(spent, **changes)


def alerts(budget: Budget, before: BudgetSpent, after: BudgetSpent, now_ms: int) -> tuple[Alert, ...]:
    """The alerts of a budget that this charge has reached."""
    amount = budget.amount_at(now_ms)
    was, now = spent_in(before, budget.period), spent_in(after, budget.period)
    return tuple(
        Alert(budget_id=budget.id, subject=after.subject, percent=percent, spent_nanos=now, amount_nanos=amount)
        for percent in budget.alerts
        if was * 100 < amount * percent <= now * 100
    )
