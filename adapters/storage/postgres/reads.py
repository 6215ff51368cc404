"""The read queries on the books in PostgreSQL, each one function over a connection.

House rule: every result is as of one commit; a result of several statements uses a transaction with one
snapshot.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, TypeVar

from adapters.storage.postgres.connection import Connection
from adapters.storage.postgres.tables import BY_KIND, Table
from adapters.storage.usage_statement import usage_statement
from domain.accounts.rows import ApiKey, User
from domain.books.rows import AuditEntry, Call, Hold, Idempotency, Row, running
from domain.books.statistics.summary import UsageQuery
from domain.books.statistics.usage_sum import UsageSum
from domain.catalog.aliases import Alias
from domain.catalog.catalog import CatalogRows
from domain.catalog.rows import Credential, ProviderRow
from domain.ledger.rows import Adjustment, Grant, Transfer
from domain.limits.rows import Budget, BudgetSpent, Limit, LimitCell, Run
from domain.pricing.price_book import Price
from domain.pricing.rate import Rate

R = TypeVar("R", bound=Row)

_VERSION = "select version from meta where id = 1"
_SNAPSHOT = "begin isolation level repeatable read, read only"
# Behind every id of a call.
_AFTER_ALL = "\U0010ffff"
_RATES_ON_SALE = """where seq > coalesce(
    (select max(ended.seq) from rates as ended
        where ended.provider = rates.provider and ended.model = rates.model and ended.removed), 0)
    order by seq"""
_ALIASES_STANDING = """where not removed and seq =
    (select max(newest.seq) from aliases as newest where newest.name = aliases.name)
    order by seq"""
_ROWS_IN_CHUNK = 500


async def rows(connection: Connection, kind: type[R], rest: str, *parameters: Any) -> list[R]:
    """The rows of a type, by what follows `from <table>`."""
    table = BY_KIND[kind]
    return table.decoded(await connection.fetch(_select(table, rest), *parameters))


def _select(table: Table, rest: str) -> str:
    return f"select {table.columns} from {table.name} {rest}"  # noqa: S608 — constants of ours


@asynccontextmanager
async def one_snapshot(connection: Connection) -> AsyncIterator[None]:
    """Everything that is read inside is as of one commit."""
    await connection.execute(_SNAPSHOT)
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("rollback")


async def version(connection: Connection) -> int:
    """Return the catalogue's version."""
    return int(await connection.fetchval(_VERSION))


async def catalog(connection: Connection) -> CatalogRows:
    """Return the catalogue with its version, as of one commit."""
    async with one_snapshot(connection):
        return CatalogRows(
            version=await version(connection),
            providers=await rows(connection, ProviderRow, "where removed_ms is null order by seq"),
            credentials=await rows(connection, Credential, "where removed_ms is null order by seq"),
            rates=await rows(connection, Rate, _RATES_ON_SALE),
            aliases=await rows(connection, Alias, _ALIASES_STANDING),
        )


async def prices(connection: Connection) -> list[Price]:
    """Return every price that operators appended to the book, oldest first."""
    return await rows(connection, Price, "order by seq")


async def caller(connection: Connection, fingerprint: str) -> tuple[ApiKey, User] | None:
    """Return a key and its user. A key never changes its user, so two statements need no transaction."""
    for key in await rows(connection, ApiKey, "where fingerprint = $1", fingerprint):
        (user,) = await rows(connection, User, "where id = $1", key.user_id)
        return key, user
    return None


async def users(connection: Connection) -> list[User]:
    """Return all users by name."""
    return sorted(await rows(connection, User, ""), key=lambda user: user.name)


async def user_named(connection: Connection, name: str) -> User | None:
    """Return the user with that name."""
    return next(iter(await rows(connection, User, "where name = $1", name)), None)


async def keys(connection: Connection) -> list[ApiKey]:
    """Return all API keys, oldest first."""
    return await rows(connection, ApiKey, "order by created_ms, id")


async def wallet(connection: Connection, user_id: str) -> list[Grant]:
    """Return a user's grants, oldest first, including spent ones."""
    return await rows(connection, Grant, "where user_id = $1 order by created_ms, id", user_id)


async def call(connection: Connection, call_id: str) -> Call | None:
    """Return one call. Its hold is looked for first: if it ends meanwhile, its row is there."""
    for hold in await rows(connection, Hold, "where id = $1", call_id):
        return running(hold)
    return next(iter(await rows(connection, Call, "where id = $1", call_id)), None)


async def adjustments(connection: Connection, call_id: str) -> list[Adjustment]:
    """Return the adjustments of a call, oldest first."""
    return await rows(connection, Adjustment, "where call_id = $1 order by seq", call_id)


async def calls(connection: Connection, user_id: str | None, limit: int, before_id: str | None) -> list[Call]:
    """Return the newest calls first, running ones too, as of one commit."""
    before = _AFTER_ALL if before_id is None else before_id
    parameters = (before, limit) if user_id is None else (before, limit, user_id)
    of_user = "" if user_id is None else "user_id = $3 and "
    rest = f"where {of_user}id < $1 order by id desc limit $2"
    async with one_snapshot(connection):
        holds = await rows(connection, Hold, rest, *parameters)
        ended = await rows(connection, Call, rest, *parameters)
    found = [*map(running, holds), *ended]
    return sorted(found, key=lambda call: call.id, reverse=True)[:limit]


async def limits(connection: Connection) -> list[Limit]:
    """Return every limit that stands, oldest first."""
    return await rows(connection, Limit, "where removed_ms is null order by created_ms, id")


async def limit_cells(connection: Connection) -> list[LimitCell]:
    """Return what subjects have taken of limits."""
    return await rows(connection, LimitCell, "order by limit_id, subject")


async def budgets(connection: Connection) -> list[Budget]:
    """Return every budget that stands, oldest first."""
    return await rows(connection, Budget, "where removed_ms is null order by created_ms, id")


async def budget_spent(connection: Connection, budget_id: str | None) -> list[BudgetSpent]:
    """Return what was spent of one budget, or of all."""
    if budget_id is None:
        return await rows(connection, BudgetSpent, "order by budget_id, subject")
    return await rows(connection, BudgetSpent, "where budget_id = $1 order by subject", budget_id)


async def runs(connection: Connection, user_id: str | None, limit: int) -> list[Run]:
    """Return the newest runs first."""
    newest = "order by created_ms desc, user_id desc, run_id desc limit $1"
    if user_id is None:
        return await rows(connection, Run, newest, limit)
    return await rows(connection, Run, f"where user_id = $2 {newest}", limit, user_id)


async def run(connection: Connection, user_id: str, run_id: str) -> Run | None:
    """Return one run of a user."""
    found = await rows(connection, Run, "where user_id = $1 and run_id = $2", user_id, run_id)
    return next(iter(found), None)


async def audit(connection: Connection, limit: int) -> list[AuditEntry]:
    """Return the newest management actions first."""
    return await rows(connection, AuditEntry, "order by seq desc limit $1", limit)


async def usage(connection: Connection, query: UsageQuery) -> list[UsageSum]:
    """The sums that the query asks for."""
    marks = count(1)
    text = "".join(f"${next(marks)}" if part == "?" else part for part in usage_statement(query))
    records = await connection.fetch(text, *query.values.values(), query.from_ms, query.to_ms)
    return BY_KIND[UsageSum].decoded(records)


async def idempotent_answer(
    connection: Connection, user_id: str, key: str
) -> tuple[str, int, str, bytes | None] | None:
    """Return the stored answer for a user's Idempotency-Key."""
    for row in await rows(connection, Idempotency, "where user_id = $1 and key = $2", user_id, key):
        return row.call_id, row.status, row.content_type, row.answer
    return None


class PostgresSnapshot:
    """The books at one moment, streamed in chunks. Its connection has an open transaction that sees one snapshot."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def transfers(self) -> AsyncIterator[Transfer]:
        return self._rows(Transfer, "order by cause, kind, step")

    def adjustments(self) -> AsyncIterator[Adjustment]:
        return self._rows(Adjustment, "order by seq")

    def grants(self) -> AsyncIterator[Grant]:
        return self._rows(Grant, "order by created_ms, id")

    def holds(self) -> AsyncIterator[Hold]:
        return self._rows(Hold, "order by id")

    def calls(self) -> AsyncIterator[Call]:
        return self._rows(Call, "order by id")

    def usage_sums(self) -> AsyncIterator[UsageSum]:
        return self._rows(UsageSum, "")

    def rates(self) -> AsyncIterator[Rate]:
        return self._rows(Rate, "order by seq")

    def limits(self) -> AsyncIterator[Limit]:
        return self._rows(Limit, "order by id")

    def limit_cells(self) -> AsyncIterator[LimitCell]:
        return self._rows(LimitCell, "order by limit_id, subject")

    def budget_spent(self) -> AsyncIterator[BudgetSpent]:
        return self._rows(BudgetSpent, "order by budget_id, subject")

    def runs(self) -> AsyncIterator[Run]:
        return self._rows(Run, "order by user_id, run_id")

    async def _rows(self, kind: type[R], rest: str) -> AsyncIterator[R]:
        table = BY_KIND[kind]
        cursor = await self._connection.cursor(_select(table, rest))
        records = await cursor.fetch(_ROWS_IN_CHUNK)
        while records:
            for row in table.decoded(records):
                yield row
            records = await cursor.fetch(_ROWS_IN_CHUNK)
