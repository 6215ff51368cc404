"""`kill -9` loses nothing: no hold leaks (G2), nobody is charged twice (G3), and every answer given is charged (G14).

The hub is killed at random moments under load and started again on the same data and port. The callers go on, as
callers do: half of them repeat a failed request under its Idempotency-Key until they have an answer.
"""

import asyncio
import random
from pathlib import Path

import anyio.to_thread
import pytest

from tests.simulation.auditor import audit
from tests.support.figures import Figures
from tests.support.hub import Interface, running_hub
from tests.system.crowd import Crowd, check_nobody_paid_twice, check_whole_answers_are_charged
from tests.system.raw_client import ask, chat
from tests.system.scripted_answers import Script
from tests.system.scripted_provider import ScriptedProvider
from tests.system.users import person

pytestmark = pytest.mark.anyio

WALLET = 1_000 * 10**9
UNDER_LOAD_S = (0.0, 0.6)


@pytest.mark.parametrize("interface", ["asgi", pytest.param("wsgi", marks=pytest.mark.soak)])
@pytest.mark.parametrize("kills", [6, pytest.param(50, marks=pytest.mark.soak)])
async def test_kills_at_random_moments_lose_no_charge_and_no_credit(
    tmp_path: Path, provider: ScriptedProvider, figures: Figures, kills: int, interface: Interface
) -> None:
    chance = random.Random(f"{kills} {interface}")
    with running_hub(tmp_path / "data", interface, workers=2) as hub:
        hub.add_provider("stub", provider.base_url)
        buyer = person(hub, "buyer", WALLET)
        crowd = Crowd([hub.port], buyer.key, chance)
        for _ in range(kills):
            await crowd.received_something()
            await asyncio.sleep(chance.uniform(*UNDER_LOAD_S))  # chance itself: it waits for nothing
            await anyio.to_thread.run_sync(hub.kill)
            await anyio.to_thread.run_sync(hub.start)
        reported = await crowd.finished()
        figures.add({"requests": sum(call.tries for call in reported), "kills": kills})
        hub.cli("sweep")

        books = audit(hub.data_dir)
        hub.cli("ledger", "verify")
        rows = books.of_user(buyer.id)
        assert hub.balance(buyer.name)["held"] == "0"
        assert all(row.ending is not None for row in rows)
        assert sum(row.ending == "lost" for row in rows) >= kills // 2, "the kills were to come under load"
        check_whole_answers_are_charged(reported, books.calls)
        check_nobody_paid_twice(reported, rows)
        assert (await ask(hub.port, buyer.key, chat(Script(id="after")))).status == 200
