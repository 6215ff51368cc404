"""Books that are taken away or put elsewhere while they are open, and backups that do not come to their end."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from adapters.storage.sqlite.storage import SqliteStorage
from domain.accounts.rows import User
from domain.books.management_scopes import UserScope
from ports.books import StorageError
from tests.adapters.storage_rules import write

pytestmark = pytest.mark.anyio

ANN = User(id="ann", name="ann", role="guest", created_ms=0)
# Writes half a backup and waits to be killed.
HALF_A_BACKUP = """
import sqlite3, sys
from adapters.storage.sqlite.file import publish
def fill(connection):
    connection.execute("begin")
    connection.execute("create table half (x)")
    print("half", flush=True)
    sys.stdin.read()
publish(sys.argv[1], fill)
"""


async def _add(storage: SqliteStorage) -> None:
    await storage.decide(UserScope(name="ann"), write(ANN))


@pytest.mark.parametrize(
    "how", ["directory removed", "directory moved", "file removed", "file replaced", "log removed"]
)
async def test_books_that_are_not_where_they_were_are_refused(tmp_path: Path, how: str) -> None:
    """What would be written to them nobody could find again."""
    home = tmp_path / "data"
    home.mkdir()
    async with SqliteStorage.open(home / "books.db") as storage:
        storage.check_in_place()
        await _add(storage)
        match how:
            case "directory removed":
                shutil.rmtree(home)
            case "directory moved":
                home.rename(tmp_path / "elsewhere")
            case "file removed":
                (home / "books.db").unlink()
            case "file replaced":
                (home / "new.db").write_bytes(b"")
                (home / "new.db").replace(home / "books.db")
            case _:
                (home / "books.db-wal").unlink()

        for look in (storage.check_writable, storage.catalog_version, lambda: _add(storage)):
            with pytest.raises(StorageError, match="while the hub runs: put it back"):
                await look()


async def test_books_that_are_put_back_are_read_and_written_again(tmp_path: Path) -> None:
    home, away = tmp_path / "data", tmp_path / "away"
    home.mkdir()
    async with SqliteStorage.open(home / "books.db") as storage:
        home.rename(away)
        with pytest.raises(StorageError):
            storage.check_in_place()
        away.rename(home)

        await storage.check_writable()
        await _add(storage)

        assert await storage.users() == [ANN]


async def test_a_killed_backup_does_not_block_the_next(tmp_path: Path) -> None:
    path = tmp_path / "copy.db"
    killed = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HALF_A_BACKUP, path), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert killed.stdout is not None
    assert await killed.stdout.readline() == b"half\n"

    async with SqliteStorage.open(tmp_path / "books.db") as storage:
        await _add(storage)
        with pytest.raises(FileExistsError):  # while it still writes
            await storage.backup(str(path))
        killed.send_signal(signal.SIGKILL)
        await killed.wait()
        assert not path.exists()

        await storage.backup(str(path))

    with closing(sqlite3.connect(path)) as copy:
        assert copy.execute("select name from users").fetchall() == [("ann",)]
        assert copy.execute("pragma integrity_check").fetchone() == ("ok",)
    assert [name for name in os.listdir(tmp_path) if name.startswith("copy.db")] == ["copy.db"]


async def test_a_leftover_that_is_a_published_copys_second_name_does_not_harm_it(tmp_path: Path) -> None:
    """A backup that was killed after it was published, before its first name was removed."""
    async with SqliteStorage.open(tmp_path / "books.db") as storage:
        await storage.backup(str(tmp_path / "old.db"))
        os.link(tmp_path / "old.db", tmp_path / "new.db.part")
        before = (tmp_path / "old.db").read_bytes()
        await _add(storage)

        await storage.backup(str(tmp_path / "new.db"))

    assert (tmp_path / "old.db").read_bytes() == before
