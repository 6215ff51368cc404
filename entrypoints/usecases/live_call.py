"""A call that holds credit, from its first attempt to its settlement.

Settlement is undisturbed by a hang-up, with a deadline of its own, so that neither a caller who leaves nor a stuck disk
cancels a bill.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import anyio
import msgspec

from domain.books import Call, Ending
from domain.calls import Attempt, AttemptRecord, Target
from domain.chat import ModelRequest
from domain.failures import Failure
from domain.metering import Meter, observe
from domain.plan import Affordable, Plan
from domain.pricebook import Price
from domain.refusals import Busy, ProviderFailed, Refusal
from domain.retries import BACKOFF_MAX_MS, is_another, next_attempt
from domain.scopes import SettleScope
from domain.settlement import Outcome, Settlement, settle
from domain.vendors import passes_through
from entrypoints.usecases.admission import Ask, undisturbed
from entrypoints.usecases.beginning import Ahead, begin
from entrypoints.usecases.hub import Hub
from entrypoints.usecases.learning import learn_failure, learn_success
from entrypoints.usecases.patience import Patience, in_time, patience
from entrypoints.usecases.voice import Voice, VoiceOf
from ports.providers import Answer, Chunk
from ports.storage import StorageUnavailable

SETTLE_DEADLINE_S = 10
# The pauses before each further try at what could not be settled, when nobody waits for it any more.
SETTLE_AGAIN_S = (0.0, 0.1, 1.0, 5.0)
ANSWER_KEPT_BYTES_MAX = 8 * 1024 * 1024
# A film is dear, and its caller may well have given up before it is made: the largest that is read is kept, as base64.
FILM_KEPT_BYTES_MAX = 96 * 1024 * 1024


class LiveCall:
    """One call that holds credit, until it is settled: exactly once, however it ends."""

    def __init__(self, hub: Hub, ask: Ask, plan: Plan) -> None:
        self.call: Call = plan.call
        self.meter = Meter()
        self.settled: Settlement | None = None
        self.served: Affordable | None = None
        self.answer: Answer | None = None
        self.planned_us = hub.clock.monotonic_us()
        self.first_us = self.settled_us = self.planned_us
        self.given = 0  # How many pieces of a stream the caller was given.
        self._hub = hub
        self.ask = ask
        self._plan = plan
        self.attempts: list[AttemptRecord] = []
        self._exchange: AbstractAsyncContextManager[Answer | Failure] | None = None
        self._chunks: Ahead | None = None
        self._first: Chunk | None = None
        self._voice: Voice | None = None
        self._kept = bytearray()
        self._kept_max = FILM_KEPT_BYTES_MAX if ask.call.operation == "video" else ANSWER_KEPT_BYTES_MAX
        self._first_byte_us = 0
        # How the call ends if nobody settles it before `close`.
        self._unsettled: tuple[Ending, str | None] = (
            "caller left",
            "the caller closed the connection before the answer was whole",
        )

    @property
    def content_type(self) -> str:
        """What the answer is called; known once the call is open."""
        assert self._voice is not None
        return self._voice.content_type

    async def open(self, voice_of: VoiceOf) -> Refusal | None:
        """Attempt until one answer begins, by the plan's order; the last failure as a refusal if none does."""
        hub, tried = self._hub, self._plan.affordable
        order = [entry.candidate for entry in tried]
        failures: list[tuple[int, Failure]] = []
        index = 0
        while True:
            others = is_another(order, failures, index, hub.retries_max)
            failure = await self._attempt(tried[index], patience(hub, self.ask) if others else Patience())
            if failure is None:
                assert self.answer is not None
                self._voice = voice_of(tried[index], self.answer)
                learn_success(hub, self.ask, tried[index].candidate.target, self._first_byte_us)
                return None
            failures.append((index, failure))
            await learn_failure(hub, order[index].target, failure)
            left_ms = self.call.deadline_ms - hub.clock.now_ms()
            retry = next_attempt(order, failures, hub.retries_max, left_ms, hub.ids.chance(BACKOFF_MAX_MS))
            if retry is None:
                ending: Ending = "timed out" if failure.kind == "timed_out" else "provider failed"
                await self._settle(ending, failure.message)
                return ProviderFailed(failure=failure, provider=order[index].target.provider)
            if retry.wait_ms:
                await anyio.sleep(retry.wait_ms / 1000)
            index = retry.index

    async def whole(self) -> bytes | Busy:
        """The whole answer of a call that does not stream, settled. Busy if the books could not be written."""
        assert self._first is not None
        assert self._voice is not None
        body = self._voice.piece(self._first)
        self._keep(body)
        if await self._settle("completed"):
            return body
        # The caller is told that nothing was charged, so `close` must not bill what was never given out.
        self.meter, self.served = Meter(), None
        self._unsettled = ("lost", "the call could not be settled, so its answer was not given out")
        return Busy(reason="the call could not be settled")

    async def stream(self) -> AsyncIterator[bytes]:
        """The pieces of a streamed answer; settled before the terminal bytes or the apology is given out."""
        assert self._voice is not None
        assert self._chunks is not None
        assert self._first is not None
        voice, chunk, following = self._voice, self._first, self._chunks.following()
        while True:
            if chunk.events and (self.meter.ended or self.meter.failure):
                yield await self._last_words(voice, chunk)
                return
            piece = voice.piece(chunk)
            if piece:
                if self.call.idempotency_key is not None:
                    self._keep(piece)
                self.given += 1
                yield piece
            if self._hub.clock.now_ms() > self.call.deadline_ms:
                late = Failure(kind="timed_out", message="the call took longer than the hub's deadline")
                self.meter = msgspec.structs.replace(self.meter, failure=late)
                yield await self._last_words(voice, chunk)
                return
            try:
                chunk = await following.__anext__()  # `anext` with a default would wrap each step of each wait.
            except StopAsyncIteration:
                return
            if chunk.events:
                self.meter = observe(self.meter, chunk.events)

    async def close(self) -> None:
        """Close the provider's connection and settle what nobody settled: the caller has left."""
        try:
            await self._hang_up_on_provider()
        finally:
            for pause_s in SETTLE_AGAIN_S:
                if self.settled is not None:
                    break
                if pause_s:
                    with anyio.CancelScope(shield=True):
                        await anyio.sleep(pause_s)
                await self._settle(*self._unsettled)

    async def _last_words(self, voice: Voice, chunk: Chunk) -> bytes:
        """Settle, then the terminal bytes: or the apology, if the answer or the settling of it failed."""
        failure = self.meter.failure
        if failure is None:
            piece = voice.piece(chunk)
            self._keep(piece)
            if await self._settle("completed"):
                return piece
            self._unsettled = ("provider failed", "the call could not be settled, so its end was not given out")
            return voice.apology(Failure(kind="unavailable", message="the hub could not settle the call"))
        ending: Ending = "timed out" if failure.kind == "timed_out" else "provider failed"
        self._kept.clear()
        await self._settle(ending, failure.message)
        return voice.apology(failure)

    async def _attempt(self, entry: Affordable, patient: Patience) -> Failure | None:
        """One attempt, up to its first piece; its failure, with the connection closed, or None."""
        hub, target = self._hub, entry.candidate.target
        began_us = hub.clock.monotonic_us()
        attempt = Attempt(
            call_id=self.call.id,
            target=target,
            output_cap=entry.bound.output_cap if entry.bound else None,
            timeout_ms=hub.upstream_timeout_ms,
        )
        request: ModelRequest | None = None if passes_through(self.ask.call, target.dialect) else self.ask.request
        exchange = hub.providers.open(attempt, self.ask.call, request)
        failure = await in_time(patient.begin_ms, self._opened(exchange, entry, patient.held_back_ms))
        duration_ms = (hub.clock.monotonic_us() - began_us) // 1000
        outcome = failure.kind if failure else "answered"
        self.attempts.append(
            AttemptRecord(
                provider=target.provider,
                credential_id=target.credential_id,
                outcome=outcome,
                status=failure.status if failure else 200,
                message=failure.message if failure else "",
                duration_ms=duration_ms,
            )
        )
        if failure is None:
            self.first_us = hub.clock.monotonic_us()
            self._first_byte_us = self.first_us - began_us
        else:
            self.served = None
            await self._hang_up_on_provider()
        return failure

    async def _opened(
        self, exchange: AbstractAsyncContextManager[Answer | Failure], entry: Affordable, held_back_ms: int
    ) -> Failure | None:
        """Send the request and read until the provider says something."""
        opened = await exchange.__aenter__()
        self._exchange = exchange
        if isinstance(opened, Failure):
            return opened
        # Accepted: from here on the provider works, so a caller who leaves before its first word owes the input.
        self.served = entry
        chunks = self._chunks = Ahead(opened.chunks)
        begun = await begin(self._hub.clock, chunks, self.call.deadline_ms, held_back_ms)
        if isinstance(begun, Failure):
            return begun
        self.answer, self._first, self.meter = opened, begun.first, begun.meter
        return None

    async def _hang_up_on_provider(self) -> None:
        exchange, self._exchange = self._exchange, None
        if self._chunks is not None:
            self._chunks.stop()
        if exchange is not None:
            await exchange.__aexit__(None, None, None)

    def _keep(self, piece: bytes) -> None:
        """Remember what was said, while an Idempotency-Key asks for it and it is not too much."""
        if self.call.idempotency_key is not None and len(self._kept) <= self._kept_max:
            self._kept += piece

    async def _settle(self, ending: Ending, error: str | None = None) -> bool:
        """Close the hold in the books. False if that did not become durable in time: then `close` tries again."""
        if ending != "completed":
            self._unsettled = (ending, error)
        hub, entry = self._hub, self.served
        outcome = Outcome(
            call_id=self.call.id,
            ending=ending,
            meter=self.meter,
            input_bytes=self.ask.call.body_bytes,
            pieces=self.ask.call.pieces,
            size=self.ask.call.size,
            quality=self.ask.call.quality,
            attempts=tuple(self.attempts),
            served=entry.candidate.target if entry else None,
            rate=entry.candidate.served.rate if entry else None,
            price=self._price(entry.candidate.target) if entry else None,
            first_byte_ms=(self.first_us - self.planned_us) // 1000 if self._first else None,
            error=error,
            status=self.answer.status if self.answer else 0,
            content_type=self._voice.content_type if self._voice else "",
            answer=self._sealed_answer() if ending == "completed" else None,
        )
        now_ms = hub.clock.now_ms()
        decision = hub.storage.decide(
            SettleScope(call_id=self.call.id), lambda facts: settle(facts, outcome, now_ms), SETTLE_DEADLINE_S
        )
        try:
            self.settled = await undisturbed(self.ask.call, decision)
        except StorageUnavailable:
            return False
        self.settled_us = hub.clock.monotonic_us()
        return not (self.settled.already and ending == "completed")

    def _price(self, target: Target) -> Price | None:
        return self._hub.price_at(target.provider, target.model, self.call.started_ms)

    def _sealed_answer(self) -> bytes | None:
        key = self.call.idempotency_key
        if key is None or len(self._kept) > self._kept_max:
            return None
        return self._hub.vault.seal(bytes(self._kept), f"answer:{self.call.user_id}:{key}")
