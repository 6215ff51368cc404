"""Reading limits, budgets and runs, and what counts against them."""

from typing import Protocol

from domain.limits.rows import Budget, BudgetSpent, Limit, LimitCell, Run


class LimitReader(Protocol):
    """Reads limits and budgets that stand, and what was taken of them, as of the last commit."""

    async def limits(self) -> list[Limit]:
        """Every limit that stands, oldest first."""
        ...

    async def limit_cells(self) -> list[LimitCell]:
        """What subjects have taken of limits, by limit and subject."""
        ...

    async def budgets(self) -> list[Budget]:
        """Every budget that stands, oldest first."""
        ...

    async def budget_spent(self, budget_id: str | None = None) -> list[BudgetSpent]:
        """What was spent of one budget, or of all, by budget and subject."""
        ...

    async def runs(self, user_id: str | None, limit: int) -> list[Run]:
        """The newest runs first, of one user or of all."""
        ...

    async def run(self, user_id: str, run_id: str) -> Run | None:
        """One run of a user."""
        ...
