"""Aliases over real sockets: shares, fallback across dialects, patience for a first word, and what is reported of it."""

from collections.abc import Iterator

import anyio
import anyio.to_thread
import msgspec
import pytest

from tests.support.hub import HubProcess, running_hub
from tests.system.raw_client import ANTHROPIC, OPENAI, Response, ask, chat
from tests.system.scripted_answers import Script
from tests.system.scripted_provider import ScriptedProvider
from tests.system.users import Person, person

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider) -> Iterator[HubProcess]:
    """Two providers of different dialects; those of each test's alias are its own models."""
    with running_hub(tmp_path_factory.mktemp("aliases") / "data", env={"AIHUB_MAX_RETRIES": "1"}) as running:
        running.add_provider("one", provider.base_url)
        running.add_provider("two", provider.base_url, "anthropic")
        for model in ("turns", "chain", "slow", "able"):
            for name in ("one", "two"):
                rate = ["--input", "1", "--output", "2", "--context", "128000", "--max-output", "4096"]
                able = ["--capabilities", "none"] if (name, model) == ("one", "able") else []
                running.cli("rate", "set", f"{name}/{model}", *rate, *able)
        yield running


@pytest.fixture(scope="module")
def buyer(hub: HubProcess) -> Person:
    return person(hub, "buyer", 10**12)


async def test_an_alias_shares_its_calls_by_weight_and_reports_it(hub: HubProcess, buyer: Person) -> None:
    hub.cli("alias", "set", "turns", "--to", "one/turns*2", "two/turns")

    received = [await _ask(hub, buyer, Script(id=f"turns-{n}"), "turns") for n in range(3)]

    assert ["one", "one", "two"] == sorted(one.headers["x-aihub-provider"] for one in received)
    assert {"alias turns; round-robin; 1 of 2"} == {one.headers["x-aihub-route"] for one in received}


@pytest.mark.parametrize("path", [OPENAI, ANTHROPIC])
async def test_a_chain_falls_back_across_dialects(hub: HubProcess, buyer: Person, path: str) -> None:
    name = f"chain{len(path)}"
    hub.cli("rate", "set", f"one/{name}", "--input", "1", "--output", "2", "--max-output", "99")
    hub.cli("alias", "set", f"{name}-last", "--to", "two/chain")
    hub.cli("alias", "set", f"{name}-first", "--to", f"one/{name}@0", f"{name}-last@1")

    received = await _ask(hub, buyer, Script(id=name, first=503), f"{name}-first", path)

    assert (200, "two") == (received.status, received.headers["x-aihub-provider"])
    assert received.headers["x-aihub-route"] == f"alias {name}-first; round-robin; 2 of 2; one unavailable"


async def test_a_stream_that_does_not_begin_in_time_is_begun_elsewhere(
    hub: HubProcess, buyer: Person, provider: ScriptedProvider
) -> None:
    hub.cli("alias", "set", "slow", "--to", "one/slow", "two/slow@1", "--first-token-timeout", "1")
    script = Script(id="slow", gate="slow")

    received: Response | None = None

    async with anyio.create_task_group() as tasks:

        async def call() -> None:
            nonlocal received
            received = await _ask(hub, buyer, script, "slow", stream=True)

        tasks.start_soon(call)
        await anyio.to_thread.run_sync(provider.wait_for, "slow", 2)
        provider.open_gate("slow")

    assert received is not None
    assert (200, "two") == (received.status, received.headers["x-aihub-provider"])
    assert received.headers["x-aihub-route"].endswith("; one timed_out")
    attempts = hub.cli("call", "show", received.call_id)["attempts"]
    assert ["timed_out", "answered"] == [attempt["outcome"] for attempt in attempts]


async def test_an_unable_provider_is_not_tried_and_if_none_is_able_the_lack_is_named(
    hub: HubProcess, buyer: Person
) -> None:
    hub.cli("alias", "set", "able", "--to", "one/able", "two/able")
    body = msgspec.json.decode(chat(Script(id="able"), model="able"))
    body["tools"] = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]

    able = [await ask(hub.port, buyer.key, msgspec.json.encode(body)) for _ in range(2)]
    lacking = await ask(hub.port, buyer.key, msgspec.json.encode(body | {"model": "one/able"}))

    assert [(200, "two")] * 2 == [(received.status, received.headers["x-aihub-provider"]) for received in able]
    assert (400, "unsupported_capability", "tools") == (
        lacking.status,
        lacking.error()["code"],
        lacking.error()["param"],
    )


async def test_owners_are_reported_where_a_call_would_go_and_guests_are_not(hub: HubProcess, buyer: Person) -> None:
    hub.cli("alias", "set", "told", "--to", "one/turns", "two/turns@1", "nobody")

    by_books = hub.cli("route", "explain", "told")
    live = msgspec.json.decode((await ask(hub.port, hub.key, path="/api/route/told")).body)
    refused = await ask(hub.port, buyer.key, path="/api/route/told")
    listed = msgspec.json.decode((await ask(hub.port, buyer.key, path="/v1/models")).body)

    for reported in (by_books, live):
        assert [("one", [0]), ("two", [1])] == [
            (one["provider"], one["priority"][:1]) for one in reported["candidates"]
        ]
        assert [{"model": "nobody", "why": "no provider serves it"}] == reported["left_out"]
    assert (403, "not_allowed") == (refused.status, refused.error()["code"])
    assert "told" in {model["id"] for model in listed["data"]}


async def _ask(
    hub: HubProcess, buyer: Person, script: Script, model: str, path: str = OPENAI, stream: bool = False
) -> Response:
    return await ask(hub.port, buyer.key, chat(script, model=model, stream=stream), path)
