"""Queries on the SQLite books, each function over a reading connection."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import msgspec

from adapters.storage.call_statements import Statement
from adapters.storage.partial_rows import Part
from adapters.storage.queries import BookSnapshot, Bound, Query, Selected
from adapters.storage.sqlite.tables import BY_KIND, USAGE_SUMS, Table
from adapters.storage.usage_statement import EMPTY, usage_statement
from domain.books.ids import CALL, GRANT, packed, unpacked
from domain.books.rows import Call, Hold, Row
from domain.books.statistics.summary import UsageQuery
from domain.books.statistics.usage_sum import UsageSum

R = TypeVar("R", bound=Row)
T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)
P = ParamSpec("P")

_ROWS_IN_CHUNK = 500
# How the columns of the call log's statements keep ids.
_IDS = {"calls": BY_KIND[Call].ids, "holds": BY_KIND[Hold].ids, "journal": {"grant_id": GRANT}}
# An empty text, packed.
_NO_ID = "x'ff'"


def version(connection: sqlite3.Connection) -> int:
    """Return the catalogue's version."""
    (number,) = connection.execute("select version from meta").fetchone()
    return int(number)


def at_once(connection: sqlite3.Connection, queries: Sequence[Bound[Any]]) -> Selected:
    """Return the rows of the queries, and the catalogue's version, as of one commit."""
    connection.execute("begin")
    try:
        return Selected(version=version(connection), rows=tuple([rows(connection, query) for query in queries]))
    finally:
        connection.execute("rollback")


def rows(connection: sqlite3.Connection, bound: Bound[R]) -> list[R]:
    """Return the rows of one query."""
    query = bound.query
    table = BY_KIND[query.kind]
    values = [
        value if column not in table.ids else packed(value, table.ids[column])
        for value, column in zip(bound.values, query.columns, strict=True)
    ]
    return [table.decode(row) for row in connection.execute(statement_of(query), values)]


def statement_of(query: Query[Any]) -> str:
    """Return the statement of a query."""
    table = BY_KIND[query.kind]
    return f"select {table.columns} from {table.name} {query.rest}"


def selected(connection: sqlite3.Connection, statement: Statement) -> list[Any]:
    """Return what a statement of the call log selects."""
    values = [
        value if column not in ids else packed(value, ids[column])
        for table, column, value in statement.values
        for ids in (_IDS.get(table, {}),)
    ]
    if "call_id_text" in statement.text:
        connection.create_function("call_id_text", 1, lambda value: unpacked(value, CALL), deterministic=True)
    if statement.kind is not None:
        lines = BY_KIND[statement.kind]
        return [lines.decode(row) for row in connection.execute(statement.text.format(columns=lines.columns), values)]
    return [
        unpacked(one, CALL) if isinstance(one, bytes) else one for (one,) in connection.execute(statement.text, values)
    ]


def usage(connection: sqlite3.Connection, query: UsageQuery) -> list[UsageSum]:
    """Return the sums that the query asks for."""
    ids = USAGE_SUMS.ids
    text = usage_statement(query, {**EMPTY, **dict.fromkeys(ids, _NO_ID)})
    values = [packed(value, ids[name]) if name in ids else value for name, value in query.values.items()]
    return [USAGE_SUMS.decode(row) for row in connection.execute(text, (*values, query.from_ms, query.to_ms))]


class Run(Protocol):
    """Calls a function on the thread of a connection, with that connection."""

    async def __call__(
        self, function: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return the function's result."""
        ...


class SqliteSnapshot(BookSnapshot):
    """The books at one moment, streamed in chunks. Its connection has an open read transaction."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def _stream(self, query: Query[R]) -> AsyncIterator[R]:
        table = BY_KIND[query.kind]
        cursor = await self._run(_start, statement_of(query))
        rows = await self._run(_chunk, table, cursor)
        while rows:
            for row in rows:
                yield row
            rows = await self._run(_chunk, table, cursor)

    async def _portions(self, query: Query[Any], part: type[S]) -> AsyncIterator[list[S]]:
        table = BY_KIND[query.kind]
        read = table.part(part)
        cursor = await self._run(_start, f"select {read.columns} from {table.name} {query.rest}")
        while rows := await self._run(_portion, read, cursor):
            yield rows


def begin(connection: sqlite3.Connection) -> None:
    """Begin a read transaction. SQLite takes the snapshot at the first read, so this also reads."""
    connection.execute("begin")
    version(connection)


def _start(connection: sqlite3.Connection, statement: str) -> sqlite3.Cursor:
    return connection.execute(statement)


def _portion(_: sqlite3.Connection, read: Part[S], cursor: sqlite3.Cursor) -> list[S]:
    return read.decoded(cursor.fetchmany(_ROWS_IN_CHUNK))


def _chunk(_: sqlite3.Connection, table: Table[R], cursor: sqlite3.Cursor) -> list[R]:
    return [table.decode(values) for values in cursor.fetchmany(_ROWS_IN_CHUNK)]
