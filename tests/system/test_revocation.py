"""What an operator changes holds for every request that starts after the command has returned (G24).

Two workers, many connections: whatever a process remembers of keys, providers and rates, it must not go by it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import anyio.to_thread
import pytest

from tests.simulation.auditor import audit
from tests.support.hub import HubProcess, Interface, running_hub
from tests.system.raw_client import OPENAI, Line, Response, chat, connected, received_on
from tests.system.scripted_answers import Script
from tests.system.scripted_provider import ScriptedProvider
from tests.system.users import Person, person

pytestmark = pytest.mark.anyio

CONNECTIONS, REQUESTS_MAX = 24, 10_000
INTERFACES: tuple[Interface, ...] = ("asgi", "wsgi")


@pytest.fixture(scope="module", params=INTERFACES)
def hub(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, provider: ScriptedProvider
) -> Iterator[HubProcess]:
    with running_hub(tmp_path_factory.mktemp("revocation") / "data", request.param, workers=2) as running:
        running.add_provider("stub", provider.base_url)
        yield running


@pytest.fixture(scope="module")
def buyer(hub: HubProcess) -> Person:
    return person(hub, "buyer", 10**12)


@asynccontextmanager
async def connections(hub: HubProcess) -> AsyncIterator[list[Line]]:
    """So many that every worker has some."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(connected(hub.port)) for _ in range(CONNECTIONS)]


async def on_all(lines: list[Line], key: str, body: bytes) -> list[Response]:
    """The same request on every connection at once."""
    return list(await asyncio.gather(*(received_on(line, OPENAI, key, body) for line in lines)))


async def statuses(lines: list[Line], key: str, body: bytes) -> set[int]:
    """What all connections answer to the request."""
    return {received.status for received in await on_all(lines, key, body)}


async def command(hub: HubProcess, *arguments: str, secret: str = "") -> Any:
    """An operator's command, while requests go on."""
    return await anyio.to_thread.run_sync(partial(hub.cli, *arguments, secret=secret))


async def test_after_revoke_returns_no_later_request_is_accepted_on_any_connection(
    hub: HubProcess, buyer: Person, provider: ScriptedProvider
) -> None:
    key = hub.cli("key", "create", "--user", buyer.name)
    body = chat(Script(id=f"{hub.interface}-revoked"))
    received: list[Response] = []

    async def keep_asking(line: Line) -> None:
        for _ in range(REQUESTS_MAX):
            received.append(await received_on(line, OPENAI, key["key"], body))
            in_use.set()
            if revoked and received[-1].sent_at > revoked[0]:
                return

    revoked: list[float] = []
    in_use = asyncio.Event()
    async with connections(hub) as lines:
        asking = [asyncio.create_task(keep_asking(line)) for line in lines]
        await in_use.wait()
        await command(hub, "key", "revoke", key["id"])
        revoked.append(time.monotonic())
        await asyncio.gather(*asking)
        served_upstream = len(provider.seen(f"{hub.interface}-revoked"))

        later = [each.status for each in received if each.sent_at > revoked[0]]
        assert len(later) == CONNECTIONS
        assert set(later) == {401}
        assert {each.status for each in received} == {200, 401}, "it was to be revoked while it was in use"
        assert await statuses(lines, key["key"], body) == {401}
        assert len(provider.seen(f"{hub.interface}-revoked")) == served_upstream
        assert await statuses(lines, buyer.key, body) == {200}, "the user's other key goes on"


async def test_a_new_rate_is_what_the_next_call_is_charged(hub: HubProcess, buyer: Person) -> None:
    body = chat(Script(id=f"{hub.interface}-rate", usage=(100, 10)))
    async with connections(hub) as lines:
        await on_all(lines, buyer.key, body)

        await command(hub, "rate", "set", "stub/m", "--input", "3", "--output", "5")
        received = await on_all(lines, buyer.key, body)

    calls = audit(hub.data_dir).calls
    assert {calls[each.call_id].charge for each in received} == {100 * 3_000 + 10 * 5_000}
    assert {each.headers["x-aihub-charge"] for each in received} == {"0.00035"}


async def test_credentials_come_and_go_with_the_next_call(
    hub: HubProcess, buyer: Person, provider: ScriptedProvider
) -> None:
    name = f"{hub.interface}-credentials"
    hub.add_provider(name, provider.base_url)
    (old,) = (each for each in hub.cli("credential", "list") if each["provider"] == name)

    async def secrets_used(marker: str) -> set[str]:
        assert await statuses(lines, buyer.key, chat(Script(id=marker), model=f"{name}/m")) == {200}
        return {seen.headers["authorization"] for seen in provider.seen(marker)}

    async with connections(hub) as lines:
        assert await secrets_used(f"{name}-1") == {"Bearer sk-provider-secret-1234"}

        await command(hub, "credential", "add", name, secret="sk-another-secret-5678")
        assert await secrets_used(f"{name}-2") == {"Bearer sk-provider-secret-1234", "Bearer sk-another-secret-5678"}

        await command(hub, "credential", "remove", old["id"])
        assert await secrets_used(f"{name}-3") == {"Bearer sk-another-secret-5678"}


async def test_a_removed_provider_is_called_no_more(hub: HubProcess, buyer: Person, provider: ScriptedProvider) -> None:
    name = f"{hub.interface}-removed"
    hub.add_provider(name, provider.base_url)
    async with connections(hub) as lines:
        assert await statuses(lines, buyer.key, chat(Script(id=f"{name}-before"), model=f"{name}/m")) == {200}

        await command(hub, "provider", "remove", name)

        assert await statuses(lines, buyer.key, chat(Script(id=f"{name}-after"), model=f"{name}/m")) == {404}
        assert provider.seen(f"{name}-after") == []


async def test_a_new_provider_and_a_grant_serve_the_next_call(hub: HubProcess, provider: ScriptedProvider) -> None:
    name = f"{hub.interface}-new"
    poor = person(hub, name)
    body = chat(Script(id=name), model=f"{name}/m")
    async with connections(hub) as lines:
        assert await statuses(lines, poor.key, body) == {404}

        await anyio.to_thread.run_sync(hub.add_provider, name, provider.base_url)
        assert await statuses(lines, poor.key, body) == {402}
        assert provider.seen(name) == []

        await command(hub, "credit", "grant", name, "1")
        assert await statuses(lines, poor.key, body) == {200}
