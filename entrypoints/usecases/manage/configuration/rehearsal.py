"""Books in memory, in which all steps are tried before the first of them is made.

They hold what configuration is made of, and nothing of calls and credit. So a document whose last step would be refused
changes nothing.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar, cast

import msgspec

from domain.accounts.rows import ApiKey, User
from domain.books.rows import Decision, Hold, Row
from domain.books.scope_protocol import View
from domain.books.statistics.summary import UsageQuery
from domain.books.statistics.usage_sum import UsageSum
from domain.books.working_copy import Books
from domain.catalog.catalog import CatalogRows
from domain.ledger.rows import Grant
from domain.limits.rows import Budget, BudgetSpent, Limit, LimitCell
from domain.pricing.price_book import Price
from entrypoints.usecases.management_context import ActionContext, ManagementPorts
from ports.books import Storage

F = TypeVar("F")
D = TypeVar("D", bound=Decision)


async def rehearsing(context: ActionContext) -> ActionContext:
    """The same context over a copy of the configuration in memory."""
    hub = context.hub
    storage = hub.storage
    catalog = await storage.catalog()
    rows: Iterable[Row] = (
        *await storage.users(),
        *await storage.teams(),
        *await storage.keys(),
        *catalog.providers,
        *catalog.credentials,
        *catalog.rates,
        *catalog.aliases,
        *await storage.prices(),
        *await storage.limits(),
        *await storage.budgets(),
    )
    ports = ManagementPorts(
        storage=cast(Storage, Rehearsal(rows)),
        book=hub.book,
        vault=hub.vault,
        clock=hub.clock,
        calendar=hub.calendar,
        ids=hub.ids,
        liveness=hub.liveness,
    )
    return msgspec.structs.replace(context, hub=ports)


class Rehearsal:
    """The part of a storage that actions on the configuration use."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._books = Books()
        for row in rows:
            self._books.apply(row)

    async def decide(self, scope: View[F], rule: Callable[[F], D], within_s: float | None = None) -> D:
        """Show the rule the facts, and keep what it decides."""
        decision = rule(scope.view(self._books))
        for row in decision.writes:
            self._books.apply(row)
        return decision

    async def users(self) -> list[User]:
        """All users by name."""
        return sorted((user for user in self._books.users.values() if not user.is_team), key=lambda user: user.name)

    async def teams(self) -> list[User]:
        """The accounts of all teams."""
        return [user for user in self._books.users.values() if user.is_team]

    async def user_named(self, name: str) -> User | None:
        """The user of that name; a team is none."""
        user = self._books.users.get(self._books.users_by_name.get(name, ""))
        return None if user is None or user.is_team else user

    async def keys(self) -> list[ApiKey]:
        """All API keys, oldest first."""
        return sorted(self._books.keys.values(), key=lambda key: (key.created_ms, key.id))

    async def wallet(self, user_id: str) -> list[Grant]:
        """The credit that was granted here."""
        return [*self._books.wallet(user_id)]

    async def catalog(self) -> CatalogRows:
        """The rows of what can be called."""
        books = self._books
        return CatalogRows(
            version=books.version,
            providers=[row for row in books.providers.values() if row.removed_ms is None],
            credentials=[row for row in books.credentials.values() if row.removed_ms is None],
            rates=[rate for versions in books.rates.values() for rate in versions],
            aliases=[versions[-1] for versions in books.aliases.values() if not versions[-1].removed],
        )

    async def prices(self) -> list[Price]:
        """The prices that operators appended."""
        return [*self._books.prices]

    async def limits(self) -> list[Limit]:
        """Every limit that stands."""
        return [row for row in self._books.limiting.limits.values() if row.removed_ms is None]

    async def limit_cells(self) -> list[LimitCell]:
        """Nothing was taken."""
        return []

    async def budgets(self) -> list[Budget]:
        """Every budget that stands."""
        return [row for row in self._books.limiting.budgets.values() if row.removed_ms is None]

    async def budget_spent(self, budget_id: str | None = None) -> list[BudgetSpent]:
        """Nothing was spent."""
        return []

    async def usage(self, query: UsageQuery) -> list[UsageSum]:
        """Nothing was used."""
        return []

    @asynccontextmanager
    async def snapshot(self) -> "AsyncIterator[Rehearsal]":
        """The books as they are; they stand still meanwhile."""
        yield self

    async def holds(self) -> AsyncIterator[Hold]:
        """No call runs."""
        for hold in self._books.holds.values():
            yield hold
