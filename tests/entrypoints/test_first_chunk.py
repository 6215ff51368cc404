"""How an answer begins: an announcement is kept back while somebody else could be tried, but not for long."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from domain.failures import Failure
from domain.model_api.events import (
    Broken,
    Ended,
    Event,
    Finished,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from domain.usage import Usage
from entrypoints.usecases.call.first_chunk import Begun, ChunkReader, begin
from ports.providers import Chunk

pytestmark = pytest.mark.anyio

LONG_MS = 60_000
STARTED = Started(id="a", model="m")
COUNTED = UsageReported(usage=Usage(input_tokens=5))
TEXT = TextDelta(text="Hello")
OVERLOADED = Failure(kind="unavailable", message="overloaded")
ANNOUNCED: list[tuple[Event, ...]] = [(), (STARTED,), (COUNTED,), (TextDelta(text=""),), ()]


async def reported(*pieces: tuple[Event, ...], after: asyncio.Event | None = None) -> AsyncIterator[Chunk]:
    """Chunks of these events; the last but one only `after` something has happened."""
    for number, events in enumerate(pieces):
        if after is not None and number == len(pieces) - 2:
            await after.wait()
        yield Chunk(str(number).encode(), events)


async def begun(*pieces: tuple[Event, ...], held_back_ms: int = LONG_MS) -> Begun | Failure:
    return await begin(ChunkReader(reported(*pieces)), held_back_ms)


@pytest.mark.parametrize("event", [
    TEXT, ReasoningDelta(text="Hm"), ToolCallDelta(index=0, id="c", name="f"), Ended(),
])  # fmt: skip
async def test_an_announcement_comes_together_with_what_follows(event: Event) -> None:
    found = await begun(*ANNOUNCED, (event,), (Ended(),))

    assert isinstance(found, Begun)
    assert (b"012345", event) == (found.first.raw, found.first.events[-1])
    assert found.meter.reported == Usage(input_tokens=5)


@pytest.mark.parametrize("announced", [ANNOUNCED, [*ANNOUNCED, (Finished(reason="stop"),)]])
async def test_what_fails_after_an_announcement_has_not_begun(announced: list[tuple[Event, ...]]) -> None:
    assert await begun(*announced, (Broken(failure=OVERLOADED),)) == OVERLOADED


async def test_what_fails_in_the_midst_of_an_answer_has_begun() -> None:
    found = await begun(*ANNOUNCED, (TEXT,), (Broken(failure=OVERLOADED),))

    assert isinstance(found, Begun)
    assert found.meter.failure is None


async def test_nothing_is_kept_back_where_nobody_else_could_be_tried() -> None:
    found = await begun(*ANNOUNCED, (TEXT,), held_back_ms=0)

    assert isinstance(found, Begun)
    assert found.first == Chunk(b"01", (STARTED,))


async def test_a_model_that_thinks_in_silence_is_received_of_and_nothing_of_it_is_lost() -> None:
    silence = asyncio.Event()
    chunks = ChunkReader(reported((STARTED,), (TEXT,), (Ended(),), after=silence))

    found = await begin(chunks, held_back_ms=1)
    silence.set()
    rest = [chunk.events async for chunk in chunks.following()]

    assert isinstance(found, Begun)
    assert [(STARTED,), (TEXT,), (Ended(),)] == [found.first.events, *rest]


async def test_a_chunk_that_nobody_waits_for_any_more_is_given_up() -> None:
    left = asyncio.Event()

    async def waiting() -> AsyncIterator[Chunk]:
        yield Chunk(b"0", (STARTED,))
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    chunks = ChunkReader(waiting())
    await begin(chunks, held_back_ms=1)
    chunks.stop()

    await asyncio.wait_for(left.wait(), 5)


async def test_an_answer_without_any_event_is_empty() -> None:
    found = await begun((), ())

    assert isinstance(found, Failure)
    assert found.kind == "truncated"
