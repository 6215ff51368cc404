"""A whole world by seed: users and their callers, operators who change things, providers, and processes that die.

The seed decides what everybody wants and when; how it interleaves is the machine's own. So a seed that fails says
where to look, and may have to be run a few times.
"""

import itertools
import random
from pathlib import Path
from types import TracebackType
from typing import Self

import anyio
import anyio.abc
import anyio.to_thread
import msgspec

from adapters.vault import MasterKeyVault
from domain.accounts.rows import ApiKey
from domain.billing.verification import Totals
from domain.ledger.rows import Grant
from domain.management.changes import Changed
from domain.pricing.tiers import UnitPrices
from entrypoints.usecases.manage.credit import grant
from entrypoints.usecases.manage.keys import Minted, create_key, revoke
from entrypoints.usecases.manage.maintenance import sweep, verify
from entrypoints.usecases.manage.providers import create_provider
from entrypoints.usecases.manage.rates import Prices, put_rate
from entrypoints.usecases.manage.stats_proof import prove
from entrypoints.usecases.manage.users import create_user
from ports.books import StorageError
from tests.simulation.auditor import Books, CallRow, Price, audit, prices
from tests.simulation.caller import Response, Wish, any_script, call
from tests.simulation.process import Disk, MortalBooks, MortalStorage, Process, SteppedClock
from tests.support.journal_order import watch
from tests.system.raw_client import ANTHROPIC, OPENAI
from tests.system.scripted_provider import ScriptedProvider

BY = "simulation"
USERS = ("ann", "bob", "cyd")
POOR = "dee"  # can never afford anything
PROVIDERS = {"one": "openai", "two": "anthropic"}
PROCESSES = 3
AT_ONCE = 24
CONTEXT, OUTPUT_MAX = 2_000, 300
MILLION = 10**6
STEP_MS = 2 * 3_600_000


class Key(msgspec.Struct, kw_only=True):
    """An API key of a user; `revoked_ms` is when the command that revoked it returned."""

    id: str
    user: str
    secret: str
    revoked_ms: int | None = None


class World:
    """Everything that happens to one data directory. `processes` are alive; `received` is what all callers were reported."""

    def __init__(self, data_dir: Path, provider: ScriptedProvider, seed: int) -> None:
        self.received: list[Response] = []
        self.keys: list[Key] = []
        self.crashes = 0
        self.data_dir = data_dir
        self._provider = provider
        self._seed = seed
        self._chance = random.Random(seed)
        self._vault = MasterKeyVault([self._chance.randbytes(32)])
        self._gone: set[str] = set()
        self.clock, self.disk = SteppedClock(), Disk()
        self.steps = self.fills = 0
        self.processes: list[Process] = []
        self._dead: list[Process] = []
        self._wishes: list[Wish] = []
        self._numbers = itertools.count()

    async def __aenter__(self) -> Self:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        for _ in range(PROCESSES):
            await self._start_process()
        self.watch()
        await self._found()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in (*self.processes, *self._dead):
            await process.bury()

    # --- what depends on the engine ---

    async def opened(self) -> MortalBooks:
        """The books, opened for one more process."""
        storage = await MortalStorage.open(self.data_dir / "aikit.db", synchronous="NORMAL")
        assert isinstance(storage, MortalStorage)
        return storage

    def watch(self) -> None:
        """Write down the order of all lines from now on."""
        watch(self.data_dir)

    def audit(self) -> Books:
        """Prove the books as of now."""
        return audit(self.data_dir)

    def prices(self) -> dict[str, Price]:
        """Every version of every rate."""
        return prices(self.data_dir)

    # --- what happens ---

    async def run(self, calls: int) -> Totals:
        """Let so many more callers loose, then let the survivors tidy up and prove the books."""
        limit = anyio.CapacityLimiter(AT_ONCE)
        async with anyio.create_task_group() as crowd:
            for number in itertools.islice(self._numbers, calls):
                await limit.acquire_on_behalf_of(number)
                crowd.start_soon(self._one_call, number, limit)
                if number % calls == calls // 2:
                    await self._crash(self.processes[0])
                elif self._chance.random() < 0.2:
                    self.disk.full = False
                    await self._something_happens()
            # A duplicate request waits for the call before it, which cannot be settled while the disk is full.
            self.disk.full = False
        return await self._reckon()

    async def _one_call(self, number: int, limit: anyio.CapacityLimiter) -> None:
        try:
            process, wish = self._chance.choice(self.processes), self._any_wish(number)
            self.received.append(await call(process, wish))
        finally:
            limit.release_on_behalf_of(number)

    def _any_wish(self, number: int) -> Wish:
        """A new wish, or an old one again under its Idempotency-Key, sometimes with another body."""
        chance = self._chance
        keyed = [wish for wish in self._wishes if wish.key]
        if keyed and chance.random() < 0.25:
            old = chance.choice(keyed)
            if chance.random() < 0.8:
                return old
            return msgspec.structs.replace(old, cap=(old.cap or 0) + 1)
        key = chance.choice(self.keys)
        wish = Wish(
            user=key.user,
            secret=key.secret,
            path=chance.choice([OPENAI, ANTHROPIC]),
            script=any_script(chance, f"{self._seed}-{number}"),
            model=chance.choice(["m", "m", "one/m", "two/m"]),
            stream=chance.random() < 0.6,
            cap=chance.randrange(1, OUTPUT_MAX),
            key=f"key-{number}" if chance.random() < 0.3 else None,
            leaves_after=chance.randrange(1, 8) if chance.random() < 0.2 else None,
            pause=chance.randrange(1, 8) if chance.random() < 0.05 else None,
        )
        if wish.path == OPENAI and chance.random() < 0.4:
            wish = msgspec.structs.replace(wish, cap=None)
        self._wishes.append(wish)
        return wish

    async def _something_happens(self) -> None:
        """A crash, a grant, a rate, a key, a sweep, an audit, a step of the clock, or a disk that is full until the next.

        An operator whom the books refuse gives up.
        """
        process = self._chance.choice(self.processes)
        try:
            match self._chance.randrange(11):
                case 0 | 1:
                    await self._crash(process)
                case 2 | 3:
                    await self._grant(process, self._chance.choice(USERS))
                case 4:
                    await self._set_rate(process, self._chance.choice(list(PROVIDERS)))
                case 5:
                    await self._change_keys(process)
                case 6:
                    await sweep(process.hub.storage, process.hub.liveness, process.hub.clock)
                case 7 | 8:
                    self.clock.offset_ms = self._chance.choice([-STEP_MS, 0, STEP_MS])
                    self.steps += 1
                case 9:
                    self.disk.full = True
                    self.fills += 1
                case _:
                    await anyio.to_thread.run_sync(self.audit)
        except StorageError:
            return

    async def _crash(self, process: Process) -> None:
        self.processes.remove(process)
        self._dead.append(process)
        process.crash()
        self.crashes += 1
        await self._start_process()

    def has_died(self, row: CallRow, received: Response) -> bool:
        """Whether the process that was asked has crashed."""
        return received.by in {process.name for process in self._dead}

    @property
    def refused(self) -> int:
        """How many decisions the books refused."""
        return sum(process.refused for process in (*self.processes, *self._dead))

    async def _start_process(self) -> None:
        name = f"process-{len(self.processes) + len(self._dead)}"
        self.processes.append(
            await Process.start(name, await self.opened(), self._vault, self._gone, self._chance, self.clock, self.disk)
        )

    async def _found(self) -> None:
        """The world's beginning, on books that can be written."""
        process = self.processes[0]
        process.fail_when(lambda: False)
        for name, dialect in PROVIDERS.items():
            assert isinstance(await create_provider(process.hub, BY, name, dialect, self._provider.base_url), Changed)
            await self._set_rate(process, name)
        for user in USERS:
            await create_user(process.hub, BY, user, "guest")
            await self._credit(process, user, None)
            await self._new_key(process, user)
        await create_user(process.hub, BY, POOR, "guest")
        await self._new_key(process, POOR)

    async def _grant(self, process: Process, user: str) -> None:
        """Credit for a few calls; some of it expires while calls hold it."""
        await self._credit(process, user, self._chance.choice([None, self._chance.randrange(20, 2_000)]))

    async def _credit(self, process: Process, user: str, expires_in_ms: int | None) -> None:
        nanos, priority = self._chance.randrange(1 * MILLION, 15 * MILLION), self._chance.randrange(3)
        made = await grant(process.hub, BY, user, nanos, expires_in_ms, priority)
        assert isinstance(made, Changed)
        assert isinstance(made.row, Grant)

    async def _set_rate(self, process: Process, provider: str) -> None:
        prices = Prices(
            units=UnitPrices(
                input_nanos=self._chance.randrange(200, 1_000) * MILLION,
                output_nanos=self._chance.randrange(500, 3_000) * MILLION,
            ),
            context_tokens=CONTEXT,
            output_tokens_max=OUTPUT_MAX,
        )
        assert isinstance(await put_rate(process.hub, BY, f"{provider}/m", prices), Changed)

    async def _new_key(self, process: Process, user: str) -> None:
        minted = await create_key(process.hub, BY, user, "")
        assert isinstance(minted, Minted)
        assert isinstance(minted.key, ApiKey)
        self.keys.append(Key(id=minted.key.id, user=user, secret=minted.text))

    async def _change_keys(self, process: Process) -> None:
        """A user's newest key is revoked, after the user was given another."""
        old = [key for key in self.keys if key.revoked_ms is None][-1]
        await self._new_key(process, old.user)
        await revoke(process.hub, BY, old.id)
        old.revoked_ms = process.hub.clock.monotonic_us() // 1000

    async def _reckon(self) -> Totals:
        survivor = self.processes[0]
        self.disk.full = False
        for process in self.processes:
            process.fail_when(lambda: False)
            process.know_who_lives()
            await process.hub.unsettled.drained()
        await sweep(survivor.hub.storage, survivor.hub.liveness, survivor.hub.clock)
        totals = await verify(survivor.hub.storage)
        proof, _ = await prove(survivor.hub.storage)
        assert proof.first_difference() is None, "the sums of usage are not those of the calls"
        assert isinstance(totals, Totals), totals
        return totals
