"""A copy of the books in PostgreSQL, as of one commit, in a new SQLite file: complete, and readable everywhere."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from typing import Any

from adapters.storage.migrate import migrate, read_migrations
from adapters.storage.postgres.connection import Connection
from adapters.storage.postgres.tables import BY_KIND, Table
from adapters.storage.sqlite.file import publish
from adapters.storage.sqlite.tables import TABLES

ROWS_AT_ONCE = 1_000

META = "select version, master_key_id, fingerprint_key from meta where id = 1"
_SET_META = "update meta set version = ?, master_key_id = ?, fingerprint_key = ?"


def order_of(table: Table) -> str:
    """The columns by which the rows of a table are read, in the order of their writing where that matters."""
    return "seq" if table.is_numbered else ", ".join(table.description.key)


async def chunks(connection: Connection, kind: type) -> AsyncIterator[list[Any]]:
    """All rows of a type, as of the transaction that has begun."""
    table = BY_KIND[kind]
    cursor = await connection.cursor(f"select {table.columns} from {table.name} order by {order_of(table)}")
    while records := await cursor.fetch(ROWS_AT_ONCE):
        yield table.decoded(records)


async def copy_to_file(connection: Connection, path: str) -> None:
    """Write the file. Raises FileExistsError if there is one. The transaction on the connection has begun."""
    loop = asyncio.get_running_loop()
    version, key_id, fingerprint_key = await connection.fetchrow(META)

    def fill(file: sqlite3.Connection) -> None:
        """Run on a thread of its own, and ask the event loop for the rows."""
        migrate(file, read_migrations())
        for table in TABLES:
            rows = chunks(connection, table.kind)
            while some := asyncio.run_coroutine_threadsafe(_next(rows), loop).result():
                file.execute("begin")
                table.write(file, some)
                file.execute("commit")
        file.execute(_SET_META, (version, key_id, fingerprint_key))

    await asyncio.to_thread(publish, path, fill)


async def _next(rows: AsyncIterator[list[Any]]) -> list[Any]:
    return await anext(rows, [])
