"""One batch of decisions, in one transaction: lock, load, fold, write, commit.

House rule: a decision counts only after COMMIT has returned. Rules are pure, so a transaction that meets another one is
repeated from its beginning, over a new working copy. The schema states what a valid row is; which rows must exist for
another is stated here (`foreign_keys.py`), since a foreign key would cost each call two lookups.
"""

import asyncio
from collections.abc import Iterable

from adapters.storage.group_commit import Operation
from adapters.storage.postgres.connection import TRIES_MAX, Connection, Database, Engine, error_text, fault_of, pause
from adapters.storage.postgres.foreign_keys import check_parents
from adapters.storage.postgres.load import COUNTING, Loaded, Locks, Owners, load
from adapters.storage.postgres.session import Session
from adapters.storage.postgres.tables import TABLES
from adapters.storage.postgres.writes import Refused, Write, write
from adapters.storage.working_set import Dirty, ended_calls, fold
from domain.books.guards import CATALOGUE, guard_of, is_of_catalogue, is_shared, wallets_of
from domain.books.working_copy import Books
from domain.limits.rows import BudgetSpent, LimitCell
from ports.books import StorageError

# How often a batch is tried again after its connection has ended: the first may have ended long ago, unnoticed.
LOST_MAX = 2
# Of one transaction, if more than one decision is in it: what Aurora DSQL allows.
ROWS_MAX = 3_000

_KEYS = {table.kind: table.key_of for table in TABLES}
_APPENDED = frozenset(table.kind for table in TABLES if table.is_appended)
_COUNTS = (LimitCell, BudgetSpent)
_REMOVE_HOLDS = "delete from holds where id = any($1::text[])"
_SET_VERSION = "update meta set version = $1 where id = 1"


class _Missing(Exception):
    """Rows were read behind no lock of their guards: the batch must be folded again, behind these locks as well."""

    def __init__(self, users: set[str], market: bool) -> None:
        super().__init__()
        self.users, self.market = users, market


class TooLarge(Exception):
    """The batch has more rows than one transaction may have."""


class Writer:
    """Folds batches of operations over the database, on the one connection that writes.

    `failing`: the last batch with rows to write failed because of the database. `repeated`: how often one was begun
    again.
    """

    def __init__(self, database: Database) -> None:
        self._session = Session(database)
        self._owners = Owners()
        self._next = 0  # The least number of the next row: the clock may go back.
        self._shares = False  # The last batch with counts had one for a limit that several users share.
        self._lost = 0  # How often the connection has ended during this batch.
        self.failing = False
        self.repeated = 0

    async def run(self, operations: list[Operation]) -> None:
        """Decide all operations and commit. Afterwards each has its decision or its error."""
        try:
            await self._decided(operations)
        except (Refused, AssertionError, TooLarge) as error:
            if len(operations) == 1:
                _fail(operations, error if isinstance(error, AssertionError) else _assertion(error))
                return
            # One operation's rows cannot be stored. Run alone, only that one fails.
            parts = _halves(operations) if isinstance(error, TooLarge) else [[each] for each in operations]
            for part in parts:
                await self.run(part)
        except StorageError as error:
            self.failing = True
            _fail(operations, error)
        except asyncio.CancelledError:
            await self._session.let_go()
            raise
        except Exception as error:
            _fail(operations, error)

    async def try_again(self) -> None:
        """Write without a change, to test whether writing is possible. Raises StorageError if it still fails."""
        await self._session.try_write()
        self.failing = False

    async def close(self) -> None:
        """Close the connection."""
        await self._session.close()

    async def _decided(self, operations: list[Operation]) -> None:
        """Commit the batch, however often that must be tried. Raises StorageError if the database does not do it."""
        scopes = [operation.scope for operation in operations]
        counting = self._shares and any(isinstance(scope, COUNTING) for scope in scopes)
        locks = Locks(market=counting or any(map(is_of_catalogue, scopes)))
        self._lost = 0
        for attempt in range(TRIES_MAX):
            self.repeated += attempt > 0
            try:
                connection, engine = await self._session.connected()
                locks = locks.also(await self._owners.users_of(connection, scopes))
                await self._session.begin()
                loaded = await load(connection, engine, scopes, locks)
                dirty = await self._written(connection, engine, loaded, operations, locks)
                await self._session.commit(bool(dirty))
            except _Missing as missing:
                locks = locks.also(missing.users, missing.market)
                await self._session.roll_back()
                continue
            except Exception as error:
                await self._failed(error, attempt)
                continue
            self.failing = self.failing and not dirty
            return
        raise StorageError("other processes write to the same wallets without a pause; try again")

    async def _written(
        self, connection: Connection, engine: Engine, loaded: Loaded, operations: list[Operation], locks: Locks
    ) -> Dirty:
        """Fold the rules, and write what they decide. Raises _Missing if a row was read behind no lock."""
        copy = loaded.copy
        version = copy.books.version
        _check(locks, {user for each in operations for user in wallets_of(each.scope, copy.books)})
        dirty = fold(copy, operations, _KEYS, _APPENDED)
        if any(operation.error for operation in operations):
            # A sweep sees many wallets unlocked: grants and calls of different moments may contradict each other.
            _check(locks, {grant.user_id for grant in copy.books.grants.values()})
        guards = _guards(dirty, copy.books)
        if len(operations) > 1 and sum(map(len, dirty.values())) + len(locks.users | guards) > ROWS_MAX:
            raise TooLarge
        counts = [row for kind in _COUNTS for row in dirty.get(kind, {}).values()]
        shares = engine.locks and any(map(is_shared, counts))
        _check(locks, guards, shares or any(kind in CATALOGUE for kind in dirty))
        if counts:
            self._shares = shares
        await check_parents(connection, dirty, copy.books)
        await write(connection, engine, self._writes(dirty, version, loaded.first))
        if copy.books.version != version:
            await connection.execute(_SET_VERSION, copy.books.version)
        return dirty

    def _writes(self, dirty: Dirty, version: int, first: int) -> list[Write]:
        """What writes the rows. Those that keep their order are numbered: in the catalogue after its version."""
        ended = ended_calls(dirty)
        writes = [Write(_REMOVE_HOLDS, [ended], len(ended), "a call ended that has no hold")] if ended else []
        numbered, first = version + 1, max(first, self._next)
        for table in TABLES:
            rows = dirty.get(table.kind)
            if not rows:
                continue
            in_market = table.kind in CATALOGUE
            columns = table.columns_of([*rows.values()], numbered if in_market else first)
            numbered += len(rows) if in_market else 0
            self._next = max(self._next, first + len(rows))
            writes.append(Write(table.insert, columns, len(rows), f"a fixed column of {table.name} was to change"))
        return writes

    async def _failed(self, error: Exception, attempt: int) -> None:
        """Return if the batch can be tried again; else raise what its callers get."""
        if isinstance(error, Refused | AssertionError | TooLarge):
            await self._session.roll_back()
            raise error
        if isinstance(error, StorageError):
            raise error
        fault = fault_of(error)
        if fault == "lost":
            await self._session.let_go()
            self._lost += 1
            if self._lost > LOST_MAX:
                raise StorageError(error_text(error)) from error
            return
        await self._session.roll_back()
        if fault == "refused":
            raise Refused(str(error).split("\n")[0]) from error
        if fault == "unavailable":
            raise StorageError(error_text(error)) from error
        await pause(attempt)


def _check(locks: Locks, users: set[str], market: bool = False) -> None:
    """Raise _Missing if one of these was not locked before the batch was loaded."""
    if not users <= locks.users or (market and not locks.market):
        raise _Missing(users, market)


def _guards(dirty: Dirty, books: Books) -> set[str]:
    """The users whose wallets must have been locked before the rows were read that lead to these."""
    return {guard for rows in dirty.values() for row in rows.values() if (guard := guard_of(row, books)) is not None}


def _halves(operations: list[Operation]) -> list[list[Operation]]:
    middle = len(operations) // 2
    return [operations[:middle], operations[middle:]]


def _assertion(error: Exception) -> AssertionError:
    """The error for the caller of `decide`."""
    translated = AssertionError(f"the books refuse a row: {error}")
    translated.__cause__ = error
    return translated


def _fail(operations: Iterable[Operation], error: BaseException) -> None:
    for operation in operations:
        operation.decision, operation.error = None, error
