"""Whole worlds by seed: whatever callers, providers, operators and crashes do, the books are right (G1 to G6, G14)."""

import os
import random
import time
from pathlib import Path

import pytest

from tests.simulation.figures import figures_of
from tests.simulation.laws import check
from tests.simulation.world import World
from tests.support.figures import Figures
from tests.system.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.anyio

CALLS = 400
# The machine decides how a world's calls interleave. On a busy one it may take more of them until all has happened.
MORE_AT_MOST = 30
SOAK_S = float(os.environ.get("AIHUB_SOAK_S", "600"))


@pytest.mark.parametrize("seed", range(5))
async def test_a_world_of_trouble_leaves_books_that_add_up(
    tmp_path: Path, provider: ScriptedProvider, figures: Figures, seed: int
) -> None:
    async with World(tmp_path / "data", provider, seed) as world:
        totals = await world.run(CALLS)
        for _ in range(MORE_AT_MOST):
            if _much_has_happened(world):
                break
            totals = await world.run(CALLS)

    figures.add(figures_of(world))
    books = check(world, provider)
    assert totals.open_holds == 0
    assert totals.revenue_nanos == sum(call.charge for call in books.calls.values())
    assert _much_has_happened(world)


@pytest.mark.soak
async def test_worlds_by_fresh_seeds_for_the_set_time(
    tmp_path: Path, provider: ScriptedProvider, figures: Figures
) -> None:
    until, worlds = time.monotonic() + SOAK_S, 0
    while time.monotonic() < until:
        seed = random.SystemRandom().randrange(2**32)
        print(f"seed {seed}", flush=True)  # pytest shows it if the world fails
        async with World(tmp_path / str(seed), provider, seed) as world:
            await world.run(CALLS)
        figures.add(figures_of(world))
        check(world, provider)
        worlds += 1
    assert worlds, "AIHUB_SOAK_S gave no time for any world"


def _much_has_happened(world: World) -> bool:
    """A world in which nothing goes wrong proves nothing."""
    endings = {call.ending for call in world.audit().calls.values()}
    return (
        min(world.crashes, world.steps, world.fills) > 0
        and endings >= {"completed", "provider_failed", "client_disconnected", "timed_out", "lost"}
        and {received.status for received in world.received} >= {0, 200, 402}
        and any(received.is_replayed for received in world.received)
    )
