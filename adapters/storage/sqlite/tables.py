"""The tables of the SQLite books: how a row becomes a tuple of columns and back, and the statements to write it.

House rule: the shape of a row type is worked out once, when this module is imported; per row there is only an
`attrgetter`, a tuple, and JSON for the few columns that are not scalar.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from operator import attrgetter
from typing import Any, Generic, TypeVar

import msgspec

from adapters.storage.partial_rows import Decode, Part
from domain.accounts.rows import ApiKey, Member, User
from domain.books.ids import CALL, CREDENTIAL, ENTRY, GRANT, KEY, RATE, TEAM, USER, packed, unpacked
from domain.books.rows import AuditEntry, Call, Hold, Idempotency, ImportedCall, Row
from domain.books.statistics.usage_sum import ADDED, UsageSum
from domain.books.statistics.usage_sum import KEY as SUM_KEY
from domain.catalog.aliases import Alias, AliasTarget, Canary
from domain.catalog.rows import Credential, ProviderRow
from domain.ledger.rows import OF_ACTION, OF_GRANT, Adjustment, Grant, HoldLine, LateUsage, Transfer, TransferKind
from domain.limits.notices import Notice, Webhook
from domain.limits.rows import Budget, BudgetSpent, Limit, LimitCell, Reservation, Run
from domain.model_api.call import AttemptRecord, Capability
from domain.pricing.by_size import Variants
from domain.pricing.price_book import Names, Price
from domain.pricing.rate import Rate
from domain.pricing.tiers import Tier, UnitPrices
from domain.usage import Usage

R = TypeVar("R", bound=Row)
P = TypeVar("P", bound=msgspec.Struct)
Values = tuple[Any, ...]

# One statement contains many rows: each step of SQLite releases the interpreter lock, and while the event loop is busy,
# taking it back can cost milliseconds. Powers of two, so that a few statements suffice and all stay prepared.
_ROWS_AT_ONCE = (64, 32, 16, 8, 4, 2, 1)

_encode = msgspec.json.Encoder().encode


def _portions(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield all rows, as many at once as one statement takes."""
    start = 0
    for size in _ROWS_AT_ONCE:
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size


def json_text(value: object) -> str:
    """Return JSON as text, as SQLite's functions and strict text columns require."""
    return _encode(value).decode()


class Table(Generic[R]):
    """A table and its row type, with a column for each field. `key` makes a row unique.

    `flags` are the boolean columns, `documents` those kept as JSON, with their types, and `ids` those with packed ids,
    with their prefixes. A row of an `appended` table is never replaced. Otherwise a row with a known key replaces the
    old one, except its `fixed` columns; its `added` columns are added to those of the old one.
    """

    def __init__(
        self,
        name: str,
        kind: type[R],
        *,
        key: tuple[str, ...] = ("id",),
        fixed: tuple[str, ...] = (),
        flags: tuple[str, ...] = (),
        documents: dict[str, Any] | None = None,
        ids: dict[str, str] | None = None,
        appended: bool = False,
        added: tuple[str, ...] = (),
    ) -> None:
        documents = documents or {}
        scalars = tuple(field for field in kind.__struct_fields__ if field not in documents)
        self.name = name
        self.kind = kind
        self.key, self.fixed, self.added = key, fixed, added
        self.appended = appended
        self.fields = (*scalars, *documents)
        self.columns = ", ".join(f"{name}.{field}" for field in self.fields)
        self.key_of: Callable[[R], Any] = attrgetter(*key)
        self._flags = flags
        self._codes: dict[str, Decode] = {}
        self.documents = {field: msgspec.json.Decoder(type_).decode for field, type_ in documents.items()}
        self._scalars: Callable[[R], Values] = attrgetter(*scalars)
        self._rest: tuple[Callable[[R], Any], ...] = tuple(map(attrgetter, documents))
        self.ids = ids or {}
        self._ids = [(self.fields.index(field), prefix) for field, prefix in self.ids.items()]
        self._statements = {n: self._statement(n, key, fixed, appended) for n in _ROWS_AT_ONCE}
        removal = f"delete from {name} where {key[0]} in "
        self._removals = {n: f"{removal}({', '.join('?' * n)})" for n in _ROWS_AT_ONCE}

    def _statement(self, rows: int, key: tuple[str, ...], fixed: tuple[str, ...], appended: bool) -> str:
        one = f"({', '.join('?' * len(self.fields))})"
        insert = f"insert into {self.name} ({', '.join(self.fields)}) values {', '.join([one] * rows)}"
        if appended:
            return insert
        # Setting an indexed column rewrites its index, so a fixed column is compared instead: see `write`.
        changes = ", ".join(self._change(field) for field in self.fields if field not in {*key, *fixed})
        same = " and ".join(f"{self.name}.{field} is excluded.{field}" for field in fixed)
        return f"{insert} on conflict ({', '.join(key)}) do update set {changes}" + (f" where {same}" if same else "")

    def _change(self, field: str) -> str:
        """Return what becomes of a column where a row with that key is there already."""
        before = f"{self.name}.{field} + " if field in self.added else ""
        return f"{field} = {before}excluded.{field}"

    def encode(self, row: R) -> Values:
        """Return the row as column values, in the order of `fields`."""
        values: Sequence[Any] = self._scalars(row)
        if self._ids:
            values = [*values]
            for at, prefix in self._ids:
                if values[at] is not None:
                    values[at] = packed(values[at], prefix)
        parts = [part(row) for part in self._rest]
        return (*values, *[None if part is None else json_text(part) for part in parts])

    def decode(self, values: Sequence[Any]) -> R:
        """Return the row for these column values, in the order of `fields`."""
        fields = dict(zip(self.fields, values, strict=True))
        for field, prefix in self.ids.items():
            if fields[field] is not None:
                fields[field] = unpacked(fields[field], prefix)
        for field in self._flags:
            fields[field] = fields[field] == 1
        for field, decode in self.documents.items():
            if fields[field] is not None:
                fields[field] = decode(fields[field])
        return self.kind(**fields)

    def part(self, kind: type[P]) -> Part[P]:
        """Return how to read rows of this table as a struct with fewer fields."""
        ids: dict[str, Decode] = {field: partial(unpacked, prefix=prefix) for field, prefix in self.ids.items()}
        return Part(self.name, kind, {**self.documents, **ids, **dict.fromkeys(self._flags, bool), **self._codes})

    def write(self, connection: sqlite3.Connection, rows: Iterable[R]) -> None:
        """Write the rows. Raises IntegrityError if one breaks a constraint or changes a fixed column."""
        for some in _portions([self.encode(row) for row in rows]):
            bound = tuple(chain.from_iterable(some))
            if connection.execute(self._statements[len(some)], bound).rowcount != len(some):
                raise sqlite3.IntegrityError(f"a fixed column of {self.name} was to change")

    def remove(self, connection: sqlite3.Connection, keys: Sequence[Any]) -> None:
        """Remove the rows of these keys, as the column has them. Raises IntegrityError if one is not there."""
        for some in _portions(keys):
            if connection.execute(self._removals[len(some)], some).rowcount != len(some):
                raise sqlite3.IntegrityError(f"a row of {self.name} was to be removed and is not there")

    def read(self, connection: sqlite3.Connection, rest: str, parameters: Sequence[Any] = ()) -> list[R]:
        """Return the rows of `select <columns> <rest>`."""
        found = connection.execute(f"select {self.columns} {rest}", parameters)
        return [self.decode(values) for values in found.fetchall()]


# The kinds of lines as the journal's table has them.
KINDS: dict[TransferKind, int] = {
    "grant": 1,
    "hold": 2,
    "capture": 3,
    "release": 4,
    "expire": 5,
    "breakage": 6,
    "adjustment": 7,
    "refund": 8,
    "forfeit": 9,
    "void": 10,
    "deduction": 11,
    "send": 12,
    "receive": 13,
}
_KINDS: dict[int, TransferKind] = {number: kind for kind, number in KINDS.items()}
_CAUSES = {n: GRANT if kind in OF_GRANT else ENTRY if kind in OF_ACTION else CALL for n, kind in _KINDS.items()}


class Journal(Table[Transfer]):
    """The journal: a line in a few bytes, from which its accounts follow."""

    def __init__(self) -> None:
        super().__init__("journal", Transfer, key=("cause", "kind", "step"), appended=True)
        self._codes = {"kind": _KINDS.__getitem__}

    def encode(self, row: Transfer) -> Values:
        """Return the line as column values."""
        kind, grant_id = KINDS.get(row.kind, 0), row.grant_id  # the table refuses a line of no kind
        grant = None if grant_id is None else packed(grant_id, GRANT)
        return packed(row.cause, _CAUSES.get(kind, CALL)), kind, row.step, grant, row.amount_nanos, row.at_ms

    def decode(self, values: Sequence[Any]) -> Transfer:
        """Return the line for these column values."""
        cause, kind, step, grant, amount_nanos, at_ms = values
        return Transfer(
            cause=unpacked(cause, _CAUSES[kind]),
            kind=_KINDS[kind],
            step=step,
            grant_id=None if grant is None else unpacked(grant, GRANT),
            amount_nanos=amount_nanos,
            at_ms=at_ms,
        )


USERS = Table("users", User, flags=("has_wallet",))
MEMBERS = Table("members", Member, key=("team_id", "user_id"), flags=("is_admin",))
KEYS = Table(
    "api_keys",
    ApiKey,
    fixed=("user_id", "fingerprint", "team_id"),
    documents={"models": tuple[str, ...], "operations": tuple[str, ...]},
)
PROVIDERS = Table("providers", ProviderRow, key=("name",))
CREDENTIALS = Table("credentials", Credential, fixed=("provider",), flags=("active",))
RATES = Table(
    "rates",
    Rate,
    flags=("removed", "hidden"),
    documents={
        "prices": UnitPrices,
        "capabilities": tuple[Capability, ...] | None,
        "tiers": tuple[Tier, ...],
        "variants": Variants,
        "names": Names,
    },
    appended=True,
)
ALIASES = Table(
    "aliases",
    Alias,
    flags=("removed",),
    documents={"targets": tuple[AliasTarget, ...], "canary": Canary | None},
    appended=True,
)
PRICES = Table(
    "prices",
    Price,
    documents={"names": Names, "prices": UnitPrices, "tiers": tuple[Tier, ...], "variants": Variants},
    appended=True,
)
GRANTS = Table("grants", Grant, fixed=("user_id", "created_ms"))
_OF_A_CALL = {"hold_lines": tuple[HoldLine, ...], "reserved": tuple[Reservation, ...]}
HOLDS = Table("holds", Hold, ids={"id": CALL}, flags=("stream", "billed"), documents=_OF_A_CALL, appended=True)
CALLS = Table(
    "calls",
    Call,
    ids={
        "id": CALL,
        "user_id": USER,
        "key_id": KEY,
        "wallet_id": USER,
        "credential_id": CREDENTIAL,
        "rate_id": RATE,
        "team_id": TEAM,
    },
    flags=("stream", "billed", "complete"),
    documents={**_OF_A_CALL, "attempts": tuple[AttemptRecord, ...], "usage": Usage | None},
    appended=True,
)
JOURNAL = Journal()
ADJUSTMENTS = Table(
    "adjustments",
    Adjustment,
    ids={"call_id": CALL},
    documents={"lines": tuple[HoldLine, ...], "late": LateUsage | None},
    appended=True,
)
USAGE_SUMS = Table(
    "usage_sums",
    UsageSum,
    key=SUM_KEY,
    ids={"user_id": USER, "key_id": KEY, "credential_id": CREDENTIAL},
    added=ADDED,
)
IDEMPOTENCY = Table("idempotency", Idempotency, key=("user_id", "key"))
LIMITS = Table("limits", Limit, fixed=("subject", "measure", "window_ms", "created_ms"))
LIMIT_CELLS = Table("limit_cells", LimitCell, key=("limit_id", "subject"))
BUDGETS = Table("budgets", Budget, fixed=("subject", "created_ms"), documents={"alerts": tuple[int, ...]})
BUDGET_SPENT = Table("budget_spent", BudgetSpent, key=("budget_id", "subject"))
RUNS = Table("runs", Run, key=("user_id", "run_id"), fixed=("created_ms",))
WEBHOOKS = Table("webhooks", Webhook)
NOTICES = Table("notices", Notice, fixed=("user_id", "kind", "limit_nanos", "value_nanos", "at_ms"))
AUDIT = Table("audit", AuditEntry, appended=True)
IMPORTED_CALLS = Table("imported_calls", ImportedCall, documents={"usage": Usage | None}, appended=True)

# A table is defined after those that it refers to.
TABLES: tuple[Table[Any], ...] = tuple(value for value in list(globals().values()) if isinstance(value, Table))
BY_KIND: dict[type, Table[Any]] = {table.kind: table for table in TABLES}
