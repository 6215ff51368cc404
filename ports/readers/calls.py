"""Reading the call log."""

from collections.abc import Mapping
from typing import Protocol

from domain.books.call_query import CallQuery, LineQuery, LoggedCall
from domain.books.rows import Call, ImportedCall
from domain.ledger.rows import Adjustment, Transfer


class CallReader(Protocol):
    """Reads calls and their charges, as of the last commit."""

    async def call(self, call_id: str) -> Call | None:
        """One call, running or ended."""
        ...

    async def call_log(self, query: CallQuery) -> list[LoggedCall]:
        """A page of the call log, running calls too."""
        ...

    async def call_count(self, query: CallQuery) -> int:
        """How many calls the query asks for, whatever its page."""
        ...

    async def call_lines(self, query: LineQuery) -> list[Transfer]:
        """A page of the lines of the journal of a user's calls."""
        ...

    async def call_line_count(self, query: LineQuery) -> int:
        """How many lines the query asks for, whatever its page."""
        ...

    async def lines_of(self, causes: Mapping[str, str]) -> list[Transfer]:
        """The lines of the journal of calls and grants, by cause, kind and step: the prefix of each id by the id."""
        ...

    async def adjustments(self, call_id: str) -> list[Adjustment]:
        """The changes of a call's charge after its settlement, oldest first."""
        ...

    async def idempotent_answer(self, user_id: str, key: str) -> tuple[str, int, str, bytes | None] | None:
        """Call id, status, content type and sealed answer remembered for a user's Idempotency-Key."""
        ...

    async def imported_calls(self, caller: str | None, limit: int, before_id: str | None = None) -> list[ImportedCall]:
        """The newest calls that another gateway made, of one user or of all; only those before an id, where given."""
        ...
