"""What a call meets before it holds anything: the books as they are now, a duplicate of the dead, a caller who leaves."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from domain.management.changes import Changed
from domain.pricing.tiers import UnitPrices
from entrypoints.usecases.call.admission import shielded
from entrypoints.usecases.manage.credit import grant
from entrypoints.usecases.manage.keys import revoke
from entrypoints.usecases.manage.providers import create_provider
from entrypoints.usecases.manage.rates import Prices, put_rate
from tests.domain.build import a_chat_call
from tests.simulation.auditor import audit
from tests.simulation.caller import Response, Wish, call
from tests.simulation.process import Process
from tests.simulation.world import BY, World
from tests.system.raw_client import OPENAI
from tests.system.scripted_answers import Script
from tests.system.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.anyio

TIMEOUT_S = 10


@pytest.fixture
async def world(tmp_path: Path, provider: ScriptedProvider) -> AsyncIterator[World]:
    async with World(tmp_path / "data", provider, seed=0) as begun:
        for process in begun.processes:
            process.fail_when(lambda: False)
        assert isinstance(await grant(begun.processes[0].hub, BY, begun.keys[0].user, 10**9, None, 0), Changed)
        yield begun


async def test_a_revoked_key_does_not_learn_which_models_there_are(world: World) -> None:
    first, second = world.processes[:2]
    assert 404 == (await _ask(world, first, "known", model="nowhere/m")).status
    await revoke(second.hub, BY, world.keys[0].id)

    assert [401, 401] == [(await _ask(world, first, "gone", model=model)).status for model in ("nowhere/m", "one/m")]


async def test_what_another_process_has_just_begun_to_sell_is_not_refused(
    world: World, provider: ScriptedProvider
) -> None:
    """The catalogue in memory is a version behind; no refusal rests on it."""
    first, second = world.processes[:2]
    assert (await _ask(world, first, "before")).is_whole
    assert isinstance(await create_provider(second.hub, BY, "new", "openai", provider.base_url), Changed)
    prices = Prices(
        units=UnitPrices(input_nanos=10**9, output_nanos=10**9), context_tokens=2_000, output_tokens_max=300
    )
    assert isinstance(await put_rate(second.hub, BY, "new/m", prices), Changed)

    assert (await _ask(world, first, "after", model="new/m")).is_whole


async def test_a_duplicate_of_a_call_of_the_dead_does_not_wait_for_it(world: World, provider: ScriptedProvider) -> None:
    first, second = world.processes[:2]
    cut_off = asyncio.create_task(_ask(world, first, "dead", key="same", gate="dead"))
    await asyncio.to_thread(provider.wait_for, "dead")
    first.crash()
    provider.open_gate("dead")
    assert (await cut_off).cut_off

    received = await asyncio.wait_for(_ask(world, second, "dead", key="same", gate="dead"), TIMEOUT_S)

    assert received.is_whole
    assert [("lost", False), ("completed", True)] == [
        (row.ending, row.charge > 0) for row in audit(world.data_dir).calls.values()
    ]


async def test_a_caller_who_leaves_waits_until_its_hold_is_written() -> None:
    """A hold that is written belongs to a call that somebody settles. Only what streams is cancelled by a hang-up."""
    written = []

    async def decision() -> None:
        await anyio.lowlevel.checkpoint()
        written.append(True)

    with anyio.CancelScope() as scope:
        scope.cancel()
        await shielded(a_chat_call(stream=True), decision())

    assert [True] == written


async def _ask(
    world: World, process: Process, marker: str, model: str = "one/m", key: str | None = None, gate: str = ""
) -> Response:
    """One call under the first key of the world."""
    owner, script = world.keys[0], Script(id=marker, gate=gate)
    wish = Wish(
        user=owner.user, secret=owner.secret, path=OPENAI, script=script, model=model, stream=False, cap=10, key=key
    )  # fmt: skip
    return await call(process, wish)
