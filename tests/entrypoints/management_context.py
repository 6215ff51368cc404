"""A management context over books in memory, a clock that stands, and a secret to look for."""

from pathlib import Path

from adapters.calendar import ZoneCalendar
from adapters.liveness import FlockLiveness
from adapters.price_book.shipped import ShippedBook
from adapters.system import RandomIds, SystemClock
from adapters.vault import MasterKeyVault
from entrypoints.usecases.management_context import ManagementPorts
from ports.books import Storage
from ports.environment import Clock
from tests.support.memory_storage import MemoryStorage

CANARY = "sk-canary-0123456789-abcdefghij"
CREDIT = 1_000_000_000


class At(Clock):
    """A clock that stands."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic_us(self) -> int:
        return 0


def a_management_context(
    storage: Storage | None = None, clock: Clock | None = None, vault: MasterKeyVault | None = None
) -> ManagementPorts:
    return ManagementPorts(
        storage=storage or MemoryStorage(),
        book=ShippedBook(),
        vault=vault or MasterKeyVault([bytes(32)]),
        clock=clock or SystemClock(),
        calendar=ZoneCalendar(),
        ids=RandomIds(),
        liveness=FlockLiveness(Path("/nowhere")),
    )
