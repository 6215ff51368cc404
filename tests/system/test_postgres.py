"""Two nodes on one PostgreSQL database: each its own processes and directory, as if on two machines."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import anyio.to_thread
import msgspec
import pytest

from domain.pricing.money import format_credits, parse_credits
from tests.support.hub import HubProcess
from tests.support.postgres import new_books, server, server_or_skip
from tests.system.nodes import two_nodes
from tests.system.raw_client import ask, chat
from tests.system.scripted_answers import Script
from tests.system.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.anyio

CONTEXT, OUTPUT, BOUND_NANOS = 1_000, 100, 1_200_000


@pytest.fixture
def nodes(tmp_path: Path, provider: ScriptedProvider) -> Iterator[tuple[HubProcess, HubProcess]]:
    """Two nodes that serve, with one provider."""
    server_or_skip()
    with two_nodes(new_books(), tmp_path) as running:
        running.one.add_provider("stub", provider.base_url, context=str(CONTEXT), max_output="400")
        yield running.both


def buyer(hub: HubProcess, name: str, nanos: int) -> str:
    """The API key of a new user with so much credit."""
    hub.cli("user", "add", name)
    hub.cli("credit", "grant", name, format_credits(nanos))
    key: str = hub.cli("key", "create", "--user", name)["key"]
    return key


async def test_a_node_that_is_killed_leaves_no_hold_behind(
    nodes: tuple[HubProcess, HubProcess], provider: ScriptedProvider
) -> None:
    """(G2)"""
    one, other = nodes
    key = await anyio.to_thread.run_sync(buyer, one, "killed", 10 * BOUND_NANOS)
    waiting = asyncio.create_task(ask(one.port, key, chat(Script(id="killed", gate="never"), cap=OUTPUT)))
    await asyncio.to_thread(provider.wait_for, "killed")
    assert other.balance("killed")["held"] == format_credits(BOUND_NANOS)

    await anyio.to_thread.run_sync(one.kill)
    other.cli("sweep")

    assert (await waiting).status == 0
    assert other.balance("killed")["held"] == "0"
    assert parse_credits(other.balance("killed")["available"]) == 10 * BOUND_NANOS
    assert (await ask(other.port, key, chat(Script(id="after"), cap=OUTPUT))).status == 200


async def test_a_key_that_is_revoked_at_one_node_is_refused_by_the_other(
    nodes: tuple[HubProcess, HubProcess],
) -> None:
    one, other = nodes
    key = await anyio.to_thread.run_sync(buyer, one, "revoked", 10 * BOUND_NANOS)
    assert (await ask(other.port, key, chat(Script(id="before"), cap=OUTPUT))).status == 200

    (listed,) = [each for each in one.cli("key", "list") if each["user"] == "revoked"]
    one.cli("key", "revoke", listed["id"])

    assert (await ask(other.port, key, chat(Script(id="later"), cap=OUTPUT))).status == 401


async def test_a_database_that_is_lost_refuses_calls_and_settles_those_that_run_when_it_is_back(
    nodes: tuple[HubProcess, HubProcess], provider: ScriptedProvider
) -> None:
    """Nothing is charged that was not given, and nothing is given unmetered. (G14)"""
    one, other = nodes
    key = await anyio.to_thread.run_sync(buyer, one, "lost", 10 * BOUND_NANOS)
    script = Script(id="runs", gate="lost", gate_after=2, usage=(CONTEXT, OUTPUT))
    running = asyncio.create_task(ask(one.port, key, chat(script, cap=OUTPUT, stream=True)))
    await asyncio.to_thread(provider.wait_for, "runs")

    await anyio.to_thread.run_sync(server().stop, signal.SIGINT)
    try:
        assert (await ask(other.port, key, chat(Script(id="refused"), cap=OUTPUT))).status == 503
        ready = await ask(one.port, key, path="/readyz")
        assert ready.status == 503
        provider.open_gate("lost")
        await running
    finally:
        server().start()

    for hub in nodes:
        await anyio.to_thread.run_sync(hub.wait_until_ready)
    await _settled(one.port)
    charged = [call for call in one.calls() if call["user"] == "lost"]
    assert [parse_credits(call["charge"]) > 0 for call in charged] == [True]
    assert provider.seen("refused") == []


async def _settled(port: int) -> None:
    """Return when no call of the node waits to be settled any more."""
    for _ in range(500):
        ready = await ask(port, "", path="/readyz")
        if msgspec.json.decode(ready.body)["unsettled"] == 0:
            return
    raise AssertionError("a call was not settled")
