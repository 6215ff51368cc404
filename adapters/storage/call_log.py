"""The reads of the call log, written once for every engine: which calls a page has, and then their rows."""

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from adapters.storage.call_statements import Statement, count_of, count_of_lines, ids_of_page, lines_of, lines_of_causes
from adapters.storage.queries import Bound, Query, Selected
from domain.books.call_query import CallQuery, LineQuery, LoggedCall
from domain.books.rows import Call, Hold, running
from domain.ledger.rows import Adjustment, Transfer


class CallLogReads:
    """The part of `ports.readers.calls` with filters and pages. `id_text` is the SQL of a call's id as a text."""

    id_text: ClassVar[str]

    @abstractmethod
    async def _selected(self, statement: Statement) -> list[Any]:
        """What a statement selects: texts of ids, numbers, or rows of its `kind`. StorageError if it cannot be read."""
        ...

    @abstractmethod
    async def _at_once(self, *queries: Bound[Any]) -> Selected:
        """The rows of all queries as of one commit; StorageError as above."""
        ...

    async def call_log(self, query: CallQuery) -> list[LoggedCall]:
        ids = await self._selected(ids_of_page(query, self.id_text))
        if not ids:
            return []
        # A call whose hold was found and that ends meanwhile has its row now: no call is lost between the two reads.
        found = await self._at_once(
            _by_ids(Hold, "id", ids), _by_ids(Call, "id", ids), _by_ids(Adjustment, "call_id", ids)
        )
        holds, ended, changes = found.rows
        calls = {call.id: call for call in (*map(running, holds), *ended)}
        adjusted: defaultdict[str, list[Adjustment]] = defaultdict(list)
        for one in changes:
            adjusted[one.call_id].append(one)
        return [LoggedCall(call=calls[one], adjustments=tuple(adjusted.get(one, ()))) for one in ids]

    async def call_count(self, query: CallQuery) -> int:
        (number,) = await self._selected(count_of(query, self.id_text))
        return int(number)

    async def call_lines(self, query: LineQuery) -> list[Transfer]:
        return await self._selected(lines_of(query))

    async def call_line_count(self, query: LineQuery) -> int:
        (number,) = await self._selected(count_of_lines(query))
        return int(number)

    async def lines_of(self, causes: Mapping[str, str]) -> list[Transfer]:
        return await self._selected(lines_of_causes(causes)) if causes else []


def _by_ids(kind: type[Any], column: str, ids: Sequence[str]) -> Bound[Any]:
    order = "order by seq" if kind is Adjustment else ""
    marks = ", ".join("?" * len(ids))
    query: Query[Any] = Query(kind=kind, rest=f"where {column} in ({marks}) {order}", columns=(column,) * len(ids))
    return query(*ids)
