"""A chat call from its plan to its settlement: hold, attempt, relay, settle.

    plan     one transaction checks the key and the wallet and writes the hold
    open     attempts, until one brings a first piece of an answer; fallback ends there
    relay    pieces go to the caller while the meter reads along
    settle   one transaction captures the charge and gives the rest back, before the terminal bytes leave

The first is `admission`'s, the others are `live_call`'s.
"""

from types import TracebackType

import msgspec

from domain.billing.plan import Plan, Replay
from domain.refusals import Refusal
from entrypoints.usecases.call.admission import Ask, admit
from entrypoints.usecases.call.live_call import LiveCall
from entrypoints.usecases.call.renderer import RendererOf
from entrypoints.usecases.sealed_identities import answer_row
from entrypoints.usecases.serving_context import CallContext


class Refused(msgspec.Struct, frozen=True):
    """The call was not made, or no attempt at it gave an answer; nothing is held any more."""

    refusal: Refusal
    call_id: str


class Replayed(msgspec.Struct, frozen=True):
    """The answer of an earlier call with the same Idempotency-Key."""

    call_id: str
    status: int
    content_type: str
    body: bytes
    charge_nanos: int


class Chat:
    """The call as a context: inside, a `LiveCall` has its first piece; leaving it settles what is not settled.

    A class, because a generator that is a context costs each call more than its plan does.
    """

    __slots__ = ("_ask", "_hub", "_live", "_renderer_of")

    def __init__(self, hub: CallContext, ask: Ask, renderer_of: RendererOf) -> None:
        self._hub = hub
        self._ask = ask
        self._renderer_of = renderer_of
        self._live: LiveCall | None = None

    async def __aenter__(self) -> "LiveCall | Refused | Replayed":
        hub, ask = self._hub, self._ask
        hub.running.add(ask.call_id)  # Before it is in the books: what is open there and not here, nobody will settle.
        try:
            made = await self._made()
        except BaseException:
            hub.running.discard(ask.call_id)
            raise
        if self._live is None:
            hub.running.discard(ask.call_id)
        return made

    async def _made(self) -> "LiveCall | Refused | Replayed":
        hub, ask = self._hub, self._ask
        admitted = await admit(hub, ask)
        if isinstance(admitted, Replay):
            kept = admitted.kept
            body = hub.vault.unseal(kept.answer or b"", answer_row(kept.user_id, kept.key))
            return Replayed(kept.call_id, kept.status, kept.content_type, body, admitted.charge_nanos)
        if not isinstance(admitted, Plan):
            return Refused(admitted, ask.call_id)
        live = self._live = LiveCall(hub, ask, admitted)
        try:
            refusal = await live.open(self._renderer_of)
        except BaseException:
            await live.close()
            raise
        return live if refusal is None else Refused(refusal, ask.call_id)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            try:
                await self._live.close()
            finally:
                self._hub.running.discard(self._ask.call_id)
