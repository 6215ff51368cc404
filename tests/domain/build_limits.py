"""Builders of limits and budgets, and a calendar that is easy to reckon with."""

from typing import Any

import msgspec

from domain.limits.budgets import Edges, Span
from domain.limits.rows import RATES, Budget, Limit, Measure, Period

DAY_MS = 86_400_000
# A plain calendar, the same for every zone: weeks of 7 days, months of 30, quarters of 90.
DAYS_OF_PERIODS = {"day": 1, "week": 7, "month": 30, "quarter": 90}


def plain_calendar(_: str, now_ms: int) -> Edges:
    """The edges around a moment in the plain calendar."""

    def span(days: int) -> Span:
        start_ms = now_ms - now_ms % (days * DAY_MS)
        return Span(start_ms, start_ms + days * DAY_MS)

    return Edges(**{name: span(days) for name, days in DAYS_OF_PERIODS.items()})


def a_limit(subject: str = "user:ada", measure: Measure = "requests", amount: int = 3, **changes: Any) -> Limit:
    window_ms = 60_000 if measure in RATES else 0
    limit = Limit(
        id=f"{measure} of {subject}", subject=subject, measure=measure, amount=amount, window_ms=window_ms, created_ms=0
    )
    return msgspec.structs.replace(limit, **changes)


def a_budget(amount_nanos: int = 1_000, period: Period = "day", subject: str = "user:ada", **changes: Any) -> Budget:
    budget = Budget(
        id=f"{period} of {subject}",
        subject=subject,
        amount_nanos=amount_nanos,
        period=period,
        time_zone="UTC",
        created_ms=0,
    )
    return msgspec.structs.replace(budget, **changes)
