"""Another provider is asked until the first byte has gone to the caller, and never after (G19)."""

from collections.abc import Iterator

import pytest

from tests.simulation.auditor import audit
from tests.support.hub import HubProcess, running_hub
from tests.system.raw_client import ANTHROPIC, OPENAI, Response, ask, chat, events_of
from tests.system.scripted_answers import Script
from tests.system.scripted_provider import ScriptedProvider
from tests.system.users import Person, person

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider) -> Iterator[HubProcess]:
    """Two providers, each of its own dialect, serve one model; a call may be tried twice."""
    data_dir = tmp_path_factory.mktemp("fallback") / "data"
    with running_hub(data_dir, env={"AIHUB_MAX_RETRIES": "1"}) as running:
        running.add_provider("one", provider.base_url)
        running.add_provider("two", provider.base_url, "anthropic")
        yield running


@pytest.fixture(scope="module")
def buyer(hub: HubProcess) -> Person:
    return person(hub, "buyer", 10**12)


@pytest.mark.parametrize("path", [OPENAI, ANTHROPIC])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("failure", [{"first": 500}, {"first": 429}, {"first": 503}, {"cut_first": 0}])
async def test_a_provider_that_fails_before_its_first_chunk_is_replaced(
    hub: HubProcess, buyer: Person, provider: ScriptedProvider, path: str, stream: bool, failure: dict[str, int]
) -> None:
    script = Script(id=f"replaced-{path}-{stream}-{failure}", **failure)  # type: ignore[arg-type]  # all of them are int

    received = await _ask(hub, buyer, script, path, stream)

    assert (received.status, received.whole) == (200, True)
    assert {seen.path for seen in provider.seen(script.id)} == {"/v1/chat/completions", "/v1/messages"}
    row = audit(hub.data_dir).calls[received.call_id]
    assert (row.ending, row.complete) == ("completed", 1)
    assert row.provider == received.headers["x-aihub-provider"]
    assert row.charge == 10 * 1_000 + 5 * 2_000, "the usage of the answer that was given, and of no other"


@pytest.mark.parametrize("path", [OPENAI, ANTHROPIC])
@pytest.mark.parametrize("stream", [False, True])
async def test_when_all_providers_fail_the_caller_has_an_error_and_pays_nothing(
    hub: HubProcess, buyer: Person, provider: ScriptedProvider, path: str, stream: bool
) -> None:
    script = Script(id=f"hopeless-{path}-{stream}", first=503, status=503)

    received = await _ask(hub, buyer, script, path, stream)

    assert received.status == 503
    assert len(provider.seen(script.id)) == 2
    row = audit(hub.data_dir).calls[received.call_id]
    assert (row.ending, row.charge) == ("provider_failed", 0)


@pytest.mark.parametrize("path", [OPENAI, ANTHROPIC])
async def test_after_the_first_byte_no_other_provider_is_tried(
    hub: HubProcess, buyer: Person, provider: ScriptedProvider, path: str
) -> None:
    script = Script(id=f"begun-{path}", words=20, cut_first=1_000)

    received = await _ask(hub, buyer, script, path, stream=True)

    assert received.status == 200
    assert "error" in events_of(received.body)[-1][1]
    assert len(provider.seen(script.id)) == 1
    row = audit(hub.data_dir).calls[received.call_id]
    assert (row.ending, row.complete, row.charge > 0) == ("provider_failed", 0, True)


async def _ask(hub: HubProcess, buyer: Person, script: Script, path: str, stream: bool) -> Response:
    return await ask(hub.port, buyer.key, chat(script, model="m", stream=stream), path)
