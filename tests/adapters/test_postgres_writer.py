"""The writer of a process on PostgreSQL: how long it waits, what it counts, and when a commit is sure."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from anyio.lowlevel import checkpoint

asyncpg = pytest.importorskip("asyncpg", reason="no PostgreSQL: its driver asyncpg is not installed")

from adapters.storage.postgres.connection import READERS_MAX, Database
from adapters.storage.postgres.storage import PostgresStorage
from domain.books.call_query import CallQuery
from domain.books.management_scopes import UserScope
from domain.books.scopes import CallScope
from domain.limits.rows import Limit, LimitCell
from ports.books import CommitUnknown, StorageError
from tests.adapters.storage_rules import a_grant, hold, hold_one, open_account, write
from tests.support.postgres import new_books, server, server_or_skip
from tests.support.postgres_books import opened_in

pytestmark = pytest.mark.anyio

CALLER = CallScope(fingerprint="print-1")


@pytest.fixture
def url() -> str:
    server_or_skip()
    return new_books()


@pytest.fixture
async def outsider(url: str) -> AsyncIterator[Any]:
    """A connection of somebody else."""
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


async def test_a_slow_commit_has_an_end_and_is_seen_in_the_figures(url: str, outsider: Any) -> None:
    """Of one whose batch has begun it is not known whether it is made; one that still waited is not."""
    async with opened_in(url) as storage:
        await open_account(storage)
        before = storage.writer_figures().batches.cumulative[-1]
        await outsider.execute("begin; select * from users for update")
        begun = asyncio.create_task(storage.decide(CALLER, hold("begun"), 0.01))
        for _ in range(5):
            await checkpoint()
        waits = asyncio.create_task(storage.decide(CALLER, hold("waits"), 0.01))
        await checkpoint()
        assert storage.writer_figures().waiting == 1

        with pytest.raises(CommitUnknown, match="in time"):
            await begun
        with pytest.raises(StorageError, match="in time") as refused:
            await waits
        assert not isinstance(refused.value, CommitUnknown)
        await outsider.execute("rollback")

        assert await hold_one(storage, "later")
        assert sorted(one.call.id for one in await storage.call_log(CallQuery())) == ["begun", "later"]
        figures = storage.writer_figures()
        assert (figures.waiting, figures.batches.cumulative[-1]) == (0, before + 2)


async def test_a_batch_that_is_begun_again_is_counted(url: str) -> None:
    async with opened_in(url, strict=True) as storage:
        await open_account(storage, nanos=1_000)
        for n in range(40):
            assert await hold_one(storage, f"call-{n}")

        assert storage.writer_figures().repeated > 0


async def test_a_read_waits_only_so_long_for_a_free_connection(url: str) -> None:
    database = Database(url)
    async with AsyncExitStack() as taken:
        for _ in range(READERS_MAX):
            await taken.enter_async_context(database.reading())
        database._wait_s = 0.01

        with pytest.raises(StorageError, match="in time"):
            await taken.enter_async_context(database.reading())

    async with database.reading() as connection:
        assert await connection.fetchval("select 1") == 1
    await database.close()


async def test_a_commit_that_a_crash_of_the_database_takes_back_is_made_again(url: str) -> None:
    """Locks are let go before a commit is on the disk; callers are answered only after that. (G1)"""

    class Crashing(asyncpg.Connection):  # type: ignore[name-defined,misc]
        """Its server crashes once, between a commit and what makes sure of it."""

        commits_left = 2

        async def execute(self, query: str, *args: Any, **kwargs: Any) -> Any:
            done = await super().execute(query, *args, **kwargs)
            if query == "commit":
                Crashing.commits_left -= 1
                if not Crashing.commits_left:
                    server().stop(signal.SIGQUIT)
                    server().start()
            return done

    async with PostgresStorage.open(url, connection_class=Crashing) as storage:
        await open_account(storage)
        assert await hold_one(storage, "call-1")
        assert Crashing.commits_left < 1
        assert await storage.wallet("user-1") == [a_grant(available_nanos=90, held_nanos=10)]
        assert [one.call.id for one in await storage.call_log(CallQuery())] == ["call-1"]


async def test_the_rows_of_a_batch_are_written_by_one_statement(url: str) -> None:
    """(G16)"""
    async with opened_in(url) as storage:
        await open_account(storage, nanos=1_000)
        statements: list[str] = []
        connection, _ = await storage._writer._session.connected()
        connection.add_query_logger(lambda query: statements.append(query.query))

        assert all(await asyncio.gather(*(hold_one(storage, f"call-{n}") for n in range(20))))

        assert len([statement for statement in statements if "insert into" in statement]) == 1
        assert len([statement for statement in statements if statement.startswith(("begin", "commit"))]) == 2


async def test_what_counts_for_several_users_is_written_one_after_the_other(url: str) -> None:
    """A batch that comes to it unprepared is folded again behind the lock; the next one takes that first."""
    async with opened_in(url) as storage:
        limit = Limit(id="limit-1", subject="hub", measure="requests", amount=10, window_ms=60_000, created_ms=1)
        await open_account(storage)
        await storage.decide(UserScope(name="nobody"), write(limit))

        before = storage.writer_figures().repeated

        for _ in range(3):
            await storage.decide(CALLER, write(LimitCell(limit_id="limit-1", subject="hub", value=1)))
            assert storage.writer_figures().repeated == before + 1

        await storage.decide(CALLER, write(LimitCell(limit_id="limit-1", subject="user:user-1", value=1)))
        await storage.decide(CALLER, write(LimitCell(limit_id="limit-1", subject="hub", value=2)))
        assert storage.writer_figures().repeated == before + 2
