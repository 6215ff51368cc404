"""The beginning of an answer: a call that fails before it can still be tried elsewhere.

Providers announce an answer (`response.created`, `message_start`) before they know whether there will be one. Where
another provider could be tried, an announcement is held back until content or the end follows. The wait is limited: a
model that reasons in silence is at work, and its caller should see that.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Self

import anyio
import msgspec

from domain.billing.metering import Meter, observe
from domain.failures import Failure
from ports.providers import Chunk


class Begun(msgspec.Struct, frozen=True):
    """The first piece of an answer that is bound to this provider now, and its chunks so far."""

    first: Chunk
    meter: Meter


class ChunkReader:
    """An answer's chunks; a chunk that did not come in time is still the next one."""

    def __init__(self, chunks: AsyncIterator[Chunk]) -> None:
        self._chunks = chunks
        self._coming: asyncio.Task[Chunk | None] | None = None

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Awaitable[Chunk]:
        return self._chunks.__anext__() if self._coming is None else self._pending(self._coming)

    async def _pending(self, coming: "asyncio.Task[Chunk | None]") -> Chunk:
        self._coming = None
        chunk = await coming
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    async def within(self, limit_s: float) -> Chunk | None:
        """The next chunk; None if it does not come within the limit."""
        self._coming = self._coming or asyncio.ensure_future(_next(self._chunks))
        done, _ = await asyncio.wait((self._coming,), timeout=max(0, limit_s))
        return await anext(self, None) if done else None

    def following(self) -> AsyncIterator[Chunk]:
        """All chunks that follow; read directly once no chunk is pending."""
        return self if self._coming is not None else self._chunks

    def stop(self) -> None:
        """Stop waiting for the next chunk."""
        if self._coming is not None:
            self._coming.cancel()


async def begin(chunks: ChunkReader, held_back_ms: int) -> Begun | Failure:
    """Read an answer up to its first piece.

    A provider that sends only keep-alives may go on without end: the call's deadline cancels this.
    """
    first, meter = Chunk(b"", ()), Meter()
    while not first.events:
        try:
            chunk = await chunks.__anext__()  # `anext` with a default would wrap each step of each wait.
        except StopAsyncIteration:
            return Failure(kind="truncated", message="the provider's answer is empty")
        first, meter = _joined(first, chunk), observe(meter, chunk.events)
    if held_back_ms:
        kept_until = anyio.current_time() + held_back_ms / 1000
        while not (meter.delivered or meter.ended or meter.failure):
            following = await chunks.within(kept_until - anyio.current_time())
            if following is None:
                break
            first, meter = _joined(first, following), observe(meter, following.events)
    return Begun(first, meter) if meter.failure is None else meter.failure


def _joined(first: Chunk, chunk: Chunk) -> Chunk:
    if not first.raw and not first.events:
        return chunk
    raw = None if first.raw is None or chunk.raw is None else first.raw + chunk.raw
    return Chunk(raw, first.events + chunk.events)


async def _next(chunks: AsyncIterator[Chunk]) -> Chunk | None:
    return await anext(chunks, None)
