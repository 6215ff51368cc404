"""The call log of books in memory: every call is looked at, so that the queries of the engines have a model."""

from adapters.storage.sqlite.tables import KINDS
from domain.books.call_query import CallQuery, LineQuery, LoggedCall, matches
from domain.books.ids import CALL, packed
from domain.books.rows import Call, running
from domain.books.working_copy import Books
from domain.ledger.rows import LineKey, Transfer


def page_of_calls(books: Books, query: CallQuery) -> list[LoggedCall]:
    """The page that the query asks for."""
    found = [
        LoggedCall(call=call, adjustments=tuple(books.adjustments.get(call.id, ())))
        for call in matching_calls(books, query)
    ]
    found.sort(key=lambda one: packed(one.call.id, CALL), reverse=not query.oldest_first)
    if query.beyond is not None:
        edge = packed(query.beyond, CALL)
        is_beyond = edge.__lt__ if query.oldest_first else edge.__gt__
        found = [one for one in found if is_beyond(packed(one.call.id, CALL))]
    return found[query.skip : query.skip + query.limit]


def matching_calls(books: Books, query: CallQuery) -> list[Call]:
    """Every call that the query asks for, in no order."""
    calls = [*books.calls.values(), *map(running, books.holds.values())]
    return [call for call in calls if matches(query, call)]


def page_of_lines(books: Books, query: LineQuery) -> list[Transfer]:
    """The page that the query asks for."""
    lines = matching_lines(books, query)
    if query.beyond is not None:
        edge = _place(query.beyond)
        lines = [line for line in lines if _place(line.key) > edge]
    return lines[query.skip : query.skip + query.limit]


def matching_lines(books: Books, query: LineQuery) -> list[Transfer]:
    """Every line that the query asks for, in its order."""
    wanted = CallQuery(user_id=query.user_id, from_ms=query.from_ms, to_ms=query.to_ms)
    of_user = {one.id for one in books.calls.values() if matches(wanted, one) and one.wallet_id in (None, one.user_id)}
    lines = [line for line in books.journal.values() if line.cause in of_user and line.kind in query.kinds]
    return sorted(lines, key=lambda line: _place(line.key))


def _place(key: LineKey) -> tuple[tuple[int, ...], int, int]:
    """The place of a line among those of calls: the newest call first."""
    cause, kind, step = key
    return tuple([-byte for byte in packed(cause, CALL)]), KINDS[kind], step
