"""What is only added cannot be changed, by whatever role; and the hub's own role may do no more than the hub needs."""

import asyncio
from urllib.parse import urlsplit

import pytest

asyncpg = pytest.importorskip("asyncpg", reason="no PostgreSQL: its driver asyncpg is not installed")

from adapters.storage.migrate import Migration, MigrationError, read_migrations
from adapters.storage.postgres.append_only import APPEND_ONLY
from adapters.storage.postgres.maintenance import migrate_for, status
from adapters.storage.postgres.migrate import MIGRATIONS, migrate
from adapters.storage.postgres.storage import PostgresStorage
from tests.adapters.storage_rules import a_grant, capture_one, hold_one, open_account
from tests.support.postgres import new_books, server_or_skip

pytestmark = pytest.mark.anyio

ROLE, QUOTED = 'the "hub"', '"the ""hub"""'


@pytest.fixture
def url() -> str:
    server_or_skip()
    return new_books()


@pytest.fixture
def empty() -> str:
    return server_or_skip().new_database()


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("change", ["delete from {}", "update {} set {} = {}", "truncate {}"])
async def test_what_is_only_added_cannot_be_changed(url: str, table: str, change: str) -> None:
    columns = "select column_name from information_schema.columns where table_name = $1 limit 1"
    connection = await asyncpg.connect(url)
    try:
        column = await connection.fetchval(columns, table)
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only"):
            await connection.execute(change.format(table, column, column))
    finally:
        await connection.close()


async def test_the_hub_s_own_role_runs_the_hub_and_changes_no_row_that_is_only_added(url: str) -> None:
    server = server_or_skip()
    connection = await asyncpg.connect(url)
    await connection.execute(f"drop role if exists {QUOTED}")
    await connection.execute(f"create role {QUOTED} login")
    assert await migrate_for(url, ROLE) == []
    own = f"postgresql://the%20%22hub%22@127.0.0.1:{server.port}{urlsplit(url).path}"

    async with PostgresStorage.open(own) as storage:
        await open_account(storage)
        assert await hold_one(storage, "call-1")
        assert await capture_one(storage, "call-1")
        assert await storage.wallet("user-1") == [a_grant(available_nanos=90)]

    hub = await asyncpg.connect(own)
    for table in (*APPEND_ONLY, "migrations"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await hub.execute(f"delete from {table}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await hub.execute("update holds set hold_nanos = 0")
    await hub.close()
    await connection.close()


# --- migrations ---


async def test_a_database_is_migrated_once_and_then_left_alone(empty: str) -> None:
    names = [migration.name for migration in read_migrations(MIGRATIONS)]
    assert (await status(empty)).pending == tuple(names)

    assert await migrate_for(empty, None) == names
    assert await migrate_for(empty, None) == []
    found = await status(empty)
    assert (found.applied, found.pending) == (tuple(names), ())
    assert found.server.startswith("PostgreSQL")


async def test_any_number_of_processes_may_start_on_an_empty_database(empty: str) -> None:
    """(G18)"""
    done = await asyncio.gather(*(migrate_for(empty, None) for _ in range(4)))

    assert sorted(map(len, done)) == [0, 0, 0, len(read_migrations(MIGRATIONS))]


async def test_a_migration_that_was_interrupted_is_applied_again_from_its_beginning(empty: str) -> None:
    migrations = read_migrations(MIGRATIONS)
    first = migrations[0]
    connection = await asyncpg.connect(empty)
    broken = type(first)(first.name, first.sha256, f"{first.script}\nselect 1 / 0;\n")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(connection, (broken,))

    assert await migrate(connection, migrations) == [each.name for each in migrations]
    await connection.close()


async def test_a_statement_of_a_migration_may_take_longer_than_one_of_a_call(url: str) -> None:
    """An index of a large journal does: given up, it would begin from nothing at each start."""
    slow = Migration("9999_slow.sql", "digest", "select pg_sleep(2.2);\n")
    connection = await asyncpg.connect(url, command_timeout=2)

    try:
        assert await migrate(connection, (*read_migrations(MIGRATIONS), slow)) == [slow.name]
    finally:
        await connection.close()


async def test_another_program_s_database_and_newer_books_are_left_alone(url: str, empty: str) -> None:
    foreign = await asyncpg.connect(empty)
    await foreign.execute("create table theirs (id integer)")
    with pytest.raises(MigrationError, match="something else"):
        await migrate_for(empty, None)
    assert await foreign.fetchval("select count(*) from information_schema.tables where table_schema = 'public'") == 1
    await foreign.close()

    newer = await asyncpg.connect(url)
    await newer.execute("insert into migrations values ('9999_later.sql', 'x', 1)")
    with pytest.raises(MigrationError, match="newer aihub"):
        await migrate_for(url, None)
    await newer.close()
