"""Reading users, their API keys and their credit, and the audit log."""

from typing import Protocol

from domain.accounts.rows import ApiKey, User
from domain.books.rows import AuditEntry
from domain.ledger.rows import Grant


class AccountReader(Protocol):
    """Reads callers and their credit, as of the last commit."""

    async def caller(self, fingerprint: str) -> tuple[ApiKey, User] | None:
        """The key of that fingerprint, revoked or not, and its user."""
        ...

    async def users(self) -> list[User]:
        """All users by name."""
        ...

    async def user_named(self, name: str) -> User | None:
        """The user of that name."""
        ...

    async def keys(self) -> list[ApiKey]:
        """All API keys, oldest first."""
        ...

    async def wallet(self, user_id: str) -> list[Grant]:
        """The user's grants, oldest first."""
        ...

    async def grant(self, grant_id: str) -> Grant | None:
        """One grant, spent or not."""
        ...

    async def audit(self, limit: int) -> list[AuditEntry]:
        """The newest management actions first."""
        ...
