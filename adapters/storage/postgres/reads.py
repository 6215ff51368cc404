"""Queries on the books in PostgreSQL, each one function over a connection.

House rule: every result is as of one commit; a result of several statements uses a transaction with one
snapshot.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from adapters.storage.call_statements import Statement
from adapters.storage.postgres.connection import Connection
from adapters.storage.postgres.tables import BY_KIND
from adapters.storage.queries import BookSnapshot, Bound, Query, Selected
from adapters.storage.usage_statement import usage_statement
from domain.books.rows import Row
from domain.books.statistics.summary import UsageQuery
from domain.books.statistics.usage_sum import UsageSum

R = TypeVar("R", bound=Row)
S = TypeVar("S", bound=msgspec.Struct)

_VERSION = "select version from meta where id = 1"
_SNAPSHOT = "begin isolation level repeatable read, read only"
_ROWS_IN_CHUNK = 500


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


async def at_once(connection: Connection, queries: Sequence[Bound[Any]]) -> Selected:
    """Return the rows of the queries, and the catalogue's version, as of one commit."""
    async with one_snapshot(connection):
        return Selected(
            version=await version(connection), rows=tuple([await rows(connection, query) for query in queries])
        )


async def rows(connection: Connection, bound: Bound[R]) -> list[R]:
    """Return the rows of one query."""
    records = await connection.fetch(statement_of(bound.query), *bound.values)
    return BY_KIND[bound.query.kind].decoded(records)


@lru_cache(maxsize=256)
def statement_of(query: Query[Any]) -> str:
    """Return the statement of a query."""
    table = BY_KIND[query.kind]
    return f"select {table.columns} from {table.name} {_numbered(query.rest)}"


def _numbered(text: str) -> str:
    """The text with the parameters numbered, as PostgreSQL names them."""
    first, *others = text.split("?")
    return first + "".join(f"${n}{part}" for n, part in enumerate(others, 1))


async def selected(connection: Connection, statement: Statement) -> list[Any]:
    """Return what a statement of the call log selects."""
    values = [value for _, _, value in statement.values]
    if statement.kind is None:
        return [record[0] for record in await connection.fetch(_numbered(statement.text), *values)]
    table = BY_KIND[statement.kind]
    return table.decoded(await connection.fetch(_numbered(statement.text.format(columns=table.columns)), *values))


async def usage(connection: Connection, query: UsageQuery) -> list[UsageSum]:
    """Return the sums that the query asks for."""
    text = _numbered(usage_statement(query))
    records = await connection.fetch(text, *query.values.values(), query.from_ms, query.to_ms)
    return BY_KIND[UsageSum].decoded(records)


class PostgresSnapshot(BookSnapshot):
    """The books at one moment, streamed in chunks. Its connection has an open transaction that sees one snapshot."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def _stream(self, query: Query[R]) -> AsyncIterator[R]:
        table = BY_KIND[query.kind]
        cursor = await self._connection.cursor(statement_of(query))
        records = await cursor.fetch(_ROWS_IN_CHUNK)
        while records:
            for row in table.decoded(records):
                yield row
            records = await cursor.fetch(_ROWS_IN_CHUNK)

    async def _portions(self, query: Query[Any], part: type[S]) -> AsyncIterator[list[S]]:
        table = BY_KIND[query.kind]
        read = table.part(part)
        cursor = await self._connection.cursor(f"select {read.columns} from {table.name} {query.rest}")
        while records := await cursor.fetch(_ROWS_IN_CHUNK):
            yield read.decoded(records)
