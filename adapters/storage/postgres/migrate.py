"""Migrations of a PostgreSQL database: numbered SQL files, applied in order, forward only.

House rule: each statement of a file can be repeated, so a migration that was interrupted is applied again. One process
at a time migrates, by a row that says until when: engines without locks on tables have that, too.
"""

import asyncio
import re
import uuid
from pathlib import Path

import asyncpg

from adapters.storage.migrate import Migration, MigrationError, pending
from adapters.storage.postgres.append_only import guard
from adapters.storage.postgres.connection import Connection, engine_of

MIGRATIONS = Path(__file__).parents[1] / "migrations" / "postgres"

_CREATE = (
    "create table if not exists migrations ("
    "name text not null primary key, sha256 text not null, applied_ms bigint not null)",
    "create table if not exists migrating (id integer primary key, owner text not null, until_ms bigint not null)",
)
_NOW_MS = "(extract(epoch from clock_timestamp()) * 1000)::bigint"
_LEASE_MS = 60_000
_TAKE = f"""insert into migrating (id, owner, until_ms) values (1, $1, {_NOW_MS} + {_LEASE_MS})
    on conflict (id) do update set owner = excluded.owner, until_ms = excluded.until_ms
    where migrating.until_ms < {_NOW_MS} or migrating.owner = excluded.owner"""
_GIVE = "delete from migrating where owner = $1"
_APPLIED = "select name, sha256 from migrations order by name"
_RECORD = f"insert into migrations values ($1, $2, {_NOW_MS}) on conflict (name) do nothing"
_TABLES = "select count(*) from information_schema.tables where table_schema = current_schema()"
_INDEX = re.compile(r"create index if not exists (\w+ on \w+ \([^)]*\)).*", re.DOTALL)
_COLUMN = re.compile(r"alter table (\w+) add column if not exists (\w+) (\w+) not null default (\S+)(?: check .+)?")
_TRIES, _PAUSE_S = 600, 0.1
# An index of a large table takes minutes, and a statement that is given up begins from nothing at the next start.
_STATEMENT_S = 6 * 3_600.0
# Two processes that create a table at once: one of them finds it half there.
_MEETS = frozenset(("23505", "42710", "42P07", "40001", "40P01", "XX000"))


async def applied(connection: Connection) -> dict[str, str]:
    """The migrations of the database with their digests; none if it has no books."""
    try:
        return dict(await connection.fetch(_APPLIED))
    except asyncpg.UndefinedTableError:
        return {}


async def migrate(connection: Connection, migrations: tuple[Migration, ...]) -> list[str]:
    """Apply what is missing, and return the names of it. Any number of processes may start at once.

    Raises MigrationError if the database is not the hub's, is newer than this hub, or was made by a migration that has
    changed since.
    """
    known = await applied(connection)
    if known and not pending(known, migrations):
        return []
    if not known and await connection.fetchval(_TABLES):
        await _check_ours(connection)
    for statement in _CREATE:
        await _repeated(connection, statement)
    owner, engine = uuid.uuid4().hex, await engine_of(connection)
    await _take(connection, owner)
    try:
        done = []
        for migration in pending(await applied(connection), migrations):
            for statement in statements_of(migration.script):
                for part in [statement] if engine.locks else _for_snapshots(statement):
                    await _repeated(connection, part)
                await _take(connection, owner)
            await connection.execute(_RECORD, migration.name, migration.sha256)
            done.append(migration.name)
        if done and engine.has_triggers:
            await guard(connection)
        return done
    finally:
        await connection.execute(_GIVE, owner)


async def _check_ours(connection: Connection) -> None:
    """Refuse another program's database: it has tables, but not the one in which the hub records its migrations."""
    ours = "select count(*) from information_schema.tables where table_schema = current_schema() and table_name = $1"
    if not await connection.fetchval(ours, "migrations"):
        raise MigrationError("the database has tables of something else; name another in DATABASE_URL")


async def _take(connection: Connection, owner: str) -> None:
    """Be the one that migrates, as soon as nobody else is, for the next minute."""
    for _ in range(_TRIES):
        try:
            if await connection.execute(_TAKE, owner) == "INSERT 0 1":
                return
        except asyncpg.PostgresError as error:
            if error.sqlstate not in _MEETS:
                raise
        await asyncio.sleep(_PAUSE_S)
    raise MigrationError("another process has been migrating for a minute; try again")


async def _repeated(connection: Connection, statement: str) -> None:
    for _ in range(_TRIES):
        try:
            await connection.execute(statement, timeout=_STATEMENT_S)
            return
        except asyncpg.PostgresError as error:
            if error.sqlstate not in _MEETS:
                raise
        await asyncio.sleep(_PAUSE_S)
    raise MigrationError(f"a statement cannot be carried out: {statement[:60]}")


def _for_snapshots(statement: str) -> list[str]:
    """The statement as Aurora DSQL takes it, which has nothing but snapshots.

    It makes indexes in the background and none of a part of a table, and adds columns without a constraint: rows that
    are there already have null in them.

    https://docs.aws.amazon.com/aurora-dsql/latest/userguide/working-with-create-index-async.html
    https://docs.aws.amazon.com/aurora-dsql/latest/userguide/alter-table-syntax-support.html
    """
    if column := _COLUMN.fullmatch(statement):
        table, name, kind, default = column.groups()
        added = f"alter table {table} add column if not exists {name} {kind}"
        return [added, f"alter table {table} alter column {name} set default {default}"]
    return [_INDEX.sub(r"create index async if not exists \1", statement)]


def statements_of(script: str) -> list[str]:
    """The statements of a script, which end with a semicolon at the end of a line; comments are left out."""
    text = "\n".join(line.split("--")[0].rstrip() for line in script.splitlines())
    return [found for statement in text.split(";\n") if (found := statement.strip(" \n;"))]
