"""The read queries on the SQLite books, each one function over a reading connection.

House rule: every result is as of one commit; a result of several statements uses a read transaction.
"""

import sqlite3
from collections.abc import AsyncIterator, Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from adapters.storage.sqlite.tables import (
    ADJUSTMENTS,
    ALIASES,
    AUDIT,
    BUDGET_SPENT,
    CALLS,
    CREDENTIALS,
    GRANTS,
    HOLDS,
    IDEMPOTENCY,
    JOURNAL,
    KEYS,
    LIMIT_CELLS,
    LIMITS,
    PRICES,
    PROVIDERS,
    RATES,
    RUNS,
    USAGE_SUMS,
    USERS,
    Table,
)
from adapters.storage.usage_statement import EMPTY, usage_statement
from domain.accounts.rows import ApiKey, User
from domain.books.ids import CALL, USER, packed
from domain.books.rows import AuditEntry, Call, Hold, Row, running
from domain.books.statistics.summary import UsageQuery
from domain.books.statistics.usage_sum import UsageSum
from domain.catalog.catalog import CatalogRows
from domain.ledger.rows import Adjustment, Grant, Transfer
from domain.limits.rows import BudgetSpent, Limit, LimitCell
from domain.limits.rows import Run as RunRow
from domain.pricing.price_book import Price
from domain.pricing.rate import Rate

R = TypeVar("R", bound=Row)
T = TypeVar("T")
P = ParamSpec("P")

_KEY_OF_FINGERPRINT = "from api_keys where fingerprint = ?"
_USER_BY_ID = "from users where id = ?"
_USER_NAMED = "from users where name = ?"
_WALLET = "from grants where user_id = ? order by created_ms, id"
_HOLD = "from holds where id = ?"
_CALL = "from calls where id = ?"
_ADJUSTMENTS = "from adjustments where call_id = ? order by seq"
# Parameters: the id before which they begin.
_CALLS_OF_USER = "from calls where user_id = ? and id < ? order by id desc limit ?"
_CALLS = "from calls where id < ? order by id desc limit ?"
_HOLDS_OF_USER = "from holds where user_id = ? and id < ? order by id desc limit ?"
_HOLDS = "from holds where id < ? order by id desc limit ?"
_AFTER_ALL = b"\xff" * 64
_AUDIT = "from audit order by seq desc limit ?"
_IDEMPOTENT = "from idempotency where user_id = ? and key = ?"
_RATES_ON_SALE = """from rates where seq > coalesce(
    (select max(ended.seq) from rates as ended
        where ended.provider = rates.provider and ended.model = rates.model and ended.removed), 0)
    order by seq"""
_ALIASES_STANDING = """from aliases where not removed and seq =
    (select max(newest.seq) from aliases as newest where newest.name = aliases.name)
    order by seq"""

STATEMENTS: tuple[tuple[Table[Any], str], ...] = (
    (KEYS, _KEY_OF_FINGERPRINT),
    (USERS, _USER_BY_ID),
    (USERS, _USER_NAMED),
    (GRANTS, _WALLET),
    (HOLDS, _HOLD),
    (HOLDS, _HOLDS),
    (HOLDS, _HOLDS_OF_USER),
    (CALLS, _CALL),
    (CALLS, _CALLS),
    (CALLS, _CALLS_OF_USER),
    (ADJUSTMENTS, _ADJUSTMENTS),
    (IDEMPOTENCY, _IDEMPOTENT),
)

_ROWS_IN_CHUNK = 500
# An empty text, packed.
_NO_ID = "x'ff'"


def version(connection: sqlite3.Connection) -> int:
    """Return the catalogue's version."""
    (number,) = connection.execute("select version from meta").fetchone()
    return int(number)


def catalog(connection: sqlite3.Connection) -> CatalogRows:
    """Return the catalogue with its version, as of one commit."""
    connection.execute("begin")
    try:
        return CatalogRows(
            version=version(connection),
            providers=PROVIDERS.read(connection, "from providers where removed_ms is null order by seq"),
            credentials=CREDENTIALS.read(connection, "from credentials where removed_ms is null order by seq"),
            rates=RATES.read(connection, _RATES_ON_SALE),
            aliases=ALIASES.read(connection, _ALIASES_STANDING),
        )
    finally:
        connection.execute("rollback")


def prices(connection: sqlite3.Connection) -> list[Price]:
    """Return every price that operators appended to the book, oldest first."""
    return PRICES.read(connection, "from prices order by seq")


def caller(connection: sqlite3.Connection, fingerprint: str) -> tuple[ApiKey, User] | None:
    """Return a key and its user. A key never changes its user, so two statements need no transaction."""
    for key in KEYS.read(connection, _KEY_OF_FINGERPRINT, (fingerprint,)):
        (user,) = USERS.read(connection, _USER_BY_ID, (key.user_id,))
        return key, user
    return None


def users(connection: sqlite3.Connection) -> list[User]:
    """Return all users by name."""
    return USERS.read(connection, "from users order by name")


def user_named(connection: sqlite3.Connection, name: str) -> User | None:
    """Return the user with that name."""
    return next(iter(USERS.read(connection, _USER_NAMED, (name,))), None)


def keys(connection: sqlite3.Connection) -> list[ApiKey]:
    """Return all API keys, oldest first."""
    return KEYS.read(connection, "from api_keys order by created_ms, id")


def wallet(connection: sqlite3.Connection, user_id: str) -> list[Grant]:
    """Return a user's grants, oldest first, including spent ones."""
    return GRANTS.read(connection, _WALLET, (user_id,))


def call(connection: sqlite3.Connection, call_id: str) -> Call | None:
    """Return one call. Its hold is looked for first: if it ends meanwhile, its row is there."""
    key = (packed(call_id, CALL),)
    for hold in HOLDS.read(connection, _HOLD, key):
        return running(hold)
    return next(iter(CALLS.read(connection, _CALL, key)), None)


def adjustments(connection: sqlite3.Connection, call_id: str) -> list[Adjustment]:
    """Return the adjustments of a call, oldest first."""
    return ADJUSTMENTS.read(connection, _ADJUSTMENTS, (packed(call_id, CALL),))


def calls(connection: sqlite3.Connection, user_id: str | None, limit: int, before_id: str | None) -> list[Call]:
    """Return the newest calls first, running ones too, as of one commit."""
    before = _AFTER_ALL if before_id is None else packed(before_id, CALL)
    connection.execute("begin")
    try:
        if user_id is None:
            holds = HOLDS.read(connection, _HOLDS, (before, limit))
            ended = CALLS.read(connection, _CALLS, (before, limit))
        else:
            holds = HOLDS.read(connection, _HOLDS_OF_USER, (user_id, before, limit))
            ended = CALLS.read(connection, _CALLS_OF_USER, (packed(user_id, USER), before, limit))
    finally:
        connection.execute("rollback")
    found = [*map(running, holds), *ended]
    return sorted(found, key=lambda call: packed(call.id, CALL), reverse=True)[:limit]


def audit(connection: sqlite3.Connection, limit: int) -> list[AuditEntry]:
    """Return the newest management actions first."""
    return AUDIT.read(connection, _AUDIT, (limit,))


def usage(connection: sqlite3.Connection, query: UsageQuery) -> list[UsageSum]:
    """Return the sums that the query asks for."""
    ids = USAGE_SUMS.ids
    text = usage_statement(query, {**EMPTY, **dict.fromkeys(ids, _NO_ID)})
    values = [packed(value, ids[name]) if name in ids else value for name, value in query.values.items()]
    return [USAGE_SUMS.decode(row) for row in connection.execute(text, (*values, query.from_ms, query.to_ms))]


def idempotent_answer(
    connection: sqlite3.Connection, user_id: str, key: str
) -> tuple[str, int, str, bytes | None] | None:
    """Return the stored answer for a user's Idempotency-Key."""
    for row in IDEMPOTENCY.read(connection, _IDEMPOTENT, (user_id, key)):
        return row.call_id, row.status, row.content_type, row.answer
    return None


class Run(Protocol):
    """Calls a function on the thread of a connection, with that connection."""

    async def __call__(
        self, function: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return the function's result."""
        ...


class SqliteSnapshot:
    """The books at one moment, streamed in chunks. Its connection has an open read transaction."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def transfers(self) -> AsyncIterator[Transfer]:
        return self._rows(JOURNAL, "from journal order by cause, kind, step")

    def adjustments(self) -> AsyncIterator[Adjustment]:
        return self._rows(ADJUSTMENTS, "from adjustments order by seq")

    def grants(self) -> AsyncIterator[Grant]:
        return self._rows(GRANTS, "from grants order by created_ms, id")

    def holds(self) -> AsyncIterator[Hold]:
        return self._rows(HOLDS, "from holds order by id")

    def calls(self) -> AsyncIterator[Call]:
        return self._rows(CALLS, "from calls order by id")

    def usage_sums(self) -> AsyncIterator[UsageSum]:
        return self._rows(USAGE_SUMS, "from usage_sums")

    def rates(self) -> AsyncIterator[Rate]:
        return self._rows(RATES, "from rates order by seq")

    def limits(self) -> AsyncIterator[Limit]:
        return self._rows(LIMITS, "from limits order by id")

    def limit_cells(self) -> AsyncIterator[LimitCell]:
        return self._rows(LIMIT_CELLS, "from limit_cells order by limit_id, subject")

    def budget_spent(self) -> AsyncIterator[BudgetSpent]:
        return self._rows(BUDGET_SPENT, "from budget_spent order by budget_id, subject")

    def runs(self) -> AsyncIterator[RunRow]:
        return self._rows(RUNS, "from runs order by user_id, run_id")

    async def _rows(self, table: Table[R], rest: str) -> AsyncIterator[R]:
        cursor = await self._run(_start, table, rest)
        rows = await self._run(_chunk, table, cursor)
        while rows:
            for row in rows:
                yield row
            rows = await self._run(_chunk, table, cursor)


def begin(connection: sqlite3.Connection) -> None:
    """Begin a read transaction. SQLite takes the snapshot at the first read, so this also reads."""
    connection.execute("begin")
    version(connection)


def _start(connection: sqlite3.Connection, table: Table[R], rest: str) -> sqlite3.Cursor:
    return connection.execute(f"select {table.columns} {rest}")


def _chunk(_: sqlite3.Connection, table: Table[R], cursor: sqlite3.Cursor) -> list[R]:
    return [table.decode(values) for values in cursor.fetchmany(_ROWS_IN_CHUNK)]
