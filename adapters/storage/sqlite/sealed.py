"""Seal the sealed values of the SQLite books again, a few rows at a time, so that no call waits long for the writer."""

import sqlite3
from collections.abc import Callable, Iterable
from typing import Concatenate, ParamSpec, TypeVar

from adapters.storage.sqlite.connection import Connection
from adapters.storage.sqlite.file import begin_writing, translated

T = TypeVar("T")
P = ParamSpec("P")

CREDENTIALS_AT_ONCE = 100
ANSWERS_AT_ONCE = 64
# An answer may have megabytes. At least one is taken.
ANSWER_BYTES_AT_ONCE = 4 * 1024 * 1024


class SqliteSealed:
    """The sealed values of the books; runs on the writer's thread, between two batches of decisions."""

    def __init__(self, writer: Connection, busy_ms: int) -> None:
        self._writer = writer
        self._busy_ms = busy_ms

    async def fingerprint_key(self) -> bytes | None:
        """Return the sealed key of all fingerprints, if it is stored."""
        return await self._run(fingerprint_key)

    async def master_key_id(self) -> str:
        return await self._run(master_key_id)

    async def keep_fingerprint_key(self, sealed: bytes) -> None:
        await self._run(keep_fingerprint_key, sealed, self._busy_ms)

    async def belong_to(self, key_id: str) -> None:
        await self._run(belong_to, key_id, self._busy_ms)

    async def reseal_credentials(self, after: int, reseal: Callable[[str, bytes], bytes | None]) -> int | None:
        return await self._run(reseal_credentials, after, reseal, self._busy_ms)

    async def reseal_answers(self, after: int, reseal: Callable[[str, str, bytes], bytes | None]) -> int | None:
        return await self._run(reseal_answers, after, reseal, self._busy_ms)

    async def _run(
        self, function: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        with translated():
            return await self._writer.run(function, *args, **kwargs)


def master_key_id(connection: sqlite3.Connection) -> str:
    """Return the id of the master key that the books belong to."""
    return str(connection.execute("select master_key_id from meta").fetchone()[0])


def fingerprint_key(connection: sqlite3.Connection) -> bytes | None:
    """Return the sealed key of all fingerprints, if it is stored."""
    (sealed,) = connection.execute("select fingerprint_key from meta").fetchone()
    return None if sealed is None else bytes(sealed)


def keep_fingerprint_key(connection: sqlite3.Connection, sealed: bytes, busy_ms: int) -> None:
    """Store it."""
    _write(connection, busy_ms, "update meta set fingerprint_key = ?", sealed)


def belong_to(connection: sqlite3.Connection, key_id: str, busy_ms: int) -> None:
    """Let the books belong to another master key."""
    _write(connection, busy_ms, "update meta set master_key_id = ?", key_id)


def reseal_credentials(
    connection: sqlite3.Connection, after: int, reseal: Callable[[str, bytes], bytes | None], busy_ms: int
) -> int | None:
    """Reseal a few credentials, removed ones too; a change makes a new version of the catalogue for all processes."""
    begin_writing(connection, busy_ms)
    try:
        rows = connection.execute(
            "select seq, id, sealed from credentials where seq > ? order by seq limit ?", (after, CREDENTIALS_AT_ONCE)
        ).fetchall()
        found = ((reseal(name, bytes(sealed)), seq) for seq, name, sealed in rows)
        changed = [pair for pair in found if pair[0] is not None]
        connection.executemany("update credentials set sealed = ? where seq = ?", changed)
        if changed:
            connection.execute("update meta set version = version + 1")
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    return int(rows[-1][0]) if rows else None


def reseal_answers(
    connection: sqlite3.Connection, after: int, reseal: Callable[[str, str, bytes], bytes | None], busy_ms: int
) -> int | None:
    """Reseal a few stored answers, of some megabytes together."""
    begin_writing(connection, busy_ms)
    try:
        chosen = _chosen(
            connection.execute(
                "select rowid, length(answer) from idempotency where rowid > ? and answer is not null"
                " order by rowid limit ?",
                (after, ANSWERS_AT_ONCE),
            )
        )
        for rowid in chosen:
            user_id, key, answer = connection.execute(
                "select user_id, key, answer from idempotency where rowid = ?", (rowid,)
            ).fetchone()
            again = reseal(user_id, key, bytes(answer))
            if again is not None:
                connection.execute("update idempotency set answer = ? where rowid = ?", (again, rowid))
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    return chosen[-1] if chosen else None


def _chosen(sizes: Iterable[tuple[int, int]]) -> list[int]:
    """Return the first rows within the size limit."""
    chosen: list[int] = []
    total = 0
    for rowid, size in sizes:
        total += size
        if chosen and total > ANSWER_BYTES_AT_ONCE:
            break
        chosen.append(rowid)
    return chosen


def _write(connection: sqlite3.Connection, busy_ms: int, statement: str, value: object) -> None:
    begin_writing(connection, busy_ms)
    try:
        connection.execute(statement, (value,))
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
