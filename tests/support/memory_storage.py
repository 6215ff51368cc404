"""The books in memory: the model that the SQLite storage is compared with, and a fast storage for tests of use cases.

It keeps the promises of the port but one: its books end with the process. A backup is a file that SQLite opens.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import islice
from threading import Lock
from typing import Any, TypeVar

import msgspec

from adapters.storage.migrate import migrate, read_migrations
from adapters.storage.sqlite.file import publish
from adapters.storage.sqlite.tables import JOURNAL, TABLES
from domain.accounts.identity import TeamOfKey
from domain.accounts.rows import ApiKey, Member, User
from domain.books.call_query import CallQuery, LineQuery, LoggedCall
from domain.books.ids import CALL, packed
from domain.books.rows import AuditEntry, Call, Decision, Hold, Idempotency, ImportedCall, running
from domain.books.scope_protocol import View
from domain.books.scopes import team_of_key
from domain.books.statistics.summary import PastUsage, UsageQuery
from domain.books.statistics.usage_sum import KEY, UsageSum, added
from domain.books.working_copy import Books
from domain.catalog.aliases import Alias
from domain.catalog.catalog import CatalogRows
from domain.catalog.rows import Credential, ProviderRow
from domain.ledger.rows import Adjustment, Grant, Transfer
from domain.limits.notices import Notice, Webhook
from domain.limits.rows import Budget, BudgetSpent, Limit, LimitCell, Run
from domain.pricing.price_book import Price
from domain.pricing.rate import Rate
from ports.books import Snapshot, WriterFigures
from ports.durations import Histogram
from tests.support.memory_call_log import matching_calls, matching_lines, page_of_calls, page_of_lines
from tests.support.memory_snapshot import MemorySnapshot
from tests.support.storage_invariants import check, check_parents

F = TypeVar("F")
D = TypeVar("D", bound=Decision)


class MemoryStorage:
    """Storage in one `Books`. The lock makes it safe to share between threads."""

    def __init__(self) -> None:
        self._books = Books()
        self._lock = Lock()

    async def decide(self, scope: View[F], rule: Callable[[F], D], within_s: float | None = None) -> D:
        with self._lock:
            decision = rule(scope.view(self._books))
            writes = decision.writes
            check(self._books, writes)
            check_parents(self._books, writes)
            for row in writes:
                self._books.apply(row)
        return decision

    async def check_writable(self) -> None:
        """Memory can always be written."""

    def writer_figures(self) -> WriterFigures:
        """Memory is written at once."""
        return WriterFigures(0, Histogram(), 0)

    def check_in_place(self) -> None:
        """Memory is nowhere else."""

    async def catalog_version(self) -> int:
        return self._books.version

    async def catalog(self) -> CatalogRows:
        with self._lock:
            books = self._books
            return CatalogRows(
                version=books.version,
                providers=[row for row in books.providers.values() if row.removed_ms is None],
                credentials=[row for row in books.credentials.values() if row.removed_ms is None],
                rates=[row for versions in books.rates.values() for row in _on_sale(versions)],
                aliases=[versions[-1] for versions in books.aliases.values() if not versions[-1].removed],
            )

    async def prices(self) -> list[Price]:
        with self._lock:
            return [*self._books.prices]

    async def caller(self, fingerprint: str) -> tuple[ApiKey, User, TeamOfKey | None] | None:
        with self._lock:
            key = self._books.keys.get(self._books.keys_by_fingerprint.get(fingerprint, ""))
            return (key, self._books.users[key.user_id], team_of_key(key, self._books)) if key else None

    async def users(self) -> list[User]:
        return [user for user in self._accounts() if not user.is_team]

    async def teams(self) -> list[User]:
        return [user for user in self._accounts() if user.is_team]

    def _accounts(self) -> list[User]:
        with self._lock:
            return sorted(self._books.users.values(), key=lambda user: user.name)

    async def members(self) -> list[Member]:
        with self._lock:
            return sorted(self._books.members.values(), key=lambda row: (row.created_ms, row.team_id, row.user_id))

    async def user_named(self, name: str) -> User | None:
        user = await self.account_named(name)
        return None if user is None or user.is_team else user

    async def account_named(self, name: str) -> User | None:
        with self._lock:
            return self._books.users.get(self._books.users_by_name.get(name, ""))

    async def keys(self) -> list[ApiKey]:
        with self._lock:
            return sorted(self._books.keys.values(), key=lambda key: (key.created_ms, key.id))

    async def wallet(self, user_id: str) -> list[Grant]:
        with self._lock:
            return sorted(self._books.wallet(user_id), key=lambda grant: (grant.created_ms, grant.id))

    async def grant(self, grant_id: str) -> Grant | None:
        return self._books.grants.get(grant_id)

    async def call(self, call_id: str) -> Call | None:
        with self._lock:
            hold = self._books.holds.get(call_id)
            return self._books.calls.get(call_id) if hold is None else running(hold)

    async def idempotent_answer(self, user_id: str, key: str) -> tuple[str, int, str, bytes | None] | None:
        row = self._books.idempotency.get((user_id, key))
        return (row.call_id, row.status, row.content_type, row.answer) if row else None

    async def adjustments(self, call_id: str) -> list[Adjustment]:
        with self._lock:
            return [*self._books.adjustments.get(call_id, ())]

    async def call_log(self, query: CallQuery) -> list[LoggedCall]:
        with self._lock:
            return page_of_calls(self._books, query)

    async def call_count(self, query: CallQuery) -> int:
        with self._lock:
            return len(matching_calls(self._books, query))

    async def call_lines(self, query: LineQuery) -> list[Transfer]:
        with self._lock:
            return page_of_lines(self._books, query)

    async def call_line_count(self, query: LineQuery) -> int:
        with self._lock:
            return len(matching_lines(self._books, query))

    async def lines_of(self, causes: Mapping[str, str]) -> list[Transfer]:
        with self._lock:
            lines = [line for line in self._books.journal.values() if line.cause in causes]
        return sorted(lines, key=JOURNAL.encode)

    async def limits(self) -> list[Limit]:
        rows = self._books.limiting.limits.values()
        return sorted((row for row in rows if row.removed_ms is None), key=lambda row: (row.created_ms, row.id))

    async def limit_cells(self) -> list[LimitCell]:
        return sorted(self._books.limiting.cells.values(), key=lambda row: (row.limit_id, row.subject))

    async def budgets(self) -> list[Budget]:
        rows = self._books.limiting.budgets.values()
        return sorted((row for row in rows if row.removed_ms is None), key=lambda row: (row.created_ms, row.id))

    async def budget_spent(self, budget_id: str | None = None) -> list[BudgetSpent]:
        rows = (row for row in self._books.limiting.spent.values() if budget_id in (None, row.budget_id))
        return sorted(rows, key=lambda row: (row.budget_id, row.subject))

    async def runs(self, user_id: str | None, limit: int) -> list[Run]:
        rows = (row for row in self._books.limiting.runs.values() if user_id in (None, row.user_id))
        newest = sorted(rows, key=lambda row: (row.created_ms, row.user_id, row.run_id), reverse=True)
        return newest[:limit]

    async def run(self, user_id: str, run_id: str) -> Run | None:
        return self._books.limiting.runs.get((user_id, run_id))

    async def webhook(self, webhook_id: str) -> Webhook | None:
        row = self._books.others.get(Webhook, {}).get(webhook_id)
        return row if row is not None and row.removed_ms is None else None

    async def notices(self, limit: int) -> list[Notice]:
        rows = self._books.others.get(Notice, {}).values()
        return sorted(rows, key=lambda row: (row.at_ms, row.id), reverse=True)[:limit]

    async def notices_due(self, now_ms: int, since_ms: int, limit: int) -> list[Notice]:
        rows = self._books.others.get(Notice, {}).values()
        due = [row for row in rows if row.due_ms is not None and row.due_ms <= now_ms and row.at_ms >= since_ms]
        return sorted(due, key=lambda row: row.due_ms)[:limit]

    async def usage(self, query: UsageQuery) -> list[UsageSum]:
        with self._lock:
            sums = [*self._books.usage_sums.values()]
        kept = {*query.by, *(("slot_ms",) if query.by_slot else ())}
        blank = {name: 0 if name == "slot_ms" else "" for name in KEY if name not in kept}
        chosen: dict[tuple[str | int, ...], UsageSum] = {}
        for one in sums:
            if query.from_ms <= one.slot_ms < query.to_ms and all(
                getattr(one, name) == value for name, value in query.values.items()
            ):
                part = msgspec.structs.replace(one, **blank)
                known = chosen.get(part.key)
                chosen[part.key] = part if known is None else added(known, part)
        return [*chosen.values()]

    async def past_usage(self) -> PastUsage:
        with self._lock:
            books = self._books
            adjusted = [row.id for rows in books.adjustments.values() for row in rows]
            return PastUsage(
                first_ms=min((one.slot_ms for one in books.usage_sums.values()), default=None),
                open_since_ms=min((hold.started_ms for hold in books.holds.values()), default=None),
                adjusted=tuple(sorted(adjusted)),
            )

    async def audit(self, limit: int) -> list[AuditEntry]:
        with self._lock:
            return [*islice(reversed(self._books.audit), limit)]

    async def imported_calls(self, caller: str | None, limit: int, before_id: str | None = None) -> list[ImportedCall]:
        known = self._books.imported_calls
        rows = sorted(known.values(), key=lambda row: (row.started_ms, row.id), reverse=True)
        start = rows.index(known[before_id]) + 1 if before_id in known else 0
        return [row for row in rows[start:] if caller in (None, row.caller)][:limit]

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        yield MemorySnapshot(self._rows())

    async def backup(self, path: str) -> None:
        rows = self._rows()
        version = self._books.version

        def fill(connection: sqlite3.Connection) -> None:
            migrate(connection, read_migrations())
            connection.execute("begin")
            for table in TABLES:
                table.write(connection, rows[table.kind])
            connection.execute("update meta set version = ?", (version,))
            connection.execute("commit")

        await asyncio.to_thread(publish, path, fill)

    def _rows(self) -> dict[type, list[Any]]:
        """All rows as of now, by type, in the order written."""
        with self._lock:
            books = self._books
            return {
                User: [*books.users.values()],
                Member: [*books.members.values()],
                ApiKey: [*books.keys.values()],
                ProviderRow: [*books.providers.values()],
                Credential: [*books.credentials.values()],
                Rate: [row for versions in books.rates.values() for row in versions],
                Alias: [row for versions in books.aliases.values() for row in versions],
                Price: [*books.prices],
                Grant: [*books.grants.values()],
                Hold: sorted(books.holds.values(), key=_order),
                Call: sorted(books.calls.values(), key=_order),
                Transfer: sorted(books.journal.values(), key=JOURNAL.encode),
                Adjustment: [row for rows in books.adjustments.values() for row in rows],
                Idempotency: [*books.idempotency.values()],
                Limit: [*books.limiting.limits.values()],
                LimitCell: [*books.limiting.cells.values()],
                Budget: [*books.limiting.budgets.values()],
                BudgetSpent: [*books.limiting.spent.values()],
                Run: [*books.limiting.runs.values()],
                AuditEntry: [*books.audit],
                ImportedCall: [*books.imported_calls.values()],
                UsageSum: [*books.usage_sums.values()],
                **{kind: [*books.others.get(kind, {}).values()] for kind in (Webhook, Notice)},
            }


def _order(call: Hold | Call) -> bytes:
    return packed(call.id, CALL)


def _on_sale(versions: list[Rate]) -> list[Rate]:
    """The versions since the model was last removed from sale."""
    return versions[max((n for n, rate in enumerate(versions, 1) if rate.removed), default=0) :]
