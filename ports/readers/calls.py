"""Reading the call log."""

from typing import Protocol

from domain.books.rows import Call
from domain.ledger.rows import Adjustment


class CallReader(Protocol):
    """Reads calls and their charges, as of the last commit."""

    async def call(self, call_id: str) -> Call | None:
        """One call, running or ended."""
        ...

    async def calls(self, user_id: str | None, limit: int, before_id: str | None = None) -> list[Call]:
        """The newest calls first, running ones too, of one user or of all; only those before an id, where given."""
        ...

    async def adjustments(self, call_id: str) -> list[Adjustment]:
        """The changes of a call's charge after its settlement, oldest first."""
        ...

    async def idempotent_answer(self, user_id: str, key: str) -> tuple[str, int, str, bytes | None] | None:
        """Call id, status, content type and sealed answer remembered for a user's Idempotency-Key."""
        ...
