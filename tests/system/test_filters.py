"""Filters have their place before the admission of a call and on the chunks of its answer."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from domain.failures import Failure
from domain.model_api.events import TextDelta
from domain.refusals import BadRequest, Refusal
from entrypoints.usecases.call.ask import Ask
from entrypoints.usecases.call.filters import ChunkFilter
from ports.providers import Chunk
from tests.simulation.auditor import CallRow, audit
from tests.simulation.caller import Response, Wish, call
from tests.simulation.world import World
from tests.system.raw_client import ANTHROPIC, OPENAI
from tests.system.scripted_answers import Script
from tests.system.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.anyio

# More than the hub reads at once.
LONG_BYTES = 300_000
BLOCKED = Failure(kind="request_rejected", message="the answer was blocked")


class _Refusing:
    """Refuses every call, and touches no answer."""

    async def before(self, ask: Ask) -> Refusal | None:
        return BadRequest(field="messages", problem="Ask for something else.")

    def chunks(self, ask: Ask) -> ChunkFilter | None:
        return None


class _Answers:
    """Applies one step to the chunks of every answer."""

    def __init__(self, step: ChunkFilter) -> None:
        self._step = step

    async def before(self, ask: Ask) -> Refusal | None:
        return None

    def chunks(self, ask: Ask) -> ChunkFilter | None:
        return self._step


@pytest.fixture
async def world(tmp_path: Path, provider: ScriptedProvider) -> AsyncIterator[World]:
    async with World(tmp_path / "data", provider, seed=0) as begun:
        for process in begun.processes:
            process.fail_when(lambda: False)
        yield begun


async def test_a_request_that_a_filter_refuses_reaches_no_provider_and_holds_nothing(
    world: World, provider: ScriptedProvider
) -> None:
    world.processes[0].hub.filters = (_Answers(_redacted), _Refusing())

    received = await _call(world, Script(id="refused"), stream=False)

    assert (received.status, b"Ask for something else." in received.body) == (400, True)
    assert provider.seen("refused") == []
    assert not audit(world.data_dir).calls


async def test_a_filter_reveals_nothing_to_a_caller_without_a_valid_key(world: World) -> None:
    world.processes[0].hub.filters = (_Refusing(),)

    received = await _call(world, Script(id="stranger"), stream=False, secret="ahk_nobody")

    assert (received.status, b"something else" in received.body) == (401, False)


@pytest.mark.parametrize("path", [OPENAI, ANTHROPIC])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_changed_answer_is_rendered_in_the_form_of_the_request(world: World, stream: bool, path: str) -> None:
    """The provider's own bytes no longer fit, also where caller and provider speak one dialect."""
    world.processes[0].hub.filters = (_Answers(_redacted),)

    received = await _call(world, Script(id=f"redacted-{stream}-{path}"), stream, path=path)

    assert received.is_whole
    assert (received.said(), b"word1" in received.body) == ("word0 **** word2 ", False)
    row = _row(world)
    assert (row.ending, row.usage_source) == ("completed", "provider")


async def test_an_answer_that_a_filter_stops_ends_in_an_error_and_costs_what_was_delivered(world: World) -> None:
    world.processes[0].hub.filters = (_Answers(lambda chunk: BLOCKED if "word4" in _text(chunk) else chunk),)
    script = Script(id="blocked", words=5, word_bytes=LONG_BYTES, usage=None)

    received = await _call(world, script, stream=True)

    assert received.said()
    assert script.text().startswith(received.said())
    assert ("word4" in received.said(), BLOCKED.message.encode() in received.body) == (False, True)
    row = _row(world)
    assert (row.ending, row.charge > 0) == ("provider_failed", True)


async def test_an_answer_that_is_stopped_at_its_beginning_is_refused_and_free(
    world: World, provider: ScriptedProvider
) -> None:
    """Nobody else is asked: the same question would be answered likewise."""
    world.processes[0].hub.filters = (_Answers(lambda chunk: BLOCKED if _text(chunk) else chunk),)

    received = await _call(world, Script(id="never"), stream=False, model="m")

    assert (received.status, BLOCKED.message.encode() in received.body) == (400, True)
    assert len(provider.seen("never")) == 1
    assert (_row(world).ending, _row(world).charge) == ("provider_failed", 0)


def _redacted(chunk: Chunk) -> Chunk:
    """The chunk with another word for `word1`; rendered from its events, as all chunks of the answer are."""
    events = (
        msgspec.structs.replace(event, text=event.text.replace("word1", "****"))
        if isinstance(event, TextDelta)
        else event
        for event in chunk.events
    )
    return Chunk(None, tuple(events))


def _text(chunk: Chunk) -> str:
    return "".join(event.text for event in chunk.events if isinstance(event, TextDelta))


def _row(world: World) -> CallRow:
    (row,) = audit(world.data_dir).calls.values()
    return row


async def _call(
    world: World, script: Script, stream: bool, *, path: str = OPENAI, model: str = "one/m", secret: str | None = None
) -> Response:
    key = world.keys[0]
    wish = Wish(
        user=key.user, secret=secret or key.secret, path=path, script=script, model=model, stream=stream, cap=10
    )
    return await call(world.processes[0], wish)
