"""The books in one SQLite file: one writer that commits in groups, and several readers.

House rule: a batch runs in one visit to the writer's thread, which begins the transaction, loads, decides, writes and
commits. A visit for each statement would hold the write lock across iterations of the event loop.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from adapters.storage.call_log import CallLogReads
from adapters.storage.call_statements import Statement
from adapters.storage.group_commit import GroupCommit, Opening, Operation
from adapters.storage.migrate import MIGRATIONS, read_migrations
from adapters.storage.queries import BookReads, Bound, Selected
from adapters.storage.sqlite import reads as read
from adapters.storage.sqlite.batch import Writer
from adapters.storage.sqlite.connection import Connection
from adapters.storage.sqlite.file import (
    Place,
    Synchronous,
    adopt_master_key,
    copy,
    error_text,
    open_reader,
    open_writer,
    translated,
)
from adapters.storage.sqlite.sealed import SqliteSealed
from domain.books.rows import Row
from domain.books.statistics.summary import UsageQuery
from domain.books.statistics.usage_sum import UsageSum
from ports.books import Snapshot, StorageError

R = TypeVar("R", bound=Row)
T = TypeVar("T")
P = ParamSpec("P")

_BATCH_MAX = 256


class SqliteStorage(GroupCommit, CallLogReads, BookReads):
    """Storage in one SQLite file; several processes may share it. Made by `open`, ended by `aclose`.

    It belongs to the event loop that opened it.
    """

    id_text = "call_id_text(id)"

    def __init__(self, path: str, writer: Connection, reader: Connection, *, busy_ms: int, waiting_max: int) -> None:
        super().__init__(batch_max=_BATCH_MAX, waiting_max=waiting_max)
        self._path = path
        self._writer = writer
        self._reader = reader
        self._fold = Writer(busy_ms)
        self._busy_ms = busy_ms
        self._place = Place(path)

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        synchronous: Synchronous = "FULL",
        busy_ms: int = 5_000,
        waiting_max: int = 8_192,
        migrations: Path = MIGRATIONS,
    ) -> "Opening[SqliteStorage]":
        """Open the file, or create it, and migrate its tables; await it, or enter it with `async with`.

        `synchronous` FULL survives a power cut, NORMAL only the end of the process. `busy_ms` is how long to wait for
        another process's transaction, `waiting_max` how many decisions may queue. Raises MigrationError if this hub may
        not write the file, StorageError if it cannot be opened.
        """

        async def opened() -> SqliteStorage:
            steps = await asyncio.to_thread(read_migrations, migrations)
            try:
                writer = await Connection.open(partial(open_writer, str(path), steps, synchronous, busy_ms))
            except sqlite3.Error as error:
                raise StorageError(f"{path}: {error_text(error)}") from error
            except OSError as error:
                raise StorageError(f"{path}: {error.strerror or error}") from error
            try:
                reader = await Connection.open(partial(open_reader, str(path), busy_ms))
            except BaseException:
                await writer.close()
                raise
            return cls(str(path), writer, reader, busy_ms=busy_ms, waiting_max=waiting_max)

        return Opening(opened)

    async def adopt_master_key(self, key_id: str) -> str:
        """Return the id of the master key that the books belong to; books without one adopt this one."""
        with translated():
            return await self._writer.run(adopt_master_key, key_id, self._busy_ms)

    def sealed(self) -> SqliteSealed:
        """Return access to the sealed values of the books."""
        return SqliteSealed(self._writer, self._busy_ms)

    async def aclose(self) -> None:
        """Finish the waiting decisions, then close the file. Later calls raise StorageError."""
        await self._finish()
        try:
            await self._writer.close()
        finally:
            await self._reader.close()

    # --- writing ---

    async def _run(self, batch: list[Operation]) -> None:
        await self._writer.run(self._fold.run, batch)

    def check_in_place(self) -> None:
        if not self._closed:
            self._refusal = self._place.lost()
        if self._refusal is not None:
            raise StorageError(self._refusal)

    async def check_writable(self) -> None:
        self.check_in_place()
        if self._fold.failing:
            await self._writer.run(self._fold.try_again)

    # --- reading ---

    async def _read(
        self, function: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        if self._refusal is not None:
            raise StorageError(self._refusal)
        with translated():
            return await self._reader.run(function, *args, **kwargs)

    async def _rows(self, query: Bound[R]) -> list[R]:
        return await self._read(read.rows, query)

    async def _at_once(self, *queries: Bound[Any]) -> Selected:
        return await self._read(read.at_once, queries)

    async def catalog_version(self) -> int:
        return await self._read(read.version)

    async def _selected(self, statement: Statement) -> list[Any]:
        async with self._own_reader() as reader:
            return await reader.run(read.selected, statement)

    async def usage(self, query: UsageQuery) -> list[UsageSum]:
        async with self._own_reader() as reader:
            return await reader.run(read.usage, query)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        async with self._own_reader() as reader:
            await reader.run(read.begin)
            yield read.SqliteSnapshot(reader.run)

    async def backup(self, path: str) -> None:
        async with self._own_reader() as reader:
            await reader.run(copy, path)

    @asynccontextmanager
    async def _own_reader(self) -> AsyncIterator[Connection]:
        """Yield a connection for a long read, so that no other query waits behind it."""
        if self._refusal is not None:
            raise StorageError(self._refusal)
        with translated():
            reader = await Connection.open(partial(open_reader, self._path, self._busy_ms))
            try:
                yield reader
            finally:
                await reader.close()
