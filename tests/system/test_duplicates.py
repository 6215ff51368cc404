"""An Idempotency-Key runs upstream once and is charged once (G3): for concurrent duplicates, and after a crash."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.simulation.auditor import CallRow, audit
from tests.support.hub import HubProcess, Interface, running_hub
from tests.system.raw_client import OPENAI, Response, ask, chat, connected
from tests.system.scripted_answers import Script
from tests.system.scripted_provider import ScriptedProvider
from tests.system.users import Person, person

pytestmark = pytest.mark.anyio

DUPLICATES = 12
INTERFACES: tuple[Interface, ...] = ("asgi", "wsgi")


@pytest.fixture(scope="module", params=INTERFACES)
def hub(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider
) -> Iterator[HubProcess]:
    with running_hub(tmp_path_factory.mktemp("duplicates") / "data", request.param, workers=2) as running:
        running.add_provider("stub", provider.base_url)
        yield running


@pytest.fixture(scope="module")
def buyer(hub: HubProcess) -> Person:
    return person(hub, "buyer", 10**9)


@pytest.mark.parametrize("stream", [False, True])
async def test_concurrent_duplicates_are_one_call_with_one_answer(
    hub: HubProcess, buyer: Person, provider: ScriptedProvider, stream: bool
) -> None:
    marker = f"{hub.interface}-duplicates-{stream}"
    body = chat(Script(id=marker, gate=marker), stream=stream)

    duplicates = [asyncio.create_task(_keyed(hub, buyer, marker, body)) for _ in range(DUPLICATES)]
    # Who answers this has read what came before it on the same worker, or else the duplicates come later still.
    assert (await ask(hub.port, buyer.key, chat(Script(id=f"{marker}-other")))).status == 200
    provider.open_gate(marker)
    received = await asyncio.gather(*duplicates)

    assert {(each.status, each.whole, each.body, each.call_id) for each in received} == {
        (200, True, received[0].body, received[0].call_id)
    }
    assert len(provider.seen(marker)) == 1
    (row,) = _rows(hub, marker)
    assert (row.id, row.ending, row.charge > 0) == (received[0].call_id, "completed", True)
    assert sum(each.headers.get("idempotent-replayed") == "true" for each in received) == DUPLICATES - 1


@pytest.mark.parametrize("stream", [False, True])
async def test_another_body_under_the_same_key_is_a_conflict(
    hub: HubProcess, buyer: Person, provider: ScriptedProvider, stream: bool
) -> None:
    marker = f"{hub.interface}-conflict-{stream}"
    assert (await _keyed(hub, buyer, marker, chat(Script(id=marker), stream=stream))).status == 200

    other = await _keyed(hub, buyer, marker, chat(Script(id=f"{marker}-other"), stream=stream))

    assert (other.status, other.error()["code"]) == (409, "idempotency_conflict")
    assert provider.seen(f"{marker}-other") == []
    assert len(_rows(hub, marker)) == 1


async def test_the_same_key_of_another_user_is_another_call(
    hub: HubProcess, buyer: Person, provider: ScriptedProvider
) -> None:
    marker = f"{hub.interface}-mine"
    neighbour = person(hub, "neighbour", 10**9)
    body = chat(Script(id=marker))

    mine, theirs = [await _keyed(hub, user, marker, body) for user in (buyer, neighbour)]

    assert (mine.status, theirs.status) == (200, 200)
    assert mine.call_id != theirs.call_id
    assert len(provider.seen(marker)) == 2


@pytest.mark.parametrize("stream", [False, True])
async def test_a_duplicate_that_comes_after_a_crash_is_answered_from_the_books(
    hub: HubProcess, buyer: Person, provider: ScriptedProvider, stream: bool
) -> None:
    marker = f"{hub.interface}-remembered-{stream}"
    body = chat(Script(id=marker), stream=stream)
    first = await _keyed(hub, buyer, marker, body)

    hub.kill()
    hub.start()
    duplicate = await _keyed(hub, buyer, marker, body)

    assert (duplicate.status, duplicate.body, duplicate.call_id) == (200, first.body, first.call_id)
    assert duplicate.headers["content-type"] == first.headers["content-type"]
    assert duplicate.headers["idempotent-replayed"] == "true"
    assert len(provider.seen(marker)) == 1
    assert len(_rows(hub, marker)) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_a_duplicate_of_a_call_that_a_crash_has_ended_is_run_again_and_charged_once(
    hub: HubProcess, buyer: Person, provider: ScriptedProvider, stream: bool
) -> None:
    marker = f"{hub.interface}-lost-{stream}"
    body = chat(Script(id=marker, gate=marker), stream=stream)
    lost = asyncio.create_task(_keyed(hub, buyer, marker, body))
    await asyncio.to_thread(provider.wait_for, marker)

    hub.kill()
    assert not (await lost).whole
    hub.start()
    provider.open_gate(marker)
    duplicate = await _keyed(hub, buyer, marker, body)

    assert (duplicate.status, duplicate.whole) == (200, True)
    rows = _rows(hub, marker)
    assert [(row.ending, row.charge > 0) for row in rows] == [("lost", False), ("completed", True)]
    assert rows[1].id == duplicate.call_id


async def test_a_key_whose_caller_left_early_is_charged_no_second_time(
    hub: HubProcess, buyer: Person, provider: ScriptedProvider
) -> None:
    marker = f"{hub.interface}-left"
    body = chat(Script(id=marker, silent_after=3), stream=True)
    async with connected(hub.port) as line:
        await line.send("POST", OPENAI, buyer.key, body, {"idempotency-key": marker})
        await line.head()
        assert await line.piece()
    assert await asyncio.to_thread(provider.seen(marker)[0].left.wait, 10)

    duplicate = await _keyed(hub, buyer, marker, body)

    assert (duplicate.status, duplicate.error()["code"]) == (409, "idempotency_unavailable")
    assert len(provider.seen(marker)) == 1
    (row,) = _rows(hub, marker)
    assert (row.ending, row.charge > 0) == ("client_disconnected", True)


async def _keyed(hub: HubProcess, user: Person, marker: str, body: bytes) -> Response:
    return await ask(hub.port, user.key, body, headers={"idempotency-key": marker})


def _rows(hub: HubProcess, marker: str) -> list[CallRow]:
    """The calls made under that Idempotency-Key, once the books are proved."""
    return [row for row in audit(hub.data_dir).calls.values() if row.idempotency_key == marker]
