"""The sealed values of the books in PostgreSQL, a few rows at a time, each step in a short transaction of its own."""

from collections.abc import Callable

from adapters.storage.postgres.connection import Connection, Database, Engine

CREDENTIALS_AT_ONCE = 100
ANSWERS_AT_ONCE = 64
# An answer may have megabytes. At least one is taken.
ANSWER_BYTES_AT_ONCE = 4 * 1024 * 1024

_ADOPT = "update meta set master_key_id = $1 where id = 1 and master_key_id is null"
_CREDENTIALS = "select seq, id, sealed from credentials where seq > $1 order by seq limit $2"
_SEAL_CREDENTIALS = """update credentials set sealed = again.sealed
    from unnest($1::text[], $2::bytea[]) as again (id, sealed) where credentials.id = again.id"""
_SIZES = """select user_id, key, length(answer) from idempotency
    where answer is not null and (user_id, key) > ($1, $2) order by user_id, key limit $3"""
_ANSWERS = """select user_id, key, answer from unnest($1::text[], $2::text[]) as wanted (user_id, key)
    join idempotency using (user_id, key) where answer is not null"""
_SEAL_ANSWERS = """update idempotency set answer = again.answer
    from unnest($1::text[], $2::text[], $3::bytea[]) as again (user_id, key, answer)
    where idempotency.user_id = again.user_id and idempotency.key = again.key"""
_LOCK_USERS = "select id from users where id = any($1::text[]) order by id for update"


class PostgresSealed:
    """The sealed values of the books. It remembers at which answer each visit ended, by the number of the visit."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ends: list[tuple[str, str]] = [("", "")]

    async def fingerprint_key(self) -> bytes | None:
        """Return the sealed key of all fingerprints, if it is stored."""
        async with self._database.reading() as connection:
            sealed: bytes | None = await connection.fetchval("select fingerprint_key from meta where id = 1")
        return sealed

    async def master_key_id(self) -> str:
        async with self._database.reading() as connection:
            return str(await connection.fetchval("select master_key_id from meta where id = 1"))

    async def adopt_master_key(self, key_id: str) -> str:
        """Return the id of the master key that the books belong to; books without one adopt this one."""
        await self._set(_ADOPT, key_id)
        return await self.master_key_id()

    async def keep_fingerprint_key(self, sealed: bytes) -> None:
        await self._set("update meta set fingerprint_key = $1 where id = 1", sealed)

    async def belong_to(self, key_id: str) -> None:
        await self._set("update meta set master_key_id = $1 where id = 1", key_id)

    async def reseal_credentials(self, after: int, reseal: Callable[[str, bytes], bytes | None]) -> int | None:
        """Reseal a few credentials, removed ones too; a change makes a new version of the catalogue for all."""

        async def work(connection: Connection, _: Engine) -> int | None:
            await connection.execute("select version from meta where id = 1 for update")
            rows = await connection.fetch(_CREDENTIALS, after, CREDENTIALS_AT_ONCE)
            changed = {row["id"]: again for row in rows if (again := reseal(row["id"], row["sealed"])) is not None}
            if changed:
                await connection.execute(_SEAL_CREDENTIALS, [*changed], [*changed.values()])
                await connection.execute("update meta set version = version + 1 where id = 1")
            return int(rows[-1]["seq"]) if rows else None

        return await self._database.transact(work)

    async def reseal_answers(self, after: int, reseal: Callable[[str, str, bytes], bytes | None]) -> int | None:
        """Reseal a few stored answers, of some megabytes together, behind the locks of their wallets."""
        begin = self._ends[after]

        async def work(connection: Connection, _: Engine) -> tuple[str, str] | None:
            chosen = _chosen(await connection.fetch(_SIZES, *begin, ANSWERS_AT_ONCE))
            if not chosen:
                return None
            users, keys = map(list, zip(*chosen, strict=True))
            await connection.execute(_LOCK_USERS, sorted(set(users)))
            changed = {}
            for user_id, key, answer in await connection.fetch(_ANSWERS, users, keys):
                if (again := reseal(user_id, key, answer)) is not None:
                    changed[user_id, key] = again
            if changed:
                users, keys = map(list, zip(*changed, strict=True))
                await connection.execute(_SEAL_ANSWERS, users, keys, [*changed.values()])
            return chosen[-1]

        ended = await self._database.transact(work)
        if ended is None:
            return None
        self._ends.append(ended)
        return len(self._ends) - 1

    async def _set(self, statement: str, value: str | bytes) -> None:
        async def work(connection: Connection, _: Engine) -> None:
            await connection.execute(statement, value)

        await self._database.transact(work)


def _chosen(sizes: list[tuple[str, str, int]]) -> list[tuple[str, str]]:
    """Return the first answers within the size limit."""
    chosen: list[tuple[str, str]] = []
    total = 0
    for user_id, key, size in sizes:
        total += size
        if chosen and total > ANSWER_BYTES_AT_ONCE:
            break
        chosen.append((user_id, key))
    return chosen
