"""Books that cannot be written when the answer is there: nothing is given unmetered, nothing charged ungiven (G3, G4)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from domain.billing.metering import Meter
from domain.billing.settlement import Outcome
from domain.books.rows import Decision
from domain.books.scope_protocol import View
from entrypoints.http.wire import Request
from entrypoints.usecases.call.unsettled import KEPT_MAX
from entrypoints.usecases.manage.maintenance import sweep_own
from tests.simulation.auditor import CallRow, audit
from tests.simulation.caller import Response, Wish, call
from tests.simulation.world import World
from tests.support.memory_storage import MemoryStorage
from tests.system.raw_client import OPENAI, events_of
from tests.system.scripted_answers import Script
from tests.system.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.anyio

F = TypeVar("F")
D = TypeVar("D", bound=Decision)


@pytest.fixture
async def world(tmp_path: Path, provider: ScriptedProvider) -> AsyncIterator[World]:
    async with World(tmp_path / "data", provider, seed=0) as begun:
        yield begun


@pytest.mark.parametrize("tries", [1, 3, 12])
async def test_a_whole_answer_that_cannot_be_settled_is_not_given_and_not_charged(world: World, tries: int) -> None:
    received = await _call(world, "whole", tries)

    assert received.status == 503
    (row,) = _rows(world)
    assert (row.ending, row.complete, row.charge) == ("lost", 0, 0)


async def test_the_same_key_repeats_a_call_that_could_not_be_settled(world: World, provider: ScriptedProvider) -> None:
    assert (await _call(world, "again", 1)).status == 503

    again = await _call(world, "again", 0)

    assert again.is_whole
    assert len(provider.seen("again")) == 2
    assert [row.charge > 0 for row in _rows(world)] == [False, True]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_settlement_whose_answer_is_lost_is_found_again_and_the_answer_given(
    world: World, stream: bool
) -> None:
    """The books took it and then could not be reached for a while."""
    settled = iter([False, True])
    world.processes[0].forget_when(lambda: next(settled, False))
    received = await _call(world, "unseen", 0, stream)

    assert received.is_whole
    assert [(row.ending, row.charge > 0) for row in _rows(world)] == [("completed", True)]


@pytest.mark.parametrize("tries", [1, 3, 12])
async def test_a_stream_that_cannot_be_settled_ends_in_an_error_and_costs_what_was_delivered(
    world: World, tries: int
) -> None:
    received = await _call(world, "stream", tries, stream=True)

    assert received.said() == "word0 word1 word2 "
    assert "error" in events_of(received.body)[-1][1]
    assert b"[DONE]" not in received.body
    (row,) = _rows(world)
    assert (row.ending, row.complete, row.charge > 0) == ("provider_failed", 0, True)


async def test_no_new_call_is_admitted_while_too_many_wait_to_be_settled(world: World) -> None:
    """They are settled when the books can be written again, in whatever order; then calls are admitted again. (G25)"""
    process = world.processes[0]
    full = asyncio.Event()
    for number in range(KEPT_MAX):
        process.hub.unsettled.keep(_Full(full), _ended(f"call-{number}"), 1)

    assert (await _call_now(world, "refused")).status == 503
    ready = await _readiness(world)
    assert (ready["status"], ready["unsettled"], ready["settled_late"]) == ("unavailable", KEPT_MAX, 0)

    full.set()
    await process.hub.unsettled.drained()
    assert (await _call_now(world, "admitted")).is_whole
    ready = await _readiness(world)
    assert (ready["status"], ready["unsettled"], ready["settled_late"]) == ("ready", 0, KEPT_MAX)


async def test_what_the_books_refuse_does_not_stand_before_what_they_take(world: World) -> None:
    unsettled = world.processes[0].hub.unsettled
    unsettled.keep(_Refusing(), _ended("poison"), 1)
    good = _Full(asyncio.Event())
    unsettled.keep(good, _ended("good"), 1)
    good.room.set()

    await asyncio.wait_for(good.settled.wait(), 10)

    assert "poison" in unsettled
    await unsettled.close(0)


async def test_a_call_that_waits_to_be_settled_is_not_swept(world: World, provider: ScriptedProvider) -> None:
    """Its process lives and will settle it. Only what no list knows any more is lost."""
    hub = world.processes[0].hub
    world.processes[0].fail_when(lambda: False)
    requested = asyncio.create_task(_call_now(world, "waits", gate="waits"))
    await asyncio.to_thread(provider.wait_for, "waits")
    (call_id,) = hub.running
    hub.running.discard(call_id)
    full = asyncio.Event()
    hub.unsettled.keep(_Full(full), _ended(call_id), 1)

    waiting = await sweep_own(hub)
    full.set()
    await hub.unsettled.drained()
    forgotten = await sweep_own(hub)
    provider.open_gate("waits")
    await requested

    assert [] == [call.id for call in waiting.lost]
    assert [call_id] == [call.id for call in forgotten.lost]


class _Full(MemoryStorage):
    """Books that take a settlement once the event is set."""

    def __init__(self, room: asyncio.Event) -> None:
        super().__init__()
        self.room = room
        self.settled = asyncio.Event()

    async def decide(self, scope: View[F], rule: Callable[[F], D], within_s: float | None = None) -> D:
        await self.room.wait()
        decision = await super().decide(scope, rule, within_s)
        self.settled.set()
        return decision


class _Refusing(MemoryStorage):
    """Books that refuse a row: a defect of the hub, which time does not mend."""

    async def decide(self, scope: View[F], rule: Callable[[F], D], within_s: float | None = None) -> D:
        raise AssertionError("the books refuse a row")


def _ended(call_id: str) -> Outcome:
    return Outcome(
        call_id=call_id, user_id="nobody", ending="client_disconnected", meter=Meter(), input_tokens=125, attempts=(), served=None
    )  # fmt: skip


async def _readiness(world: World) -> dict[str, Any]:
    process = world.processes[0]
    request = Request(id="r", method="GET", path="/readyz", headers={}, body=b"", started_us=0)
    async with process.handlers["/readyz"](request) as reply:
        assert isinstance(reply.body, bytes)
        reported: dict[str, Any] = msgspec.json.decode(reply.body)
        return reported


async def _call_now(world: World, marker: str, gate: str = "") -> Response:
    """One call on a process whose books are well."""
    process, key = world.processes[0], world.keys[0]
    process.fail_when(lambda: False)
    script = Script(id=marker, gate=gate)
    wish = Wish(user=key.user, secret=key.secret, path=OPENAI, script=script, model="one/m", stream=False, cap=10)
    return await call(process, wish)


async def _call(world: World, marker: str, tries: int, stream: bool = False) -> Response:
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
    received = await call(process, wish)
    await process.hub.unsettled.drained()
    return received


def _rows(world: World) -> list[CallRow]:
    """All calls, once the books are proved; nothing is held any more."""
    books = audit(world.data_dir)
    assert all(grant.held == 0 for grant in books.grants.values())
    return list(books.calls.values())
