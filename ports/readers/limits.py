"""Reading limits, budgets and runs, what counts against them, and the notices of crossings."""

from typing import Protocol

from domain.limits.notices import Notice, Webhook
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

    async def webhook(self, webhook_id: str) -> Webhook | None:
        """The webhook, unless it was removed."""
        ...

    async def notices(self, limit: int) -> list[Notice]:
        """The newest notices first."""
        ...

    async def notices_due(self, now_ms: int, since_ms: int, limit: int) -> list[Notice]:
        """Notices to be sent by now whose crossing was at `since_ms` or later, the most overdue first."""
        ...
