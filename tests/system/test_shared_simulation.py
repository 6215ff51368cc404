"""Whole worlds on one PostgreSQL database: processes of several machines, conflicts, lost connections, and crashes.

(G1 to G6, G14)
"""

import os
import random
import time
from pathlib import Path

import anyio.to_thread
import pytest

from tests.simulation.figures import figures_of
from tests.simulation.laws import check
from tests.support.figures import FAULT, Figures
from tests.support.postgres import new_books, server, server_or_skip
from tests.system.scripted_provider import ScriptedProvider

pytest.importorskip("asyncpg", reason="no PostgreSQL: its driver asyncpg is not installed")

from tests.simulation.shared_world import SharedWorld

pytestmark = pytest.mark.anyio

CALLS = 400
# The machine decides how a world's calls interleave. On a busy one it may take more of them until all has happened.
MORE_AT_MOST = 30
SOAK_S = float(os.environ.get("AIHUB_SOAK_S", "600"))


@pytest.fixture
def books_url() -> str:
    server_or_skip()
    return new_books()


@pytest.mark.parametrize("seed", range(2))
async def test_a_world_of_several_machines_leaves_books_that_add_up(
    tmp_path: Path, provider: ScriptedProvider, figures: Figures, seed: int, books_url: str
) -> None:
    async with SharedWorld(tmp_path / "data", provider, seed, books_url, server()) as world:
        totals = await world.run(CALLS)
        for _ in range(MORE_AT_MOST):
            if _much_has_happened(world):
                break
            totals = await world.run(CALLS)

    _count(figures, world)
    books = check(world, provider)
    assert totals.open_holds == 0
    assert totals.revenue_nanos == sum(call.charge for call in books.calls.values())
    assert _much_has_happened(world)


@pytest.mark.soak
async def test_worlds_of_several_machines_by_fresh_seeds_for_the_set_time(
    tmp_path: Path, provider: ScriptedProvider, figures: Figures, books_url: str
) -> None:
    until, worlds = time.monotonic() + SOAK_S, 0
    while time.monotonic() < until:
        seed = random.SystemRandom().randrange(2**32)
        print(f"seed {seed}", flush=True)  # pytest shows it if the world fails
        url = books_url if not worlds else await anyio.to_thread.run_sync(new_books)
        async with SharedWorld(tmp_path / str(seed), provider, seed, url, server()) as world:
            await world.run(CALLS)
        _count(figures, world)
        check(world, provider)
        worlds += 1
    assert worlds, "AIHUB_SOAK_S gave no time for any world"


def _much_has_happened(world: SharedWorld) -> bool:
    """A world in which nothing goes wrong proves nothing."""
    trouble = world.trouble
    endings = {call.ending for call in world.audit().calls.values()}
    return (
        min(world.crashes, trouble.conflicts, trouble.lost, trouble.ended, trouble.server_crashes) > 0
        and endings >= {"completed", "provider_failed", "client_disconnected", "lost"}
        and {received.status for received in world.received} >= {0, 200, 402}
    )


def _count(figures: Figures, world: SharedWorld) -> None:
    trouble = world.trouble
    faults = {
        "commits in conflict": trouble.conflicts,
        "connections lost": trouble.lost,
        "all connections ended": trouble.ended,
        "crashes of the database": trouble.server_crashes,
    }
    figures.add(figures_of(world) | {FAULT + name: count for name, count in faults.items()})
