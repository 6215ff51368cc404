"""Books that cannot be written when the answer is there: nothing is given unmetered, nothing charged ungiven (G3, G4)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.simulation.auditor import CallRow, audit
from tests.simulation.caller import Heard, Wish, call
from tests.simulation.world import World
from tests.system.answers import Script
from tests.system.client import OPENAI, events_of
from tests.system.scripted import ScriptedProvider

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world(tmp_path: Path, provider: ScriptedProvider) -> AsyncIterator[World]:
    async with World(tmp_path / "data", provider, seed=0) as begun:
        yield begun


@pytest.mark.parametrize("tries", [1, 3])
async def test_a_whole_answer_that_cannot_be_settled_is_not_given_and_not_charged(world: World, tries: int) -> None:
    heard = await _call(world, "whole", tries)

    assert heard.status == 503
    (row,) = _rows(world)
    assert (row.ending, row.complete, row.charge) == ("lost", 0, 0)


async def test_the_same_key_asks_again_for_what_could_not_be_settled(world: World, provider: ScriptedProvider) -> None:
    assert (await _call(world, "again", 1)).status == 503

    again = await _call(world, "again", 0)

    assert again.is_whole
    assert len(provider.seen("again")) == 2
    assert [row.charge > 0 for row in _rows(world)] == [False, True]


@pytest.mark.parametrize("tries", [1, 3])
async def test_a_stream_that_cannot_be_settled_ends_in_an_error_and_costs_what_was_delivered(
    world: World, tries: int
) -> None:
    heard = await _call(world, "stream", tries, stream=True)

    assert heard.said() == "word0 word1 word2 "
    assert "error" in events_of(heard.body)[-1][1]
    assert b"[DONE]" not in heard.body
    (row,) = _rows(world)
    assert (row.ending, row.complete, row.charge > 0) == ("provider failed", 0, True)


async def _call(world: World, marker: str, tries: int, stream: bool = False) -> Heard:
    """One keyed call on a process whose books take the hold, and then refuse so many tries to settle it."""
    process, key = world.processes[0], world.keys[0]
    answers = iter([False] + [True] * tries)
    process.fail_when(lambda: next(answers, False))
    wish = Wish(
        user=key.user,
        secret=key.secret,
        path=OPENAI,
        script=Script(id=marker),
        model="one/m",
        stream=stream,
        cap=10,
        key=marker,
    )
    return await call(process, wish)


def _rows(world: World) -> list[CallRow]:
    """All calls, once the books are proved; nothing is held any more."""
    books = audit(world.data_dir)
    assert all(lot.held == 0 for lot in books.lots.values())
    return list(books.calls.values())
