"""The books in PostgreSQL as the tests open them: as they are, and over connections that refuse what others refuse.

Aurora DSQL has snapshots and no locks, and knows neither triggers nor sequences nor SAVEPOINT; its transactions have at
most 3,000 rows, any of them may end in 40001, and its connections end after an hour.
"""

import random
import re
from contextlib import AbstractAsyncContextManager
from typing import Any

import asyncpg

from adapters.storage.postgres.storage import PostgresStorage

ROWS_MAX = 3_000
_REFUSED = re.compile(
    r"\b(savepoint|listen|notify|truncate|nextval|serial|sequence|trigger|temp|temporary|pg_advisory\w*|lock table"
    r"|returning \*|set local|set session|vacuum)\b",
    re.IGNORECASE,
)
# It makes indexes in the background only, and none of a part of a table.
_INDEX = re.compile(r"create index async (if not exists \w+ on \w+ \([^)]*\))")
_COLUMN = re.compile(r"alter table \w+ add column if not exists \w+ \w+")
_LOCKS = re.compile(r" for (update|share)( of \w+)?( skip locked)?")
_USES_MAX = 120
_CONFLICTS = 0.15


class StrictConnection(asyncpg.Connection):  # type: ignore[misc]
    """A connection to an engine with snapshots: it ignores locks, fails at random commits, and ends after some uses."""

    uses_max = _USES_MAX

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._chance = random.Random(7)
        self._uses = 0
        self._rows = 0

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> Any:
        self._check(query, args)
        if query == "commit" and self._rows and self._chance.random() < _CONFLICTS:
            await super().execute("rollback")
            raise asyncpg.SerializationError("change conflicts with another transaction (OC000)")
        if query.startswith("begin"):
            self._rows = 0
        query = _INDEX.sub(r"create index \1", query)
        return await super().execute(_LOCKS.sub("", query), *args, timeout=timeout)

    async def fetch(self, query: str, *args: Any, **kwargs: Any) -> Any:
        self._check(query, args)
        return await super().fetch(_LOCKS.sub("", query), *args, **kwargs)

    async def fetchrow(self, query: str, *args: Any, **kwargs: Any) -> Any:
        self._check(query, args)
        return await super().fetchrow(_LOCKS.sub("", query), *args, **kwargs)

    def _check(self, query: str, args: tuple[Any, ...]) -> None:
        if word := _REFUSED.search(query):
            raise asyncpg.FeatureNotSupportedError(f"unsupported statement: {word.group()}")
        if query.startswith("create index") and not _INDEX.fullmatch(query):
            raise asyncpg.FeatureNotSupportedError("unsupported mode. please use CREATE INDEX ASYNC")
        if " add column " in query and not _COLUMN.fullmatch(query):
            raise asyncpg.FeatureNotSupportedError("unsupported ALTER TABLE ADD COLUMN with constraint")
        if query.startswith(("insert", "update", "delete")):
            self._rows += max((len(arg) for arg in args if isinstance(arg, list)), default=1)
            if self._rows > ROWS_MAX:
                raise asyncpg.ProgramLimitExceededError("transaction row limit exceeded")
        self._uses += 1
        if self._uses > self.uses_max:
            self.terminate()


def opened_in(url: str, strict: bool = False) -> AbstractAsyncContextManager[PostgresStorage]:
    """The books of that database."""
    if not strict:
        return PostgresStorage.open(url)
    snapshots = {"default_transaction_isolation": "repeatable read"}
    return PostgresStorage.open(url, connection_class=StrictConnection, settings=snapshots)
