"""The SQL of a query of usage, which every engine understands."""

from collections.abc import Mapping

from domain.books.statistics.summary import UsageQuery
from domain.books.statistics.usage_sum import ADDED, KEY

# What a field is that the query does not separate, where it is a text or a moment.
EMPTY: Mapping[str, str] = dict.fromkeys(KEY, "''") | {"slot_ms": "0"}


def usage_statement(query: UsageQuery, empty: Mapping[str, str] = EMPTY) -> str:
    """The statement; a column for each field of `UsageSum`, in its order.

    Its parameters are the values of the query's limits, then its two moments. A field that the query does not separate
    is as in `empty`.
    """
    kept = [name for name in KEY if name in query.by or (query.by_slot and name == "slot_ms")]
    shown = [name if name in kept else f"{empty[name]} as {name}" for name in KEY]
    sums = [f"cast(sum({name}) as bigint) as {name}" for name in ADDED]
    tests = [*(f"{name} = ?" for name in query.values), "slot_ms >= ?", "slot_ms < ?"]
    grouped = f"group by {', '.join(kept)}" if kept else "having count(*) > 0"
    return f"select {', '.join((*shown, *sums))} from usage_sums where {' and '.join(tests)} {grouped}"
