"""The books in a PostgreSQL database: one writer for each process, which commits in groups, and a few readers."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

from adapters.storage.call_log import CallLogReads
from adapters.storage.call_statements import Statement
from adapters.storage.group_commit import GroupCommit, Opening, Operation
from adapters.storage.migrate import read_migrations
from adapters.storage.postgres import reads as read
from adapters.storage.postgres.backup import copy_to_file
from adapters.storage.postgres.batch import Writer
from adapters.storage.postgres.connection import Connection, Database, end, fault_of, translated
from adapters.storage.postgres.leases import LeaseLiveness, leases
from adapters.storage.postgres.migrate import MIGRATIONS, migrate
from adapters.storage.postgres.sealed import PostgresSealed
from adapters.storage.postgres.sign_in import SignIn
from adapters.storage.queries import BookReads, Bound, Selected
from domain.books.rows import Row
from domain.books.statistics.summary import UsageQuery
from domain.books.statistics.usage_sum import UsageSum
from ports.books import Snapshot, StorageError
from ports.environment import Liveness

R = TypeVar("R", bound=Row)
T = TypeVar("T")
P = ParamSpec("P")

BATCH_MAX = 500


class PostgresStorage(GroupCommit, CallLogReads, BookReads):
    """Storage in a database that any number of processes share. Made by `open`, ended by `aclose`.

    It belongs to the event loop that opened it.
    """

    id_text = "id"

    def __init__(self, database: Database, *, waiting_max: int) -> None:
        super().__init__(batch_max=BATCH_MAX, waiting_max=waiting_max)
        self._database = database
        self._writer = Writer(database)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        statements: int = 100,
        waiting_max: int = 8_192,
        connection_class: Any = None,
        settings: dict[str, str] | None = None,
        sign_in: SignIn | None = None,
    ) -> "Opening[PostgresStorage]":
        """Open the database, and migrate its tables; await it, or enter it with `async with`.

        `statements` is how many prepared statements a connection keeps, `waiting_max` how many decisions may queue.
        Raises MigrationError if this hub may not write the database, StorageError if it cannot be opened.
        """

        async def opened() -> PostgresStorage:
            database = Database(
                url, statements=statements, connection_class=connection_class, settings=settings, sign_in=sign_in
            )
            with translated():
                connection = await database.connect()
                try:
                    await migrate(connection, read_migrations(MIGRATIONS))
                finally:
                    await connection.close()
            return cls(database, waiting_max=waiting_max)

        return Opening(opened)

    def leases(self, files: Liveness) -> AbstractAsyncContextManager[LeaseLiveness]:
        """Life signs in the database, besides those of `files`."""
        return leases(self._database, files)

    async def aclose(self) -> None:
        """Finish the waiting decisions, then close the connections. Later calls raise StorageError."""
        await self._finish()
        await self._writer.close()
        await self._database.close()

    async def adopt_master_key(self, key_id: str) -> str:
        """Return the id of the master key that the books belong to; books without one adopt this one."""
        return await self.sealed().adopt_master_key(key_id)

    def sealed(self) -> PostgresSealed:
        """Return access to the sealed values of the books."""
        return PostgresSealed(self._database)

    # --- writing ---

    async def _run(self, batch: list[Operation]) -> None:
        await self._writer.run(batch)

    def _repeated(self) -> int:
        return self._writer.repeated

    def check_in_place(self) -> None:
        if self._refusal is not None:
            raise StorageError(self._refusal)

    async def check_writable(self) -> None:
        self.check_in_place()
        if self._writer.failing:
            await self._writer.try_again()

    # --- reading ---

    async def _read(
        self, function: Callable[Concatenate[Connection, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Read on a connection of the pool; once more on another, if that one turns out to have ended."""
        if self._refusal is not None:
            raise StorageError(self._refusal)
        try:
            async with self._database.reading() as connection:
                return await function(connection, *args, **kwargs)
        except StorageError as error:
            if error.__cause__ is None or fault_of(error.__cause__) != "lost":
                raise
        async with self._database.reading() as connection:
            return await function(connection, *args, **kwargs)

    async def _rows(self, query: Bound[R]) -> list[R]:
        return await self._read(read.rows, query)

    async def _at_once(self, *queries: Bound[Any]) -> Selected:
        return await self._read(read.at_once, queries)

    async def catalog_version(self) -> int:
        return await self._read(read.version)

    async def _selected(self, statement: Statement) -> list[Any]:
        return await self._read(read.selected, statement)

    async def usage(self, query: UsageQuery) -> list[UsageSum]:
        return await self._read(read.usage, query)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        async with self._one_moment() as connection:
            yield read.PostgresSnapshot(connection)

    async def backup(self, path: str) -> None:
        """Write a copy to a new SQLite file. The database's own tools also copy what the hub does not know of."""
        async with self._one_moment() as connection:
            await copy_to_file(connection, path)

    @asynccontextmanager
    async def _one_moment(self) -> AsyncIterator[Connection]:
        """A connection of its own that sees one snapshot, so that no other query waits behind a long read."""
        if self._refusal is not None:
            raise StorageError(self._refusal)
        with translated():
            connection = await self._database.connect()
        try:
            with translated(TimeoutError):  # An error of the file that is written is not the network's.
                async with read.one_snapshot(connection):
                    await read.version(connection)  # The snapshot is taken at the first read.
                    yield connection
        finally:
            await end(connection)
