"""Reading users, teams, their API keys and their credit, and the audit log."""

from typing import Protocol

from domain.accounts.identity import TeamOfKey
from domain.accounts.rows import ApiKey, Member, User
from domain.books.rows import AuditEntry
from domain.ledger.rows import Grant


class AccountReader(Protocol):
    """Reads callers and their credit, as of the last commit."""

    async def caller(self, fingerprint: str) -> tuple[ApiKey, User, TeamOfKey | None] | None:
        """The key of that fingerprint, revoked or not, its user, and its team where it has one."""
        ...

    async def users(self) -> list[User]:
        """All users by name; teams are not among them."""
        ...

    async def teams(self) -> list[User]:
        """The accounts of all teams by name."""
        ...

    async def members(self) -> list[Member]:
        """All memberships, those that were ended too, oldest first."""
        ...

    async def user_named(self, name: str) -> User | None:
        """The user of that name; a team is none."""
        ...

    async def account_named(self, name: str) -> User | None:
        """The account of that name: a user, or a team behind its mark."""
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
