"""Load what one batch of decisions needs, with a fixed number of statements for any number of decisions.

House rule: the copy outlives its batch, because `data_version` shows any commit of another writer; after one, the copy
is discarded.
"""

import sqlite3
from collections.abc import Sequence
from functools import cache
from typing import Any

from adapters.storage.sqlite.tables import BY_KIND, json_text
from adapters.storage.working_set import Copy, lookups_of
from domain.books.lookups import Lookup
from domain.books.scope_protocol import View

# The list of values is bound as one JSON array, so that the text of a statement, and its plan, never change.
_TESTS = {"null": "{} is null", "not null": "{} is not null", "positive": "{} > 0"}

# Beyond this number of rows the copy is discarded and started again.
_KEPT_MAX = 20_000


@cache
def statement_of(lookup: Lookup) -> str:
    """Return the text after `select <columns>` for a lookup."""
    ids, table = BY_KIND[lookup.kind].ids, BY_KIND[lookup.kind].name
    tests = [_TESTS[test].format(" + ".join(columns)) for test, columns in lookup.where]
    source = f"from {table}"
    if len(lookup.by) == 1:
        value = f"packed_id(value, '{ids[lookup.by[0]]}')" if lookup.by[0] in ids else "value"
        tests.insert(0, f"{lookup.by[0]} in (select {value} from json_each(?))")
    elif lookup.by:
        pairs = (f"{table}.{column} = json_extract(wanted.value, '$[{n}]')" for n, column in enumerate(lookup.by))
        source = f"from json_each(?) as wanted cross join {table} on {' and '.join(pairs)}"
    if lookup.until is not None:
        tests.append(f"{lookup.until} <= ?")
    where = f" where {' and '.join(tests)}" if tests else ""
    if lookup.oldest is not None:
        return f"{source}{where} order by {lookup.oldest} limit ?"
    return f"{source}{where}{' order by seq' if lookup.in_order else ''}"


class Kept(Copy):
    """The working copy that the writer keeps between batches, as long as nobody else commits."""

    def prune(self) -> bool:
        """Remove what the next batch is unlikely to need. Return False if too much is left to keep any of it."""
        books = self.books
        books.calls.clear()
        books.journal.clear()
        books.audit.clear()
        books.idempotency.clear()
        books.providers.clear()
        books.credentials.clear()
        books.rates.clear()
        books.aliases.clear()
        books.prices.clear()
        books.adjustments.clear()
        books.usage_sums.clear()
        books.others.clear()
        kept = len(books.grants) + len(books.holds) + len(books.keys) + len(books.users) + len(books.limiting)
        return kept + sum(map(len, self.complete.values())) <= _KEPT_MAX


def load(connection: sqlite3.Connection, copy: Copy, scopes: Sequence[View[Any]]) -> None:
    """Add to the copy what the scopes name and it does not have, in a write transaction, before the first rule."""
    version = copy.books.version
    loaded: set[tuple[type, Any]] = set()
    for lookup, values in lookups_of(copy, scopes):
        table = BY_KIND[lookup.kind]
        if lookup.by:
            parameters: tuple[Any, ...] = (json_text(list(values)),)
        else:
            parameters = (max(values),) if lookup.until or lookup.oldest else ()
        copy.add(lookup, values, table.read(connection, statement_of(lookup), parameters), table.key_of, loaded)
    copy.books.version = version  # a provider that is loaded is not a new one
