"""Filters that an operator puts between callers and providers, such as a guardrail or a redaction. None is built in.

A filter sees a request before it is admitted, so a refused request holds no credit. It sees the chunks of the answer
before they are metered, so a caller is charged for what it received.
"""

from collections.abc import AsyncIterator, Callable
from typing import Protocol, TypeAlias

from domain.failures import Failure
from domain.model_api.events import Broken
from domain.refusals import Refusal
from entrypoints.usecases.call.ask import Ask
from ports.providers import Chunk

# Takes the chunks of one answer in their order. A Failure ends the answer with an error, and no further chunk comes.
# A chunk whose events were changed has no `raw`; then all of that answer's chunks must have none. `UsageReported` and
# the last event must stay.
ChunkFilter: TypeAlias = Callable[[Chunk], Chunk | Failure]


class Filter(Protocol):
    """One filter of a hub; it may keep the state of a call only in the chunk filter that it returns."""

    async def before(self, ask: Ask) -> Refusal | None:
        """Refuse the call, or let it pass; `ask.call` may be replaced. The key of the caller is not checked yet."""
        ...

    def chunks(self, ask: Ask) -> ChunkFilter | None:
        """The filter of the call's answer, for one attempt; None to let all of it pass."""
        ...


async def refused_by(filters: tuple[Filter, ...], ask: Ask) -> Refusal | None:
    """The first refusal of the filters, in their order."""
    for each in filters:
        refusal = await each.before(ask)
        if refusal is not None:
            return refusal
    return None


def filtered(filters: tuple[Filter, ...], ask: Ask, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
    """The chunks of an answer to the call as the filters leave them, each by the filters in their order."""
    steps = [step for each in filters if (step := each.chunks(ask)) is not None]
    return _filtered(steps, chunks) if steps else chunks


async def _filtered(steps: list[ChunkFilter], chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
    async for chunk in chunks:
        for step in steps:
            left = step(chunk)
            if isinstance(left, Failure):
                yield Chunk(b"", (Broken(failure=left),))
                return
            chunk = left
        yield chunk
