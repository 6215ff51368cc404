"""Two nodes, one PostgreSQL database, trouble at random: overdrafts (G1), kills (G2, G3, G14) and callers who leave (G4)."""

import asyncio
import random
import time
from collections.abc import Iterator
from pathlib import Path

import anyio.to_thread
import pytest

from tests.simulation import shared_books
from tests.simulation.auditor import CallRow
from tests.support.figures import FAULT, Figures
from tests.support.hub import HubProcess
from tests.support.postgres import new_books, server_or_skip
from tests.system.crowd import Crowd, check_nobody_paid_twice, check_whole_answers_are_charged
from tests.system.nodes import Nodes, two_nodes
from tests.system.raw_client import ANTHROPIC, OPENAI, Response, ask, chat, connected
from tests.system.scripted_answers import Script
from tests.system.scripted_provider import ScriptedProvider
from tests.system.users import Person

pytestmark = pytest.mark.anyio

WALLET = 1_000 * 10**9
CALLERS, SERVED = 200, 50
CONTEXT, OUTPUT, BOUND_NANOS = 1_000, 100, 1_200_000
UNDER_LOAD_S = (0.0, 0.6)
WORDS = 300
NOTICED_WITHIN_S, SETTLED_WITHIN_S, LOOK_EVERY_S = 10.0, 10.0, 0.02


@pytest.fixture
def nodes(tmp_path: Path, provider: ScriptedProvider) -> Iterator[Nodes]:
    server_or_skip()
    with two_nodes(new_books(), tmp_path) as running:
        running.one.add_provider("stub", provider.base_url, context=str(CONTEXT), max_output="400")
        yield running


def rounds(short: int, long: int) -> list[object]:
    """How many: a few for every run, many for a soak."""
    return [short, pytest.param(long, marks=pytest.mark.soak)]


@pytest.mark.parametrize("count", rounds(1, 20))
async def test_a_wallet_for_fifty_serves_exactly_fifty_callers_of_two_nodes(
    nodes: Nodes, provider: ScriptedProvider, figures: Figures, count: int
) -> None:
    """In every other round nobody is served before all others are refused: all fifty holds are open at once."""
    for number in range(count):
        buyer = await anyio.to_thread.run_sync(nodes.person, f"fifty{number}", SERVED * BOUND_NANOS)
        gate = f"fifty{number}" if number % 2 else ""
        scripts = [Script(id=f"{buyer.id}-{n}", usage=(CONTEXT, OUTPUT), gate=gate) for n in range(CALLERS)]
        requested = [
            ask(nodes.ports[n % 2], buyer.key, chat(script, cap=OUTPUT, stream=n % 4 < 2))
            for n, script in enumerate(scripts)
        ]
        received: list[Response] = []
        for answer in asyncio.as_completed(requested):
            received.append(await answer)
            if gate and len(received) == CALLERS - SERVED:
                provider.open_gate(gate)

        figures.add({"requests": CALLERS})
        assert sorted(each.status for each in received) == [200] * SERVED + [402] * (CALLERS - SERVED)
        books = shared_books.audit(nodes.url)
        assert sum(call.charge for call in books.of_user(buyer.id)) == SERVED * BOUND_NANOS
        assert min(books.available_over_time(buyer.id)) == 0
        assert sum(len(provider.seen(script.id)) for script in scripts) == SERVED


@pytest.mark.parametrize("kills", rounds(2, 50))
async def test_kills_of_either_node_lose_no_charge_and_no_credit(
    nodes: Nodes, provider: ScriptedProvider, figures: Figures, kills: int
) -> None:
    """Between the kills the database ends all connections. Callers repeat a failed request at either node."""
    chance = random.Random(kills)
    buyer = await anyio.to_thread.run_sync(nodes.person, "buyer", WALLET)
    crowd = Crowd(nodes.ports, buyer.key, chance)
    for number in range(kills):
        await crowd.received_something()
        await asyncio.sleep(chance.uniform(*UNDER_LOAD_S))  # chance itself: it waits for nothing
        node = chance.choice(nodes.both)
        await anyio.to_thread.run_sync(node.kill)
        if number % 2:
            await anyio.to_thread.run_sync(shared_books.run, nodes.url, shared_books.END_ALL)
        await anyio.to_thread.run_sync(node.start)
    reported = await crowd.finished()
    figures.add({"requests": sum(call.tries for call in reported), "kills": kills})
    for node in nodes.both:
        await anyio.to_thread.run_sync(node.cli, "sweep")

    books = shared_books.audit(nodes.url)
    rows = books.of_user(buyer.id)
    assert nodes.other.balance(buyer.name)["held"] == "0"
    assert all(row.ending is not None for row in rows)
    assert any(row.ending == "lost" for row in rows), "the kills were to come under load"
    check_whole_answers_are_charged(reported, books.calls)
    check_nobody_paid_twice(reported, rows)
    for port in nodes.ports:
        assert (await ask(port, buyer.key, chat(Script(id=f"after-{port}")))).status == 200


@pytest.mark.parametrize("count", rounds(10, 50))
async def test_a_stream_that_is_dropped_at_either_node_is_billed_and_stopped(
    nodes: Nodes, provider: ScriptedProvider, figures: Figures, count: int
) -> None:
    buyer = await anyio.to_thread.run_sync(nodes.person, "buyer", WALLET)
    scripts = [
        Script(id=f"dropped-{n}", words=WORDS, silent_after=WORDS if n % 2 else 5 + n % 7, pace_ms=20 * (n % 2))
        for n in range(count)
    ]

    left = await asyncio.gather(*(_leave(nodes.both[n % 2], buyer, script, n) for n, script in enumerate(scripts)))

    figures.add({"requests": count, FAULT + "callers who left": count})
    for script, call_id in zip(scripts, left, strict=True):
        row = await _settled(nodes.url, call_id)
        assert (row.ending, row.complete, 0 < row.charge <= row.hold) == ("client_disconnected", False, True)
        (seen,) = provider.seen(script.id)
        assert await asyncio.to_thread(seen.left.wait, NOTICED_WITHIN_S), "the provider was never told to stop"
    assert nodes.one.balance(buyer.name)["held"] == "0"
    shared_books.audit(nodes.url)


async def _leave(node: HubProcess, buyer: Person, script: Script, number: int) -> str:
    """Receive a word or some of a stream and hang up; the call's id."""
    received = b""
    async with asyncio.timeout(30), connected(node.port) as line:
        path = (OPENAI, ANTHROPIC)[number // 2 % 2]
        await line.send("POST", path, buyer.key, chat(script, stream=True, cap=OUTPUT), {})
        status, headers = await line.head()
        assert status == 200
        while received.count(b"word") < 1 + number % 3:
            piece = await line.piece()
            assert piece is not None
            received += piece
    return headers["x-request-id"]


async def _settled(url: str, call_id: str) -> CallRow:
    """The call's row, once it has ended."""
    give_up = time.monotonic() + SETTLED_WITHIN_S
    while time.monotonic() < give_up:
        row = (await anyio.to_thread.run_sync(shared_books.read, url)).calls[call_id]
        if row.ending is not None:
            return row
        await asyncio.sleep(LOOK_EVERY_S)
    raise AssertionError(f"{call_id} was not settled within {SETTLED_WITHIN_S} s")
