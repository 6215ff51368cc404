"""The tables of the SQLite books: how a row becomes a tuple of columns and back, and the statements to write it.

House rule: the shape of a row type is worked out once, when this module is imported; per row there is only an
`attrgetter`, a tuple, and JSON for the few columns that are not scalar.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, Generic, TypeVar

import msgspec

from domain.accounts.rows import ApiKey, User
from domain.books.rows import AuditEntry, Call, Idempotency, Row
from domain.catalog.aliases import Alias, AliasTarget, Canary
from domain.catalog.rows import Credential, ProviderRow
from domain.ledger.rows import Adjustment, Grant, HoldLine, Transfer
from domain.model_api.call import AttemptRecord, Capability
from domain.pricing.by_size import Variants
from domain.pricing.price_book import Names, Price
from domain.pricing.rate import Rate
from domain.pricing.tiers import Tier, UnitPrices
from domain.usage import Usage

R = TypeVar("R", bound=Row)
Values = tuple[Any, ...]

# One statement contains many rows: each step of SQLite releases the interpreter lock, and while the event loop is busy,
# taking it back can cost milliseconds. Powers of two, so that a few statements suffice and all stay prepared.
_ROWS_AT_ONCE = (64, 32, 16, 8, 4, 2, 1)

_encode = msgspec.json.Encoder().encode


def json_text(value: object) -> str:
    """Return JSON as text, as SQLite's functions and strict text columns require."""
    return _encode(value).decode()


class Table(Generic[R]):
    """A table and its row type, with a column for each field. `key` makes a row unique.

    `flags` are the boolean columns and `documents` those kept as JSON, with their types. An `appended` table only
    grows; in another table a row with a known key replaces the old one, except its `fixed` columns.
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
        appended: bool = False,
    ) -> None:
        documents = documents or {}
        scalars = tuple(field for field in kind.__struct_fields__ if field not in documents)
        self.name = name
        self.kind = kind
        self.key, self.fixed = key, fixed
        self.appended = appended
        self.fields = (*scalars, *documents)
        self.columns = ", ".join(f"{name}.{field}" for field in self.fields)
        self.key_of: Callable[[R], Any] = attrgetter(*key)
        self._flags = flags
        self.documents = {field: msgspec.json.Decoder(type_).decode for field, type_ in documents.items()}
        self._scalars: Callable[[R], Values] = attrgetter(*scalars)
        self._rest: tuple[Callable[[R], Any], ...] = tuple(map(attrgetter, documents))
        self._statements = {n: self._statement(n, key, fixed, appended) for n in _ROWS_AT_ONCE}

    def _statement(self, rows: int, key: tuple[str, ...], fixed: tuple[str, ...], appended: bool) -> str:
        one = f"({', '.join('?' * len(self.fields))})"
        insert = f"insert into {self.name} ({', '.join(self.fields)}) values {', '.join([one] * rows)}"  # noqa: S608 — constants of ours
        if appended:
            return insert
        # Setting an indexed column rewrites its index, so a fixed column is compared instead: see `write`.
        changes = ", ".join(f"{field} = excluded.{field}" for field in self.fields if field not in {*key, *fixed})
        same = " and ".join(f"{self.name}.{field} = excluded.{field}" for field in fixed)
        return f"{insert} on conflict ({', '.join(key)}) do update set {changes}" + (f" where {same}" if same else "")

    def encode(self, row: R) -> Values:
        """Return the row as column values, in the order of `fields`."""
        values = self._scalars(row)
        if not self._rest:
            return values
        parts = [part(row) for part in self._rest]
        return values + tuple(None if part is None else json_text(part) for part in parts)

    def decode(self, values: Sequence[Any]) -> R:
        """Return the row for these column values, in the order of `fields`."""
        fields = dict(zip(self.fields, values, strict=True))
        for field in self._flags:
            fields[field] = fields[field] == 1
        for field, decode in self.documents.items():
            if fields[field] is not None:
                fields[field] = decode(fields[field])
        return self.kind(**fields)

    def write(self, connection: sqlite3.Connection, rows: Iterable[R]) -> None:
        """Write the rows. Raises IntegrityError if one breaks a constraint or changes a fixed column."""
        values = [self.encode(row) for row in rows]
        start = 0
        for size in _ROWS_AT_ONCE:
            while len(values) - start >= size:
                bound = tuple(chain.from_iterable(values[start : start + size]))
                if connection.execute(self._statements[size], bound).rowcount != size:
                    raise sqlite3.IntegrityError(f"a fixed column of {self.name} was to change")
                start += size

    def read(self, connection: sqlite3.Connection, rest: str, parameters: Sequence[Any] = ()) -> list[R]:
        """Return the rows of `select <columns> <rest>`."""
        found = connection.execute(f"select {self.columns} {rest}", parameters)
        return [self.decode(values) for values in found.fetchall()]


USERS = Table("users", User, fixed=("name",))
KEYS = Table(
    "api_keys",
    ApiKey,
    fixed=("user_id", "fingerprint"),
    documents={"models": tuple[str, ...], "operations": tuple[str, ...]},
)
PROVIDERS = Table("providers", ProviderRow, key=("name",))
CREDENTIALS = Table("credentials", Credential, fixed=("provider",), flags=("active",))
RATES = Table(
    "rates",
    Rate,
    flags=("removed",),
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
CALLS = Table(
    "calls",
    Call,
    fixed=("user_id", "key_id"),
    flags=("stream", "billed", "complete"),
    documents={
        "hold_lines": tuple[HoldLine, ...],
        "attempts": tuple[AttemptRecord, ...],
        "usage": Usage | None,
    },
)
TRANSFERS = Table("transfers", Transfer, appended=True)
ADJUSTMENTS = Table("adjustments", Adjustment, documents={"lines": tuple[HoldLine, ...]}, appended=True)
IDEMPOTENCY = Table("idempotency", Idempotency, key=("user_id", "key"))
AUDIT = Table("audit", AuditEntry, appended=True)

# A table comes after those that it refers to.
TABLES: tuple[Table[Any], ...] = (
    USERS,
    KEYS,
    PROVIDERS,
    CREDENTIALS,
    RATES,
    ALIASES,
    PRICES,
    GRANTS,
    CALLS,
    TRANSFERS,
    ADJUSTMENTS,
    IDEMPOTENCY,
    AUDIT,
)
