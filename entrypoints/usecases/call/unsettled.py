"""Calls that ended while the books could not be written: kept by their process and settled as soon as possible.

A disk that is full for a while must neither give an answer away nor keep a customer's credit held. So calls that could
not be settled stay in one list per process, which is tried again for as long as the process lives. While the list is
full no new call is admitted, and a clean stop waits for it, up to a limit.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from domain.billing.late_settlement import settle_late_too
from domain.billing.settlement import Outcome, Settlement
from domain.books.scopes import SettleFacts, SettleScope
from ports.books import Storage

KEPT_MAX = 1_000
TRY_WITHIN_S = 10
# The pause after a failed try: short at first, since most disk errors pass quickly.
PAUSE_FIRST_S, PAUSE_MAX_S = 0.05, 1.0

_log = logging.getLogger("aihub")


class _Ended(NamedTuple):
    storage: Storage
    outcome: Outcome
    ended_ms: int
    report: Callable[[Settlement], None]


class Unsettled:
    """The ended calls of one process that are not in the books yet. `settled` counts those that were settled late."""

    def __init__(self) -> None:
        self.settled = 0
        self._kept: OrderedDict[str, _Ended] = OrderedDict()
        self._task: asyncio.Task[None] | None = None
        self._reported: set[str] = set()

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, call_id: object) -> bool:
        return call_id in self._kept

    @property
    def is_full(self) -> bool:
        """Whether no new call may be admitted. Calls that run already are still kept when they end."""
        return len(self._kept) >= KEPT_MAX

    def keep(
        self,
        storage: Storage,
        outcome: Outcome,
        ended_ms: int,
        report: Callable[[Settlement], None] = lambda _: None,
    ) -> None:
        """Settle the call by this outcome once the books can be written, and report that then."""
        self._kept[outcome.call_id] = _Ended(storage, outcome, ended_ms, report)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._settle_all(), name="late settlements")

    async def drained(self, within_s: float | None = None) -> None:
        """Return when nothing is left, or after `within_s` seconds; calls that are left then stay in the list."""
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=within_s)

    async def close(self, within_s: float) -> None:
        """Wait at most `within_s` seconds for the calls that are left, then leave them to the sweep."""
        await self.drained(within_s)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._kept:
            _log.error(
                "%d calls could not be settled before the hub stopped: the next sweep ends them as lost, uncharged",
                len(self._kept),
            )

    async def _settle_all(self) -> None:
        """Take turns until nothing is left: a call that the books refuse must not block the others."""
        pause_s = PAUSE_FIRST_S
        while self._kept:
            call_id, ended = next(iter(self._kept.items()))
            settlement = await self._settled(ended)
            if settlement is not None:
                del self._kept[call_id]
                self._reported.discard(call_id)
                self.settled += 1
                pause_s = PAUSE_FIRST_S
                ended.report(settlement)
            else:
                self._kept.move_to_end(call_id)
                await asyncio.sleep(pause_s)
                pause_s = min(PAUSE_MAX_S, pause_s * 2)

    async def _settled(self, ended: "_Ended") -> Settlement | None:
        outcome = ended.outcome

        def rule(facts: SettleFacts) -> Settlement:
            return settle_late_too(facts, outcome, ended.ended_ms)

        try:
            scope = SettleScope(call_id=outcome.call_id, user_id=outcome.user_id, caller_id=outcome.caller_id)
            return await ended.storage.decide(scope, rule, TRY_WITHIN_S)
        except Exception as problem:  # Whatever it is, the call is not settled, and nothing else may stop this task.
            self._log_once(outcome.call_id, problem)
            return None

    def _log_once(self, call_id: str, problem: Exception) -> None:
        """Log once for each call why it is not settled yet."""
        if call_id not in self._reported:
            self._reported.add(call_id)
            _log.error("call %s is not settled yet and is tried again: %r", call_id, problem)
