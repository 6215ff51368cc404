"""Load what one batch of decisions needs: first its locks, then its rows, with one statement for each lookup.

House rule: what a rule reads in order to permit something does not change before the batch commits. A row of a wallet
is read behind the lock of its user (`domain/books/guards.py`), the version of the catalogue behind the lock of `meta`.
Locks are taken in one order: users by id, then `meta`, which also guards what counts against limits of several users.
Where transactions only see a snapshot, and nothing waits for a
lock, the row of the user is written instead, so of two such transactions one fails and is repeated.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from adapters.storage.postgres.connection import Connection, Engine
from adapters.storage.postgres.tables import BY_KIND, parameters_of, statement_of
from adapters.storage.working_set import Copy, lookups_of
from domain.accounts.rows import User
from domain.books.limit_scopes import ExposureScope
from domain.books.scope_protocol import View
from domain.books.scopes import CallScope, RerateScope, SettleScope, SweepScope

_USERS = BY_KIND[User]
_COLUMNS = _USERS.columns
_LOCK = f"select {_COLUMNS} from users where id = any($1::text[]) order by id for update"
_MARK = f"update users set locks = locks + 1 where id = any($1::text[]) returning {_COLUMNS}"
# The clock is read behind the locks, so rows of one wallet are numbered in the order in which they are committed.
_META = "select version, (extract(epoch from clock_timestamp()) * 1000000)::bigint as now_us from meta where id = 1"
# Limits and budgets for several users have no user whose lock could guard what counts against them: `meta` does.
COUNTING = (CallScope, SettleScope, SweepScope, RerateScope, ExposureScope)
_META_FOR = {"nobody": "", "readers": " for share", "writer": " for update"}
_OWNERS = "select fingerprint, user_id, team_id from api_keys where fingerprint = any($1::text[])"

# The fields by which other scopes name the accounts that they are about.
_NAMED = ("user_id", "caller_id")

# Numbers that rows of one microsecond can have: more rows borrow from the next.
_ROWS_IN_US = 1_024
_KNOWN_MAX = 50_000


class Locks(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch locks before it reads: users, and whether it may change the catalogue."""

    users: frozenset[str] = frozenset()
    market: bool = False

    def also(self, users: Iterable[str], market: bool = False) -> "Locks":
        """These locks and more."""
        return Locks(users=self.users.union(users), market=self.market or market)


class Owners:
    """Whose keys are whose, as far as this process has seen it: a key never changes its user or its team.

    So a batch knows the wallets that it must lock before it reads anything.
    """

    def __init__(self) -> None:
        self._users: dict[str, tuple[str, ...]] = {}

    async def users_of(self, connection: Connection, scopes: Sequence[View[Any]]) -> set[str]:
        """The users whose wallets the scopes are about, as far as that can be known before their rows are read."""
        known = self._users
        users: set[str] = set()
        missing: list[str] = []
        for scope in scopes:
            if isinstance(scope, CallScope):
                owners = known.get(scope.fingerprint)
                if owners is None:
                    missing.append(scope.fingerprint)
                else:
                    users.update(owners)
            else:
                users.update(each for name in _NAMED if (each := getattr(scope, name, None)) is not None)
        if missing:
            if len(known) > _KNOWN_MAX:
                known.clear()
            for fingerprint, user_id, team_id in await connection.fetch(_OWNERS, missing):
                known[fingerprint] = (user_id,) if team_id is None else (user_id, team_id)
                users.update(known[fingerprint])
        return users


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A working copy with what the batch needs, and the number of its first row."""

    copy: Copy
    first: int


async def load(connection: Connection, engine: Engine, scopes: Sequence[View[Any]], locks: Locks) -> Loaded:
    """Lock, then load into a new copy what the scopes name. The transaction has begun."""
    users: list[User] = []
    if locks.users:
        users = _USERS.decoded(await connection.fetch(_LOCK if engine.locks else _MARK, sorted(locks.users)))
    calls = any(isinstance(scope, CallScope) for scope in scopes)
    how = "writer" if locks.market else "readers" if calls and engine.locks else "nobody"
    meta = await connection.fetchrow(_META + _META_FOR[how])
    copy = Copy(meta["version"])
    for user in users:
        copy.books.apply(user)
    loaded: set[tuple[type, Any]] = set()
    for lookup, values in lookups_of(copy, scopes):
        table = BY_KIND[lookup.kind]
        records = await connection.fetch(statement_of(lookup), *parameters_of(lookup, values))
        copy.add(lookup, values, table.decoded(records), table.key_of, loaded)
    copy.books.version = meta["version"]  # a provider that is loaded is not a new one
    return Loaded(copy=copy, first=meta["now_us"] * _ROWS_IN_US)
