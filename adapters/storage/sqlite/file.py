"""The SQLite file itself: opening it for writing and for reading, and publishing a copy of it.

House rule: the settings of a connection are made here, by the function that opens it, on the thread that owns it.
"""

import errno
import fcntl
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Literal, TypeAlias

from adapters.storage.migrate import Migration, migrate
from ports.books import StorageError

Synchronous: TypeAlias = Literal["FULL", "NORMAL"]

_JOURNAL_BYTES_MAX = 64 * 1024 * 1024
# Of the write-ahead log, between two checkpoints: 4,000 pages are 16 MB, and half as many syncs of the file.
_CHECKPOINT_PAGES = 4_000
# More makes no call cheaper, and 4 MiB are too few for the pages between two checkpoints.
_CACHE_KIB = 8 * 1024
# SQLite itself would retry after 1, 2, 5 and so on up to 100 ms, and find a busy neighbour each time: of two processes
# under load, one then waits for a second. A retry every millisecond keeps that below a tenth of a second.
_RETRY_MS = 1

# The free space at which a full disk counts as usable again: the size of a full batch of calls.
_ROOM_BYTES = 1024 * 1024

_REMEDIES = {
    sqlite3.SQLITE_FULL: "make room on the disk",
    sqlite3.SQLITE_IOERR: "see whether the disk is full or failing",
    sqlite3.SQLITE_READONLY: "let the hub write there",
    sqlite3.SQLITE_CANTOPEN: "let the hub read and write there",
    sqlite3.SQLITE_BUSY: "another process is writing to the books; try again",
    sqlite3.SQLITE_CORRUPT: "the books are damaged; put a backup of them in their place",
    sqlite3.SQLITE_NOTADB: "put the books, or a backup of them, in its place",
}


def error_text(error: sqlite3.Error) -> str:
    """Return SQLite's message and a remedy. Errors of Python's own binding have no code."""
    remedy = _REMEDIES.get(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF)
    return f"{error}: {remedy}" if remedy else str(error)


class Place:
    """The location of an open file. Writes are lost if the file is replaced or removed.

    The write-ahead log next to it contains the newest commits, so it is part of it.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._found = {name: identity for name in (path, f"{path}-wal") if (identity := _identity(name)) is not None}

    def lost(self) -> str | None:
        """Return what happened to the file since, and the remedy; None if it is in place, or if that is unknown."""
        for name, before in self._found.items():
            try:
                now = _identity(name)
            except OSError:
                continue
            if now != before:
                what = "removed" if now is None else "replaced"
                return f"{name} was {what} while the hub runs: put it back where it was, or start the hub again"
        return None


def _identity(path: str) -> tuple[int, int] | None:
    """Return device and inode; None if there is no file."""
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


@contextmanager
def translated() -> Iterator[None]:
    """Translate SQLite's errors to the port's."""
    try:
        yield
    except sqlite3.Error as error:
        raise StorageError(error_text(error)) from error


def open_writer(
    path: str, migrations: tuple[Migration, ...], synchronous: Synchronous, busy_ms: int
) -> sqlite3.Connection:
    """Return the connection that writes. Creates the file, readable by its owner only, and migrates it.

    Raises MigrationError if the file is not what this hub expects, sqlite3.Error if it cannot be opened.
    """
    # SQLite gives the log and the shared memory next to it the same mode. Opening and closing an existing file would
    # release the locks that SQLite has on it in this process.
    if not os.path.exists(path):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = _connect(path, busy_ms)
    try:
        switch_to_wal(connection, busy_ms)
        connection.execute(f"pragma synchronous = {synchronous}")
        connection.execute("pragma foreign_keys = on")
        connection.execute(f"pragma journal_size_limit = {_JOURNAL_BYTES_MAX}")
        connection.execute(f"pragma wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute(f"pragma cache_size = -{_CACHE_KIB}")
        migrate(connection, migrations)
        connection.execute(f"pragma busy_timeout = {_RETRY_MS}")
    except BaseException:
        connection.close()
        raise
    return connection


def adopt_master_key(connection: sqlite3.Connection, key_id: str, busy_ms: int) -> str:
    """Return the id of the master key that the books belong to; books without one adopt this one."""
    (known,) = connection.execute("select master_key_id from meta").fetchone()
    if known is None:
        begin_writing(connection, busy_ms)
        connection.execute("update meta set master_key_id = ? where master_key_id is null", (key_id,))
        (known,) = connection.execute("select master_key_id from meta").fetchone()
        connection.execute("commit")
    return str(known)


def open_reader(path: str, busy_ms: int) -> sqlite3.Connection:
    """Return a connection that can only read."""
    connection = _connect(path, busy_ms)
    connection.execute("pragma query_only = on")
    return connection


def _connect(path: str, busy_ms: int) -> sqlite3.Connection:
    # No isolation level: transactions begin and end explicitly, never implicitly.
    connection = sqlite3.connect(path, isolation_level=None, cached_statements=256)
    connection.execute(f"pragma busy_timeout = {busy_ms}")
    return connection


def switch_to_wal(connection: sqlite3.Connection, busy_ms: int) -> None:
    """Switch the journal to a write-ahead log; the setting is stored in the file.

    SQLite does not wait here, whatever the busy timeout, while another process writes to a file that is not in WAL mode
    yet, as when several processes start on a new file. So this waits for the write lock, for which SQLite does wait,
    and tries again. Raises sqlite3.OperationalError if the lock is not available.
    """
    deadline = time.monotonic() + busy_ms / 1000
    while True:
        try:
            (mode,) = connection.execute("pragma journal_mode = wal").fetchone()
            if mode != "wal":
                raise OSError(f"the file system cannot keep a write-ahead log: the journal stays {mode}")
            return
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() >= deadline:
                raise
        connection.execute("begin immediate")
        connection.execute("rollback")


def begin_writing(connection: sqlite3.Connection, busy_ms: int) -> None:
    """Begin a transaction with the write lock. Raises sqlite3.OperationalError if it is held for too long."""
    deadline = time.monotonic() + busy_ms / 1000
    while True:
        try:
            connection.execute("begin immediate")
            return
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() >= deadline:
                raise


def check_room(connection: sqlite3.Connection) -> None:
    """Write and remove a file next to the books. Raises StorageError if there is no room for it.

    A single page may fit where the pages of a full batch did not.
    """
    (_, _, path) = connection.execute("pragma database_list").fetchone()
    try:
        with tempfile.TemporaryFile(dir=os.path.dirname(path)) as file:
            file.write(bytes(_ROOM_BYTES))
    except OSError as error:
        raise StorageError(f"{error.strerror or error}: make room on the disk") from error


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


def copy(connection: sqlite3.Connection, path: str) -> None:
    """Copy the books to a new file, as of one commit, while others write. Raises FileExistsError if it exists."""
    publish(path, connection.backup)


def publish(path: str, fill: Callable[[sqlite3.Connection], None]) -> None:
    """Make a new database file at `path`, filled by `fill`: either complete and on the disk, or not there at all.

    Raises FileExistsError if the file exists.
    """
    if os.path.lexists(path):
        raise FileExistsError(path)
    part = f"{path}.part"
    with _own_part(part):
        with closing(sqlite3.connect(part, isolation_level=None)) as connection:
            fill(connection)
            # A copy of a file in WAL mode is in WAL mode too, and would keep its last pages in a log next to it.
            connection.execute("pragma journal_mode = delete")
            _check_integrity(connection)
        _sync(part)
        os.link(part, path)
    _sync(os.path.dirname(os.path.abspath(path)))


@contextmanager
def _own_part(part: str) -> Iterator[None]:
    """Yield a new file that no other process writes to; it is removed at the end.

    A file that a killed backup left is removed first; a lock shows whether another process still writes to it. Raises
    FileExistsError in that case.
    """
    file = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FileExistsError(errno.EEXIST, "another backup is being written there", part) from None
        # Not truncated: it may be a published copy under its second name.
        _remove(part)
        new = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    finally:
        os.close(file)
    try:
        fcntl.flock(new, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        _remove(part)
        os.close(new)


def _remove(part: str) -> None:
    for name in (part, f"{part}-journal", f"{part}-wal", f"{part}-shm"):
        with suppress(FileNotFoundError):
            os.unlink(name)


def _check_integrity(connection: sqlite3.Connection) -> None:
    """Raise StorageError if the copy is damaged: it would replace better ones."""
    (found, *_) = connection.execute("pragma integrity_check(1)").fetchone()
    if found != "ok":
        raise StorageError(f"the copy is damaged, and so may be the books: {' '.join(found.split())}")


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
