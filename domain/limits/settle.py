"""What a call gives back of its limits, budgets and purse, and what it has spent, when it ends."""

from collections.abc import Collection, Mapping
from typing import TypeAlias

import msgspec

from domain.limits import budgets, rates
from domain.limits.budgets import Alert
from domain.limits.rows import Budget, BudgetSpent, LimitCell, Reservation, Run

CountRow: TypeAlias = LimitCell | BudgetSpent | Run


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """The rows that reservations count against, by their keys, and the budgets by their ids."""

    cells: Mapping[tuple[str, str], LimitCell] = {}
    spent: Mapping[tuple[str, str], BudgetSpent] = {}
    runs: Mapping[tuple[str, str], Run] = {}
    budgets: Mapping[str, Budget] = {}


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a call ended, as far as its limits are concerned.

    `tokens` is what it used of them; None: nothing is known, so what was taken of rates stands. `models` are the
    subjects of the model that has answered, of which there are none if none has.
    """

    charge_nanos: int
    tokens: int | None
    models: Collection[str] = ()


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """The rows after the settlement, and the alerts that it reached."""

    rows: tuple[CountRow, ...]
    alerts: tuple[Alert, ...] = ()


def settled(reservations: Collection[Reservation], counts: Counts, ended: Ended, now_ms: int) -> Settled:
    """Resolve every reservation of a call, each of which has a row of its own.

    Where other models than the one that answered were reserved, their part is given back.
    """
    rows: list[CountRow] = []
    reached: list[Alert] = []
    for one in reservations:
        counts_here = ended.tokens is None or not one.subject.startswith("model:") or one.subject in ended.models
        match one.kind:
            case "requests" | "tokens" | "concurrency" | "exposure":
                cell = counts.cells[one.id, one.subject]
                value = _value(cell.value, one, ended, counts_here)
                rows.append(msgspec.structs.replace(cell, value=value))
            case "budget":
                before = counts.spent[one.id, one.subject]
                charge_nanos = ended.charge_nanos if counts_here else 0
                after = budgets.charged(before, one.amount, charge_nanos, one.mark)
                rows.append(after)
                budget = counts.budgets.get(one.id)
                if budget is not None and budget.alerts and budget.removed_ms is None:
                    reached += budgets.alerts(budget, before, after, now_ms)
            case "run":
                run = counts.runs[one.subject, one.id]
                held, spent = run.held_nanos - one.amount, run.spent_nanos + ended.charge_nanos
                rows.append(msgspec.structs.replace(run, held_nanos=held, spent_nanos=spent))
            case "balance":
                pass
    return Settled(rows=tuple(rows), alerts=tuple(reached))


def charged_again(
    reservations: Collection[Reservation], counts: Counts, nanos: int, models: Collection[str], now_ms: int
) -> Settled:
    """The budgets and the run of a call that has ended, after `nanos` were charged in addition, or given back.

    They count for the periods for which the call does. `models` are the subjects of the model that has answered.
    """
    rows: list[CountRow] = []
    alerts: list[Alert] = []
    for one in reservations:
        if one.subject.startswith("model:") and one.subject not in models:
            continue
        if one.kind == "budget":
            before = counts.spent[one.id, one.subject]
            after = budgets.charged(before, 0, nanos, one.mark)
            rows.append(after)
            budget = counts.budgets.get(one.id)
            if budget is not None and budget.alerts and budget.removed_ms is None:
                alerts += budgets.alerts(budget, before, after, now_ms)
        elif one.kind == "run":
            run = counts.runs[one.subject, one.id]
            rows.append(msgspec.structs.replace(run, spent_nanos=run.spent_nanos + nanos))
    return Settled(rows=tuple(rows), alerts=tuple(alerts))


def _value(value: int, one: Reservation, ended: Ended, counts_here: bool) -> int:
    """The integer of a cell after the settlement."""
    match one.kind:
        case "requests":
            return value if counts_here else rates.moved(value, -one.amount, one.mark)
        case "tokens":
            used = (one.amount if ended.tokens is None else ended.tokens) if counts_here else 0
            return rates.moved(value, used - one.amount, one.mark)
        case "exposure":
            return max(0, value - one.amount)  # A cap that is set again counts the open calls then.
        case _:
            return value - one.amount
