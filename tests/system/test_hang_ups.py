"""A caller who leaves pays for what was delivered, and the provider is reported to stop at once (G4)."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from domain.pricing.money import parse_credits
from tests.simulation.auditor import CallRow, audit, read
from tests.support.figures import FAULT, Figures
from tests.support.hub import HubProcess, Interface, running_hub
from tests.system.raw_client import ANTHROPIC, OPENAI, ask, chat, connected
from tests.system.scripted_answers import Script
from tests.system.scripted_provider import ScriptedProvider
from tests.system.users import Person, person

pytestmark = pytest.mark.anyio

STOPPED_WITHIN_S = 1.0
NOTICED_WITHIN_S, SETTLED_WITHIN_S, LOOK_EVERY_S = 10.0, 10.0, 0.02
WORDS, WORD_BYTES = 300, 6
BYTES_PER_TOKEN, OUTPUT_NANOS = 5, 2_000  # of an answer that did not end
# Who asks, and whom: same dialect and crosswise.
PAIRS = [(path, model) for path in (OPENAI, ANTHROPIC) for model in ("openai-stub/m", "anthropic-stub/m")]
INTERFACES: tuple[Interface, ...] = ("asgi", "wsgi")


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """A caller who left: which call, when, and after how many words."""

    script: Script
    call_id: str
    at: float
    words: int = 0


@pytest.fixture(scope="module", params=INTERFACES)
def hub(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider
) -> Iterator[HubProcess]:
    with running_hub(tmp_path_factory.mktemp("hang-ups") / "data", request.param) as running:
        running.add_provider("openai-stub", provider.base_url)
        running.add_provider("anthropic-stub", provider.base_url, "anthropic")
        yield running


@pytest.fixture(scope="module")
def buyer(hub: HubProcess) -> Person:
    return person(hub, "buyer", 10**12)


def streams(short: int, long: int) -> list[object]:
    """How many: a few for every run, many for a soak."""
    return [short, pytest.param(long, marks=pytest.mark.soak)]


@pytest.mark.parametrize("count", streams(10, 50))
async def test_a_stream_dropped_while_the_provider_talks_is_billed_and_stopped(
    hub: HubProcess, buyer: Person, provider: ScriptedProvider, figures: Figures, count: int
) -> None:
    """The scripts would go on for seconds; `silent_after` beyond their end makes them notice that the hub left."""
    scripts = [
        Script(id=f"{hub.interface}-talking-{count}-{n}", words=WORDS, silent_after=WORDS, pace_ms=20)
        for n in range(count)
    ]

    left = await asyncio.gather(*(_leave(hub, buyer, script, n, words=1 + n % 7) for n, script in enumerate(scripts)))

    await _check(hub, buyer, provider, figures, left)


@pytest.mark.parametrize("count", streams(10, 50))
async def test_a_stream_dropped_while_the_provider_is_silent_is_billed_and_stopped(
    hub: HubProcess, buyer: Person, provider: ScriptedProvider, figures: Figures, count: int
) -> None:
    scripts = [
        Script(id=f"{hub.interface}-silent-{count}-{n}", words=WORDS, silent_after=5 + n % 7) for n in range(count)
    ]

    left = await asyncio.gather(*(_leave(hub, buyer, script, n, words=1 + n % 3) for n, script in enumerate(scripts)))

    await _check(hub, buyer, provider, figures, left)


@pytest.mark.parametrize("hub", ["asgi"], indirect=True)
async def test_a_caller_who_leaves_before_the_first_event_pays_for_the_input(
    hub: HubProcess, buyer: Person, provider: ScriptedProvider, figures: Figures
) -> None:
    before = set(read(hub.data_dir).calls)
    script = Script(id="early-asgi", silent_after=0)
    async with _requested(hub, buyer, provider, script):
        for _ in range(10):  # The headers are on their way; so many answers later the hub has read them.
            assert (await ask(hub.port, buyer.key, path="/readyz")).status == 200
    at = time.monotonic()

    (call_id,) = set(read(hub.data_dir).calls) - before
    await _check(hub, buyer, provider, figures, [Left(script=script, call_id=call_id, at=at)])


@pytest.mark.parametrize("hub", ["wsgi"], indirect=True)
async def test_under_wsgi_a_caller_who_leaves_before_the_first_event_is_noticed_with_it(
    hub: HubProcess, buyer: Person, provider: ScriptedProvider, figures: Figures
) -> None:
    """A WSGI application learns of a hang-up only when it sends, and here there is nothing to send before."""
    before = set(read(hub.data_dir).calls)
    script = Script(id="early-wsgi", words=WORDS, silent_after=4, gate="early-wsgi")
    async with _requested(hub, buyer, provider, script):
        pass

    provider.open_gate(script.gate)
    at = time.monotonic()

    (call_id,) = set(read(hub.data_dir).calls) - before
    await _check(hub, buyer, provider, figures, [Left(script=script, call_id=call_id, at=at)])


@asynccontextmanager
async def _requested(hub: HubProcess, buyer: Person, provider: ScriptedProvider, script: Script) -> AsyncIterator[None]:
    """A stream was asked for and the provider has the request; the caller leaves with the block."""
    async with connected(hub.port) as line:
        await line.send("POST", OPENAI, buyer.key, chat(script, model="openai-stub/m", stream=True), {})
        await asyncio.to_thread(provider.wait_for, script.id)
        yield


async def _leave(hub: HubProcess, buyer: Person, script: Script, number: int, words: int) -> Left:
    """Ask for a stream, receive so many words of it, and hang up."""
    path, model = PAIRS[number % len(PAIRS)]
    received = b""
    async with asyncio.timeout(30), connected(hub.port) as line:
        await line.send("POST", path, buyer.key, chat(script, model=model, stream=True), {})
        status, headers = await line.head()
        assert status == 200
        while received.count(b"word") < words:
            piece = await line.piece()
            assert piece is not None
            received += piece
    return Left(script=script, call_id=headers["x-request-id"], at=time.monotonic(), words=words)


async def _check(
    hub: HubProcess, buyer: Person, provider: ScriptedProvider, figures: Figures, left: list[Left]
) -> None:
    figures.add({"requests": len(left), FAULT + "callers who left": len(left)})
    rows = [await _settled(hub, caller.call_id) for caller in left]
    for caller, row in zip(left, rows, strict=True):
        assert (row.ending, row.complete) == ("client_disconnected", 0)
        assert 0 < row.charge <= row.hold
        assert row.charge >= caller.words * WORD_BYTES // BYTES_PER_TOKEN * OUTPUT_NANOS
        assert row.usage_source in ("provider", "estimated")
        (seen,) = provider.seen(caller.script.id)
        assert await asyncio.to_thread(seen.left.wait, NOTICED_WITHIN_S), "the provider was never told to stop"
        assert seen.left_at is not None
        assert seen.left_at - caller.at < STOPPED_WITHIN_S
    assert len({row.id for row in rows}) == len(left)
    assert parse_credits(hub.balance(buyer.name)["held"]) == 0
    audit(hub.data_dir)
    hub.cli("ledger", "verify")
    hub.cli("stats", "verify")


async def _settled(hub: HubProcess, call_id: str) -> CallRow:
    """The call's row, once it has ended."""
    for _ in range(int(SETTLED_WITHIN_S / LOOK_EVERY_S)):
        row = read(hub.data_dir).calls[call_id]
        if row.ending is not None:
            return row
        await asyncio.sleep(LOOK_EVERY_S)
    raise AssertionError(f"{call_id} was not settled within {SETTLED_WITHIN_S} s")
