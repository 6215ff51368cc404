"""Connections to the database: opening them, what the engine behind them is, and what its errors mean.

House rule: only what PostgreSQL, Aurora DSQL and CockroachDB have in common is used. A transaction may end in a
serialization failure at any statement, and a connection may end at any time; both are ordinary here.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Literal, TypeAlias, TypeVar

import asyncpg
import msgspec

from adapters.storage.postgres.sign_in import SignIn, sign_in_of
from ports.books import StorageError

T = TypeVar("T")
Connection: TypeAlias = Any  # asyncpg.Connection; the package is an extra, so it is not seen by the type checker

CONNECT_S, STATEMENT_S = 5, 30
READERS_MAX = 4
# How often a transaction that met another one is repeated, and the pause before that, which grows ten times.
TRIES_MAX = 20
_PAUSE_S = 0.002
# How long a transaction waits for a lock, and may be idle between two statements before the server ends it.
_LOCK_MS, _IDLE_MS = 5_000, 15_000

# What became of a transaction: `again` it was rolled back and may succeed when it is repeated; `refused` a row breaks a
# constraint; `lost` the connection has ended; `unavailable` the database cannot do it now.
Fault: TypeAlias = Literal["again", "refused", "lost", "unavailable"]

_OF_DRIVER = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
_AGAIN = frozenset(("40001", "40P01", "OC000", "OC001"))
_LOST = ("08", "57P01", "57P02", "57P03")
_REMEDIES = {
    "28": "check the user and the password in DATABASE_URL",
    "3D": "create the database, or name another in DATABASE_URL",
    "42501": "grant it to the role of DATABASE_URL: see `aihub database migrate --role`",
    "42P01": "run `aihub database migrate`",
    "53100": "make room on the disk of the database",
    "53300": "allow the database more connections, or run fewer processes",
    "55P03": "another process is writing to the same wallets; try again",
    "25006": "the server only reads: let DATABASE_URL lead to the primary",
}


def fault_of(error: BaseException) -> Fault:
    """What an error of a statement means for its transaction."""
    if isinstance(error, asyncpg.PostgresError):
        code = error.sqlstate or ""
        if code in _AGAIN:
            return "again"
        if code.startswith(_LOST):
            return "lost"
        return "refused" if code[:2] in ("22", "23") else "unavailable"
    if isinstance(error, UnicodeError | OverflowError):
        return "refused"
    # The driver's own state is confused where the server ends a connection at the moment it is used.
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError | OSError | TimeoutError):
        return "lost"
    return "unavailable"


def error_text(error: BaseException) -> str:
    """The database's own message and a remedy; never the URL, which may contain a password."""
    if isinstance(error, asyncpg.PostgresError):
        code = error.sqlstate or ""
        remedy = next((text for start, text in _REMEDIES.items() if code.startswith(start)), None)
        text = f"the database says: {error}".split("\n")[0]
        return f"{text}: {remedy}" if remedy else text
    if isinstance(error, TimeoutError):
        return "the database gave no answer in time"
    if isinstance(error, OSError):
        return f"the database cannot be reached: {error.strerror or error}"
    return f"the connection to the database ended: {error}"


@contextmanager
def translated(*others: type[Exception]) -> Iterator[None]:
    """Translate the driver's errors to the port's; and these others, which are those of a network by default."""
    errors = (*_OF_DRIVER, *(others or (OSError, TimeoutError)))
    try:
        yield
    except errors as error:
        raise StorageError(error_text(error)) from error


class Engine(msgspec.Struct, frozen=True, kw_only=True):
    """What the server is, as far as it matters here.

    locks    `for update` makes others wait. Where transactions only see a snapshot, a row is written to the same end
    begin    what begins a transaction that writes
    has_triggers
    is_plain PostgreSQL itself: several statements may be sent as one, one statement may write to several tables, and a
             commit may return before it is on the disk
    """

    locks: bool
    begin: str
    has_triggers: bool
    is_plain: bool


async def engine_of(connection: Connection) -> Engine:
    """What is at the other end of a connection."""
    isolation = await connection.fetchval("show transaction_isolation")
    is_postgres = (await connection.fetchval("select version()")).startswith("PostgreSQL")
    locks = isolation != "repeatable read"
    limits = f"; set local lock_timeout = {_LOCK_MS}; set local idle_in_transaction_session_timeout = {_IDLE_MS}"
    plain = is_postgres and locks
    return Engine(locks=locks, begin="begin" + (limits if plain else ""), has_triggers=plain, is_plain=plain)


class Database:
    """How to reach the database: one URL, the limits of a connection, and the pool of those that read.

    `statements` is how many prepared statements a connection keeps; 0 for a pooler that gives each transaction another
    connection of the server's. `sign_in` takes the place of a password; Aurora DSQL's URLs bring their own. `wait_s` is
    how long a read waits for one of the few connections.
    """

    def __init__(
        self,
        url: str,
        *,
        statements: int = 100,
        connection_class: Any = None,
        settings: dict[str, str] | None = None,
        sign_in: SignIn | None = None,
        wait_s: float = CONNECT_S,
    ) -> None:
        self._url = url
        self._wait_s = wait_s
        sign_in = sign_in or sign_in_of(url)
        self._options: dict[str, Any] = {
            "timeout": CONNECT_S,
            "command_timeout": STATEMENT_S,
            "statement_cache_size": statements,
            "connection_class": connection_class or asyncpg.Connection,
            **({"server_settings": settings} if settings else {}),
            **({"password": sign_in.password, "ssl": sign_in.tls} if sign_in else {}),
        }
        self._readers: Any = None

    async def connect(self) -> Connection:
        """A new connection. Raises what the driver raises."""
        return await asyncpg.connect(self._url, **self._options)

    async def transact(self, work: Callable[[Connection, Engine], Awaitable[T]]) -> T:
        """Do rare work in one transaction on a connection of its own, again if it met another transaction."""
        with translated():
            connection = await self.connect()
            try:
                engine = await engine_of(connection)
                for attempt in range(TRIES_MAX):
                    try:
                        await connection.execute(engine.begin)
                        done = await work(connection, engine)
                        await connection.execute("commit")
                        return done
                    except Exception as error:
                        if fault_of(error) != "again":
                            raise
                        await connection.execute("rollback")
                        await pause(attempt)
            finally:
                await end(connection)
        raise StorageError("other processes write to the same rows without a pause; try again")

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """A connection of the pool, for a short read. StorageError if none is free in time or the database is lost."""
        with translated():
            if self._readers is None:
                self._readers = asyncpg.create_pool(
                    self._url, min_size=0, max_size=READERS_MAX, reset=_keep, **self._options
                )
            await self._readers
            async with self._readers.acquire(timeout=self._wait_s) as connection:
                yield connection

    async def close(self) -> None:
        """Close the pool; connections that are in use are ended."""
        if self._readers is not None:
            self._readers.terminate()
            self._readers = None


async def pause(attempt: int) -> None:
    """Pause before a transaction is repeated: full jitter, so that two that met do not meet again in step."""
    await asyncio.sleep(random.uniform(0, _PAUSE_S * min(attempt, 10)))  # noqa: S311 — no secret


async def _keep(_: Connection) -> None:
    """Leave a connection as it is when it comes back to the pool: a read changes nothing of it."""


async def end(connection: Connection | None) -> None:
    """Close a connection whose state is not known, without waiting for the server."""
    if connection is not None:
        connection.terminate()
