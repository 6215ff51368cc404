"""The books: one way to change them, and the questions that are asked of them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias, TypeVar

from domain.accounts.rows import ApiKey, User
from domain.books.rows import AuditEntry, Call, Decision
from domain.books.view import View
from domain.catalog.aliases import Alias
from domain.catalog.rows import Credential, ProviderRow
from domain.ledger.rows import Adjustment, Grant, Transfer
from domain.pricing.price_book import Price
from domain.pricing.rate import Rate

F = TypeVar("F")
D = TypeVar("D", bound=Decision)
CatalogRows: TypeAlias = tuple[int, list[ProviderRow], list[Credential], list[Rate], list[Alias]]


class StorageError(Exception):
    """The books cannot be reached or written just now; nothing was changed."""


class Snapshot(Protocol):
    """A consistent view of the whole books at one moment, for proofs and exports."""

    def transfers(self) -> AsyncIterator[Transfer]:
        """Every line of the journal, in the order written."""
        ...

    def transfers_by_id(self) -> AsyncIterator[Transfer]:
        """Every line of the journal by its id, which begins with that of its call: a call's lines stand together."""
        ...

    def adjustments(self) -> AsyncIterator[Adjustment]:
        """Every adjustment of a call, in the order made."""
        ...

    def calls_by_id(self) -> AsyncIterator[Call]:
        """Every call by its id."""
        ...

    def grants(self) -> AsyncIterator[Grant]:
        """Every grant."""
        ...

    def calls(self) -> AsyncIterator[Call]:
        """Every call, oldest first."""
        ...

    def rates(self) -> AsyncIterator[Rate]:
        """Every version of every rate."""
        ...


class Storage(Protocol):
    """Where the books are kept."""

    async def decide(self, scope: View[F], rule: Callable[[F], D], within_s: float | None = None) -> D:
        """Show the rule the facts of `scope`, write what it decides, and answer once that is durable.

        Atomic: no other decision comes between the facts and the writes, in any process. The rule must be pure:
        it may be called again after a conflict. StorageUnavailable if the books cannot be written; an exception
        of the rule reaches its own caller only. `scope` is one of `scopes.Scope`.

        With `within_s`, StorageUnavailable comes after so many seconds at the latest. Then the decision may still
        be written: whoever sets a limit must be able to ask again.
        """
        ...

    async def check_writable(self) -> None:
        """StorageUnavailable if the last decision could not be written and still none can be: the disk is full, say.

        Writes only where the last decision failed, and then nothing that anybody could read.
        """
        ...

    def check_in_place(self) -> None:
        """StorageUnavailable if the books were removed or replaced while this process had them open.

        From then on all is refused, since what would be written nobody could find again; until they are back.
        """
        ...

    async def catalog_version(self) -> int:
        """The number that grows with every change of providers, credentials, rates and aliases."""
        ...

    async def catalog(self) -> CatalogRows:
        """The version with all that is not removed; of each rate all versions since it was last removed."""
        ...

    async def prices(self) -> list[Price]:
        """Every price that operators appended to the book, oldest first; a new one makes a new catalogue version."""
        ...

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
        """The user's grants, oldest first, as of the last commit."""
        ...

    async def call(self, call_id: str) -> Call | None:
        """One call."""
        ...

    async def idempotent_answer(self, user_id: str, key: str) -> tuple[str, int, str, bytes | None] | None:
        """Call id, status, content type and sealed answer remembered for a user's Idempotency-Key."""
        ...

    async def adjustments(self, call_id: str) -> list[Adjustment]:
        """How a call was charged anew, oldest first."""
        ...

    async def calls(self, user_id: str | None, limit: int, before_id: str | None = None) -> list[Call]:
        """The newest calls first, of one user or of all; only those before the call of an id, where given."""
        ...

    async def audit(self, limit: int) -> list[AuditEntry]:
        """The newest management actions first."""
        ...

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """The whole books as of now, while others go on writing."""
        ...

    async def backup(self, path: str) -> None:
        """Write a complete, consistent copy of the books to a new file, while the hub runs."""
        ...
