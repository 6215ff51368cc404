"""Every call that ends is reported once, and not before its settlement is durable."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.usage import Usage
from ports.telemetry import CallEvent
from tests.simulation.auditor import audit, read
from tests.simulation.caller import Response, Wish, call
from tests.simulation.world import World
from tests.system.raw_client import OPENAI
from tests.system.scripted_answers import Script
from tests.system.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.anyio


class _Observer:
    """Keeps every event, with how the books on the disk said at that moment that the call ended."""

    def __init__(self, data_dir: Path) -> None:
        self.events: list[CallEvent] = []
        self.durable: list[str | None] = []
        self._data_dir = data_dir

    def call_ended(self, event: CallEvent) -> None:
        self.events.append(event)
        self.durable.append(read(self._data_dir).calls[event.call_id].ending)


class _Faulty:
    def call_ended(self, event: CallEvent) -> None:
        raise RuntimeError("the collector is gone")


@pytest.fixture
async def world(tmp_path: Path, provider: ScriptedProvider) -> AsyncIterator[World]:
    async with World(tmp_path / "data", provider, seed=0) as begun:
        for process in begun.processes:
            process.fail_when(lambda: False)
        yield begun


@pytest.mark.parametrize("stream", [False, True])
async def test_a_complete_call_is_reported_as_the_books_have_it(world: World, stream: bool) -> None:
    observer = _observed(world)

    received = await _call(world, Script(id=f"complete-{stream}"), stream)

    assert received.is_whole
    (event,) = observer.events
    (row,) = audit(world.data_dir).calls.values()
    assert (event.call_id, event.user_id, event.provider, event.charge_nanos) == (
        row.id, row.user_id, row.provider, row.charge,
    )  # fmt: skip
    assert (event.operation, event.model, event.provider_model, event.stream) == ("chat", "one/m", "m", stream)
    assert (event.ending, event.usage) == ("completed", Usage(input_tokens=10, output_tokens=5))
    assert [attempt.outcome for attempt in event.attempts] == ["answered"]
    first_us, settled_us = event.timings.first_chunk_us, event.timings.settled_us
    assert first_us is not None
    assert settled_us is not None
    assert 0 < first_us <= settled_us <= event.timings.ended_us
    assert observer.durable == ["completed"]


async def test_a_call_whose_caller_left_is_reported_with_what_it_was_charged(world: World) -> None:
    observer = _observed(world)

    await _call(world, Script(id="left", silent_after=3), stream=True, leaves_after=1)

    (event,) = observer.events
    assert (event.ending, event.charge_nanos > 0, event.usage_source) == ("client_disconnected", True, "estimated")
    assert observer.durable == ["client_disconnected"]


async def test_a_call_that_no_provider_answered_is_reported_with_its_attempts(world: World) -> None:
    observer = _observed(world)

    received = await _call(world, Script(id="failing", first=500, status=500), stream=False)

    assert received.status >= 400
    (event,) = observer.events
    assert (event.ending, event.charge_nanos, event.usage) == ("provider_failed", 0, None)
    assert event.timings.first_chunk_us is None
    assert {attempt.outcome for attempt in event.attempts} == {"unavailable"}


async def test_a_call_that_is_settled_late_is_reported_once_it_is_settled(world: World) -> None:
    process, observer = world.processes[0], _observed(world)
    answers = iter([False, True, True, True])
    process.fail_when(lambda: next(answers, False))

    await _call(world, Script(id="late"), stream=True)
    await process.hub.unsettled.drained()

    (event,) = observer.events
    assert (event.ending, event.timings.settled_us) == ("provider_failed", None)
    assert observer.durable == ["provider_failed"]


async def test_a_call_that_is_refused_or_replayed_is_not_reported(world: World) -> None:
    observer, key = _observed(world), world.keys[0]
    again = Wish(
        user=key.user, secret=key.secret, path=OPENAI, script=Script(id="again"), model="one/m", stream=False, cap=10,
        key="again",
    )  # fmt: skip
    received = [await call(world.processes[0], again) for _ in range(2)]
    refused = await _call(world, Script(id="refused"), stream=False, model="nobody/m")

    assert [one.is_replayed for one in received] == [False, True]
    assert refused.status == 404
    assert [event.call_id for event in observer.events] == [received[0].call_id]


async def test_a_receiver_that_fails_changes_no_call(world: World) -> None:
    world.processes[0].hub.telemetry = _Faulty()

    assert (await _call(world, Script(id="unobserved"), stream=True)).is_whole

    (row,) = audit(world.data_dir).calls.values()
    assert row.ending == "completed"


def _observed(world: World) -> _Observer:
    observer = world.processes[0].hub.telemetry = _Observer(world.data_dir)
    return observer


async def _call(
    world: World, script: Script, stream: bool, leaves_after: int | None = None, model: str = "one/m"
) -> Response:
    key = world.keys[0]
    wish = Wish(
        user=key.user, secret=key.secret, path=OPENAI, script=script, model=model, stream=stream, cap=10,
        leaves_after=leaves_after,
    )  # fmt: skip
    return await call(world.processes[0], wish)
