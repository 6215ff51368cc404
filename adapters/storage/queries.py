"""The reads of the books outside of a decision, written once for every engine.

A query is data: a row type, and the end of a statement that every engine understands. An engine implements
`BookReads._rows`, `BookReads._at_once`, `BookSnapshot._stream` and `BookSnapshot._portions`.
"""

from abc import abstractmethod
from collections.abc import AsyncIterator
from typing import Any, Generic, TypeVar

import msgspec

from domain.accounts.identity import TeamOfKey
from domain.accounts.rows import ApiKey, Member, User
from domain.books.rows import AuditEntry, Call, Hold, Idempotency, ImportedCall, Row, running
from domain.books.statistics.summary import PastUsage
from domain.books.statistics.sums import SummedCall
from domain.books.statistics.usage_sum import UsageSum
from domain.catalog.aliases import Alias
from domain.catalog.catalog import CatalogRows
from domain.catalog.rows import Credential, ProviderRow
from domain.ledger.audited import AuditedCall, AuditedLine
from domain.ledger.rows import Adjustment, Grant, Transfer
from domain.limits.notices import Notice, Webhook
from domain.limits.rows import Budget, BudgetSpent, Limit, LimitCell, Run
from domain.pricing.price_book import Price
from domain.pricing.rate import Rate

R = TypeVar("R", bound=Row)
P = TypeVar("P", bound=msgspec.Struct)


class Query(msgspec.Struct, Generic[R], frozen=True, kw_only=True, eq=False):
    """Rows of type `kind`: what follows `from <table>`, with `?` for each value.

    `columns` names the column that each value is compared with, since an engine may keep its values in another form;
    a number, such as a limit, has none.
    """

    kind: type[R]
    rest: str = ""
    columns: tuple[str | None, ...] = ()

    def __call__(self, *values: Any) -> "Bound[R]":
        """The query with its values."""
        return Bound(query=self, values=values)


class Bound(msgspec.Struct, Generic[R], frozen=True, kw_only=True, eq=False):
    """A query and its values."""

    query: Query[R]
    values: tuple[Any, ...]


class Selected(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of several queries, and the version of the catalogue, as of one commit."""

    version: int
    rows: tuple[list[Any], ...]


_RATES_ON_SALE = """where seq > coalesce(
    (select max(ended.seq) from rates as ended
        where ended.provider = rates.provider and ended.model = rates.model and ended.removed), 0)
    order by seq"""
_ALIASES_STANDING = """where not removed and seq =
    (select max(newest.seq) from aliases as newest where newest.name = aliases.name)
    order by seq"""
_STANDING = "where removed_ms is null order by"

_PROVIDERS = Query(kind=ProviderRow, rest=f"{_STANDING} seq")
_CREDENTIALS = Query(kind=Credential, rest=f"{_STANDING} seq")
_RATES = Query(kind=Rate, rest=_RATES_ON_SALE)
_ALIASES = Query(kind=Alias, rest=_ALIASES_STANDING)
_PRICES = Query(kind=Price, rest="order by seq")
_KEY_OF_FINGERPRINT = Query(kind=ApiKey, rest="where fingerprint = ?", columns=("fingerprint",))
_USER_BY_ID = Query(kind=User, rest="where id = ?", columns=("id",))
_USERS = Query(kind=User, rest="where kind = 'user'")
_TEAMS = Query(kind=User, rest="where kind = 'team'")
_MEMBERS = Query(kind=Member, rest="order by created_ms, team_id, user_id")
_MEMBER = Query(kind=Member, rest="where team_id = ? and user_id = ?", columns=("team_id", "user_id"))
_USER_NAMED = Query(kind=User, rest="where name = ? and kind = 'user'", columns=("name",))
_ACCOUNT_NAMED = Query(kind=User, rest="where name = ?", columns=("name",))
_KEYS = Query(kind=ApiKey, rest="order by created_ms, id")
_WALLET = Query(kind=Grant, rest="where user_id = ? order by created_ms, id", columns=("user_id",))
_GRANT = Query(kind=Grant, rest="where id = ?", columns=("id",))
_HOLD = Query(kind=Hold, rest="where id = ?", columns=("id",))
_CALL = Query(kind=Call, rest="where id = ?", columns=("id",))
_ADJUSTMENTS = Query(kind=Adjustment, rest="where call_id = ? order by seq", columns=("call_id",))
_ANSWER = Query(kind=Idempotency, rest="where user_id = ? and key = ?", columns=("user_id", "key"))
_FIRST_SUM = Query(kind=UsageSum, rest="order by slot_ms limit ?", columns=(None,))
_OLDEST_HOLD = Query(kind=Hold, rest="order by id limit ?", columns=(None,))
_NEWEST_ADJUSTMENTS = Query(kind=Adjustment, rest="order by seq desc limit ?", columns=(None,))
_AUDIT = Query(kind=AuditEntry, rest="order by seq desc limit ?", columns=(None,))
_LINES = Query(kind=Transfer, rest="order by cause, kind, step")
_CALLS = Query(kind=Call, rest="order by id")
_LIMITS = Query(kind=Limit, rest=f"{_STANDING} created_ms, id")
_LIMIT_CELLS = Query(kind=LimitCell, rest="order by limit_id, subject")
_BUDGETS = Query(kind=Budget, rest=f"{_STANDING} created_ms, id")
_SPENT = Query(kind=BudgetSpent, rest="order by budget_id, subject")
_SPENT_OF_BUDGET = Query(kind=BudgetSpent, rest="where budget_id = ? order by subject", columns=("budget_id",))
_NEWEST_RUNS = "order by created_ms desc, user_id desc, run_id desc limit ?"
_RUNS = Query(kind=Run, rest=_NEWEST_RUNS, columns=(None,))
_RUNS_OF_USER = Query(kind=Run, rest=f"where user_id = ? {_NEWEST_RUNS}", columns=("user_id", None))
_WEBHOOK = Query(kind=Webhook, rest="where id = ? and removed_ms is null", columns=("id",))
_NOTICES = Query(kind=Notice, rest="order by at_ms desc, id desc limit ?", columns=(None,))
_NOTICES_DUE = Query(
    kind=Notice, rest="where due_ms <= ? and at_ms >= ? order by due_ms limit ?", columns=("due_ms", "at_ms", None)
)
_RUN = Query(kind=Run, rest="where user_id = ? and run_id = ?", columns=("user_id", "run_id"))
_NEWEST_IMPORTED = "order by started_ms desc, id desc limit ?"
_IMPORTED = Query(
    kind=ImportedCall,
    rest=f"where (started_ms, id) < (?, ?) {_NEWEST_IMPORTED}",
    columns=("started_ms", "id", None),
)
_IMPORTED_OF_CALLER = Query(
    kind=ImportedCall,
    rest=f"where caller = ? and (started_ms, id) < (?, ?) {_NEWEST_IMPORTED}",
    columns=("caller", "started_ms", "id", None),
)
_IMPORTED_CALL = Query(kind=ImportedCall, rest="where id = ?", columns=("id",))

# Queries that must find their rows by an index, however many rows there are.
INDEXED: tuple[Query[Any], ...] = tuple(
    value
    for value in list(globals().values())
    if isinstance(value, Query) and value.rest.count("?") > value.rest.count("limit ?")
)

_TIME_MAX = 2**63 - 1
# More than can be committed in another order than that of their numbers.
_ADJUSTMENTS_SEEN = 20


class BookReads:
    """The readers' ports over the queries; see `ports/readers`."""

    @abstractmethod
    async def _rows(self, query: Bound[R]) -> list[R]:
        """The rows of one query. StorageError if they cannot be read."""
        ...

    @abstractmethod
    async def _at_once(self, *queries: Bound[Any]) -> Selected:
        """The rows of all queries, and the version of the catalogue, as of one commit; StorageError as above."""
        ...

    async def _one(self, query: Bound[R]) -> R | None:
        return next(iter(await self._rows(query)), None)

    async def catalog(self) -> CatalogRows:
        found = await self._at_once(_PROVIDERS(), _CREDENTIALS(), _RATES(), _ALIASES())
        providers, credentials, rates, aliases = found.rows
        return CatalogRows(
            version=found.version, providers=providers, credentials=credentials, rates=rates, aliases=aliases
        )

    async def prices(self) -> list[Price]:
        return await self._rows(_PRICES())

    async def caller(self, fingerprint: str) -> tuple[ApiKey, User, TeamOfKey | None] | None:
        # A key never changes its user or its team, so these reads need no common commit.
        key = await self._one(_KEY_OF_FINGERPRINT(fingerprint))
        if key is None:
            return None
        (user,) = await self._rows(_USER_BY_ID(key.user_id))
        if key.team_id is None:
            return key, user, None
        team = await self._one(_USER_BY_ID(key.team_id))
        return key, user, TeamOfKey(team, await self._one(_MEMBER(key.team_id, key.user_id)))

    async def users(self) -> list[User]:
        return sorted(await self._rows(_USERS()), key=lambda user: user.name)

    async def teams(self) -> list[User]:
        return sorted(await self._rows(_TEAMS()), key=lambda team: team.name)

    async def members(self) -> list[Member]:
        return await self._rows(_MEMBERS())

    async def account_named(self, name: str) -> User | None:
        return await self._one(_ACCOUNT_NAMED(name))

    async def user_named(self, name: str) -> User | None:
        return await self._one(_USER_NAMED(name))

    async def keys(self) -> list[ApiKey]:
        return await self._rows(_KEYS())

    async def wallet(self, user_id: str) -> list[Grant]:
        return await self._rows(_WALLET(user_id))

    async def grant(self, grant_id: str) -> Grant | None:
        return await self._one(_GRANT(grant_id))

    async def call(self, call_id: str) -> Call | None:
        # The hold is looked for first: if the call ends meanwhile, its row is there.
        hold = await self._one(_HOLD(call_id))
        return await self._one(_CALL(call_id)) if hold is None else running(hold)

    async def adjustments(self, call_id: str) -> list[Adjustment]:
        return await self._rows(_ADJUSTMENTS(call_id))

    async def idempotent_answer(self, user_id: str, key: str) -> tuple[str, int, str, bytes | None] | None:
        row = await self._one(_ANSWER(user_id, key))
        return None if row is None else (row.call_id, row.status, row.content_type, row.answer)

    async def past_usage(self) -> PastUsage:
        found = await self._at_once(_FIRST_SUM(1), _OLDEST_HOLD(1), _NEWEST_ADJUSTMENTS(_ADJUSTMENTS_SEEN))
        sums, holds, adjustments = found.rows
        return PastUsage(
            first_ms=sums[0].slot_ms if sums else None,
            open_since_ms=holds[0].started_ms if holds else None,
            adjusted=tuple([one.id for one in adjustments]),
        )

    async def audit(self, limit: int) -> list[AuditEntry]:
        return await self._rows(_AUDIT(limit))

    async def limits(self) -> list[Limit]:
        return await self._rows(_LIMITS())

    async def limit_cells(self) -> list[LimitCell]:
        return await self._rows(_LIMIT_CELLS())

    async def budgets(self) -> list[Budget]:
        return await self._rows(_BUDGETS())

    async def budget_spent(self, budget_id: str | None = None) -> list[BudgetSpent]:
        return await self._rows(_SPENT() if budget_id is None else _SPENT_OF_BUDGET(budget_id))

    async def runs(self, user_id: str | None, limit: int) -> list[Run]:
        return await self._rows(_RUNS(limit) if user_id is None else _RUNS_OF_USER(user_id, limit))

    async def run(self, user_id: str, run_id: str) -> Run | None:
        return await self._one(_RUN(user_id, run_id))

    async def imported_calls(self, caller: str | None, limit: int, before_id: str | None = None) -> list[ImportedCall]:
        before = None if before_id is None else await self._one(_IMPORTED_CALL(before_id))
        at_ms, at = (_TIME_MAX, "") if before is None else (before.started_ms, before.id)
        if caller is None:
            return await self._rows(_IMPORTED(at_ms, at, limit))
        return await self._rows(_IMPORTED_OF_CALLER(caller, at_ms, at, limit))

    async def webhook(self, webhook_id: str) -> Webhook | None:
        return await self._one(_WEBHOOK(webhook_id))

    async def notices(self, limit: int) -> list[Notice]:
        return await self._rows(_NOTICES(limit))

    async def notices_due(self, now_ms: int, since_ms: int, limit: int) -> list[Notice]:
        return await self._rows(_NOTICES_DUE(now_ms, since_ms, limit))


class BookSnapshot:
    """The books at one moment, streamed; see `ports.books.Snapshot`."""

    @abstractmethod
    def _stream(self, query: Query[R]) -> AsyncIterator[R]:
        """The rows of a query without values, a few hundred in memory at a time."""
        ...

    @abstractmethod
    def _portions(self, query: Query[Any], part: type[P]) -> AsyncIterator[list[P]]:
        """The rows of a query without values in portions, as `part`: a struct with some of their fields.

        A field whose type is `KeptId` is an id as the engine keeps it.
        """
        ...

    def audited_lines(self) -> AsyncIterator[list[AuditedLine]]:
        return self._portions(_LINES, AuditedLine)

    def audited_calls(self) -> AsyncIterator[list[AuditedCall]]:
        return self._portions(_CALLS, AuditedCall)

    def summed_calls(self) -> AsyncIterator[list[SummedCall]]:
        return self._portions(_CALLS, SummedCall)

    def transfers(self) -> AsyncIterator[Transfer]:
        return self._stream(_LINES)

    def adjustments(self) -> AsyncIterator[Adjustment]:
        return self._stream(Query(kind=Adjustment, rest="order by seq"))

    def grants(self) -> AsyncIterator[Grant]:
        return self._stream(Query(kind=Grant, rest="order by created_ms, id"))

    def holds(self) -> AsyncIterator[Hold]:
        return self._stream(Query(kind=Hold, rest="order by id"))

    def calls(self) -> AsyncIterator[Call]:
        return self._stream(_CALLS)

    def usage_sums(self) -> AsyncIterator[UsageSum]:
        return self._stream(Query(kind=UsageSum))

    def rates(self) -> AsyncIterator[Rate]:
        return self._stream(Query(kind=Rate, rest="order by seq"))

    def limits(self) -> AsyncIterator[Limit]:
        return self._stream(Query(kind=Limit, rest="order by id"))

    def limit_cells(self) -> AsyncIterator[LimitCell]:
        return self._stream(_LIMIT_CELLS)

    def budget_spent(self) -> AsyncIterator[BudgetSpent]:
        return self._stream(_SPENT)

    def runs(self) -> AsyncIterator[Run]:
        return self._stream(Query(kind=Run, rest="order by user_id, run_id"))
