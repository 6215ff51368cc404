"""The SQL of a query of the call log and of the journal's lines of calls, which every engine understands.

House rule: a statement is made of names of ours and of `?`; each value comes with the column that it is compared with,
so that an engine can keep ids in its own form.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import msgspec

from adapters.storage.sqlite.tables import KINDS
from domain.books.call_query import CallQuery, LineQuery, Search, equal_values
from domain.books.ids import CALL, GRANT
from domain.ledger.rows import Transfer

# A column, or "" for a value that is compared as it is, and the value.
Bound: TypeAlias = tuple[str, Any]
# The table and the column of the value, which decide how an engine keeps an id; "" where there is none.
Value: TypeAlias = tuple[str, str, Any]

# What a hold has in place of the columns of a call.
HELD: Mapping[str, str] = {
    "provider": "null",
    "provider_model": "null",
    "ending": "null",
    "complete": "false",
    "ended_ms": "null",
}
_MODEL_NAMES = "model || ' ' || coalesce(provider, '') || '/' || coalesce(provider_model, '')"
_STATES = {
    "running": "{ending} is null",
    "succeeded": "{complete}",
    "failed": "{ending} is not null and not {complete}",
}
_STATES["ended"] = "{ending} is not null"


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A statement, and the values of its parameters in their order: each after its table and column.

    It selects rows of type `kind`, whose columns replace `{columns}` in the text, or one value for each row.
    """

    text: str
    values: tuple[Value, ...]
    kind: type[Transfer] | None = None


def ids_of_page(query: CallQuery, id_text: str) -> Statement:
    """The ids of the calls of a page, ended and running. `id_text` is the SQL of an id as a text."""
    parts, values = _both(query, "id", id_text)
    order = "asc" if query.oldest_first else "desc"
    text = f"select id from ({parts}) as logged order by id {order} limit ? offset ?"
    return Statement(text=text, values=(*values, ("", "", query.limit), ("", "", query.skip)))


def count_of(query: CallQuery, id_text: str) -> Statement:
    """How many calls there are, whatever the page."""
    everything = msgspec.structs.replace(query, beyond=None)
    parts, values = _both(everything, "count(*) as found", id_text)
    text = f"select cast(sum(found) as bigint) from ({parts}) as logged"
    return Statement(text=text, values=values)


def _both(query: CallQuery, selected: str, id_text: str) -> tuple[str, tuple[Value, ...]]:
    texts, values = [], list[Value]()
    for table, names in (("calls", {}), ("holds", HELD)):
        found = [*_tests(query, {"id_text": id_text, **names})]
        where = " and ".join(f"({text})" for text, _ in found) or "true"
        texts.append(f"select {selected} from {table} where {where}")
        values += [(table, column, value) for _, bound in found for column, value in bound]
    return " union all ".join(texts), tuple(values)


def _tests(query: CallQuery, names: Mapping[str, str]) -> Iterator[tuple[str, tuple[Bound, ...]]]:
    def column(name: str) -> str:
        return names.get(name, name)

    is_held = "provider_model" in names
    model = "model" if is_held else "coalesce(provider_model, model)"
    model_names = "model || ' /'" if is_held else _MODEL_NAMES
    for name, value in equal_values(query).items():
        yield f"{column(name)} = ?", ((name, value),)
    if query.ids is not None:
        marks = ", ".join("?" * len(query.ids))
        yield f"id in ({marks})", tuple(("id", one) for one in query.ids)
    for name, several in (("ending", query.endings), ("operation", query.operations)):
        if several is not None:
            marks = ", ".join("?" * len(several))
            yield f"{column(name)} in ({marks})", tuple(("", one) for one in several)
    if query.beyond is not None:
        yield f"id {'>' if query.oldest_first else '<'} ?", (("id", query.beyond),)
    first, last = query.id_bounds
    if first is not None:
        yield "id >= ? and started_ms >= ?", (("id", first), ("", query.from_ms))
    if last is not None:
        yield "id < ? and started_ms < ?", (("id", last), ("", query.to_ms))
    if query.state is not None:
        yield _STATES[query.state].format(**{name: column(name) for name in ("ending", "complete")}), ()
    if query.model is not None:
        yield f"{model} = ?", (("", query.model),)
    if query.model_part is not None:
        yield _like(model_names, query.model_part)
    if query.project is not None:
        yield "app = ? or ((app is null or app = '') and key_id = ?)", (("", query.project), ("key_id", query.project))
    if query.min_duration_ms is not None:
        yield f"{column('ended_ms')} - started_ms >= ?", (("", query.min_duration_ms),)
    if query.search is not None:
        yield _found(query.search, model_names, column("id_text"))


def _found(search: Search, model: str, id_text: str) -> tuple[str, tuple[Bound, ...]]:
    columns = {"id": id_text, "model": model, "trace_id": "coalesce(trace_id, '')"}
    parts = [_like(columns[name], search.text) for name in search.fields if name in columns]
    if "user" in search.fields and search.user_ids:
        marks = ", ".join("?" * len(search.user_ids))
        parts.append((f"user_id in ({marks})", tuple(("user_id", one) for one in search.user_ids)))
    return " or ".join(text for text, _ in parts) or "false", tuple(one for _, bound in parts for one in bound)


def _like(expression: str, part: str) -> tuple[str, tuple[Bound, ...]]:
    """The test whether an expression contains a text, which is taken as it is: `%` and `_` stand for themselves."""
    plain = part.lower().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return rf"lower({expression}) like ? escape '\'", (("", f"%{plain}%"),)


def lines_of(query: LineQuery) -> Statement:
    """The lines of the journal of a user's calls, in the order of the calls' ids, newest first."""
    tests, values = _line_tests(query)
    text = f"select {{columns}} from {_JOINED} where {tests} order by id desc, kind, step limit ? offset ?"
    return Statement(text=text, values=(*values, ("", "", query.limit), ("", "", query.skip)), kind=Transfer)


def count_of_lines(query: LineQuery) -> Statement:
    """How many lines there are, whatever the page."""
    tests, values = _line_tests(msgspec.structs.replace(query, beyond=None))
    return Statement(text=f"select count(*) from {_JOINED} where {tests}", values=values)


def lines_of_causes(causes: Mapping[str, str]) -> Statement:
    """The lines of the journal of these causes: the prefix of each id by the id."""
    marks = ", ".join("?" * len(causes))
    text = f"select {{columns}} from journal where cause in ({marks}) order by cause, kind, step"
    tables = {CALL: "calls", GRANT: "journal"}
    columns = {CALL: "id", GRANT: "grant_id"}
    values = tuple((tables[prefix], columns[prefix], cause) for cause, prefix in causes.items())
    return Statement(text=text, values=values, kind=Transfer)


_JOINED = "calls join journal on journal.cause = calls.id"


def _line_tests(query: LineQuery) -> tuple[str, tuple[Value, ...]]:
    of_calls = CallQuery(user_id=query.user_id, from_ms=query.from_ms, to_ms=query.to_ms)
    found = [*_tests(of_calls, {}), ("wallet_id is null or wallet_id = user_id", ())]
    found.append((f"kind in ({', '.join(str(KINDS[kind]) for kind in query.kinds)})", ()))
    if query.beyond is not None:
        cause, kind, step = query.beyond
        after = "id < ? or (id = ? and (kind > ? or (kind = ? and step > ?)))"
        found.append((after, (("id", cause), ("id", cause), ("", KINDS[kind]), ("", KINDS[kind]), ("", step))))
    values = tuple(("calls", column, value) for _, bound in found for column, value in bound)
    return " and ".join(f"({text})" for text, _ in found), values
