"""Migrations: applied once, in order, by who comes first; and refused rather than guessed about."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from adapters.storage.migrate import MigrationError, migrate, read_migrations
from adapters.storage.sqlite.file import adopt_master_key, switch_to_wal
from adapters.storage.sqlite.tables import RATES
from adapters.vault import MasterKeyVault, key_id
from domain.pricing.rate import Rate
from domain.pricing.tiers import UnitPrices
from domain.usage import UNITS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "books.db", isolation_level=None)) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two small migrations, the second of several statements and a trigger."""
    path = tmp_path / "migrations"
    path.mkdir()
    (path / "0001_things.sql").write_text("create table things (name text); -- a; comment\n")
    (path / "0002_more.sql").write_text(
        "insert into things values ('one;');\n"
        "create trigger keep before delete on things\nbegin\n    select raise(abort, 'kept');\nend;\n"
    )
    return path


def applied(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute("select name from migrations order by name")]


def test_a_fresh_file_gets_them_all_in_order(connection: sqlite3.Connection, folder: Path) -> None:
    migrate(connection, read_migrations(folder))

    assert applied(connection) == ["0001_things.sql", "0002_more.sql"]
    assert connection.execute("select name from things").fetchall() == [("one;",)]
    with pytest.raises(sqlite3.IntegrityError, match="kept"):
        connection.execute("delete from things")


def test_a_second_start_changes_nothing(connection: sqlite3.Connection, folder: Path) -> None:
    migrate(connection, read_migrations(folder))
    migrate(connection, read_migrations(folder))

    assert connection.execute("select count(*) from things").fetchone() == (1,)


def test_a_later_hub_adds_what_is_new(connection: sqlite3.Connection, folder: Path) -> None:
    migrate(connection, read_migrations(folder))
    (folder / "0003_last.sql").write_text("insert into things values ('three');\n")

    migrate(connection, read_migrations(folder))

    assert connection.execute("select name from things").fetchall() == [("one;",), ("three",)]


def test_a_migration_changed_since_is_refused(connection: sqlite3.Connection, folder: Path) -> None:
    migrate(connection, read_migrations(folder))
    (folder / "0001_things.sql").write_text("create table things (name text, more text);\n")

    with pytest.raises(MigrationError, match=r"0001_things\.sql has been changed"):
        migrate(connection, read_migrations(folder))


def test_a_file_of_a_newer_hub_is_refused(connection: sqlite3.Connection, folder: Path) -> None:
    migrate(connection, read_migrations(folder))
    (folder / "0002_more.sql").unlink()

    with pytest.raises(MigrationError, match=r"0002_more\.sql is unknown.*newer"):
        migrate(connection, read_migrations(folder))


def test_a_migration_that_comes_late_is_refused(connection: sqlite3.Connection, folder: Path) -> None:
    migrate(connection, read_migrations(folder))
    (folder / "0001_also.sql").write_text("insert into things values ('late');\n")

    with pytest.raises(MigrationError, match=r"0001_also\.sql comes before 0002_more\.sql"):
        migrate(connection, read_migrations(folder))
    assert connection.execute("select name from things").fetchall() == [("one;",)]


def test_another_programs_database_is_refused(connection: sqlite3.Connection, folder: Path) -> None:
    connection.execute("create table recipes (name text)")

    with pytest.raises(MigrationError, match="something else"):
        migrate(connection, read_migrations(folder))

    assert connection.execute("select name from sqlite_schema").fetchall() == [("recipes",)]


@pytest.mark.parametrize("broken", ["create table other (x);\nnonsense;\n", "create table other (x);\nselect 1"])
def test_a_migration_that_fails_leaves_nothing(connection: sqlite3.Connection, folder: Path, broken: str) -> None:
    """(G18)"""
    migrate(connection, read_migrations(folder))
    (folder / "0003_broken.sql").write_text(broken)

    with pytest.raises((sqlite3.OperationalError, MigrationError)):
        migrate(connection, read_migrations(folder))

    assert applied(connection) == ["0001_things.sql", "0002_more.sql"]
    assert connection.execute("select count(*) from sqlite_schema where name = 'other'").fetchone() == (0,)


def test_references_are_checked_where_something_was_applied(connection: sqlite3.Connection, folder: Path) -> None:
    """A start that applies nothing reads no table: other processes wait for the lock that it has."""
    connection.execute("pragma foreign_keys = on")
    (folder / "0003_parts.sql").write_text(
        "create table named (name text primary key);\ncreate table parts (of_name text references named);\n"
    )
    migrate(connection, read_migrations(folder))
    connection.execute("pragma foreign_keys = off")
    connection.execute("insert into parts values ('nobody')")
    connection.execute("pragma foreign_keys = on")

    migrate(connection, read_migrations(folder))

    (folder / "0004_last.sql").write_text("insert into things values ('four');\n")
    with pytest.raises(MigrationError, match="refer to nothing"):
        migrate(connection, read_migrations(folder))
    assert connection.execute("select name from things").fetchall() == [("one;",)]


@pytest.mark.parametrize("sealed", ["a credential", "an answer", "nothing"])
def test_books_from_before_belong_to_the_key_that_opens_what_is_sealed_in_them(
    connection: sqlite3.Connection, sealed: str
) -> None:
    own, other = bytes(range(32)), bytes(32)
    envelope = MasterKeyVault([own]).seal(b"secret", "row")
    *before, _ = steps = [step for step in read_migrations() if step.name <= "0010_master_key_id.sql"]
    migrate(connection, tuple(before))
    if sealed == "a credential":
        connection.execute("insert into credentials values (1, 'c', 'acme', 'n', ?, '', 1, 0, 1, null, 5)", (envelope,))
    if sealed == "an answer":
        connection.execute("insert into idempotency values ('u', 'k', '', 'call', 0, 200, '', ?)", (envelope,))

    migrate(connection, tuple(steps))

    adopted = own if sealed != "nothing" else other
    assert adopt_master_key(connection, key_id(other).hex(), 1_000) == key_id(adopted).hex()
    assert adopt_master_key(connection, key_id(own).hex(), 1_000) == key_id(adopted).hex()


def test_the_switch_to_wal_waits_for_the_first_writer(connection: sqlite3.Connection, tmp_path: Path) -> None:
    connection.execute("begin immediate")
    with closing(sqlite3.connect(tmp_path / "books.db", isolation_level=None)) as later:
        requested: list[str] = []

        def let_go(statement: str) -> None:
            requested.append(statement)
            if statement == "begin immediate":
                connection.execute("commit")

        later.set_trace_callback(let_go)
        switch_to_wal(later, 10_000)

    assert connection.execute("pragma journal_mode").fetchone() == ("wal",)
    wal = "pragma journal_mode = wal"
    assert requested == [wal, "begin immediate", "rollback", wal]


def test_processes_that_start_at_once_on_a_fresh_file_all_succeed(tmp_path: Path) -> None:
    """(G18)"""
    code = """if True:
        import sys
        from adapters.storage.migrate import read_migrations
        from adapters.storage.sqlite.file import open_writer
        migrations = read_migrations()
        print("ready", flush=True)
        sys.stdin.readline()
        for n in range(10):
            open_writer(f"{sys.argv[1]}-{n}", migrations, "NORMAL", 20_000).close()
    """
    path = tmp_path / "books.db"
    command = [sys.executable, "-c", code, str(path)]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) for _ in range(4)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()

    assert [process.returncode for process in processes] == [0] * 4
    for n in range(10):
        with closing(sqlite3.connect(f"{path}-{n}")) as connection:
            assert applied(connection) == [migration.name for migration in read_migrations()]
            assert connection.execute("pragma journal_mode").fetchone() == ("wal",)


def test_every_price_of_an_older_rate_is_in_its_document(connection: sqlite3.Connection) -> None:
    """Set prices, prices of zero and missing ones stay what they were, so past charges are derived as before."""
    migrations = read_migrations()
    older = tuple(step for step in migrations if step.name < "0015")
    prices = UnitPrices(**{f"{unit.label}_nanos": n for n, unit in enumerate(UNITS) if unit.label != "reasoning"})
    given = {name: nanos for name, nanos in msgspec.structs.asdict(prices).items() if nanos is not None}
    migrate(connection, older)
    connection.execute("insert into providers (name, dialect, base_url, created_ms) values ('acme', 'x', 'y', 1)")
    connection.execute(
        f"insert into rates (id, provider, model, effective_ms, known_ms, source, removed, {', '.join(given)}) "
        f"values ('rate-1', 'acme', 'small', 1, 2, 'test', 0, {', '.join(map(str, given.values()))})"
    )

    migrate(connection, migrations)

    (rate,) = RATES.read(connection, "from rates")
    assert rate == Rate(
        id="rate-1", provider="acme", model="small", effective_ms=1, known_ms=2, source="test", prices=prices
    )
