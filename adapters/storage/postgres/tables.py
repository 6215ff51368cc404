"""The tables of the books in PostgreSQL: the statements that write and find rows, made from the tables' descriptions.

House rule: the text of a statement never depends on the number of rows. Rows are bound as one array for each column.

Ids are texts, as the rows have them, and not the 16 bytes that SQLite keeps: Aurora DSQL has no index on bytes, a type
for ids of 16 bytes could keep no other text, and an operator can read them. Columns by which rows are ordered compare
bytes, so ids sort by time.
"""

import types
import typing
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

import msgspec

from adapters.storage.partial_rows import Part
from adapters.storage.sqlite.tables import KINDS, json_text
from adapters.storage.sqlite.tables import TABLES as DESCRIPTIONS
from adapters.storage.sqlite.tables import Table as Description
from domain.books.guards import CATALOGUE
from domain.books.lookups import Lookup
from domain.books.rows import AuditEntry
from domain.ledger.rows import Adjustment, Transfer

P = TypeVar("P", bound=msgspec.Struct)

# Rows with a column that keeps the order of writing. Rows of the catalogue are numbered by the version that they make,
# others by the clock of the database.
_NUMBERED: frozenset[type] = CATALOGUE | {Adjustment, AuditEntry}

_TYPES: dict[type, str] = {bool: "boolean", int: "bigint", str: "text", bytes: "bytea"}
_TESTS = {"null": "{} is null", "not null": "{} is not null", "positive": "{} > 0"}


class Table:
    """A table with its statements. `types` are the columns' types, in the order of `fields`."""

    def __init__(self, description: Description[Any]) -> None:
        self.description = description
        self.name, self.kind, self.fields = description.name, description.kind, description.fields
        self.columns = description.columns
        self.key_of: Callable[[Any], Any] = description.key_of
        self.types = column_types(description)
        self._codes: dict[int, tuple[dict[Any, int], dict[int, Any]]] = {}
        if self.kind is Transfer:
            self.types["kind"] = "smallint"
            self._codes[self.fields.index("kind")] = KINDS, {number: kind for kind, number in KINDS.items()}
        self.is_appended = description.appended
        self.is_numbered = self.kind in _NUMBERED
        self.insert = self._insert()
        self._documents = [(self.fields.index(field), decode) for field, decode in description.documents.items()]
        self._texts = [n for n, field in enumerate(self.fields) if self.types[field] == "text"]
        self._values: Callable[[Any], tuple[Any, ...]] = attrgetter(*self.fields)

    def _insert(self) -> str:
        described = self.description
        columns, types_ = [*self.fields], [self.types[field] for field in self.fields]
        if self.is_numbered:
            columns.append("seq")
            types_.append("bigint")
        arrays = ", ".join(f"${n}::{type_}[]" for n, type_ in enumerate(types_, 1))
        insert = f"insert into {self.name} ({', '.join(columns)}) select * from unnest({arrays})"
        if described.appended:
            return insert
        kept = {*described.key, *described.fixed}
        changes = ", ".join(
            f"{field} = {self._before(field)}excluded.{field}" for field in self.fields if field not in kept
        )
        same = " and ".join(f"{self.name}.{field} is not distinct from excluded.{field}" for field in described.fixed)
        insert += f" on conflict ({', '.join(described.key)}) do update set {changes}"
        return insert + (f" where {same}" if same else "")

    def _before(self, field: str) -> str:
        """What the new value of a column is added to."""
        return f"{self.name}.{field} + " if field in self.description.added else ""

    def columns_of(self, rows: Sequence[Any], first: int) -> list[Any]:
        """One list of values for each parameter of `insert`; rows are numbered from `first`."""
        columns: list[Any] = [*map(list, zip(*map(self._values, rows), strict=True))]
        for n, _ in self._documents:
            columns[n] = [None if value is None else json_text(value) for value in columns[n]]
        for n, (codes, _) in self._codes.items():
            columns[n] = [codes.get(value, 0) for value in columns[n]]  # the table refuses what has no number
        for n in self._texts:
            columns[n] = _without_nul(columns[n])
        if self.is_numbered:
            columns.append([*range(first, first + len(rows))])
        return columns

    def part(self, kind: type[P]) -> Part[P]:
        """How to read rows of this table as a struct with fewer fields."""
        codes = {self.fields[at]: names.__getitem__ for at, (_, names) in self._codes.items()}
        return Part(self.name, kind, {**self.description.documents, **codes})

    def decoded(self, records: Iterable[Any]) -> list[Any]:
        """The rows of `select <columns>`."""
        rows = []
        for record in records:
            values = [*record]
            for n, decode in self._documents:
                if values[n] is not None:
                    values[n] = decode(values[n])
            for n, (_, names) in self._codes.items():
                values[n] = names[values[n]]
            rows.append(self.kind(**dict(zip(self.fields, values, strict=True))))
        return rows


def _without_nul(values: list[str | None]) -> list[str | None]:
    """The texts without NUL, which no text in PostgreSQL may contain: a provider's error message can."""
    if any(value is not None and "\0" in value for value in values):
        return [value if value is None else value.replace("\0", "\ufffd") for value in values]
    return values


def column_types(description: Description[Any]) -> dict[str, str]:
    """The type of each column: documents are JSON as text, other fields have one of four types."""
    hints = typing.get_type_hints(description.kind)
    return {field: "text" if field in description.documents else _type(hints[field]) for field in description.fields}


def _type(hint: Any) -> str:
    if isinstance(hint, types.UnionType):
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
    if typing.get_origin(hint) is typing.Literal:
        return "text"
    if typing.get_origin(hint) is typing.Union:
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
        return _type(hint)
    return _TYPES[hint]


TABLES: tuple[Table, ...] = tuple(map(Table, DESCRIPTIONS))
BY_KIND: dict[type, Table] = {table.kind: table for table in TABLES}


@cache
def statement_of(lookup: Lookup) -> str:
    """The statement of a lookup. Its parameters: an array for each column that is compared, or a bound, or a number."""
    table = BY_KIND[lookup.kind]
    name, columns = table.name, table.columns
    tests = [_TESTS[test].format(" + ".join(fields)) for test, fields in lookup.where]
    source = name
    if len(lookup.by) == 1:
        tests.insert(0, f"{name}.{lookup.by[0]} = any($1::{table.types[lookup.by[0]]}[])")
    elif lookup.by:
        arrays = ", ".join(f"${n}::{table.types[field]}[]" for n, field in enumerate(lookup.by, 1))
        source = f"unnest({arrays}) as wanted ({', '.join(lookup.by)}) join {name} using ({', '.join(lookup.by)})"
    if lookup.until is not None:
        tests.append(f"{lookup.until} <= $1")
    where = f" where {' and '.join(tests)}" if tests else ""
    order = f" order by {lookup.oldest} limit $1" if lookup.oldest else " order by seq" if lookup.in_order else ""
    return f"select {columns} from {source}{where}{order}"


def parameters_of(lookup: Lookup, values: set[Any]) -> tuple[Any, ...]:
    """The parameters of its statement for these values."""
    if len(lookup.by) == 1:
        return ([*values],)
    if lookup.by:
        return tuple(map(list, zip(*values, strict=True)))
    return (max(values),) if lookup.until or lookup.oldest else ()
