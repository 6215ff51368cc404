"""What a call takes of its limits, budgets and purse when it starts. All must allow it, or nothing is taken.

The functions return new rows, or a refusal that names the limit, the budget or the run.
"""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import msgspec

from domain.limits import rates
from domain.limits.budgets import Calendar, held, moment_of, remaining, rolled
from domain.limits.refusals import BudgetExceeded, ExposureReached, RateLimited, RunPurseSpent, RunStopped
from domain.limits.rows import RATES, Budget, BudgetSpent, Limit, LimitCell, Measure, Reservation, Run
from domain.limits.subjects import kind_of, name_of

# A place for a call that is open may be free again soon.
OPEN_CALLS_WAIT_MS = 1_000


class LimitOn(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that a call is under, the subject that it counts for, and what that has taken; None: nothing yet."""

    limit: Limit
    subject: str
    cell: LimitCell | None = None


class BudgetOn(msgspec.Struct, frozen=True, kw_only=True):
    """A budget that a call is under, the subject that it counts for, and what that has spent; None: nothing yet."""

    budget: Budget
    subject: str
    spent: BudgetSpent | None = None


class CallLimits(msgspec.Struct, frozen=True, kw_only=True):
    """All limits and budgets that a call may be under, and its run where it names one. `run` is its row, if any."""

    limits: tuple[LimitOn, ...] = ()
    budgets: tuple[BudgetOn, ...] = ()
    run_id: str | None = None
    run: Run | None = None

    @property
    def has_caps(self) -> bool:
        """Whether a provider that may serve the call has a cap of exposure."""
        return any(on.limit.measure == "exposure" for on in self.limits)


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What a call would take of one limit: the cell after that, and what its settlement must know, if anything."""

    on: LimitOn
    cell: LimitCell
    reservation: Reservation | None


class Units(msgspec.Struct, frozen=True, kw_only=True):
    """What a call would take: its likely tokens, and at most so much at cost, in nano-USD."""

    tokens: int = 0
    exposure_nanos: int = 0


class Ceiling(msgspec.Struct, frozen=True, kw_only=True):
    """The most that may be held for a call, and the budget or purse that allows no more."""

    nanos: int
    budget: BudgetOn | None = None
    purse_nanos: int = 0


class RateStanding(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of the rate that is nearest to its end, for the caller."""

    measure: Measure
    amount: int
    remaining: int
    reset_ms: int


LimitRefusal: TypeAlias = RateLimited | ExposureReached


def take(on: LimitOn, units: Units, now_ms: int, settled: bool) -> Taken | LimitRefusal:
    """What a call takes of one limit. `settled`: its settlement may give requests back, as that of a model does."""
    limit = on.limit
    value = on.cell.value if on.cell is not None else 0
    match limit.measure:
        case "concurrency":
            if value >= limit.amount:
                return _limited(on, 0, OPEN_CALLS_WAIT_MS)
            return _counted(on, value, 1)
        case "exposure":
            if value + units.exposure_nanos > limit.amount:
                provider = name_of(on.subject)
                return ExposureReached(provider=provider, cap_nanos=limit.amount, open_nanos=value)
            return _counted(on, value, units.exposure_nanos)
        case _:
            wanted = 1 if limit.measure == "requests" else units.tokens
            tat = rates.take(limit, value, wanted, now_ms)
            if isinstance(tat, rates.Wait):
                return _limited(on, rates.level(limit, value, now_ms).remaining, tat.ms)
            kept = settled or limit.measure == "tokens"
            return Taken(on=on, cell=_cell(on, tat), reservation=_reservation(on, wanted) if kept else None)


def standing(taken: Iterable[Taken], now_ms: int) -> tuple[RateStanding, ...]:
    """What is left of requests and of tokens after the call has taken its part: of each the rate with the least."""
    found: dict[Measure, RateStanding] = {}
    for one in taken:
        limit = one.on.limit
        if limit.measure in RATES:
            left = rates.level(limit, one.cell.value, now_ms)
            if limit.measure not in found or left.remaining < found[limit.measure].remaining:
                found[limit.measure] = RateStanding(
                    measure=limit.measure, amount=limit.amount, remaining=left.remaining, reset_ms=left.reset_ms
                )
    return tuple(found[measure] for measure in RATES if measure in found)


def at_present(budgets: Iterable[BudgetOn], calendar: Calendar, now_ms: int) -> tuple[BudgetOn, ...]:
    """The budgets with what was spent in the periods of now."""
    return tuple(
        msgspec.structs.replace(on, spent=rolled(_spent(on), calendar(on.budget.time_zone, now_ms))) for on in budgets
    )


def ceiling(budgets: Sequence[BudgetOn], limits: CallLimits, now_ms: int) -> Ceiling | None:
    """The most that the budgets and the purse allow to hold; None without any. `budgets` are those of now."""
    least: Ceiling | None = None
    for on in budgets:
        if on.budget.period != "run":
            nanos = remaining(on.budget, _spent(on), now_ms)
            if least is None or nanos < least.nanos:
                least = Ceiling(nanos=nanos, budget=on)
    purse_nanos = purse_of(limits, now_ms)
    if purse_nanos is not None:
        left = purse_nanos - (limits.run.spent_nanos + limits.run.held_nanos if limits.run else 0)
        if least is None or left < least.nanos:
            least = Ceiling(nanos=left, purse_nanos=purse_nanos)
    return least


def purse_of(limits: CallLimits, now_ms: int) -> int | None:
    """What the run may spend in all: its purse, else the least budget per run; None: as much as it likes.

    The first call under a budget per run gives the run its purse, for all calls of the user that name it, with any key.
    A call that names no run is a run for itself.
    """
    if limits.run is not None and limits.run.purse_nanos is not None:
        return limits.run.purse_nanos
    per_run = [on.budget.amount_at(now_ms) for on in limits.budgets if on.budget.period == "run"]
    return min(per_run, default=None)


def over(top: Ceiling, limits: CallLimits, bound_nanos: int, calendar: Calendar, now_ms: int) -> (
    BudgetExceeded | RunPurseSpent
):  # fmt: skip
    """The refusal of a call whose bound is over the ceiling."""
    left_nanos = max(0, top.nanos)
    if top.budget is None:
        run = limits.run_id or ""
        return RunPurseSpent(run=run, purse_nanos=top.purse_nanos, left_nanos=left_nanos, bound_nanos=bound_nanos)
    budget = top.budget.budget
    span = calendar(budget.time_zone, now_ms).of(budget.period)
    return BudgetExceeded(
        budget=budget.id,
        subject=kind_of(top.budget.subject),
        period=budget.period,
        amount_nanos=budget.amount_at(now_ms),
        left_nanos=left_nanos,
        bound_nanos=bound_nanos,
        reset_ms=span.end_ms - now_ms if span else None,
    )


def stopped(limits: CallLimits) -> RunStopped | None:
    """The refusal of a call whose run was stopped."""
    return RunStopped(run=limits.run.run_id) if limits.run is not None and limits.run.stopped_ms is not None else None


def hold(
    budgets: Iterable[BudgetOn], limits: CallLimits, user_id: str, nanos: int, now_ms: int
) -> tuple[list[BudgetSpent | Run], list[Reservation]]:
    """The budgets and the run with the call's hold, and what its settlement must know. `budgets` are those of now."""
    rows: list[BudgetSpent | Run] = []
    reservations: list[Reservation] = []
    for on in budgets:
        if on.budget.period != "run":
            spent = _spent(on)
            rows.append(held(spent, nanos))
            moment_ms = moment_of(spent, now_ms)
            reservations.append(Reservation("budget", on.budget.id, on.subject, nanos, moment_ms))
    purse_nanos = purse_of(limits, now_ms)
    if limits.run_id is not None and purse_nanos is not None:
        run = limits.run or Run(user_id=user_id, run_id=limits.run_id, created_ms=now_ms)
        rows.append(msgspec.structs.replace(run, held_nanos=run.held_nanos + nanos, purse_nanos=purse_nanos))
        reservations.append(Reservation("run", limits.run_id, user_id, nanos))
    return rows, reservations


def _limited(on: LimitOn, left: int, wait_ms: int | None) -> RateLimited:
    limit = on.limit
    assert limit.measure in ("requests", "tokens", "concurrency")
    return RateLimited(
        limit=limit.id,
        subject=kind_of(on.subject),
        measure=limit.measure,
        amount=limit.amount,
        window_ms=limit.window_ms,
        remaining=left,
        wait_ms=wait_ms,
    )


def _counted(on: LimitOn, value: int, units: int) -> Taken:
    return Taken(on=on, cell=_cell(on, value + units), reservation=_reservation(on, units))


def _cell(on: LimitOn, value: int) -> LimitCell:
    return LimitCell(limit_id=on.limit.id, subject=on.subject, value=value)


def _reservation(on: LimitOn, units: int) -> Reservation:
    kind, mark = on.limit.measure, on.limit.per_unit if on.limit.measure in RATES else 0
    assert kind != "paid_calls"
    return Reservation(kind, on.limit.id, on.subject, units, mark)


def _spent(on: BudgetOn) -> BudgetSpent:
    return on.spent or BudgetSpent(budget_id=on.budget.id, subject=on.subject)
