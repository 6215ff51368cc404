"""Limits are exact on any number of processes: four workers on one file of books, and callers who ask all at once."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from domain.pricing.money import format_credits, parse_credits
from tests.support.hub import HubProcess, running_hub
from tests.system.raw_client import Response, ask
from tests.system.users import Person, person

pytestmark = pytest.mark.anyio

WORKERS, CALLERS = 4, 60
CAP, CONTEXT = 100, 1_000
# The model's context is less than what the hub adds to any request, so every call is bound by just so much input.
BOUND = CONTEXT * 1_000 + CAP * 2_000
RICH = 10**12
PROMPT = "word " * 800  # so that a call is charged nearly what it may be


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with running_hub(tmp_path_factory.mktemp("limits") / "data", workers=WORKERS) as running:
        running.cli("provider", "add", "echo")
        running.cli("rate", "set", "echo/echo", "--input", "1", "--output", "2", "--context", str(CONTEXT))
        yield running
        verified = running.cli("ledger", "verify")
        assert verified["ok"]
        assert verified["open_holds"] == 0


async def one(hub: HubProcess, caller: Person, run: str = "", stream: bool = False) -> Response:
    messages = [{"role": "user", "content": PROMPT}]
    body = msgspec.json.encode({"model": "echo/echo", "max_tokens": CAP, "stream": stream, "messages": messages})
    return await ask(hub.port, caller.key, body, headers={"x-aihub-run": run} if run else None)


async def all_at_once(hub: HubProcess, *callers: Person, run: str = "") -> list[Response]:
    return await asyncio.gather(*(one(hub, callers[n % len(callers)], run, stream=n % 3 == 0) for n in range(CALLERS)))


def refused(responses: list[Response]) -> Counter[tuple[int, str]]:
    errors = [(one.status, one.error()["code"]) for one in responses if one.status != 200]
    return Counter(errors)


def charged(hub: HubProcess, caller: Person) -> int:
    return RICH - parse_credits(hub.balance(caller.name)["available"])


async def test_exactly_as_many_requests_pass_as_a_limit_has(hub: HubProcess) -> None:
    alice, bob = person(hub, "alice", RICH), person(hub, "bob", RICH)
    hub.cli("limit", "set", "--measure", "requests", "--amount", "17", "--per", "1h", "--user", "*")

    responses = await all_at_once(hub, alice, bob)

    assert refused(responses) == {(429, "rate_limited"): CALLERS - 2 * 17}
    left = hub.cli("limit", "list")
    assert left[0]["left"] == {"user:alice": 0, "user:bob": 0}
    hub.cli("limit", "remove", left[0]["id"])


async def test_a_budget_is_never_exceeded_and_is_spent_to_what_no_call_fits_in(hub: HubProcess) -> None:
    buyer = person(hub, "budgeted", RICH)
    amount = 10 * BOUND
    made = hub.cli("budget", "set", "--amount", format_credits(amount), "--user", "budgeted", "--period", "quarter")

    responses = [answer for _ in range(3) for answer in await all_at_once(hub, buyer)]

    (spent,) = hub.cli("budget", "show", made["id"])["spent"]
    total = parse_credits(spent["spent"])
    assert total == charged(hub, buyer)
    assert amount - BOUND < total <= amount
    assert spent["held"] == "0"
    assert set(refused(responses)) == {(402, "budget_exceeded")}


async def test_a_purse_is_shared_by_all_calls_that_name_a_run(hub: HubProcess) -> None:
    buyer = person(hub, "agent", RICH)
    hub.cli("run", "set", "r1", "--user", "agent", "--purse", format_credits(5 * BOUND))

    answers = [answer for _ in range(3) for answer in await all_at_once(hub, buyer, run="r1")]
    other = await one(hub, buyer, run="r2")

    run = hub.cli("run", "show", "r1", "--user", "agent")
    spent = parse_credits(run["spent"])
    assert 4 * BOUND < spent <= 5 * BOUND
    assert set(refused(answers)) == {(402, "run_purse_spent")}
    assert other.status == 200
    hub.cli("run", "set", "r1", "--user", "agent", "--purse", format_credits(spent + BOUND))
    assert (await one(hub, buyer, run="r1")).status == 200, "raised"
    hub.cli("run", "stop", "r1", "--user", "agent")
    assert (await one(hub, buyer, run="r1")).error()["code"] == "run_stopped"


async def test_open_calls_are_never_more_than_the_limit_and_end_one_by_one(hub: HubProcess) -> None:
    buyer = person(hub, "parallel", RICH)
    limit = hub.cli("limit", "set", "--measure", "concurrency", "--amount", "2", "--user", "parallel")

    responses = await all_at_once(hub, buyer)

    assert set(refused(responses)) <= {(429, "rate_limited")}
    assert any(answer.status == 200 for answer in responses)
    listed = {one["id"]: one for one in hub.cli("limit", "list")}
    assert listed[limit["id"]]["left"] in ({}, {"user:parallel": 2})


async def test_a_stop_holds_for_the_next_call_in_every_process(hub: HubProcess) -> None:
    buyer = person(hub, "stopped", RICH)
    assert (await one(hub, buyer)).status == 200

    assert hub.cli("exposure", "stop")["stopped"]
    stopped = await all_at_once(hub, buyer)
    assert not hub.cli("exposure", "resume")["stopped"]

    assert refused(stopped) == {(402, "paid_calls_stopped"): CALLERS}
    assert (await one(hub, buyer)).status == 200


async def test_a_cap_of_exposure_is_never_exceeded_and_nothing_stays_owed(hub: HubProcess) -> None:
    buyer = person(hub, "exposed", RICH)
    hub.cli("exposure", "cap", "echo", "--amount", format_credits(2 * BOUND))

    responses = await all_at_once(hub, buyer)
    shown: Any = hub.cli("exposure", "show")

    assert set(refused(responses)) <= {(503, "exposure_reached")}
    assert (shown["owed_at_most"], shown["open_calls"]) == ("0", 0)
    assert shown["providers"][0]["cap"] == format_credits(2 * BOUND)
    hub.cli("exposure", "cap", "echo")
    assert msgspec.json.encode(hub.cli("exposure", "show")["providers"]) == b"[]"
