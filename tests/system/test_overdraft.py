"""No customer ever spends a credit they do not have (G1), and no refused call reaches a provider (G13).

200 callers at once share one wallet, on two worker processes. Books and provider are asked afterwards: the journal
says what was available at every instant, the provider which calls came.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Sequence

import msgspec
import pytest

from domain.pricing.money import format_credits, parse_credits
from tests.simulation.auditor import audit
from tests.support.figures import Figures
from tests.support.hub import HubProcess, Interface, running_hub
from tests.system.raw_client import Line, Response, ask, chat, connected, received_on
from tests.system.scripted_answers import Script
from tests.system.scripted_provider import ScriptedProvider
from tests.system.users import Person, person

pytestmark = pytest.mark.anyio

CALLERS = 200
# The model's context is less than what the hub adds to any request, so every call is bound by just so much input.
CONTEXT, OUTPUT_MAX = 1_000, 400
OUTPUT_USEFUL = 256
SEEN_S = 20
INPUT_NANOS, OUTPUT_NANOS = 1_000, 2_000  # a token's price: one and two credits a million


def bound_nanos(output_tokens: int) -> int:
    """The most that a call with that cap may be charged."""
    return CONTEXT * INPUT_NANOS + output_tokens * OUTPUT_NANOS


class Requested(msgspec.Struct, frozen=True, kw_only=True):
    """One caller's request and the answer to it."""

    script: Script
    cap: int | None
    received: Response


class Watch:
    """Somebody who looks at a balance all the time: how often they were reported it, and whether a hold was in it."""

    def __init__(self) -> None:
        self.looks = 0
        self.a_hold = asyncio.Event()

    async def sees_a_hold(self) -> None:
        try:
            await asyncio.wait_for(self.a_hold.wait(), SEEN_S)
        except TimeoutError:
            raise AssertionError(f"in {SEEN_S} s the balance was told {self.looks} times, and never a hold") from None


@pytest.fixture(scope="module", params=["asgi", pytest.param("wsgi", marks=pytest.mark.soak)])
def hub(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider
) -> Iterator[HubProcess]:
    interface: Interface = request.param
    with running_hub(tmp_path_factory.mktemp(f"overdraft-{interface}") / "data", interface, workers=2) as running:
        rate = {"context": str(CONTEXT), "max_output": str(OUTPUT_MAX)}
        running.add_provider("stub", provider.base_url, **rate)
        yield running
        running.cli("ledger", "verify")
        running.cli("stats", "verify")


def rounds(short: int, long: int) -> list[object]:
    """Seeds: a few for every run, all of them for a soak."""
    return [pytest.param(seed, marks=[pytest.mark.soak] if seed >= short else []) for seed in range(long)]


@pytest.mark.parametrize("seed", rounds(1, 20))
async def test_a_wallet_for_fifty_serves_exactly_fifty_of_two_hundred_callers(
    hub: HubProcess, provider: ScriptedProvider, figures: Figures, seed: int
) -> None:
    cap = 100
    buyer = person(hub, f"fifty{seed}", 50 * bound_nanos(cap))
    # In every other round nobody is served before all others are refused: all fifty holds are open at once.
    gate = f"fifty{seed}" if seed % 2 == 0 else ""
    scripts = [Script(id=f"{buyer.id}-{n}", usage=(CONTEXT, cap), gate=gate) for n in range(CALLERS)]

    requested, watch = [], Watch()
    wanted = [(script, cap, n % 4 == 0) for n, script in enumerate(scripts)]
    async for call in _all_at_once(hub, buyer, wanted, watch):
        requested.append(call)
        if gate and len(requested) == CALLERS - 50:
            await watch.sees_a_hold()
            provider.open_gate(gate)

    served = [call for call in requested if call.received.status == 200]
    assert len(served) == 50
    assert hub.balance(buyer.name)["posted"] == "0"
    figures.add({"requests": len(requested)})
    _check(hub, provider, buyer, 50 * bound_nanos(cap), requested)
    hub.cli("credit", "grant", buyer.name, format_credits(bound_nanos(cap)))
    assert (await _one(hub, buyer, Script(id=f"{buyer.id}-last", usage=(CONTEXT, cap)), cap)).status == 200


@pytest.mark.parametrize("seed", rounds(2, 20))
async def test_a_call_is_refused_only_when_its_bound_exceeds_what_is_available(
    hub: HubProcess, provider: ScriptedProvider, figures: Figures, seed: int
) -> None:
    chance = random.Random(seed)
    wallet = bound_nanos(chance.randrange(1_000, 20_000))
    buyer = person(hub, f"mixed{seed}", wallet)
    wanted = [_any_request(chance, f"{buyer.id}-{n}") for n in range(CALLERS)]

    requested = [call async for call in _all_at_once(hub, buyer, wanted, Watch())]

    assert {call.received.status for call in requested} >= {200, 402}, (
        "the wallet was to be enough for some and not for all"
    )
    figures.add({"requests": len(requested)})
    _check(hub, provider, buyer, wallet, requested)
    rest = parse_credits(hub.balance(buyer.name)["available"])
    affordable = (rest - bound_nanos(0)) // OUTPUT_NANOS
    if affordable < 1:
        hub.cli("credit", "grant", buyer.name, format_credits(bound_nanos(1)))
        affordable = 1
    last = Script(id=f"{buyer.id}-last", usage=(1, 1))
    assert (await _one(hub, buyer, last, min(affordable, OUTPUT_MAX))).status == 200


def _any_request(chance: random.Random, marker: str) -> tuple[Script, int | None, bool]:
    """A request with any cap or none, answered with any usage up to the bound, or by an error."""
    cap = chance.choice([None, chance.randrange(1, OUTPUT_MAX)])
    tokens_out = chance.randrange(cap or OUTPUT_USEFUL)
    status = chance.choice([200] * 9 + [400])
    script = Script(
        id=marker,
        usage=(chance.randrange(CONTEXT), tokens_out),
        status=status,
        first=status,
        pace_ms=chance.randrange(40),
    )
    return script, cap, chance.random() < 0.5


async def _one(hub: HubProcess, buyer: Person, script: Script, cap: int | None, stream: bool = False) -> Response:
    return await ask(hub.port, buyer.key, chat(script, cap=cap, stream=stream))


async def _all_at_once(
    hub: HubProcess, buyer: Person, wanted: Sequence[tuple[Script, int | None, bool]], watch: Watch
) -> AsyncIterator[Requested]:
    """Ask them all at once, and give the answers as they come, while somebody watches the balance."""

    async def one(script: Script, cap: int | None, stream: bool) -> Requested:
        return Requested(script=script, cap=cap, received=await _one(hub, buyer, script, cap, stream))

    async with connected(hub.port) as line:
        watcher = asyncio.create_task(_look_on(line, buyer, watch))
        try:
            for answer in asyncio.as_completed([one(*request) for request in wanted]):
                yield await answer
        finally:
            watcher.cancel()
        await watcher
        assert watch.looks, "nobody watched"


async def _look_on(line: Line, buyer: Person, watch: Watch) -> None:
    """Look at the balance until cancelled: no amount is ever below zero."""
    try:
        while True:
            received = await received_on(line, "/api/user/credit/balance", buyer.key)
            assert received.status == 200, received
            reported = msgspec.json.decode(received.body)
            posted, held, available = (parse_credits(reported[name]) for name in ("posted", "held", "available"))
            assert posted == held + available, reported  # and a minus sign is nothing that `parse_credits` reads
            watch.looks += 1
            if held:
                watch.a_hold.set()
    except asyncio.CancelledError:
        return
    finally:
        watch.a_hold.set()  # nobody shall wait for a watcher who has failed


def _check(
    hub: HubProcess, provider: ScriptedProvider, buyer: Person, wallet: int, requested: Sequence[Requested]
) -> None:
    """What must be true of every round, by the journal and by what the provider saw."""
    books = audit(hub.data_dir)
    calls = books.of_user(buyer.id)
    charged = sum(call.charge for call in calls)
    assert all(call.ending is not None for call in calls)
    assert 0 < charged <= wallet
    assert parse_credits(hub.balance(buyer.name)["available"]) == wallet - charged
    instants = set(books.available_over_time(buyer.id))
    assert min(instants) >= 0
    for call in requested:
        arrived = len(provider.seen(call.script.id))
        if call.received.status == 402:
            assert arrived == 0, "a refused call reached the provider"
            _check_refusal(call, instants)
        else:
            expected = call.script.status
            assert (call.received.status, arrived) == (expected, 1), call.received.body
            assert call.received.whole
            row = books.calls[call.received.call_id]
            assert (row.charge > 0) == (expected == 200)


def _check_refusal(call: Requested, instants: set[int]) -> None:
    """The refusal names decimals that are true: a bound beyond what was available at some instant so far."""
    error = call.received.error()
    bound, available, shortfall = (parse_credits(error[name]) for name in ("bound", "available", "shortfall"))
    assert bound == bound_nanos(OUTPUT_MAX if call.cap is None else call.cap)
    assert shortfall == bound - available > 0
    if call.cap is None:
        assert available < bound_nanos(OUTPUT_USEFUL), "a lower cap would have fitted"
    assert available in instants, "this was never what was available"
