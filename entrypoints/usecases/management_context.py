"""What managing the hub needs: less than serving it, so that a command starts without an HTTP client."""

from typing import Protocol, TypeAlias

import msgspec

from domain.management.changes import Actor, Changed, Unchanged
from domain.refusals import AlreadyExists, BadRequest, NotAllowed, NotFound
from ports.books import Storage
from ports.environment import Clock, Ids, Liveness
from ports.price_book import PriceBook
from ports.sealing import MasterKeys, SealedBooks
from ports.vault import Vault

Denial: TypeAlias = NotFound | AlreadyExists | BadRequest | NotAllowed
Done: TypeAlias = Changed | Unchanged


class ManagementContext(Protocol):
    """Where management is done: an `ManagementPorts`, or the whole `CallContext`."""

    @property
    def storage(self) -> Storage: ...
    @property
    def book(self) -> PriceBook: ...
    @property
    def vault(self) -> Vault: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def ids(self) -> Ids: ...
    @property
    def liveness(self) -> Liveness: ...
    @property
    def sealing(self) -> "Sealing | None": ...


class Sealing(msgspec.Struct, frozen=True, kw_only=True):
    """The master keys, and what is sealed under them."""

    keys: MasterKeys
    books: SealedBooks


class ManagementPorts(msgspec.Struct, frozen=True, kw_only=True):
    """The hub without its providers, for the command line and for the time before serving starts."""

    storage: Storage
    book: PriceBook
    vault: Vault
    clock: Clock
    ids: Ids
    liveness: Liveness
    sealing: Sealing | None = None


def actor(desk: ManagementContext, name: str) -> Actor:
    """Somebody of that name, acting now."""
    return Actor(name=name, now_ms=desk.clock.now_ms(), audit_id=desk.ids.new("audit"))
