"""A call from its admission to its settlement.

    admission    one transaction checks the key and the wallet and writes the hold
    attempts     providers are asked until one answer has its first chunk; fallback ends there
    relay        chunks go to the caller while the meter reads along
    settle       one transaction captures the charge and gives the rest back, before the terminal bytes leave

Each of the last three has a small state of its own; `LiveCall` composes them and ends the call on time.
"""

import asyncio

import anyio
import msgspec

from domain.billing.metering import Meter
from domain.billing.plan import Plan, Replay
from domain.limits.reserve import RateStanding
from domain.refusals import Refusal
from entrypoints.usecases.call.admission import admit
from entrypoints.usecases.call.ask import Ask
from entrypoints.usecases.call.attempts import Attempts
from entrypoints.usecases.call.deadline import LATE, Deadline
from entrypoints.usecases.call.first_chunk import Begun
from entrypoints.usecases.call.kept_answer import KeptAnswer
from entrypoints.usecases.call.relay import Relay
from entrypoints.usecases.call.renderer import RendererOf
from entrypoints.usecases.call.settle import CallSettlement, ending_of
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.sealed_identities import answer_row


class Replayed(msgspec.Struct, frozen=True):
    """The answer of an earlier call with the same Idempotency-Key."""

    call_id: str
    status: int
    content_type: str
    body: bytes
    charge_nanos: int


async def admitted_call(context: CallContext, ask: Ask) -> "LiveCall | Replayed | Refusal":
    """Admit the call. A `LiveCall` holds credit, and must be closed; the other results hold none."""
    context.running.add(ask.call_id)  # Before it is in the books: what is open there but not here has no owner.
    live = False
    try:
        admitted = await admit(context, ask)
        if isinstance(admitted, Plan):
            live = True
            return LiveCall(context, ask, admitted)
        if not isinstance(admitted, Replay):
            return admitted
        kept = admitted.kept
        body = context.vault.unseal(kept.answer or b"", answer_row(kept.user_id, kept.key))
        return Replayed(kept.call_id, kept.status, kept.content_type, body, admitted.charge_nanos)
    finally:
        if not live:
            context.running.discard(ask.call_id)


class LiveCall:
    """One call that holds credit, until `close`: it is settled exactly once, at its deadline at the latest."""

    __slots__ = ("_context", "_deadline", "_ended_late", "_plan", "_relay", "ask", "attempts", "settlement")

    def __init__(self, context: CallContext, ask: Ask, plan: Plan) -> None:
        self.ask = ask
        self._context = context
        self._plan = plan
        duration_ms = plan.hold.deadline_ms - plan.hold.started_ms
        self._deadline = Deadline(self, duration_ms, context.write_timeout_ms, context.looks)
        self.attempts = Attempts(context, ask, plan, self._deadline)
        self.settlement = CallSettlement(context, ask, plan.hold, self.attempts)
        self._relay: Relay | None = None
        self._ended_late: asyncio.Task[None] | None = None

    @property
    def rates(self) -> tuple[RateStanding, ...]:
        """What is left of the caller's limits."""
        return self._plan.rates

    @property
    def given(self) -> int:
        """The number of pieces of a stream that the caller was given."""
        return self._relay.given if self._relay is not None else 0

    async def open(self, renderer_of: RendererOf) -> Relay | Refusal:
        """Attempt until one answer begins, and be ready to relay it; the last failure, settled, if none does."""
        begun = await self.attempts.first_chunk()
        if not isinstance(begun, Begun):
            await self.settlement.settle(ending_of(begun.failure), begun.failure.message, Meter())
            return begun
        served, answer = self.attempts.served, self.attempts.answer
        assert served is not None
        assert answer is not None
        renderer, kept = renderer_of(served, answer), None
        if self.ask.idempotency_key is not None:
            kept = KeptAnswer(self._plan.hold, self.ask.call.operation, answer.status, renderer.content_type)
        self._relay = Relay(begun, renderer, self.attempts, self.settlement, self._deadline, kept)
        return self._relay

    def late(self) -> None:
        """The deadline passed while a piece was on its way to the caller, who may never take it: end the call now."""
        if self._relay is not None and not self.settlement.is_begun:
            self._ended_late = asyncio.get_running_loop().create_task(self._end_late(self._relay))

    def stalled(self) -> None:
        """The caller reads nothing any more, so it counts as gone; but not while the books are slow to settle."""
        is_settling = self.settlement.is_begun and self.settlement.settled is None
        if self.ask.leave is not None and self._relay is not None and not is_settling:
            self.ask.leave()

    async def close(self) -> None:
        """Close the provider's connection, settle the call if it is not settled yet, and report it."""
        self._deadline.stop()
        try:
            try:
                if self._ended_late is not None:
                    with anyio.CancelScope(shield=True):
                        await asyncio.wait({self._ended_late})
                await self.attempts.hang_up()
            finally:
                await self.settlement.close(self._relay.meter if self._relay is not None else Meter())
        finally:
            self._context.running.discard(self.ask.call_id)

    async def _end_late(self, relay: Relay) -> None:
        try:
            await self.attempts.hang_up()
        finally:
            await self.settlement.settle("timed_out", LATE.message, relay.meter)
