"""Migrations: numbered SQL files, applied in order, forward only, each with its record in one transaction.

House rule: an applied file is never changed. Its digest is recorded, and a hub that finds another digest, or an unknown
migration, refuses to start and does not guess the shape of the tables.
"""

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from domain.books.ids import packed

MIGRATIONS = Path(__file__).parent / "migrations" / "sqlite"

# The version that introduced strict tables.
_SQLITE_VERSION_MIN = (3, 37, 0)
# Marks the file as the hub's, "aihb" in ASCII: no migration ever runs on another program's database.
_APPLICATION_ID = 0x61696862

_CREATE_RECORDS = """create table if not exists migrations (
    name       text    not null primary key,
    sha256     text    not null,
    applied_ms integer not null
) strict"""
_INSERT_RECORD = "insert into migrations values (?, ?, cast((julianday('now') - 2440587.5) * 86400000 as integer))"


class MigrationError(Exception):
    """The file's tables are not what this hub expects; nothing was changed."""


class Migration(msgspec.Struct, frozen=True):
    """One step: the file's name, the digest of its bytes, and its text."""

    name: str
    sha256: str
    script: str


def read_migrations(folder: Path = MIGRATIONS) -> tuple[Migration, ...]:
    """Return the migrations of a folder, in the order of their numbers."""
    return tuple(
        Migration(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.sql"))
    )


def migrate(connection: sqlite3.Connection, migrations: tuple[Migration, ...]) -> None:
    """Migrate the file under the write lock, so that any number of processes may start at once.

    The connection must be in autocommit mode; its SQL can call `packed_id(id, prefix)` from then on. Raises
    MigrationError if the file is not the hub's, is newer than this hub, or was made by a migration that has changed
    since; sqlite3.OperationalError if the lock is not available.
    """
    if sqlite3.sqlite_version_info < _SQLITE_VERSION_MIN:
        raise MigrationError(f"SQLite {sqlite3.sqlite_version} is too old: 3.37 or newer is needed")
    connection.create_function("packed_id", 2, packed, deterministic=True)
    # A table that is made again is dropped first, which foreign keys would forbid; they are checked at the end instead.
    (checked,) = connection.execute("pragma foreign_keys").fetchone()
    connection.execute("pragma foreign_keys = off")
    connection.execute("begin immediate")
    try:
        _claim(connection)
        done = _apply(connection, migrations)
        if done and checked and connection.execute("pragma foreign_key_check").fetchone() is not None:
            raise MigrationError("a migration would leave rows that refer to nothing; nothing was changed")
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise
    finally:
        connection.execute(f"pragma foreign_keys = {checked}")


def _claim(connection: sqlite3.Connection) -> None:
    """Mark a new file as the hub's; refuse another program's."""
    (application_id,) = connection.execute("pragma application_id").fetchone()
    if application_id == _APPLICATION_ID:
        return
    (tables,) = connection.execute("select count(*) from sqlite_schema").fetchone()
    if application_id or tables:
        raise MigrationError("the file is a database of something else; move it away, or name another DATA_DIR")
    connection.execute(f"pragma application_id = {_APPLICATION_ID}")
    connection.execute(_CREATE_RECORDS)


def _apply(connection: sqlite3.Connection, migrations: tuple[Migration, ...]) -> tuple[Migration, ...]:
    """Apply what is missing, and return it."""
    applied: dict[str, str] = dict(connection.execute("select name, sha256 from migrations order by name"))
    left = pending(applied, migrations)
    for migration in left:
        for statement in _statements(migration.script):
            connection.execute(statement)
        connection.execute(_INSERT_RECORD, (migration.name, migration.sha256))
    return left


def pending(applied: Mapping[str, str], migrations: tuple[Migration, ...]) -> tuple[Migration, ...]:
    """The migrations that are still to be applied. `applied` are the digests of the others, by name.

    Raises MigrationError if the books are newer than this hub, or were made by a migration that has changed since.
    """
    known = {migration.name: migration for migration in migrations}
    for name, sha256 in applied.items():
        if name not in known:
            raise MigrationError(f"migration {name} is unknown: the books were made by a newer aihub; run that one")
        if known[name].sha256 != sha256:
            raise MigrationError(f"migration {name} has been changed since it was applied")
    left = tuple(migration for migration in migrations if migration.name not in applied)
    for migration in left:
        if applied and migration.name < max(applied):
            raise MigrationError(f"migration {migration.name} comes before {max(applied)}, which is applied already")
    return left


def _statements(script: str) -> Iterator[str]:
    """Yield the script's statements one by one: `executescript` would commit the open transaction first."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        raise MigrationError(f"a statement does not end: {statement.strip()[:60]}")
