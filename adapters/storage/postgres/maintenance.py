"""What an operator does with the database itself: look at it, migrate it, and fill it with other books."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from adapters.storage.migrate import MigrationError, pending, read_migrations
from adapters.storage.postgres import reads as read
from adapters.storage.postgres.append_only import grants_to
from adapters.storage.postgres.backup import META, ROWS_AT_ONCE, chunks, order_of
from adapters.storage.postgres.connection import Connection, Database, translated
from adapters.storage.postgres.migrate import MIGRATIONS, applied, migrate
from adapters.storage.postgres.tables import TABLES, Table
from adapters.storage.sqlite import reads as read_file
from adapters.storage.sqlite.connection import Connection as FileConnection
from adapters.storage.sqlite.file import open_reader
from ports.books import StorageError

_SET_META = "update meta set version = $1, master_key_id = $2, fingerprint_key = $3 where id = 1"
_BUSY_MS = 5_000


class DatabaseStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The server's own name for itself, and the migrations of the database."""

    server: str
    applied: tuple[str, ...]
    pending: tuple[str, ...]


async def status(url: str) -> DatabaseStatus:
    """Look at the database. StorageError if it cannot be reached, MigrationError if it is not the hub's."""
    with translated():
        connection = await Database(url).connect()
        try:
            server = str(await connection.fetchval("select version()")).split(" on ")[0]
            known = await applied(connection)
        finally:
            await connection.close()
    left = pending(known, read_migrations(MIGRATIONS))
    return DatabaseStatus(server=server, applied=tuple(known), pending=tuple(each.name for each in left))


async def migrate_for(url: str, role: str | None) -> list[str]:
    """Apply what is missing, and let `role` be the hub's. Returns the names of the migrations that were applied."""
    with translated():
        connection = await Database(url).connect()
        try:
            done = await migrate(connection, read_migrations(MIGRATIONS))
            for statement in grants_to(role) if role is not None else ():
                await connection.execute(statement)
        finally:
            await connection.close()
    return done


async def fill(url: str, source: Path | str, report: Callable[[str], None]) -> None:
    """Copy the books in a file, or in another database, to the database at `url`, which has none yet.

    Nobody may write to the source meanwhile. A copy that was interrupted goes on where it ended. The books have their
    master key only when they are complete, so no hub takes a part for the whole. MigrationError if there are books.
    """
    with translated():
        connection = await Database(url).connect()
        try:
            await migrate(connection, read_migrations(MIGRATIONS))
            if await connection.fetchval("select master_key_id from meta where id = 1") is not None:
                raise MigrationError("the database has books already; name another")
            if isinstance(source, Path):
                await _fill_from_file(connection, source, report)
            else:
                await _fill_from_database(connection, source, report)
        finally:
            await connection.close()


async def _fill_from_file(connection: Connection, path: Path, report: Callable[[str], None]) -> None:
    file = await FileConnection.open(partial(open_reader, str(path), _BUSY_MS))
    try:
        await file.run(read_file.begin)
        for table in TABLES:
            await _fill_table(connection, table, _rows_of(file, table), report)
        meta = await file.run(_meta_of)
    finally:
        await file.close()
    await connection.execute(_SET_META, *meta)


def _meta_of(file: sqlite3.Connection) -> tuple[Any, ...]:
    found: tuple[Any, ...] = file.execute("select version, master_key_id, fingerprint_key from meta").fetchone()
    return found


async def _rows_of(file: FileConnection, table: Table) -> AsyncIterator[list[Any]]:
    def start(connection: sqlite3.Connection) -> sqlite3.Cursor:
        return connection.execute(f"select {table.columns} from {table.name} order by {order_of(table)}")

    def some(_: sqlite3.Connection, cursor: sqlite3.Cursor) -> list[Any]:
        return [table.description.decode(values) for values in cursor.fetchmany(ROWS_AT_ONCE)]

    cursor = await file.run(start)
    while rows := await file.run(some, cursor):
        yield rows


async def _fill_from_database(connection: Connection, url: str, report: Callable[[str], None]) -> None:
    source = await Database(url).connect()
    try:
        async with read.one_snapshot(source):
            meta = await source.fetchrow(META)
            for table in TABLES:
                await _fill_table(connection, table, chunks(source, table.kind), report)
        await connection.execute(_SET_META, *meta)
    finally:
        await source.close()


async def _fill_table(
    connection: Connection, table: Table, rows: AsyncIterator[list[Any]], report: Callable[[str], None]
) -> None:
    """Write the rows of a table that are not there yet: they come in one order, so those that are there came first."""
    done = await connection.fetchval(f"select count(*) from {table.name}")
    seen = 0
    async for some in rows:
        new = some[max(done - seen, 0) :]
        first = seen + len(some) - len(new) + 1
        seen += len(some)
        if new:
            await connection.execute(table.insert, *table.columns_of(new, first))
            report(f"{table.name}: {seen}")
    if seen < done:
        raise StorageError(f"{table.name} has {done} rows, and the source {seen}: they are not parts of the same books")
