"""The second stage of a call: the answer's chunks go to the caller, and the meter reads them on the way.

The terminal bytes are sent only once the call is settled: until then an answer is not complete.
"""

import asyncio
from collections.abc import AsyncIterator

import msgspec

from domain.billing.metering import observe
from domain.failures import Failure
from domain.refusals import StorageUnavailable
from entrypoints.usecases.call.attempts import Attempts
from entrypoints.usecases.call.deadline import LATE, Deadline
from entrypoints.usecases.call.first_chunk import Begun
from entrypoints.usecases.call.kept_answer import KeptAnswer
from entrypoints.usecases.call.renderer import Renderer
from entrypoints.usecases.call.settle import CallSettlement, ending_of
from ports.providers import Chunk


class Relay:
    """One answer on its way to the caller. `given` counts the pieces of a stream that the caller was given."""

    __slots__ = ("_attempts", "_deadline", "_first", "_kept", "_renderer", "_settlement", "given", "meter")

    def __init__(
        self,
        begun: Begun,
        renderer: Renderer,
        attempts: Attempts,
        settlement: CallSettlement,
        deadline: Deadline,
        kept: KeptAnswer | None,
    ) -> None:
        self.meter = begun.meter
        self.given = 0
        self._first = begun.first
        self._renderer = renderer
        self._attempts = attempts
        self._settlement = settlement
        self._deadline = deadline
        self._kept = kept

    @property
    def content_type(self) -> str:
        """The content type of the answer."""
        return self._renderer.content_type

    async def whole(self) -> bytes | StorageUnavailable:
        """The whole answer of a call that does not stream, settled. StorageUnavailable if it could not be settled."""
        body = self._renderer.piece(self._first)
        if self._kept is not None:
            self._kept.add(body)
        if await self._settlement.settle("completed", None, self.meter, self._kept):
            return body
        self._settlement.answer_withheld()
        return StorageUnavailable(reason="the call could not be settled", is_unknown=self._settlement.is_unknown)

    async def stream(self) -> AsyncIterator[bytes]:
        """The pieces of a streamed answer; settled before the terminal bytes or the error event is sent."""
        renderer, chunk, following = self._renderer, self._first, self._attempts.following()
        deadline, task = self._deadline, asyncio.current_task()
        while not deadline.passed:
            if chunk.events and (self.meter.ended or self.meter.failure):
                yield await self._last_piece(chunk)
                return
            piece = renderer.piece(chunk)
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
        yield await self._last_piece(chunk)

    async def _last_piece(self, chunk: Chunk) -> bytes:
        """Settle, then give the terminal bytes; or the error event, if the answer or its settlement failed."""
        renderer, kept, failure = self._renderer, self._kept, self.meter.failure
        if failure is not None:
            await self._settlement.settle(ending_of(failure), failure.message, self.meter)
            return renderer.error_event(failure)
        piece = renderer.piece(chunk)
        if kept is not None:
            kept.add(piece)
        if await self._settlement.settle("completed", None, self.meter, kept):
            return piece
        self._settlement.end_withheld()
        return renderer.error_event(Failure(kind="unavailable", message="the hub could not settle the call"))
