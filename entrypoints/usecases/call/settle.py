"""The third stage of a call: its hold is closed in the books, exactly once, however the call ends.

A hang-up does not cancel a settlement, and a settlement has its own deadline, so neither a caller who leaves nor a
blocked disk cancels a bill. A settlement that the books do not accept in time goes on the process's list of unsettled
calls.
"""

import logging
from collections.abc import Callable
from functools import partial

import anyio

from domain.billing.late_settlement import settle_late_too
from domain.billing.metering import Meter, uncounted_input
from domain.billing.plan import Affordable
from domain.billing.settlement import Outcome, Settlement
from domain.books.rows import Ending, Hold
from domain.books.scopes import SettleFacts, SettleScope
from domain.failures import Failure
from entrypoints.usecases.call.admission import shielded
from entrypoints.usecases.call.ask import Ask
from entrypoints.usecases.call.attempts import Attempts
from entrypoints.usecases.call.call_event import report
from entrypoints.usecases.call.kept_answer import KeptAnswer
from entrypoints.usecases.call.learning import learn_usage
from entrypoints.usecases.call_context import CallContext
from ports.books import CommitUnknown, StorageError
from ports.telemetry import Timings

SETTLE_DEADLINE_S = 10
# The pause before a settlement is tried again whose result is not known.
_PAUSE_S = 0.05

_log = logging.getLogger("aihub")


def ending_of(failure: Failure) -> Ending:
    """The ending of a call that failed in this way."""
    return "timed_out" if failure.kind == "timed_out" else "provider_failed"


class CallSettlement:
    """The settlement of one call. `settled` is the durable settlement, None until then; `settled_us` is monotonic.

    `is_begun` is true from the first try on, `is_unknown` where a try may have settled the call and no answer came.
    """

    __slots__ = (
        "_answer_is_withheld",
        "_ask",
        "_attempts",
        "_context",
        "_hold",
        "_otherwise",
        "is_begun",
        "is_unknown",
        "settled",
        "settled_us",
    )

    def __init__(self, context: CallContext, ask: Ask, hold: Hold, attempts: Attempts) -> None:
        self.settled: Settlement | None = None
        self.settled_us = attempts.planned_us
        self.is_begun = self.is_unknown = False
        self._context = context
        self._ask = ask
        self._hold = hold
        self._attempts = attempts
        self._answer_is_withheld = False
        # How the call ends if it is not settled before `close`.
        self._otherwise: tuple[Ending, str | None] = (
            "client_disconnected",
            "the caller closed the connection before the answer was whole",
        )

    async def settle(self, ending: Ending, error: str | None, meter: Meter, kept: KeptAnswer | None = None) -> bool:
        """Close the hold in the books. `kept` is the complete answer, where it is kept for an Idempotency-Key.

        False if that did not become durable in time: then `close` tries again. False, too, if an answer is complete
        but another process has ended its call, taking this process for dead: it must not be sent uncharged.
        """
        self.is_begun = True
        if ending != "completed":
            self._otherwise = (ending, error)
        context = self._context
        outcome, now_ms = self._outcome(ending, error, meter, kept), context.clock.now_ms()
        scope = SettleScope(call_id=outcome.call_id, user_id=outcome.user_id, caller_id=outcome.caller_id)

        def rule(facts: SettleFacts) -> Settlement:
            return settle_late_too(facts, outcome, now_ms)

        begun_us = context.clock.monotonic_us()
        decision = context.storage.decide(scope, rule, SETTLE_DEADLINE_S)
        try:
            try:
                self.settled = await shielded(self._ask.call, decision)
            except CommitUnknown:
                self.is_unknown = True
                self.settled = await shielded(self._ask.call, self._found_out(scope, rule, begun_us))
        except StorageError:
            return False
        except Exception:
            _log.exception("call %s could not be settled", self._hold.id)
            return False
        self.settled_us = context.clock.monotonic_us()
        learn_usage(context, self.settled)
        # Nobody else ends this call as completed: then it was settled by a try whose answer did not come.
        is_ours = self.settled.call is not None and self.settled.call.ending == "completed"
        return ending != "completed" or is_ours or not self.settled.already

    async def _found_out(
        self, scope: SettleScope, rule: Callable[[SettleFacts], Settlement], begun_us: int
    ) -> Settlement:
        """Settle again after a try whose result is not known, as long as there is time. StorageError after that."""
        clock, storage = self._context.clock, self._context.storage
        while True:
            left_s = SETTLE_DEADLINE_S - (clock.monotonic_us() - begun_us) / 1_000_000
            try:
                return await storage.decide(scope, rule, max(left_s, 0))
            except StorageError:
                if left_s < _PAUSE_S:
                    raise
            await anyio.sleep(_PAUSE_S)

    def answer_withheld(self) -> None:
        """The call could not be settled, so nothing of its answer was sent: `close` charges nothing."""
        self._answer_is_withheld = True
        self._otherwise = ("lost", "the call could not be settled, so its answer was not given out")

    def end_withheld(self) -> None:
        """The call could not be settled, so all but the end of its answer was sent: `close` charges for that."""
        self._otherwise = ("provider_failed", "the call could not be settled, so its end was not given out")

    async def close(self, meter: Meter) -> None:
        """Settle the call if it is not settled yet: its caller has left, or the books refused before."""
        context = self._context
        try:
            if self.settled is None:
                await self.settle(*self._otherwise, meter)
        finally:
            telemetry, operation, timings = context.telemetry, self._ask.call.operation, self._timings()
            if self.settled is not None:
                report(telemetry, operation, timings, self._attempts.trace, self.settled)
            else:
                outcome = self._outcome(*self._otherwise, meter, None)
                late = partial(report, telemetry, operation, timings, self._attempts.trace)
                context.unsettled.keep(context.storage, outcome, context.clock.now_ms(), late)

    def _outcome(self, ending: Ending, error: str | None, meter: Meter, kept: KeptAnswer | None) -> Outcome:
        """The outcome of the call, as far as the books need it."""
        attempts, call = self._attempts, self._ask.call
        entry: Affordable | None = attempts.served
        if self._answer_is_withheld:
            entry, meter = None, Meter()
        candidate = entry.candidate if entry is not None else None
        target = candidate.target if candidate is not None else None
        rate = candidate.served.rate if candidate is not None else None
        return Outcome(
            call_id=self._hold.id,
            user_id=self._hold.payer_id,
            caller_id=self._hold.user_id if self._hold.wallet_id is not None else None,
            ending=ending,
            meter=meter,
            input_tokens=uncounted_input(meter, call, rate) if entry is not None else 0,
            pieces=call.pieces,
            size=call.size,
            quality=call.quality,
            attempts=tuple(attempts.records),
            served=target,
            rate=rate,
            price=self._context.price_at(target.provider, target.model, self._hold.started_ms) if target else None,
            first_byte_ms=(attempts.first_us - attempts.planned_us) // 1000 if attempts.answer is not None else None,
            error=error,
            status=kept.status if kept is not None else 0,
            content_type=kept.content_type if kept is not None else "",
            answer=kept.sealed(self._context.vault) if kept is not None else None,
            low_balance_nanos=self._context.policy.low_balance_nanos,
        )

    def _timings(self) -> Timings:
        attempts = self._attempts
        began_us, now_us = attempts.planned_us, self._context.clock.monotonic_us()
        return Timings(
            first_chunk_us=attempts.first_us - began_us if attempts.answer is not None else None,
            settled_us=self.settled_us - began_us if self.settled is not None else None,
            ended_us=now_us - began_us,
        )
