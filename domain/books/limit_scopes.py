"""What the rules ask to see that change limits, budgets, runs and the webhook, and deliver notices."""

from typing import ClassVar

import msgspec

from domain.books.lookups import (
    BUDGET_BY_ID,
    BUDGETS_OF_SUBJECT,
    LIMIT_BY_ID,
    LIMITS_OF_SUBJECT,
    NOTICE_BY_ID,
    OPEN_HOLDS,
    RUN_BY_ID,
    WEBHOOK_BY_ID,
)
from domain.books.scope_protocol import Steps
from domain.books.working_copy import Books
from domain.limits.notices import Notice, Webhook
from domain.limits.rows import Budget, Limit, Reservation, Run

# More calls than are ever open at once.
_OPEN_MAX = 1_000_000


class LimitScope(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of a subject that stand."""

    subject: str

    steps: ClassVar[Steps] = (((LIMITS_OF_SUBJECT, lambda scope, _: (scope.subject,)),),)

    def view(self, books: Books) -> tuple[Limit, ...]:
        """The limits, in no particular order."""
        found = books.limiting.limits_of.get(self.subject, {}).values()
        return tuple(limit for limit in found if limit.removed_ms is None)


class NamedLimitScope(msgspec.Struct, frozen=True, kw_only=True):
    """The limit of that id."""

    limit_id: str

    steps: ClassVar[Steps] = (((LIMIT_BY_ID, lambda scope, _: (scope.limit_id,)),),)

    def view(self, books: Books) -> Limit | None:
        """The limit, removed or not."""
        return books.limiting.limits.get(self.limit_id)


class ExposureFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule about a provider's cap sees: the cap, and what open calls have reserved."""

    limit: Limit | None
    open: tuple[Reservation, ...]


class ExposureScope(msgspec.Struct, frozen=True, kw_only=True):
    """The cap of a provider, by the id of its limit, and all open calls."""

    limit_id: str

    steps: ClassVar[Steps] = (
        (
            (LIMIT_BY_ID, lambda scope, _: (scope.limit_id,)),
            (OPEN_HOLDS, lambda *_: (_OPEN_MAX,)),
        ),
    )

    def view(self, books: Books) -> ExposureFacts:
        """The cap as the books know it now."""
        return ExposureFacts(
            limit=books.limiting.limits.get(self.limit_id),
            open=tuple(one for hold in books.holds.values() for one in hold.reserved if one.id == self.limit_id),
        )


class BudgetScope(msgspec.Struct, frozen=True, kw_only=True):
    """The budgets of a subject that stand."""

    subject: str

    steps: ClassVar[Steps] = (((BUDGETS_OF_SUBJECT, lambda scope, _: (scope.subject,)),),)

    def view(self, books: Books) -> tuple[Budget, ...]:
        """The budgets, in no particular order."""
        found = books.limiting.budgets_of.get(self.subject, {}).values()
        return tuple(budget for budget in found if budget.removed_ms is None)


class NamedBudgetScope(msgspec.Struct, frozen=True, kw_only=True):
    """The budget of that id."""

    budget_id: str

    steps: ClassVar[Steps] = (((BUDGET_BY_ID, lambda scope, _: (scope.budget_id,)),),)

    def view(self, books: Books) -> Budget | None:
        """The budget, removed or not."""
        return books.limiting.budgets.get(self.budget_id)


class RunScope(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a user."""

    user_id: str
    run_id: str

    steps: ClassVar[Steps] = (((RUN_BY_ID, lambda scope, _: ((scope.user_id, scope.run_id),)),),)

    def view(self, books: Books) -> Run | None:
        """The run; None if nothing is known of it."""
        return books.limiting.runs.get((self.user_id, self.run_id))


class WebhookScope(msgspec.Struct, frozen=True, kw_only=True):
    """The webhook."""

    webhook_id: str

    steps: ClassVar[Steps] = (((WEBHOOK_BY_ID, lambda scope, _: (scope.webhook_id,)),),)

    def view(self, books: Books) -> Webhook | None:
        """The webhook, removed or not."""
        return books.others.get(Webhook, {}).get(self.webhook_id)


class NoticeScope(msgspec.Struct, frozen=True, kw_only=True):
    """The notices of these ids."""

    ids: tuple[str, ...]

    steps: ClassVar[Steps] = (((NOTICE_BY_ID, lambda scope, _: scope.ids),),)

    def view(self, books: Books) -> tuple[Notice, ...]:
        """The notices, as far as there are any."""
        found = books.others.get(Notice, {})
        return tuple(found[one] for one in self.ids if one in found)
