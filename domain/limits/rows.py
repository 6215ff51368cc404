"""Limits, budgets and runs, and the rows that count against them.

`Limit` and `Budget` are configuration. `LimitCell`, `BudgetSpent` and `Run` count; the transactions that hold, settle
and sweep a call write them. A rate is never changed, but replaced by another one, which begins with nothing taken.
"""

from math import gcd
from typing import Literal

import msgspec

# requests and tokens are rates; concurrency counts open calls, exposure their bounds at cost. While a row for
# paid_calls stands, no call is made that may cost anything.
Measure = Literal["requests", "tokens", "concurrency", "exposure", "paid_calls"]
RATES: tuple[Measure, ...] = ("requests", "tokens")
Period = Literal["day", "week", "month", "quarter", "total", "run"]

WINDOW_MS_MIN, WINDOW_MS_MAX = 1_000, 31 * 86_400_000
# A rate's moments are milliseconds times `per_ms`, which must stay within 64 bits until the year 2109.
PER_MS_MAX = 2**20
AMOUNT_MAX = 2**53


def fits(amount: int, window_ms: int) -> bool:
    """Whether a rate of so much in so long can be counted in whole steps, see `domain.limits.rates`."""
    return amount <= PER_MS_MAX * gcd(amount, window_ms)


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """At most `amount` of a measure for a subject: in any `window_ms` for a rate, at once for the others (window 0).

    `subject` is one of `domain.limits.subjects`; `key:*` limits each key for itself. The amount of exposure is in
    nano-USD.
    """

    id: str
    subject: str
    measure: Measure
    amount: int
    window_ms: int
    created_ms: int
    removed_ms: int | None = None

    def __post_init__(self) -> None:
        """Refuse a rate that one integer cannot hold."""
        assert 0 <= self.amount <= AMOUNT_MAX, f"limit {self.id} is {self.amount}"
        if self.measure in RATES:
            assert self.amount > 0, f"limit {self.id} is nothing"
            assert WINDOW_MS_MIN <= self.window_ms <= WINDOW_MS_MAX, f"limit {self.id} has {self.window_ms} ms"
            assert fits(self.amount, self.window_ms), f"limit {self.id} is divided too finely"

    @property
    def per_ms(self) -> int:
        """How many steps of a rate's time are in a millisecond: a unit takes a whole number of steps."""
        return self.amount // gcd(self.amount, self.window_ms)

    @property
    def per_unit(self) -> int:
        """How many steps of a rate's time one unit takes."""
        return self.window_ms // gcd(self.amount, self.window_ms)


class LimitCell(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a limit one subject has taken, as one integer.

    For a rate it is GCRA's theoretical arrival time, in steps since 1970 (see `domain.limits.rates`); for concurrency
    the number of open calls, and for exposure the sum of their bounds at cost, in nano-USD.
    """

    limit_id: str
    subject: str
    value: int


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """How much a subject may be charged in a period of the calendar, in nanocredits.

    `period` "run" gives each run of a key's calls the amount as its purse. Edges of periods follow the calendar of
    `time_zone`; weeks begin on Monday. `alerts` are percentages of the amount, whose crossing is in the audit log.
    Before `override_until_ms` the amount is `override_nanos`.
    """

    id: str
    subject: str
    amount_nanos: int
    period: Period
    time_zone: str
    created_ms: int
    alerts: tuple[int, ...] = ()
    override_nanos: int | None = None
    override_until_ms: int = 0
    removed_ms: int | None = None

    def amount_at(self, now_ms: int) -> int:
        """The amount in force."""
        if self.override_nanos is not None and now_ms < self.override_until_ms:
            return self.override_nanos
        return self.amount_nanos


class BudgetSpent(msgspec.Struct, frozen=True, kw_only=True):
    """What one subject of a budget has spent in the present period of each kind, and what its open calls hold.

    Each pair is the start of a period and what was charged since, so another period is only another question. A call
    counts for the periods in which it was held. In nanocredits.
    """

    budget_id: str
    subject: str
    held_nanos: int = 0
    total_nanos: int = 0
    day_ms: int = 0
    day_nanos: int = 0
    week_ms: int = 0
    week_nanos: int = 0
    month_ms: int = 0
    month_nanos: int = 0
    quarter_ms: int = 0
    quarter_nanos: int = 0

    def __post_init__(self) -> None:
        """Refuse a hold below zero."""
        assert self.held_nanos >= 0, f"budget {self.budget_id} of {self.subject} holds {self.held_nanos}"


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """The calls of a user that name one run, and what they may spend together, in nanocredits.

    `purse_nanos` of None: as much as they like, until a call under a budget per run gives the run its purse. A stopped
    run makes no more calls.
    """

    user_id: str
    run_id: str
    created_ms: int
    purse_nanos: int | None = None
    spent_nanos: int = 0
    held_nanos: int = 0
    stopped_ms: int | None = None

    def __post_init__(self) -> None:
        """Refuse a hold below zero."""
        assert self.held_nanos >= 0, f"run {self.run_id} holds {self.held_nanos}"


class Reservation(msgspec.Struct, frozen=True, array_like=True):
    """What an open call has taken of a limit, a budget or a purse, as far as its settlement must know.

    `id` is that of the limit, the budget or the run. `amount` is in the unit of the measure, or in nanocredits. `mark`
    is for a rate how many steps one unit takes, and for a budget the moment for which the call counts. Of the balance
    nothing is taken: `id` is the wallet, and `amount` the threshold below which a notice is written.
    """

    kind: Literal["requests", "tokens", "concurrency", "exposure", "budget", "run", "balance"]
    id: str
    subject: str
    amount: int
    mark: int = 0
