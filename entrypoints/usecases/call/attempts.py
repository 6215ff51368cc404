"""The first stage of a call: providers are asked, one after another, until an answer has its first chunk.

A failure before the first chunk leads to another attempt. A later one does not: the caller may have seen a part of the
answer.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import anyio

from domain.billing.plan import Affordable, Plan
from domain.catalog.vendors import passes_through
from domain.dialects.unsupported_params import shown
from domain.failures import Failure
from domain.model_api.call import Attempt, AttemptRecord
from domain.refusals import ProviderFailed
from domain.routing.retries import BACKOFF_MAX_MS, another, next_attempt
from entrypoints.usecases.call.ask import Ask
from entrypoints.usecases.call.deadline import Deadline
from entrypoints.usecases.call.filters import filtered
from entrypoints.usecases.call.first_chunk import Begun, ChunkReader, begin
from entrypoints.usecases.call.learning import learn_failure, learn_success
from entrypoints.usecases.call.start_timeout import StartTimeout, in_time, start_timeout
from entrypoints.usecases.call_context import CallContext
from ports.providers import Answer, Chunk


class Attempts:
    """The attempts of one call, and the connection to the provider that answers.

    `served` is the entry that accepted the request: a caller who leaves after that owes the input. `answer` has its
    first chunk, which came at `first_us`. Times are monotonic, in microseconds.
    """

    __slots__ = (
        "_ask",
        "_chunks",
        "_connection",
        "_context",
        "_deadline",
        "_plan",
        "answer",
        "first_us",
        "planned_us",
        "records",
        "served",
        "trace",
    )

    def __init__(self, context: CallContext, ask: Ask, plan: Plan, deadline: Deadline) -> None:
        self.planned_us = self.first_us = context.clock.monotonic_us()
        self.records: list[AttemptRecord] = []
        self.served: Affordable | None = None
        self.answer: Answer | None = None
        self._context = context
        self._ask = ask
        self._plan = plan
        self._deadline = deadline
        self._connection: AbstractAsyncContextManager[Answer | Failure] | None = None
        self._chunks: ChunkReader | None = None
        tracing = context.tracing
        self.trace = tracing.begin(ask.traceparent, ask.tracestate) if tracing is not None else None

    async def first_chunk(self) -> Begun | ProviderFailed:
        """Try the plan's entries in order until one answer begins; returns the last failure if none does."""
        context, tried = self._context, self._plan.affordable
        order = [entry.candidate for entry in tried]
        failures: list[tuple[int, Failure]] = []
        index = 0
        while True:
            timeout = start_timeout(context, self._ask, another(order, failures, index, context.retries_max))
            began_us = context.clock.monotonic_us()
            begun = await self._attempt(tried[index], timeout, began_us)
            if isinstance(begun, Begun):
                learn_success(context, self._ask, order[index].target, self.first_us - began_us)
                return begun
            failures.append((index, begun))
            await learn_failure(context, order[index].target, begun)
            left_ms = 0 if self._deadline.passed else self._deadline.left_ms()
            retry = next_attempt(order, failures, context.retries_max, left_ms, context.ids.chance(BACKOFF_MAX_MS))
            if retry is None:
                return ProviderFailed(failure=begun, provider=order[index].target.provider)
            if retry.wait_ms:
                await anyio.sleep(retry.wait_ms / 1000)
            index = retry.index

    def following(self) -> AsyncIterator[Chunk]:
        """The chunks after the first."""
        assert self._chunks is not None
        return self._chunks.following()

    async def hang_up(self) -> None:
        """Close the provider's connection, if one is open."""
        connection, self._connection = self._connection, None
        if self._chunks is not None:
            self._chunks.stop()
        if connection is not None:
            await connection.__aexit__(None, None, None)

    async def _attempt(self, entry: Affordable, timeout: StartTimeout, began_us: int) -> Begun | Failure:
        """One attempt, up to its first chunk; or its failure, with the connection closed."""
        context, ask, target = self._context, self._ask, entry.candidate.target
        attempt = Attempt(
            call_id=ask.call_id,
            target=target,
            output_cap=entry.bound.output_cap if entry.bound else None,
            uses_cap=entry.bound.uses_cap if entry.bound else None,
            timeout_ms=context.upstream_timeout_ms,
            trace_headers=self.trace.attempt_headers() if self.trace is not None else (),
        )
        request = None if passes_through(ask.call, target.dialect) else ask.request
        connection = context.providers.open(attempt, ask.call, request)
        opened = in_time(timeout.begin_ms, self._opened(connection, entry, timeout.held_back_ms))
        begun = await self._deadline.bounded(opened)
        now_us = context.clock.monotonic_us()
        failure = begun if isinstance(begun, Failure) else None
        self.records.append(
            AttemptRecord(
                provider=target.provider,
                credential_id=target.credential_id,
                outcome=failure.kind if failure else "answered",
                status=failure.status if failure else 200,
                message=failure.message if failure else "",
                duration_ms=(now_us - began_us) // 1000,
                dropped=shown(entry.candidate.served.dropped),
            )
        )
        if failure is None:
            self.first_us = now_us
        else:
            self.served = None
            await self.hang_up()
        return begun

    async def _opened(
        self, connection: AbstractAsyncContextManager[Answer | Failure], entry: Affordable, held_back_ms: int
    ) -> Begun | Failure:
        """Send the request and read until the provider's answer begins."""
        opened = await connection.__aenter__()
        self._connection = connection
        if isinstance(opened, Failure):
            return opened
        self.served = entry
        filters = self._context.filters
        chunks = self._chunks = ChunkReader(filtered(filters, self._ask, opened.chunks) if filters else opened.chunks)
        begun = await begin(chunks, held_back_ms)
        if isinstance(begun, Begun):
            self.answer = opened
        return begun
