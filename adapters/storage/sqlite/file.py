"""The SQLite file itself: opening it for writing and for reading, and publishing a copy of it.

House rule: what a connection must be set to is set here, by the function that opens it, on the thread that owns it.
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
# More makes no call cheaper, and 4 MiB are too few for what lies between two checkpoints.
_CACHE_KIB = 8 * 1024
# SQLite itself would ask again after 1, 2, 5 and so on up to 100 ms, and meet a busy neighbour each time: of two
# processes under load, one then stands still for a second. Asking every millisecond keeps it under a tenth.
_RETRY_MS = 1

# What must be free before a disk that was full counts as one that is not: what a full batch of calls writes.
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


def in_words(error: sqlite3.Error) -> str:
    """What SQLite says, and what can be done about it. Errors of Python's own binding have no code."""
    remedy = _REMEDIES.get(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF)
    return f"{error}: {remedy}" if remedy else str(error)


class Place:
    """Where a file was when it was opened. Whatever is written to it elsewhere, or once it is removed, is lost.

    The write-ahead log beside it holds the newest commits, so it belongs to it.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._found = {name: identity for name in (path, f"{path}-wal") if (identity := _identity(name)) is not None}

    def lost(self) -> str | None:
        """What happened to the file since, and the remedy; None if it is where it was, or if that cannot be told."""
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
    """Device and inode; None if nothing is there."""
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


@contextmanager
def translated() -> Iterator[None]:
    """SQLite's own errors, in the port's word."""
    try:
        yield
    except sqlite3.Error as error:
        raise StorageError(in_words(error)) from error


def open_writer(
    path: str, migrations: tuple[Migration, ...], synchronous: Synchronous, busy_ms: int
) -> sqlite3.Connection:
    """The connection that writes. Creates the file, readable by its owner only, and brings it up to date.

    MigrationError if the file is not what this hub expects; sqlite3.Error if it cannot be opened.
    """
    # SQLite gives the log and the shared memory beside it the same mode. To open and close a file that is there would
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
    """The id of the master key that the books belong to: from now on this one's, if they knew none."""
    (known,) = connection.execute("select master_key_id from meta").fetchone()
    if known is None:
        begin_writing(connection, busy_ms)
        connection.execute("update meta set master_key_id = ? where master_key_id is null", (key_id,))
        (known,) = connection.execute("select master_key_id from meta").fetchone()
        connection.execute("commit")
    return str(known)


def open_reader(path: str, busy_ms: int) -> sqlite3.Connection:
    """A connection that can only read."""
    connection = _connect(path, busy_ms)
    connection.execute("pragma query_only = on")
    return connection


def _connect(path: str, busy_ms: int) -> sqlite3.Connection:
    # No isolation level: transactions begin and end where we say so, and never by themselves.
    connection = sqlite3.connect(path, isolation_level=None, cached_statements=256)
    connection.execute(f"pragma busy_timeout = {busy_ms}")
    return connection


def switch_to_wal(connection: sqlite3.Connection, busy_ms: int) -> None:
    """Switch the journal to a write-ahead log, which the file remembers.

    SQLite does not wait here, whatever the busy timeout says, while another process writes to a file that is not in
    WAL mode yet: several that start on one fresh file. So we wait for the write lock, where it does, and try again.
    sqlite3.OperationalError if the lock cannot be had.
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
    """Begin a transaction with the write lock in hand. sqlite3.OperationalError if another has it for too long."""
    deadline = time.monotonic() + busy_ms / 1000
    while True:
        try:
            connection.execute("begin immediate")
            return
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() >= deadline:
                raise


def check_room(connection: sqlite3.Connection) -> None:
    """Write a file beside the books that is gone again at once. StorageUnavailable if there is no room for it.

    A page alone may find room where the many of a call did not.
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
    """Copy the books to a new file, as of one commit, while others write. FileExistsError if it is there."""
    publish(path, connection.backup)


def publish(path: str, fill: Callable[[sqlite3.Connection], None]) -> None:
    """Make a new database file at `path`, filled by `fill`: whole and on the disk, or not there at all.

    FileExistsError if something is there already.
    """
    if os.path.lexists(path):
        raise FileExistsError(path)
    part = f"{path}.part"
    with _own_part(part):
        with closing(sqlite3.connect(part, isolation_level=None)) as connection:
            fill(connection)
            # A copy of a file in WAL mode is one, too, and would keep its last pages in a log beside it.
            connection.execute("pragma journal_mode = delete")
            _check_whole(connection)
        _sync(part)
        os.link(part, path)
    _sync(os.path.dirname(os.path.abspath(path)))


@contextmanager
def _own_part(part: str) -> Iterator[None]:
    """A new file that nobody else writes to meanwhile; removed in the end.

    One that a killed backup left behind is removed first. Whether somebody still writes to it, its lock tells.
    FileExistsError if somebody does.
    """
    file = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FileExistsError(errno.EEXIST, "another backup is being written there", part) from None
        # Not emptied: it may be a published copy under its second name.
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


def _check_whole(connection: sqlite3.Connection) -> None:
    """StorageUnavailable if the copy is damaged: it would replace better ones."""
    (found, *_) = connection.execute("pragma integrity_check(1)").fetchone()
    if found != "ok":
        raise StorageError(f"the copy is damaged, and so may be the books: {' '.join(found.split())}")


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
