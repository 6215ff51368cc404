"""A call that holds credit, from its first attempt to its settlement.

Settlement is undisturbed by a hang-up, with a deadline of its own, so that neither a caller who leaves nor a stuck disk
cancels a bill. What the books cannot take by then goes on the process's list of unsettled calls.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import anyio
import msgspec

from domain.billing.metering import Meter, observe, uncounted_input
from domain.billing.plan import Affordable, Plan
from domain.billing.settlement import Outcome, Settlement, settle
from domain.books.rows import Call, Ending
from domain.books.scopes import SettleScope
from domain.catalog.vendors import passes_through
from domain.failures import Failure
from domain.model_api.call import Attempt, AttemptRecord, Target
from domain.model_api.requests import ModelRequest
from domain.pricing.price_book import Price
from domain.refusals import ProviderFailed, Refusal, StorageUnavailable
from domain.routing.retries import BACKOFF_MAX_MS, another, next_attempt
from entrypoints.usecases.call.admission import Ask, undisturbed
from entrypoints.usecases.call.deadline import LATE, Deadline
from entrypoints.usecases.call.first_chunk import ChunkReader, begin
from entrypoints.usecases.call.kept_answer import KeptAnswer
from entrypoints.usecases.call.learning import learn_failure, learn_success, learn_usage
from entrypoints.usecases.call.renderer import Renderer, RendererOf
from entrypoints.usecases.call.start_timeout import StartTimeout, in_time, patience
from entrypoints.usecases.serving_context import CallContext
from ports.books import StorageError
from ports.providers import Answer, Chunk

SETTLE_DEADLINE_S = 10

_log = logging.getLogger("aihub")


class LiveCall:
    """One call that holds credit, until it is settled: exactly once, however it ends, at its deadline at the latest."""

    def __init__(self, hub: CallContext, ask: Ask, plan: Plan) -> None:
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
        self._chunks: ChunkReader | None = None
        self._first: Chunk | None = None
        self._voice: Renderer | None = None
        self._kept = KeptAnswer(plan.call, ask.call.operation) if plan.call.idempotency_key is not None else None
        self._first_byte_us = 0
        self._deadline = Deadline(self, plan.call.deadline_ms - plan.call.started_ms, hub.write_timeout_ms)
        self._is_ending = False  # Somebody settles it, or has.
        self._ended_late: asyncio.Task[None] | None = None
        # How the call ends if nobody settles it before `close`.
        self._unsettled: tuple[Ending, str | None] = (
            "client_disconnected",
            "the caller closed the connection before the answer was whole",
        )

    @property
    def content_type(self) -> str:
        """What the answer is called; known once the call is open."""
        assert self._voice is not None
        return self._voice.content_type

    async def open(self, renderer_of: RendererOf) -> Refusal | None:
        """Attempt until one answer begins, by the plan's order; the last failure as a refusal if none does."""
        hub, tried = self._hub, self._plan.affordable
        order = [entry.candidate for entry in tried]
        failures: list[tuple[int, Failure]] = []
        index = 0
        while True:
            patient = patience(hub, self.ask, another(order, failures, index, hub.retries_max))
            failure = await self._attempt(tried[index], patient)
            if failure is None:
                assert self.answer is not None
                self._voice = renderer_of(tried[index], self.answer)
                learn_success(hub, self.ask, tried[index].candidate.target, self._first_byte_us)
                return None
            failures.append((index, failure))
            await learn_failure(hub, order[index].target, failure)
            left_ms = 0 if self._deadline.passed else self._deadline.left_ms()
            retry = next_attempt(order, failures, hub.retries_max, left_ms, hub.ids.chance(BACKOFF_MAX_MS))
            if retry is None:
                ending: Ending = "timed_out" if failure.kind == "timed_out" else "provider_failed"
                await self._settle(ending, failure.message)
                return ProviderFailed(failure=failure, provider=order[index].target.provider)
            if retry.wait_ms:
                await anyio.sleep(retry.wait_ms / 1000)
            index = retry.index

    async def whole(self) -> bytes | StorageUnavailable:
        """The whole answer of a call that does not stream, settled. Busy if the books could not be written."""
        assert self._first is not None
        assert self._voice is not None
        body = self._voice.piece(self._first)
        if self._kept is not None:
            self._kept.add(body)
        if await self._settle("completed"):
            return body
        # The caller is told that nothing was charged, so `close` must not bill what was never given out.
        self.meter, self.served = Meter(), None
        self._unsettled = ("lost", "the call could not be settled, so its answer was not given out")
        return StorageUnavailable(reason="the call could not be settled")

    async def stream(self) -> AsyncIterator[bytes]:
        """The pieces of a streamed answer; settled before the terminal bytes or the apology is given out."""
        assert self._voice is not None
        assert self._chunks is not None
        assert self._first is not None
        voice, chunk, following = self._voice, self._first, self._chunks.following()
        deadline, task = self._deadline, asyncio.current_task()
        while not deadline.passed:
            if chunk.events and (self.meter.ended or self.meter.failure):
                yield await self._last_words(voice, chunk)
                return
            piece = voice.piece(chunk)
            if piece:
                if self._kept is not None:
                    self._kept.add(piece)
                self.given += 1
                yield piece
                if self._deadline.passed:  # While the caller took it; the call may be settled by now.
                    break
            deadline.waiting = task
            try:
                chunk = await following.__anext__()  # `anext` with a default would wrap each step of each wait.
            except StopAsyncIteration:
                return
            except asyncio.CancelledError:
                if not deadline.has_cancelled(task):
                    raise
                break
            finally:
                deadline.waiting = None
            if chunk.events:
                self.meter = observe(self.meter, chunk.events)
        self.meter = msgspec.structs.replace(self.meter, failure=LATE)
        yield await self._last_words(voice, chunk)

    def late(self) -> None:
        """The deadline passed while a piece was on its way to the caller, who may never take it: end the call now."""
        if self._first is not None and not self._is_ending:
            self._ended_late = asyncio.get_running_loop().create_task(self._end_late())

    def stalled(self) -> None:
        """The caller takes nothing any more: as good as gone. That the books are slow to settle is not its fault."""
        is_settling = self._is_ending and self.settled is None
        if self.ask.leave is not None and self._first is not None and not is_settling:
            self.ask.leave()

    async def close(self) -> None:
        """Close the provider's connection and settle what nobody settled: the caller has left."""
        self._deadline.stop()
        try:
            if self._ended_late is not None:
                with anyio.CancelScope(shield=True):
                    await asyncio.wait({self._ended_late})
            await self._hang_up_on_provider()
        finally:
            await self._settle_or_keep()

    async def _settle_or_keep(self) -> None:
        try:
            if self.settled is None:
                await self._settle(*self._unsettled)
        finally:
            if self.settled is None:
                hub = self._hub
                hub.unsettled.keep(hub.storage, self._outcome(*self._unsettled), hub.clock.now_ms())

    async def _end_late(self) -> None:
        try:
            await self._hang_up_on_provider()
        finally:
            await self._settle("timed_out", LATE.message)

    async def _last_words(self, voice: Renderer, chunk: Chunk) -> bytes:
        """Settle, then the terminal bytes: or the apology, if the answer or the settling of it failed."""
        failure = self.meter.failure
        if failure is None:
            piece = voice.piece(chunk)
            if self._kept is not None:
                self._kept.add(piece)
            if await self._settle("completed"):
                return piece
            self._unsettled = ("provider_failed", "the call could not be settled, so its end was not given out")
            return voice.error_event(Failure(kind="unavailable", message="the hub could not settle the call"))
        ending: Ending = "timed_out" if failure.kind == "timed_out" else "provider_failed"
        if self._kept is not None:
            self._kept.clear()
        await self._settle(ending, failure.message)
        return voice.error_event(failure)

    async def _attempt(self, entry: Affordable, patient: StartTimeout) -> Failure | None:
        """One attempt, up to its first piece; its failure, with the connection closed, or None."""
        hub, target = self._hub, entry.candidate.target
        began_us = hub.clock.monotonic_us()
        attempt = Attempt(
            call_id=self.call.id,
            target=target,
            output_cap=entry.bound.output_cap if entry.bound else None,
            uses_cap=entry.bound.uses_cap if entry.bound else None,
            timeout_ms=hub.upstream_timeout_ms,
        )
        request: ModelRequest | None = None if passes_through(self.ask.call, target.dialect) else self.ask.request
        exchange = hub.providers.open(attempt, self.ask.call, request)
        opened = in_time(patient.begin_ms, self._opened(exchange, entry, patient.held_back_ms))
        failure = await self._deadline.bounded(opened)
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
        chunks = self._chunks = ChunkReader(opened.chunks)
        begun = await begin(chunks, held_back_ms)
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

    async def _settle(self, ending: Ending, error: str | None = None) -> bool:
        """Close the hold in the books.

        False if that did not become durable in time: then `close` tries again. False, too, if an answer is complete
        but its call was already ended by somebody who took this process for dead: it must not be given out uncharged.
        """
        self._is_ending = True
        if ending != "completed":
            self._unsettled = (ending, error)
        hub = self._hub
        outcome, now_ms = self._outcome(ending, error), hub.clock.now_ms()
        decision = hub.storage.decide(
            SettleScope(call_id=self.call.id), lambda facts: settle(facts, outcome, now_ms), SETTLE_DEADLINE_S
        )
        try:
            self.settled = await undisturbed(self.ask.call, decision)
        except StorageError:
            return False
        except Exception:
            _log.exception("call %s could not be settled", self.call.id)
            return False
        self.settled_us = hub.clock.monotonic_us()
        learn_usage(hub, self.settled)
        return not (self.settled.already and ending == "completed")

    def _outcome(self, ending: Ending, error: str | None) -> Outcome:
        """How the call ended, as far as the books want to know."""
        entry, kept = self.served, self._kept if ending == "completed" else None
        return Outcome(
            call_id=self.call.id,
            ending=ending,
            meter=self.meter,
            input_tokens=uncounted_input(self.meter, self.ask.call, entry.candidate.served.rate) if entry else 0,
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
            answer=kept.sealed(self._hub.vault) if kept is not None else None,
        )

    def _price(self, target: Target) -> Price | None:
        return self._hub.price_at(target.provider, target.model, self.call.started_ms)
