"""The one connection of a process that writes: opened again when it has ended, and sure of each commit.

House rule: where a connection ends during a commit, nothing is guessed. Each transaction that writes also writes its
number to the process's row in `writers`; whether it was committed is read there, behind the lock that it held.

In PostgreSQL a commit lets go of its locks before it is on the disk, so that the next process need not wait for the
disk as well. The batch counts only after a second commit, of the process's row alone: the log is written in order, so
everything before it is on the disk, too. What another process decides from the first commit comes after it in the log;
a batch that only reads also waits for the disk.
"""

import contextlib
import uuid

from adapters.storage.postgres.connection import (
    TRIES_MAX,
    Connection,
    Database,
    Engine,
    end,
    engine_of,
    error_text,
    fault_of,
    pause,
    translated,
)
from ports.books import CommitUnknown, StorageError

_NOW_MS = "(extract(epoch from clock_timestamp()) * 1000)::bigint"
_KEPT_MS = 7 * 24 * 3_600_000
_ENROL = f"insert into writers (id, batch, at_ms) values ($1, 0, {_NOW_MS}) on conflict (id) do nothing"
_MARKED = "update writers set batch = batch where id = $1 returning batch"
_FORGET = f"delete from writers where id = $1 or at_ms < {_NOW_MS} - {_KEPT_MS}"
_CLOSE_S = 2


class Session:
    """Begins and commits the transactions of one process, one after another."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None
        self._engine: Engine | None = None
        self._id = uuid.uuid4().hex
        self._batch = 0

    async def connected(self) -> tuple[Connection, Engine]:
        """The connection, a new one if it has ended. StorageError if there can be none: that is not tried again."""
        if self._connection is None or self._engine is None or self._connection.is_closed():
            try:
                with translated():
                    self._connection = await self._database.connect()
                    self._engine = await engine_of(self._connection)
                    await self._connection.execute(_ENROL, self._id)
            except BaseException:
                await self.let_go()
                raise
        return self._connection, self._engine

    async def begin(self) -> None:
        """Begin a transaction with its number in it, before anything is locked. Raises what the driver raises."""
        connection, engine = await self.connected()
        self._batch += 1
        mark = f"update writers set batch = {self._batch}, at_ms = {_NOW_MS} where id = '{self._id}'"
        if engine.is_plain:
            await connection.execute(f"{engine.begin}; set local synchronous_commit = off; {mark}")
        else:
            await connection.execute(engine.begin)
            await connection.execute(mark)

    async def commit(self, has_written: bool) -> None:
        """Commit the transaction that has begun. Raises what the driver raises if it was not committed.

        CommitUnknown if the connection ended, and whether it was committed cannot be found out.
        """
        assert self._connection is not None
        assert self._engine is not None
        if not has_written:
            # It may have read what another process committed and is not on the disk yet, so its answer waits for that.
            early = self._engine.is_plain
            await self._connection.execute("set local synchronous_commit = on; commit" if early else "rollback")
            return
        try:
            await self._connection.execute("commit")
        except Exception as error:
            if fault_of(error) != "lost" or not await self._was_committed():
                raise
            return
        if self._engine.is_plain:
            await self._settle()

    async def roll_back(self) -> None:
        """End the transaction without a change; end the connection, too, if that fails."""
        try:
            if self._connection is not None:
                await self._connection.execute("rollback")
        except Exception:
            await self.let_go()

    async def let_go(self) -> None:
        """End the connection, whose state is not known."""
        connection, self._connection = self._connection, None
        await end(connection)

    async def close(self) -> None:
        """Close the connection, and leave no row behind."""
        if self._connection is None:
            return
        with contextlib.suppress(Exception):
            await self._connection.execute(_FORGET, self._id, timeout=_CLOSE_S)
            await self._connection.close(timeout=_CLOSE_S)
        await self.let_go()

    async def _settle(self) -> None:
        """Return when the commit is on the disk. Raises what the driver raises if it was lost before."""
        assert self._connection is not None
        try:
            await self._connection.fetchval(_MARKED, self._id)
        except Exception:
            if not await self._was_committed():
                raise

    async def _was_committed(self) -> bool:
        """Whether the last transaction was committed although its connection ended."""
        problem: Exception | None = None
        for attempt in range(TRIES_MAX):
            await self.let_go()
            try:
                connection, _ = await self.connected()
                return bool(await connection.fetchval(_MARKED, self._id) == self._batch)
            except Exception as error:
                problem = error
                await pause(attempt)
        assert problem is not None
        reason = str(problem) if isinstance(problem, StorageError) else error_text(problem)
        raise CommitUnknown(f"{reason}: whether the last change was made is not known") from problem

    async def try_write(self) -> None:
        """Write without a change. StorageError if the database does not do it."""
        try:
            with translated():
                connection, _ = await self.connected()
                await connection.execute("update meta set version = version where id = 1")
        except BaseException:
            await self.let_go()
            raise
