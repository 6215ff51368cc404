"""A batch of decisions in one transaction of PostgreSQL: what it locks, what it costs, and when it is repeated."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

asyncpg = pytest.importorskip("asyncpg", reason="no PostgreSQL: its driver asyncpg is not installed")

from adapters.storage.postgres.connection import Database
from adapters.storage.postgres.storage import PostgresStorage
from adapters.storage.postgres.tables import TABLES, parameters_of, statement_of
from domain.books.call_query import CallQuery
from domain.books.guards import CATALOGUE, GUARDED, UNGUARDED
from domain.books.management_scopes import KeyScope, ProviderScope, UserScope
from domain.books.rows import ROW_TYPES
from domain.books.scopes import CallScope, SweepScope
from ports.books import StorageError
from tests.adapters.storage_rules import (
    Decided,
    a_call,
    a_grant,
    a_hold,
    a_key,
    a_provider,
    a_rate,
    a_transfer,
    a_user,
    capture_one,
    hold,
    hold_one,
    look,
    open_account,
    write,
)
from tests.support.lookups import all_lookups
from tests.support.postgres import new_books, server_or_skip
from tests.support.postgres_books import opened_in

pytestmark = pytest.mark.anyio

NOBODY = UserScope(name="nobody")
CALLER = CallScope(fingerprint="print-1")


@pytest.fixture
def url() -> str:
    server_or_skip()
    return new_books()


@pytest.fixture(params=[False, True], ids=["locks", "snapshots"])
async def two(request: pytest.FixtureRequest, url: str) -> AsyncIterator[tuple[PostgresStorage, PostgresStorage]]:
    """Two processes on one database."""
    async with opened_in(url, strict=request.param) as one, opened_in(url, strict=request.param) as other:
        yield one, other


@pytest.fixture
async def outsider(url: str) -> AsyncIterator[Any]:
    """A connection of somebody else."""
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


def test_every_row_has_a_guard_or_needs_none() -> None:
    kinds = ROW_TYPES

    assert kinds == CATALOGUE | GUARDED | UNGUARDED
    assert len(kinds) == len(CATALOGUE) + len(GUARDED) + len(UNGUARDED)


def test_the_tables_have_the_columns_that_their_rows_have(url: str) -> None:
    found: dict[str, dict[str, str]] = {}
    columns = "select table_name, column_name, data_type from information_schema.columns where table_schema = 'public'"
    for table, column, kind in server_or_skip().sql(columns, url):
        found.setdefault(table, {})[column] = kind

    for table in TABLES:
        wanted = dict(table.types) | ({"seq": "bigint"} if table.is_numbered else {})
        extra = {"locks": "bigint"} if table.name == "users" else {}
        assert found[table.name] == wanted | extra


# --- two processes ---


async def test_two_processes_never_hold_more_than_there_is(two: tuple[PostgresStorage, PostgresStorage]) -> None:
    """(G1)"""
    await open_account(two[0], nanos=300)

    held = await asyncio.gather(*(hold_one(two[n % 2], f"call-{n}") for n in range(64)))

    assert sum(held) == 30
    assert await two[0].wallet("user-1") == [a_grant(nanos=300, available_nanos=0, held_nanos=300)]


async def test_a_hold_is_captured_once_by_whichever_process(two: tuple[PostgresStorage, PostgresStorage]) -> None:
    """(G10)"""
    await open_account(two[0])
    await hold_one(two[0], "call-1")

    captured = await asyncio.gather(*(capture_one(two[n % 2], "call-1") for n in range(16)))

    assert sum(captured) == 1
    assert await two[1].wallet("user-1") == [a_grant(available_nanos=90)]


async def test_a_key_that_was_revoked_elsewhere_admits_nothing(two: tuple[PostgresStorage, PostgresStorage]) -> None:
    await open_account(two[0])
    assert await hold_one(two[0], "call-1")

    await two[1].decide(KeyScope(key_id="key-1"), write(a_key(revoked_ms=5)))

    assert not await hold_one(two[0], "call-2")


async def test_a_change_of_the_catalogue_is_seen_by_the_next_call_of_every_process(
    two: tuple[PostgresStorage, PostgresStorage],
) -> None:
    await open_account(two[0])
    versions = []
    for n in range(6):
        await two[n % 2].decide(ProviderScope(name="acme"), write(a_provider(), a_rate(n)))
        versions += [(await each.decide(CALLER, look)).shown.version for each in two]

    assert versions == [2, 2, 4, 4, 6, 6, 8, 8, 10, 10, 12, 12]
    assert (await two[0].catalog()).rates == [a_rate(n) for n in range(6)]


async def test_a_sweep_locks_only_the_wallets_that_it_writes(url: str, outsider: Any) -> None:
    async with opened_in(url) as storage:
        await open_account(storage)
        await hold_one(storage, "call-1")
        await outsider.execute("begin; select * from users for update")

        assert len((await storage.decide(SweepScope(now_ms=9), look)).shown.holds) == 1
        refused = storage.decide(SweepScope(now_ms=9), write(a_grant(available_nanos=1)), 0.01)
        with pytest.raises(StorageError, match="in time"):
            await refused
        await outsider.execute("rollback")


async def test_what_another_process_committed_early_is_on_the_disk_before_it_is_answered(
    url: str, outsider: Any
) -> None:
    """(G2)"""
    async with opened_in(url) as storage:
        await open_account(storage)
        await outsider.execute("set synchronous_commit = off; update users set locks = locks + 1")
        written = await outsider.fetchval("select pg_current_wal_insert_lsn()::text")

        assert (await storage.decide(CALLER, look)).shown.key == a_key()

        assert await outsider.fetchval("select pg_current_wal_flush_lsn() >= $1::text::pg_lsn", written)


# --- trouble ---


async def test_a_connection_that_was_ended_is_replaced(url: str, outsider: Any) -> None:
    async with opened_in(url) as storage:
        await open_account(storage)
        assert await storage.users() == [a_user()]
        await outsider.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )

        assert await hold_one(storage, "call-1")
        assert await storage.users() == [a_user()]


async def test_a_database_that_cannot_be_reached_refuses_at_once(url: str) -> None:
    async with opened_in(url) as storage:
        await open_account(storage)
        storage._writer._session._database = Database("postgresql://postgres@127.0.0.1:1/books")
        await storage._writer._session.let_go()

        for _ in range(2):
            with pytest.raises(StorageError, match="cannot be reached"):
                await hold_one(storage, "call-1")
        with pytest.raises(StorageError, match="cannot be reached"):
            await storage.check_writable()


async def test_a_batch_of_more_rows_than_a_transaction_may_have_is_split(url: str) -> None:
    async with opened_in(url, strict=True) as storage:
        await open_account(storage)
        people = [[a_user(n + 100 * m) for n in range(100, 200)] for m in range(40)]

        await asyncio.gather(*(storage.decide(NOBODY, write(*rows)) for rows in people))

        assert len(await storage.users()) == 4_001


async def test_a_row_that_cannot_be_stored_fails_alone(url: str) -> None:
    async with opened_in(url) as storage:
        await open_account(storage)
        rules = (
            hold("call-1"),
            write(a_user(2), a_hold("big", started_ms=2**63)),
            write(a_user(3), a_grant(3, user_id="user-9")),
            write(a_transfer("grant-1")),
            hold("call-2"),
        )

        answers = await asyncio.gather(*(storage.decide(CALLER, rule) for rule in rules), return_exceptions=True)

        assert [type(answer) for answer in answers] == [Decided, *[AssertionError] * 3, Decided]
        assert [one.call.id for one in await storage.call_log(CallQuery())] == ["call-2", "call-1"]
        assert await storage.users() == [a_user()]


async def test_a_provider_s_message_may_contain_what_no_text_in_postgres_may(url: str) -> None:
    async with opened_in(url) as storage:
        await open_account(storage)
        ended = a_call(error="a\0b")

        await storage.decide(NOBODY, write(a_hold(), ended))

        assert await storage.call("call-1") == msgspec.structs.replace(ended, error="a\ufffdb")


async def test_a_database_that_cannot_be_written_refuses_and_is_ready_again_later(url: str, outsider: Any) -> None:
    async with opened_in(url) as storage:
        await open_account(storage)
        name = url.rpartition("/")[2]
        await outsider.execute(f"alter database {name} set default_transaction_read_only = on")
        await outsider.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        with pytest.raises(StorageError, match="primary"):
            await hold_one(storage, "call-1")
        with pytest.raises(StorageError, match="primary"):
            await storage.check_writable()
        assert await storage.call("call-1") is None

        await outsider.execute("begin; set transaction read write")
        await outsider.execute(f"alter database {name} reset default_transaction_read_only; commit")
        await outsider.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        await storage.check_writable()
        assert await hold_one(storage, "call-1")


async def test_the_hot_statements_use_an_index(url: str, outsider: Any) -> None:
    """(G16)"""
    await outsider.execute("set enable_seqscan = off; set enable_bitmapscan = off")
    hot = [lookup for lookup in all_lookups() if lookup.by or lookup.until or lookup.oldest]
    for lookup in hot:
        values = {("a",) * len(lookup.by)} if len(lookup.by) > 1 else {"a"} if lookup.by else {1}
        plan = await outsider.fetch(f"explain {statement_of(lookup)}", *parameters_of(lookup, values))

        assert not [row[0] for row in plan if "Seq Scan" in row[0]], (lookup, plan)


async def test_a_batch_takes_the_same_statements_however_long_it_is(url: str) -> None:
    """(G16)"""
    people = range(1, 101)
    async with opened_in(url) as storage:
        rows = [(a_user(n), a_key(n), a_grant(n, user_id=f"user-{n}")) for n in people]
        await storage.decide(NOBODY, write(*(row for each in rows for row in each)))
        statements: list[str] = []
        connection, _ = await storage._writer._session.connected()
        connection.add_query_logger(lambda query: statements.append(query.query))

        async def taken(n: int) -> int:
            scopes = [CallScope(fingerprint=f"print-{m}", idempotency_key="k") for m in people[:n]]
            await asyncio.gather(*(storage.decide(scope, look) for scope in scopes))
            statements.clear()
            shown = await asyncio.gather(*(storage.decide(scope, look) for scope in scopes))
            assert [each.shown.user.id for each in shown] == [f"user-{m}" for m in people[:n]]
            return len(statements)

        assert await taken(1) == await taken(100)
