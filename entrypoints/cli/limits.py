"""The views of the actions on limits, budgets, runs and exposure."""

from collections.abc import Sequence
from typing import Any

from entrypoints.cli.output import Output, Views, fields, table
from entrypoints.usecases.manage import budgets, exposure, limits, runs
from entrypoints.usecases.management_context import NoFields
from entrypoints.usecases.public_types import written


def limit_set(request: limits.SetLimit, reply: limits.LimitView) -> Output:
    """`limit set`."""
    per = f" in {written(reply.per)}" if reply.per else ""
    return Output(text=f"{reply.id}: {reply.amount} {reply.measure}{per} for {reply.subject}")


def limit_list(request: limits.ListLimits, reply: list[limits.LimitView]) -> Output:
    """`limit list`."""
    rows = [
        (one.id, one.subject, one.measure, one.amount, one.per, ", ".join(f"{s} {n}" for s, n in one.left.items()))
        for one in reply
    ]
    heads = ("ID", "SUBJECT", "MEASURE", "AMOUNT", "PER", "LEFT")
    return Output(text=table(heads, rows, "There are no limits yet; set one with `aihub limit set`."))


def limit_removed(request: limits.RemoveLimit, reply: limits.LimitRemoved) -> Output:
    """`limit remove`."""
    return Output(text=f"removed {reply.id}")


def budget_shown(request: Any, reply: budgets.BudgetView) -> Output:
    """`budget set`, `show` and `override`."""
    pairs = {name: getattr(reply, name) for name in reply.__struct_fields__ if name not in ("spent", "alerts")}
    pairs["alerts"] = ", ".join(f"{percent} %" for percent in reply.alerts)
    rows = [(one.subject, one.spent, one.held, one.left) for one in reply.spent]
    spent = table(("SUBJECT", "SPENT", "HELD", "LEFT"), rows, "Nothing was spent yet.")
    return Output(text=f"{fields(pairs)}\n\n{spent}")


def budget_list(request: NoFields, reply: list[budgets.BudgetView]) -> Output:
    """`budget list`: one line for each subject that has spent something."""
    rows: list[Sequence[object]] = []
    for one in reply:
        amount = one.amount if one.override is None else one.override
        rows += [(one.id, row.subject, amount, one.period, row.spent, row.held, row.left) for row in one.spent]
        if not one.spent:
            rows.append((one.id, one.subject, amount, one.period, None, None, None))
    heads = ("ID", "SUBJECT", "AMOUNT", "PERIOD", "SPENT", "HELD", "LEFT")
    return Output(text=table(heads, rows, "There are no budgets yet; set one with `aihub budget set`."))


def budget_removed(request: budgets.NamedBudget, reply: budgets.BudgetRemoved) -> Output:
    """`budget remove`."""
    return Output(text=f"removed {reply.id}")


def run_shown(request: Any, reply: runs.RunView) -> Output:
    """`run show`, `set` and `stop`."""
    return Output(text=fields({name: getattr(reply, name) for name in reply.__struct_fields__}))


def run_list(request: runs.ListRuns, reply: list[runs.RunView]) -> Output:
    """`run list`."""
    columns = ("run", "user", "purse", "spent", "held", "begun", "stopped")
    rows = [[getattr(run, column) for column in columns] for run in reply]
    return Output(text=table([*map(str.upper, columns)], rows, "No run has a purse yet."))


def exposure_shown(request: Any, reply: exposure.ExposureView) -> Output:
    """`exposure show`, `cap`, `stop` and `resume`."""
    columns = ("provider", "owed_at_most", "open_calls", "cap")
    rows = [[getattr(one, column) for column in columns] for one in reply.providers]
    listed = table([column.replace("_", " ").upper() for column in columns], rows, "No calls are open.")
    state = "Paid calls are stopped. " if reply.stopped else ""
    owed = f"{state}At most {written(reply.owed_at_most)} dollars can still be owed for {reply.open_calls} open calls."
    return Output(text=f"{owed}\n\n{listed}")


VIEWS: Views = {
    "limit set": limit_set,
    "limit list": limit_list,
    "limit remove": limit_removed,
    "budget set": budget_shown,
    "budget list": budget_list,
    "budget show": budget_shown,
    "budget remove": budget_removed,
    "budget override": budget_shown,
    "run list": run_list,
    "run show": run_shown,
    "run set": run_shown,
    "run stop": run_shown,
    "exposure show": exposure_shown,
    "exposure cap": exposure_shown,
    "exposure stop": exposure_shown,
    "exposure resume": exposure_shown,
}
