"""A world whose processes are on several machines: they share nothing but a PostgreSQL database.

Besides all that happens in any world, transactions meet others at random commits (40001), connections end before a
statement, during one and right after a commit, and the server ends all connections, or crashes.
"""

import asyncio
import random
import signal
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import anyio.to_thread
import asyncpg

from adapters.storage.postgres.storage import PostgresStorage
from domain.billing.verification import Totals
from ports.books import StorageError
from tests.simulation import shared_books
from tests.simulation.auditor import Books, Price
from tests.simulation.process import Mortal, MortalBooks
from tests.simulation.world import World
from tests.support.postgres import Server
from tests.system.scripted_provider import ScriptedProvider

# Of statements and of commits, in parts per thousand.
LOST, CONFLICTS, LOST_COMMITS, LOST_ANSWERS = 2, 40, 10, 10
OPENINGS_MAX, DOWN_S_MAX = 50, 0.5


class Trouble:
    """What happens to the connections of a world, while it is not calm."""

    def __init__(self, seed: int) -> None:
        self.calm = True
        self.conflicts = self.lost = self.ended = self.server_crashes = 0
        self._chance = random.Random(seed)

    def strikes(self, thousandths: int) -> bool:
        """Whether it happens this time."""
        return not self.calm and self._chance.randrange(1_000) < thousandths


class Life:
    """The life of one process: its connections end with it."""

    def __init__(self) -> None:
        self.over = False


def connection_class(trouble: Trouble, life: Life) -> type[Any]:
    """The connections of one process."""

    class Connection(asyncpg.Connection):  # type: ignore[misc]
        """One that meets trouble."""

        async def execute(self, query: str, *args: Any, **kwargs: Any) -> Any:
            if query != "commit":
                self._lose(LOST)
                return await super().execute(query, *args, **kwargs)
            self._lose(LOST_COMMITS)
            if trouble.strikes(CONFLICTS):
                trouble.conflicts += 1
                await super().execute("rollback")
                raise asyncpg.SerializationError("could not serialize access")
            done = await super().execute(query, *args, **kwargs)
            self._lose(LOST_ANSWERS)
            return done

        async def fetch(self, *args: Any, **kwargs: Any) -> Any:
            self._lose(LOST)
            return await super().fetch(*args, **kwargs)

        async def fetchval(self, *args: Any, **kwargs: Any) -> Any:
            self._lose(LOST)
            return await super().fetchval(*args, **kwargs)

        def _lose(self, thousandths: int) -> None:
            if life.over or trouble.strikes(thousandths):
                trouble.lost += not life.over
                self.terminate()
                raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")

    return Connection


class MortalShared(Mortal, PostgresStorage):
    """Books in PostgreSQL. With the process its connections end, in the middle of whatever they do."""

    life: Life

    def die(self) -> None:
        super().die()
        self.life.over = True


class SharedWorld(World):
    """A world on the books of one database; `server` is where it is, if the server is the world's to crash."""

    def __init__(
        self, data_dir: Path, provider: ScriptedProvider, seed: int, url: str, server: Server | None = None
    ) -> None:
        super().__init__(data_dir, provider, seed)
        self.trouble = Trouble(seed)
        self._url = url
        self._server = server
        self._dice = random.Random(seed)
        self._handler: Callable[[asyncio.AbstractEventLoop, dict[str, Any]], object] | None = None

    async def opened(self) -> MortalBooks:
        """The books, opened as often as it takes while connections end."""
        life = Life()
        connections = connection_class(self.trouble, life)
        for _ in range(OPENINGS_MAX):
            try:
                storage = await MortalShared.open(self._url, connection_class=connections)
            except StorageError:
                continue
            assert isinstance(storage, MortalShared)
            storage.life = life
            return storage
        raise AssertionError("a process could not open the books")

    def watch(self) -> None:
        shared_books.watch(self._url)

    def audit(self) -> Books:
        return shared_books.audit(self._url)

    def prices(self) -> dict[str, Price]:
        return shared_books.prices(self._url)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._handler = loop.get_exception_handler()
        loop.set_exception_handler(self._handle)
        return await super().__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        asyncio.get_running_loop().set_exception_handler(self._handler)

    def _handle(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Pass on what nobody has handled, but for the ends of connections that nobody waits for any more.

        asyncpg leaves these where a caller is cancelled while it connects, or while a connection goes back to its pool.
        """
        if isinstance(context.get("exception"), ConnectionError | asyncpg.ConnectionDoesNotExistError):
            return
        if self._handler is None:
            loop.default_exception_handler(context)
        else:
            self._handler(loop, context)

    async def run(self, calls: int) -> Totals:
        self.trouble.calm = False
        return await super().run(calls)

    async def _something_happens(self) -> None:
        match self._dice.randrange(10):
            case 0 | 1:
                await anyio.to_thread.run_sync(self._end_connections)
            case 2 if self._server is not None:
                await self._crash_server(self._server)
            case _:
                await super()._something_happens()

    def _end_connections(self) -> None:
        shared_books.run(self._url, shared_books.END_ALL)
        self.trouble.ended += 1

    async def _crash_server(self, server: Server) -> None:
        """What was not on the disk is lost with it."""
        await anyio.to_thread.run_sync(server.stop, signal.SIGQUIT)
        await anyio.sleep(self._dice.random() * DOWN_S_MAX)  # chance itself: it waits for nothing
        server.start()  # In this thread: a server ends with the thread that started it.
        self.trouble.server_crashes += 1

    async def _reckon(self) -> Totals:
        self.trouble.calm = True
        return await super()._reckon()
