"""Real processes in trouble: whatever a machine does to them, what was delivered is charged (G2, G3, G14)."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.simulation.auditor import Books
from tests.simulation.laws import check
from tests.simulation.storm import Storm
from tests.support.figures import Figures
from tests.support.hub import Interface, running_hub
from tests.support.stepped_hub import ENVIRONMENT, step
from tests.system.scripted_provider import ScriptedProvider
from tests.system.users import person

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux", reason="prlimit and /proc are Linux's"),
    pytest.mark.parametrize("interface", ["asgi", "wsgi"]),
]

STEPPED = (sys.executable, "-m", "tests.support.stepped_hub")
# The whole soak, shared by the two interfaces.
SOAK_S = float(os.environ.get("AIHUB_SOAK_S", "600")) / 2
FULL_S, FULL_LONG_S, DISK_BYTES = 1.0, 20.0, 48 * 2**20
STEPS = 8
CREDIT = 10**15


@contextmanager
def a_storm(folder: Path, provider: ScriptedProvider, interface: Interface, seed: str) -> Iterator[Storm]:
    """A hub on two workers, with users who can pay for everything, before any trouble."""
    clock = folder / "clock"
    step(clock, 0)
    env = {"AIHUB_UPSTREAM_TIMEOUT_S": "1", ENVIRONMENT: str(clock)}
    with running_hub(folder / "data", interface, workers=2, env=env, program=STEPPED) as hub:
        hub.add_provider("openai-stub", provider.base_url)
        hub.add_provider("anthropic-stub", provider.base_url, "anthropic")
        people = [person(hub, name, CREDIT) for name in ("ann", "bob")]
        yield Storm(hub, people, clock, f"{interface} {seed}")


def proved(storm: Storm, provider: ScriptedProvider, figures: Figures) -> Books:
    """The books afterwards, by the laws of the simulation and by the hub's own proofs."""
    figures.add(storm.figures)
    books = check(storm, provider)
    storm.hub.cli("ledger", "verify")
    storm.hub.cli("stats", "verify")
    assert any(received.is_whole for received in storm.received)
    return books


@pytest.mark.parametrize("seconds", [0.0, pytest.param(SOAK_S, marks=pytest.mark.soak)])
async def test_a_storm_leaves_nothing_delivered_without_a_charge(
    tmp_path: Path, provider: ScriptedProvider, figures: Figures, interface: Interface, seconds: float
) -> None:
    """Kills, descriptors that run out, life signs removed, a clock that is stepped both ways."""
    with a_storm(tmp_path, provider, interface, f"{seconds}") as storm:
        until = time.monotonic() + seconds
        await storm.rage(storm.all_troubles, lambda: _much_has_happened(storm) and time.monotonic() >= until)
        proved(storm, provider, figures)


def _much_has_happened(storm: Storm) -> bool:
    """A storm in which nothing goes wrong proves nothing."""
    endings = {row.ending for row in storm.audit().calls.values()} if storm.troubles else set()
    return (
        endings >= {"completed", "client_disconnected", "lost"}
        and any(received.is_replayed for received in storm.received)
        and any(received.left for received in storm.received)
    )


@pytest.mark.soak
async def test_a_clock_that_is_stepped_under_load_loses_no_call(
    tmp_path: Path, provider: ScriptedProvider, figures: Figures, interface: Interface
) -> None:
    with a_storm(tmp_path, provider, interface, "clock") as storm:
        await storm.rage([storm.step_clock], lambda: storm.troubles.total() >= STEPS)
        books = proved(storm, provider, figures)

    assert "lost" not in {row.ending for row in books.calls.values()}
    assert set() == {0, 401, 402} & {received.status for received in storm.received}, "all keys and credit hold"


@pytest.mark.parametrize("seconds", [FULL_S, pytest.param(FULL_LONG_S, marks=pytest.mark.soak)])
async def test_a_full_disk_under_load_gives_nothing_away(
    tmp_path: Path, provider: ScriptedProvider, figures: Figures, interface: Interface, seconds: float
) -> None:
    """What could not be settled meanwhile is settled afterwards, or was not given to its caller."""
    with a_small_disk(tmp_path / "data"), a_storm(tmp_path, provider, interface, f"disk {seconds}") as storm:
        await storm.rage([partial(storm.fill_disk, seconds)], lambda: storm.troubles.total() > 0)
        proved(storm, provider, figures)

    assert any(received.status == 503 for received in storm.received), "the disk was to be full"


@contextmanager
def a_small_disk(at: Path) -> Iterator[None]:
    """An empty disk there for as long as the block runs; whoever may not mount one skips the test."""
    at.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0700"]
    mounted = subprocess.run(["mount", *options, "none", str(at)], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)
