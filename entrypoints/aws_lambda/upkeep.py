"""What a serving process does every few seconds, done only while an invocation runs.

Lambda freezes the process as soon as it has no invocation, and a transaction that was frozen half-way would keep its
locks. So the timer runs from the start of an invocation to the end of the last that overlaps it, and its last round is
waited for.
"""

import asyncio
import logging
from types import TracebackType

from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.maintenance import SWEEP_EVERY_S, keep_in_order

UPKEEP = "regular sweep"
"""The name of the task that makes the rounds."""

_log = logging.getLogger("aihub")


class Upkeep:
    """A block for each invocation; rounds are made every `every_s` seconds while at least one is entered."""

    def __init__(self, hub: CallContext, every_s: float = SWEEP_EVERY_S) -> None:
        self._hub = hub
        self._every_s = every_s
        self._running = 0
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        self._running += 1
        if self._running == 1:
            self._stop = asyncio.Event()
            self._task = asyncio.get_running_loop().create_task(self._rounds(self._stop), name=UPKEEP)
            await self._hub.liveness.resume()  # Lambda may have frozen the process for hours.

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running -= 1
        if self._running == 0 and self._task is not None:
            self._stop.set()
            await self._task

    async def _rounds(self, stop: asyncio.Event) -> None:
        while True:
            try:
                async with asyncio.timeout(self._every_s):
                    await stop.wait()
                return
            except TimeoutError:
                await self._round()

    async def _round(self) -> None:
        try:
            await keep_in_order(self._hub)
        except Exception as problem:
            _log.error("the sweep failed and is tried again: %r", problem)
