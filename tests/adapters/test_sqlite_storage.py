"""The SQLite storage as its owner and its callers see it: a file, a queue, and an end."""

import asyncio
import resource
import sqlite3
import stat
import threading
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from anyio.lowlevel import checkpoint

from adapters.storage.migrate import read_migrations
from adapters.storage.sqlite.connection import Connection
from adapters.storage.sqlite.file import error_text, open_reader, open_writer
from adapters.storage.sqlite.storage import SqliteStorage
from domain.books.call_query import CallQuery
from domain.books.management_scopes import UserScope
from domain.books.rows import running
from domain.books.scopes import CallScope
from ports.books import StorageError
from tests.adapters.storage_rules import (
    Decided,
    a_grant,
    a_hold,
    a_user,
    capture_one,
    hold,
    hold_one,
    open_account,
    write,
)

pytestmark = pytest.mark.anyio

CALLER = CallScope(fingerprint="print-1")


# --- the file ---


async def test_a_reopened_file_holds_everything(books_path: Path) -> None:
    async with SqliteStorage.open(books_path) as storage:
        await open_account(storage)
        await hold_one(storage, "call-1")
    assert [*books_path.parent.iterdir()] == [books_path], "a closed file keeps no log beside it"

    async with SqliteStorage.open(books_path) as storage:
        assert await storage.call("call-1") == running(a_hold())
        assert await storage.wallet("user-1") == [a_grant(available_nanos=90, held_nanos=10)]
        assert await capture_one(storage, "call-1")


async def test_only_its_owner_may_read_the_file(books_path: Path) -> None:
    async with SqliteStorage.open(books_path) as storage:
        await open_account(storage)
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in books_path.parent.iterdir()}

    assert modes == {"books.db": 0o600, "books.db-wal": 0o600, "books.db-shm": 0o600}


@pytest.mark.parametrize(("synchronous", "level"), [("FULL", 2), ("NORMAL", 1)])
async def test_the_writer_is_set_to_survive(books_path: Path, synchronous: Any, level: int) -> None:
    with closing(open_writer(str(books_path), read_migrations(), synchronous, 1_000)) as connection:
        names = ("journal_mode", "synchronous", "foreign_keys", "journal_size_limit")
        settings = [connection.execute(f"pragma {name}").fetchone()[0] for name in names]

    assert settings == ["wal", level, 1, 64 * 1024 * 1024]


@pytest.fixture
def nonsense(books_path: Path) -> Path:
    books_path.write_bytes(b"not a database, but long enough to be taken for one" * 100)
    return books_path


async def test_a_file_that_cannot_be_opened_is_unavailable(nonsense: Path) -> None:
    with pytest.raises(StorageError, match="not a database"):
        await SqliteStorage.open(nonsense)
    with pytest.raises(StorageError, match="nowhere"):
        await SqliteStorage.open(nonsense.parent / "nowhere" / "books.db")


async def test_readers_cannot_write(connection: sqlite3.Connection, books_path: Path) -> None:
    with (
        closing(open_reader(str(books_path), 100)) as reader,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        reader.execute("update meta set version = 9")


# --- callers ---


async def test_a_cancelled_caller_is_skipped_before_its_batch_begins_and_kept_after(books_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow_hold(facts: Any) -> Decided:
        begun.set()
        assert go_on.wait(10)
        return hold("begun")(facts)

    async with SqliteStorage.open(books_path) as storage:
        await open_account(storage)
        first = asyncio.create_task(storage.decide(CALLER, slow_hold))
        await asyncio.to_thread(begun.wait, 10)
        second = asyncio.create_task(hold_one(storage, "waiting"))
        await checkpoint()
        first.cancel()
        second.cancel()
        await asyncio.wait([first, second])
        go_on.set()

        assert await hold_one(storage, "later")
        assert first.cancelled()
        assert second.cancelled()
        assert [one.call.id for one in await storage.call_log(CallQuery())] == ["later", "begun"]
        assert await storage.wallet("user-1") == [a_grant(available_nanos=80, held_nanos=20)]


async def test_another_s_lock_held_too_long_is_unavailable_and_survived(books_path: Path) -> None:
    async with SqliteStorage.open(books_path, busy_ms=30) as storage:
        await open_account(storage)
        with closing(sqlite3.connect(books_path, isolation_level=None)) as other:
            other.execute("begin immediate")
            with pytest.raises(StorageError, match="locked"):
                await hold_one(storage, "call-1")
            assert await storage.call("call-1") is None, "and reading goes on"
            with pytest.raises(StorageError, match="locked"):
                await storage.check_writable()

        await storage.check_writable()
        assert await hold_one(storage, "call-1")
        assert await storage.wallet("user-1") == [a_grant(available_nanos=90, held_nanos=10)]


async def test_a_disk_that_was_full_is_so_until_there_is_room_for_more_than_a_page(books_path: Path) -> None:
    async with SqliteStorage.open(books_path) as storage:
        await open_account(storage)
        await storage.check_writable()
        largest = max(path.stat().st_size for path in books_path.parent.iterdir())
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 64 * 1024, before[1]))
        try:
            with pytest.raises(StorageError, match="disk"):
                await storage.decide(UserScope(name="x"), write(*(a_user(n) for n in range(1_000, 3_000))))
            with pytest.raises(StorageError, match="make room"):
                await storage.check_writable()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        await storage.check_writable()


async def test_a_caller_with_a_limit_is_answered_at_its_end_and_may_retry(books_path: Path) -> None:
    """The first may still be written, the second was never begun: each can be asked for once more."""
    async with SqliteStorage.open(books_path) as storage:
        await open_account(storage)
        with closing(sqlite3.connect(books_path, isolation_level=None)) as other:
            other.execute("begin immediate")
            begun = asyncio.create_task(hold_one(storage, "begun"))
            for _ in range(5):  # Its batch is on the writer's thread by then.
                await checkpoint()
            patient = asyncio.create_task(hold_one(storage, "patient"))
            late = storage.decide(CALLER, hold("late"), 0.01)
            with pytest.raises(StorageError, match="in time"):
                await late
            assert not begun.done()
            assert not patient.done(), "those without a limit wait on"

        assert await begun
        assert await patient
        assert await storage.call("late") is None
        assert await hold_one(storage, "late")


async def test_more_than_may_wait_are_turned_away(books_path: Path) -> None:
    async with SqliteStorage.open(books_path, waiting_max=4) as storage:
        await open_account(storage)

        answers = await asyncio.gather(*(hold_one(storage, f"call-{n}") for n in range(6)), return_exceptions=True)

        assert answers[:4] == [True] * 4
        assert [type(answer) for answer in answers[4:]] == [StorageError] * 2
        assert await storage.call_count(CallQuery()) == 4


async def test_closing_finishes_what_waits_and_refuses_what_comes_later(books_path: Path) -> None:
    storage = await SqliteStorage.open(books_path)
    await open_account(storage)
    waiting = [asyncio.create_task(hold_one(storage, f"call-{n}")) for n in range(5)]
    await checkpoint()

    await storage.aclose()
    await storage.aclose()

    assert await asyncio.gather(*waiting) == [True] * 5
    with pytest.raises(StorageError, match="closed"):
        await hold_one(storage, "late")
    with pytest.raises(StorageError, match="closed"):
        await storage.users()
    with pytest.raises(StorageError, match="closed"):
        await storage.backup(str(books_path) + ".copy")


async def test_a_rule_may_even_ask_to_exit(books_path: Path) -> None:
    def leave(_: object) -> Decided:
        raise SystemExit(3)

    async with SqliteStorage.open(books_path) as storage:
        await open_account(storage)
        with pytest.raises(SystemExit):
            await storage.decide(CALLER, leave)

        assert await hold_one(storage, "call-1")


async def test_a_connection_runs_a_whole_function_on_its_own_thread(books_path: Path) -> None:
    connection = await Connection.open(partial(sqlite3.connect, books_path))

    def threads(given: sqlite3.Connection, *more: int) -> tuple[int, ...]:
        given.execute("select 1")
        return threading.get_ident(), *more

    def failing(_: sqlite3.Connection) -> None:
        raise LookupError

    first, second = await connection.run(threads, 1), await connection.run(threads, 1)
    with pytest.raises(LookupError):
        await connection.run(failing)
    await connection.close()

    assert first == second
    assert first[0] != threading.get_ident()


def test_a_full_disk_is_reported_with_the_remedy(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "small.db")) as small:
        small.execute("pragma max_page_count = 2")
        small.execute("create table notes (text text)")
        with pytest.raises(sqlite3.OperationalError) as full:
            small.execute("insert into notes values (?)", ("x" * 100_000,))

    assert error_text(full.value) == "database or disk is full: make room on the disk"
    assert error_text(sqlite3.ProgrammingError("Cannot operate on a closed database.")).endswith("closed database.")
