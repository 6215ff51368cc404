"""Limits, budgets and runs in the working copy."""

from typing import TypeAlias

from domain.limits.reserve import BudgetOn, CallLimits, LimitOn
from domain.limits.rows import Budget, BudgetSpent, Limit, LimitCell, Run
from domain.limits.subjects import concrete

LimitRow: TypeAlias = Limit | LimitCell | Budget | BudgetSpent | Run


class LimitRows:
    """Limits and budgets by id and by subject, and what counts against them by its keys."""

    def __init__(self) -> None:
        self.limits: dict[str, Limit] = {}
        self.limits_of: dict[str, dict[str, Limit]] = {}
        self.cells: dict[tuple[str, str], LimitCell] = {}
        self.budgets: dict[str, Budget] = {}
        self.budgets_of: dict[str, dict[str, Budget]] = {}
        self.spent: dict[tuple[str, str], BudgetSpent] = {}
        self.runs: dict[tuple[str, str], Run] = {}

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing that could limit a call."""
        return not (self.limits or self.budgets or self.runs)

    def __len__(self) -> int:
        return len(self.limits) + len(self.cells) + len(self.budgets) + len(self.spent) + len(self.runs)

    def apply(self, row: LimitRow) -> None:
        """Store the row."""
        match row:
            case LimitCell():
                self.cells[row.limit_id, row.subject] = row
            case BudgetSpent():
                self.spent[row.budget_id, row.subject] = row
            case Run():
                self.runs[row.user_id, row.run_id] = row
            case Limit():
                self.limits[row.id] = row
                self.limits_of.setdefault(row.subject, {})[row.id] = row
            case Budget():
                self.budgets[row.id] = row
                self.budgets_of.setdefault(row.subject, {})[row.id] = row

    def of_call(self, subjects: tuple[str, ...], user_id: str, run_id: str | None) -> CallLimits | None:
        """All limits that a call with these subjects is under; None if there are none."""
        limits = tuple(
            LimitOn(limit=limit, subject=one, cell=self.cells.get((limit.id, one)))
            for subject in subjects
            for limit in self.limits_of.get(subject, {}).values()
            if limit.removed_ms is None
            for one in concrete(subject, subjects)
        )
        budgets = tuple(
            BudgetOn(budget=budget, subject=one, spent=self.spent.get((budget.id, one)))
            for subject in subjects
            for budget in self.budgets_of.get(subject, {}).values()
            if budget.removed_ms is None
            for one in concrete(subject, subjects)
        )
        run = self.runs.get((user_id, run_id)) if run_id is not None else None
        if not (limits or budgets or run):
            return None
        return CallLimits(limits=limits, budgets=budgets, run_id=run_id, run=run)
