"""What one batch of decisions needs in memory, and the fold of its rules over that; the same for every engine.

House rule: loading only adds rows that the copy does not have.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat, zip_longest
from typing import Any

from adapters.storage.group_commit import Operation
from domain.books.lookups import Lookup
from domain.books.rows import Call, Hold
from domain.books.scope_protocol import View
from domain.books.scopes import CallScope
from domain.books.statistics.usage_sum import UsageSum
from domain.books.working_copy import Books

Keys = dict[type, Callable[[Any], Any]]
Dirty = dict[type, dict[Any, Any]]


class Copy:
    """The writer's working copy, and the values of lookups for which it has all rows, such as whole wallets."""

    def __init__(self, version: int) -> None:
        self.books = Books(version)
        self.complete: defaultdict[Lookup, set[Any]] = defaultdict(set)

    def knows(self, scope: View[Any]) -> bool:
        """Whether the key that a call starts from was found."""
        return not isinstance(scope, CallScope) or scope.fingerprint in self.books.keys_by_fingerprint

    def add(
        self,
        lookup: Lookup,
        values: set[Any],
        rows: Iterable[Any],
        key_of: Callable[[Any], Any],
        loaded: set[tuple[type, Any]],
    ) -> None:
        """Add the rows of a lookup that the copy does not have. `loaded` names those that the load has added."""
        kind, books = lookup.kind, self.books
        have = books.rows_of(kind)
        for row in rows:
            key = key_of(row)
            if key not in have and (kind, key) not in loaded:
                loaded.add((kind, key))
                books.apply(row)
        if lookup.complete:
            self.complete[lookup] |= values
        if lookup.covers is not None and lookup.covers.complete:
            self.complete[lookup.covers] |= values


def lookups_of(copy: Copy, scopes: Sequence[View[Any]]) -> Iterator[tuple[Lookup, set[Any]]]:
    """Each lookup that the scopes need, with the values that the copy does not have, step by step.

    The rows of a lookup must be in the copy before the next one is asked for.
    """
    books = copy.books
    by_kind: defaultdict[type, list[View[Any]]] = defaultdict(list)
    for scope in scopes:
        by_kind[type(scope)].append(scope)
    for wants in zip_longest(*(alike[0].steps for alike in by_kind.values()), fillvalue=()):
        requested: defaultdict[Lookup, set[Any]] = defaultdict(set)
        for alike, step in zip(by_kind.values(), wants, strict=True):
            for lookup, values in step:
                found = map(values, alike, repeat(books))
                if isinstance(lookup, Lookup):
                    requested[lookup].update(*found)
                    continue
                for each in filter(None, found):
                    for one, wanted in zip(lookup, each, strict=True):
                        requested[one].update(wanted)
        for lookup, wanted in requested.items():
            known = copy.complete[lookup] if lookup.complete else lookup.present(books)
            if missing := wanted.difference(known):
                yield lookup, missing


def fold(copy: Copy, operations: list[Operation], keys: Keys, appended: frozenset[type]) -> Dirty:
    """Run each rule on its facts, and return the rows to write, the last state of each."""
    books = copy.books
    dirty: Dirty = {}
    # A key that was missing when the batch was loaded may be written by one of its decisions, but its wallet was not
    # loaded. The decisions are concurrent, so those that found no key may as well come first.
    if not all(copy.knows(operation.scope) for operation in operations):
        operations = sorted(operations, key=lambda operation: copy.knows(operation.scope))
    for operation in operations:
        operation.decision = operation.error = None
        try:
            decision = operation.rule(operation.scope.view(books))
            writes = decision.writes
        except BaseException as error:  # an error that is no Exception also belongs to its own caller
            operation.error = error
            continue
        operation.decision = decision
        for row in writes:
            books.apply(row)
            kind = type(row)
            rows = dirty.get(kind)
            if rows is None:
                rows = dirty[kind] = {}
            key = keys[kind](row)
            if kind is UsageSum:  # The copy has the sum of the batch so far.
                rows[key] = books.usage_sums[key]
                continue
            if kind in appended and key in rows:  # Of rows that replace each other, only the last would remain.
                raise AssertionError(f"{kind.__name__} {key} is written twice")
            rows[key] = row
    return dirty


def ended_calls(dirty: Dirty) -> list[str]:
    """Return the ids of the calls that have ended and whose holds are to be removed.

    A hold that was made in this batch is taken out of the rows to write instead.
    """
    holds, calls = dirty.get(Hold, {}), dirty.get(Call, {})
    return [call_id for call_id in calls if holds.pop(call_id, None) is None]
