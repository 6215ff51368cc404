"""Processes of the hub inside one event loop: each has its own connections to the same books, and can die at any await.

A crash leaves everything as it is. Nothing is settled, nothing is closed in good order: from that moment on the
process gets no answer from its books, and everybody who waited for it is cut off. What it had asked of them before
may still be written, as a commit that a kill came too late for.
"""

import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

import anyio
import msgspec

from adapters.calendar import ZoneCalendar
from adapters.price_book.shipped import ShippedBook
from adapters.providers.anthropic import ANTHROPIC
from adapters.providers.http import HttpProviders
from adapters.providers.openai import OPENAI
from adapters.providers.transport import Http1Transport
from adapters.storage.group_commit import GroupCommit
from adapters.storage.sqlite.storage import SqliteStorage
from adapters.system import RandomIds, SystemClock
from domain.books.rows import Decision
from domain.books.scope_protocol import View
from domain.failures import Failure
from domain.model_api.call import Attempt, ModelCall
from domain.model_api.requests import ModelRequest
from entrypoints.http.routes import routes
from entrypoints.http.wire import Handler
from entrypoints.usecases.call_context import CallContext
from ports.books import CommitUnknown, Storage, StorageError
from ports.providers import Answer
from ports.vault import Vault
from tests.support.silent_telemetry import SilentTelemetry

F = TypeVar("F")
D = TypeVar("D", bound=Decision)

UPSTREAM_TIMEOUT_MS, PATIENT_TIMEOUT_MS = 400, 60_000
PAUSE_MS_MAX = 30


class Died(BaseException):
    """The process is gone: no code of it runs any further, so no code of it may handle this."""


class Mortal(GroupCommit):
    """The books as a process sees them: until it dies, and but for the odd moment when they cannot be written."""

    dead = False
    refused = 0  # How many decisions found the books busy.
    faults: Callable[[], bool] = staticmethod(lambda: False)
    forgets: Callable[[], bool] = staticmethod(lambda: False)

    async def decide(self, scope: View[F], rule: Callable[[F], D], within_s: float | None = None) -> D:
        if self.dead:
            raise Died
        if self.faults():
            self.refused += 1
            raise StorageError("the simulation says no")
        decision = await super().decide(scope, rule, within_s)
        if self.dead:
            raise Died
        if self.forgets():
            raise CommitUnknown("the simulation keeps the answer")
        return decision

    def die(self) -> None:
        """Give no answer any more."""
        self.dead = True


class MortalStorage(Mortal, SqliteStorage):
    """Books in SQLite."""


class MortalBooks(Storage, Protocol):
    """Books of either engine that a process can lose."""

    dead: bool
    refused: int
    faults: Callable[[], bool]
    forgets: Callable[[], bool]

    def die(self) -> None: ...

    async def aclose(self) -> None: ...


class SharedLiveness:
    """Who is alive, known to all processes at once; `name` is the process's own.

    Now and then it is unknown, for example for want of file descriptors: where `doubts` returns True.
    """

    def __init__(self, name: str, gone: set[str], doubts: Callable[[], bool]) -> None:
        self._name = name
        self._gone = gone
        self.doubts = doubts

    def own(self) -> str:
        return self._name

    def is_gone(self, owner: str) -> bool:
        return owner in self._gone and not self.doubts()

    def renew(self) -> None:
        """Nobody removes these."""

    async def resume(self) -> None:
        """They do not run out."""


class PatientProviders(HttpProviders):
    """Of some attempts the provider may be silent for longer than any call lasts: only the call's deadline ends them."""

    def open(
        self, attempt: Attempt, call: ModelCall, request: ModelRequest | None
    ) -> AbstractAsyncContextManager[Answer | Failure]:
        if sum(attempt.call_id.encode()) % 3 == 0:
            attempt = msgspec.structs.replace(attempt, timeout_ms=PATIENT_TIMEOUT_MS)
        return super().open(attempt, call, request)


class SteppedClock(SystemClock):
    """The machine's clock, which somebody may set forward or back; what counts durations goes on as ever."""

    def __init__(self) -> None:
        self.offset_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.offset_ms


class Disk(msgspec.Struct):
    """What the books are on; nothing can be written while it is full."""

    full: bool = False


class ImpatientIds(RandomIds):
    """Ids by which nobody pauses for long before a retry."""

    def chance(self, below: int) -> int:
        return super().chance(min(below, PAUSE_MS_MAX))


class Process:
    """One process of the hub, with the calls that it is running."""

    def __init__(
        self,
        name: str,
        hub: CallContext,
        storage: MortalBooks,
        transport: Http1Transport,
        liveness: SharedLiveness,
        gone: set[str],
    ) -> None:
        self.name = name
        self.hub = hub
        self.handlers: dict[str, Handler] = {route.template: route.handler for route in routes(hub)}
        self.running: set[anyio.CancelScope] = set()
        self._storage = storage
        self._transport = transport
        self._liveness = liveness
        self._gone = gone

    @classmethod
    async def start(
        cls,
        name: str,
        storage: MortalBooks,
        vault: Vault,
        gone: set[str],
        chance: random.Random,
        clock: SteppedClock,
        disk: Disk,
    ) -> "Process":
        """A process on these books; three decisions in a hundred find them busy, all where the disk is full."""
        storage.faults = lambda: disk.full or chance.random() < 0.03
        transport = Http1Transport()
        liveness = SharedLiveness(name, gone, lambda: chance.random() < 0.1)
        hub = CallContext(
            storage=storage,
            book=ShippedBook(),
            vault=vault,
            providers=PatientProviders(
                transport, {}, vault, {dialect.name: dialect for dialect in (OPENAI, ANTHROPIC)}
            ),
            clock=clock,
            calendar=ZoneCalendar(),
            ids=ImpatientIds(),
            liveness=liveness,
            telemetry=SilentTelemetry(),
            billed=True,
            payment_link=None,
            upstream_timeout_ms=UPSTREAM_TIMEOUT_MS,
            retries_max=1,
            body_bytes_max=2**20,
        )
        return cls(name, hub, storage, transport, liveness, gone)

    def is_dead(self) -> bool:
        """Whether it has crashed."""
        return self._storage.dead

    @property
    def refused(self) -> int:
        """How many decisions the books refused it."""
        return self._storage.refused

    def crash(self) -> None:
        """Be gone, from one instant to the next."""
        self._storage.die()
        self._gone.add(self.name)
        for scope in self.running:
            scope.cancel()

    def seem_dead(self) -> None:
        """Let all others take it for gone, though it lives."""
        self._gone.add(self.name)

    async def bury(self) -> None:
        """Give back what the operating system would."""
        await self.hub.unsettled.close(0)
        await self._transport.aclose()
        await self._storage.aclose()

    def fail_when(self, faults: Callable[[], bool]) -> None:
        """Ask this before every decision whether the books are to be found busy."""
        self._storage.faults = faults

    def forget_when(self, forgets: Callable[[], bool]) -> None:
        """Ask this after every decision whether its answer is to be lost."""
        self._storage.forgets = forgets

    def know_who_lives(self) -> None:
        """From now on it is always known whether a process lives."""
        self._liveness.doubts = lambda: False
