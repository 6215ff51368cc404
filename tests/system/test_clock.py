"""A system clock that is stepped, forward or back, ends no call and hides nothing that is known."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from domain.management.changes import Changed
from domain.pricing.tiers import UnitPrices
from entrypoints.http.wire import Request
from entrypoints.usecases.manage.credit import grant
from entrypoints.usecases.manage.keys import Minted, create_key
from entrypoints.usecases.manage.maintenance import sweep
from entrypoints.usecases.manage.rates import Prices, put_rate
from entrypoints.usecases.manage.users import create_user
from tests.simulation.auditor import audit
from tests.simulation.caller import Response, Wish, call
from tests.simulation.process import PATIENT_TIMEOUT_MS
from tests.simulation.world import BY, World
from tests.support.figures import FAULT, Figures
from tests.system.raw_client import OPENAI
from tests.system.scripted_answers import Script
from tests.system.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.anyio

HOURS_MS = 2 * 3_600_000
STEPS = (-HOURS_MS, HOURS_MS)


@pytest.fixture
async def world(tmp_path: Path, provider: ScriptedProvider) -> AsyncIterator[World]:
    async with World(tmp_path / "data", provider, seed=0) as begun:
        for process in begun.processes:
            process.fail_when(lambda: False)
        yield begun


@pytest.mark.parametrize("step_ms", STEPS)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_goes_on_while_the_clock_is_stepped(
    world: World, provider: ScriptedProvider, step_ms: int, stream: bool
) -> None:
    """Every process sweeps by the stepped clock, and the call is answered and charged all the same."""
    requested = asyncio.create_task(_call(world, "stepped", stream, gate=f"stepped-{step_ms}-{stream}"))
    await asyncio.to_thread(provider.wait_for, "stepped")
    world.clock.offset_ms = step_ms
    for process in world.processes:
        assert (await sweep(process.hub.storage, process.hub.liveness, process.hub.clock)).lost == ()
    provider.open_gate(f"stepped-{step_ms}-{stream}")

    assert (await requested).is_whole
    (row,) = audit(world.data_dir).calls.values()
    assert (row.ending, row.charge > 0) == ("completed", True)


@pytest.mark.parametrize("count", [20, pytest.param(500, marks=pytest.mark.soak)])
async def test_a_clock_that_is_stepped_under_load_ends_no_call(
    world: World, provider: ScriptedProvider, figures: Figures, count: int
) -> None:
    """Forward, back and forward again, with a sweep by every process each time, while all calls are open."""
    gate = f"load-{count}"
    world.processes[0].hub.upstream_timeout_ms = PATIENT_TIMEOUT_MS  # They wait for each other to begin.
    calls = [asyncio.create_task(_call(world, f"{gate}-{n}", n % 2 == 0, gate)) for n in range(count)]
    for n in range(count):
        await asyncio.to_thread(provider.wait_for, f"{gate}-{n}")
    lost = []
    for step_ms in (HOURS_MS, -HOURS_MS, HOURS_MS):
        world.clock.offset_ms = step_ms
        lost += [(await sweep(each.hub.storage, each.hub.liveness, each.hub.clock)).lost for each in world.processes]
    provider.open_gate(gate)
    received = await asyncio.gather(*calls)

    figures.add({"requests": count, FAULT + "steps of the clock": 3})
    assert {()} == set(lost)
    assert all(each.is_whole for each in received)
    rows = audit(world.data_dir).calls.values()
    assert {("completed", True)} == {(row.ending, row.charge > 0) for row in rows}
    assert len(rows) == count


@pytest.mark.parametrize("stream", [False, True])
async def test_nothing_known_is_in_the_future_of_a_clock_that_went_back(world: World, stream: bool) -> None:
    """Users, keys, grants and rates of before the step, and those of after it, hold at once."""
    world.clock.offset_ms = -HOURS_MS
    assert (await _call(world, f"before-{stream}", stream)).is_whole

    hub = world.processes[1].hub
    await create_user(hub, BY, "eve", "guest")
    assert isinstance(await grant(hub, BY, "eve", 10**9, None, 0), Changed)
    minted = await create_key(hub, BY, "eve", "")
    assert isinstance(minted, Minted)
    dearer = Prices(
        units=UnitPrices(input_nanos=10**9, output_nanos=5 * 10**9), context_tokens=2_000, output_tokens_max=300
    )
    assert isinstance(await put_rate(hub, BY, "one/m", dearer), Changed)

    received = await _call(world, f"after-{stream}", stream, secret=minted.text)

    assert received.is_whole
    books = audit(world.data_dir)
    charged = books.calls[received.call_id].charge
    assert charged == 10 * 1_000 + 5 * 5_000, "the new rate holds"


async def test_a_quote_is_kept_by_a_clock_that_went_back(world: World) -> None:
    process, key = world.processes[0], world.keys[0]
    body = msgspec.json.encode({"model": "one/m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5})
    headers = {"authorization": f"Bearer {key.secret}", "content-type": "application/json"}
    requested = Request(id="q", method="POST", path="/v1/quote", headers=headers, body=body, started_us=0)
    async with process.handlers["/v1/quote"](requested) as reply:
        assert isinstance(reply.body, bytes)
        quote = msgspec.json.decode(reply.body)
    world.clock.offset_ms = -HOURS_MS

    quoted = Request(
        id=process.hub.ids.new("call"), method="POST", path=OPENAI, headers={**headers, "x-aihub-quote": quote["quote"]},
        body=body.replace(b'"hi"', msgspec.json.encode(msgspec.json.encode(Script(id="quoted")).decode())),
        started_us=0,
    )  # fmt: skip
    async with process.handlers[OPENAI](quoted) as reply:
        assert reply.status == 200, reply.body


async def _call(world: World, marker: str, stream: bool, gate: str = "", secret: str = "") -> Response:
    """One call by a user who has credit that does not expire."""
    process = world.processes[0]
    if not secret:
        assert isinstance(await grant(process.hub, BY, world.keys[0].user, 10**9, None, 0), Changed)
    script = Script(id=marker, gate=gate)
    wish = Wish(
        user="", secret=secret or world.keys[0].secret, path=OPENAI, script=script, model="one/m", stream=stream, cap=10
    )  # fmt: skip
    return await call(process, wish)
