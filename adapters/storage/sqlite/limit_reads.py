"""The read queries on limits, budgets and runs, each one function over a reading connection."""

import sqlite3
from typing import Any

from adapters.storage.sqlite.tables import BUDGET_SPENT, BUDGETS, LIMIT_CELLS, LIMITS, RUNS, Table
from domain.limits.rows import Budget, BudgetSpent, Limit, LimitCell, Run

_LIMITS = "from limits where removed_ms is null order by created_ms, id"
_CELLS = "from limit_cells order by limit_id, subject"
_BUDGETS = "from budgets where removed_ms is null order by created_ms, id"
_SPENT = "from budget_spent order by budget_id, subject"
_SPENT_OF_BUDGET = "from budget_spent where budget_id = ? order by subject"
_RUNS = "from runs order by created_ms desc, user_id desc, run_id desc limit ?"
_RUNS_OF_USER = "from runs where user_id = ? order by created_ms desc, run_id desc limit ?"
_RUN = "from runs where user_id = ? and run_id = ?"

STATEMENTS: tuple[tuple[Table[Any], str], ...] = (
    (BUDGET_SPENT, _SPENT_OF_BUDGET),
    (RUNS, _RUNS_OF_USER),
    (RUNS, _RUN),
)


def limits(connection: sqlite3.Connection) -> list[Limit]:
    """Return every limit that stands, oldest first."""
    return LIMITS.read(connection, _LIMITS)


def limit_cells(connection: sqlite3.Connection) -> list[LimitCell]:
    """Return what subjects have taken of limits."""
    return LIMIT_CELLS.read(connection, _CELLS)


def budgets(connection: sqlite3.Connection) -> list[Budget]:
    """Return every budget that stands, oldest first."""
    return BUDGETS.read(connection, _BUDGETS)


def budget_spent(connection: sqlite3.Connection, budget_id: str | None) -> list[BudgetSpent]:
    """Return what was spent of one budget, or of all."""
    if budget_id is None:
        return BUDGET_SPENT.read(connection, _SPENT)
    return BUDGET_SPENT.read(connection, _SPENT_OF_BUDGET, (budget_id,))


def runs(connection: sqlite3.Connection, user_id: str | None, limit: int) -> list[Run]:
    """Return the newest runs first."""
    if user_id is None:
        return RUNS.read(connection, _RUNS, (limit,))
    return RUNS.read(connection, _RUNS_OF_USER, (user_id, limit))


def run(connection: sqlite3.Connection, user_id: str, run_id: str) -> Run | None:
    """Return one run of a user."""
    return next(iter(RUNS.read(connection, _RUN, (user_id, run_id))), None)
