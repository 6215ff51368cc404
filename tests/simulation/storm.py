"""A hub of real processes in trouble, and callers who go on through all of it.

`World` has everything in one process, so that its seeds say much; here workers are killed, run out of descriptors, lose
their life signs and see their clock stepped, over sockets and on the file system. What the callers received is held
against the books by the same laws.
"""

import asyncio
import contextlib
import os
import random
import resource
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from tests.simulation.auditor import Books, CallRow, Price, audit, prices, read
from tests.simulation.caller import Response, Wish, any_script
from tests.simulation.world import OUTPUT_MAX, STEP_MS, Key
from tests.support.figures import FAULT
from tests.support.hub import HubProcess
from tests.support.stepped_hub import step
from tests.system.raw_client import ANTHROPIC, OPENAI, Dropped, connected
from tests.system.users import Person

CALLERS = 12
FEW_DESCRIPTORS = 3
KNOCK_S, ANSWER_S, TRIES_MAX = 0.02, 60, 2_000
WAITS_S = (0.05, 0.4)
PAGE = 4_096

Trouble = Callable[[], Awaitable[None]]


class Storm:
    """Callers of one hub with two providers, `openai-stub/m` and `anthropic-stub/m`, and what happens to it meanwhile."""

    def __init__(self, hub: HubProcess, people: list[Person], clock: Path, seed: int | str) -> None:
        self.received: list[Response] = []
        self.keys = [Key(id=one.key_id, user=one.name, secret=one.key) for one in people]
        self.troubles: Counter[str] = Counter()
        self.hub = hub
        self._clock = clock
        self._chance = random.Random(seed)
        self._killed: set[int] = set()
        self._wishes: list[Wish] = []
        self._stopping = False

    @property
    def figures(self) -> dict[str, int]:
        """Requests, kills and faults by kind."""
        kills = self.troubles["hubs killed"] + self.troubles["workers killed"]
        left = sum(received.left for received in self.received)
        faults = {**self.troubles, "callers who left": left}
        counted = {FAULT + kind: count for kind, count in faults.items()}
        return {"requests": len(self.received), "kills": kills, **counted}

    def audit(self) -> Books:
        """Prove the books as of now."""
        return audit(self.hub.data_dir)

    def prices(self) -> dict[str, Price]:
        """Every version of every rate."""
        return prices(self.hub.data_dir)

    def has_died(self, row: CallRow, received: Response) -> bool:
        """Whether the process that made the call was killed."""
        return row.owner is not None and int(row.owner.removeprefix("w").partition("-")[0]) in self._killed

    @property
    def all_troubles(self) -> list[Trouble]:
        """What may happen to a hub on any disk."""
        return [self.kill_hub, self.kill_worker, self.take_descriptors, self.remove_life_signs, self.step_clock]

    async def rage(self, troubles: Sequence[Trouble], is_enough: Callable[[], bool]) -> None:
        """Each trouble under load, in any order, until it is enough; afterwards the hub has all that it needs."""
        callers = [asyncio.create_task(self._call_on(n)) for n in range(CALLERS)]
        while not is_enough():
            for trouble in self._chance.sample(troubles, len(troubles)):
                await asyncio.sleep(self._chance.uniform(*WAITS_S))  # chance itself: it waits for nothing
                await trouble()
                await self._somebody_is_answered(callers)
        self._stopping = True
        step(self._clock, 0)
        await asyncio.gather(*callers)
        await asyncio.to_thread(self.hub.cli, "sweep")
        await self._all_settled()

    async def _all_settled(self) -> None:
        """Return once no call is open: a process needs a moment to notice that its caller has left."""
        for _ in range(TRIES_MAX):
            if all(call.ending is not None for call in read(self.hub.data_dir).calls.values()):
                return
            await asyncio.sleep(KNOCK_S)
        raise AssertionError("calls are still open")

    async def _somebody_is_answered(self, callers: list[asyncio.Task[None]]) -> None:
        whole = sum(received.is_whole for received in self.received)
        for _ in range(TRIES_MAX):
            for caller in callers:
                if caller.done():
                    caller.result()
            if sum(received.is_whole for received in self.received) > whole:
                return
            await asyncio.sleep(KNOCK_S)
        raise AssertionError("nobody is answered any more")

    # --- trouble ---

    async def kill_hub(self) -> None:
        self._killed |= self.hub.worker_pids()
        await asyncio.to_thread(self.hub.kill)
        await asyncio.to_thread(self.hub.start)
        self.troubles["hubs killed"] += 1

    async def kill_worker(self) -> None:
        """One of several; the supervisor starts another."""
        pid = self._chance.choice(sorted(self.hub.worker_pids()))
        self._killed.add(pid)
        os.kill(pid, signal.SIGKILL)
        self.troubles["workers killed"] += 1

    async def take_descriptors(self) -> None:
        """No worker can open anything for a moment. What it has open it keeps."""
        limits: dict[int, tuple[int, int]] = {}
        for pid in self.hub.worker_pids():
            with contextlib.suppress(ProcessLookupError):  # One that is still starting ends without descriptors.
                soft, hard = limits[pid] = resource.prlimit(pid, resource.RLIMIT_NOFILE)
                resource.prlimit(pid, resource.RLIMIT_NOFILE, (min(soft, FEW_DESCRIPTORS), hard))
        await asyncio.sleep(self._chance.uniform(*WAITS_S))
        for pid, limit in limits.items():
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)
        self.troubles["descriptors that ran out"] += 1

    async def remove_life_signs(self) -> None:
        """A cleaner removes the files that show who lives; then the commands of an operator sweep."""
        for file in (self.hub.data_dir / "workers").iterdir():
            file.unlink(missing_ok=True)
        await asyncio.to_thread(self.hub.cli, "sweep")
        self.troubles["life signs removed"] += 1

    async def fill_disk(self, seconds: float) -> None:
        """Nothing can be written for so long, and then again; the books must be on a small disk of their own."""
        ballast = self.hub.data_dir / "ballast"
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(PAGE))
        await asyncio.sleep(seconds)
        ballast.unlink()
        self.troubles["full disks"] += 1

    async def step_clock(self) -> None:
        """Two hours forward or back from the machine's clock, or to it."""
        step(self._clock, self._chance.choice([-STEP_MS, 0, STEP_MS]))
        self.troubles["steps of the clock"] += 1

    # --- callers ---

    async def _call_on(self, number: int) -> None:
        chance = random.Random(self._chance.random())
        for count in range(10**6):
            if self._stopping:
                return
            received = await self._call(self._any_wish(f"{number}-{count}", chance))
            if not received.status:
                await asyncio.sleep(KNOCK_S)

    def _any_wish(self, name: str, chance: random.Random) -> Wish:
        """A new wish, or one with an Idempotency-Key again."""
        keyed = [wish for wish in self._wishes[-200:] if wish.key]
        if keyed and chance.random() < 0.25:
            return chance.choice(keyed)
        key = chance.choice(self.keys)
        stream = chance.random() < 0.6
        wish = Wish(
            user=key.user,
            secret=key.secret,
            path=chance.choice([OPENAI, ANTHROPIC]),
            script=any_script(chance, name),
            model=chance.choice(["openai-stub/m", "anthropic-stub/m"]),
            stream=stream,
            cap=chance.randrange(1, OUTPUT_MAX),
            key=f"key-{name}" if chance.random() < 0.3 else None,
            leaves_after=chance.randrange(1, 8) if stream and chance.random() < 0.2 else None,
        )
        self._wishes.append(wish)
        return wish

    async def _call(self, wish: Wish) -> Response:
        """One request on a connection of its own, and all that was received of it."""
        received = Response(wish=wish, by="", requested_ms=0)
        headers = {"idempotency-key": wish.key} if wish.key else {}
        try:
            async with asyncio.timeout(ANSWER_S), connected(self.hub.port) as line:
                await line.send("POST", wish.path, wish.secret, wish.body(), headers)
                received.status, received.headers = await line.head()
                pieces = 0
                while (piece := await line.piece()) is not None:
                    received.body += piece
                    pieces += 1
                    if pieces == wish.leaves_after and received.status == 200:
                        received.left = True
                        break
                received.ended = not received.left
        except (Dropped, OSError):
            pass
        self.received.append(received)
        return received
