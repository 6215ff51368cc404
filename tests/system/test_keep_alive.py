"""While a provider thinks, the caller of a stream hears that it is still there, in words of the caller's dialect."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.hub import HubProcess, Interface, running_hub
from tests.support.provider import Received, Reply, StubProvider
from tests.system.answers import Script, streamed
from tests.system.client import ANTHROPIC, OPENAI, PATIENCE_S, chat, connected, events_of
from tests.system.people import Person, person

pytestmark = pytest.mark.anyio

SAID_IN_SILENCE = {OPENAI: b": keep-alive\n\n", ANTHROPIC: b'event: ping\ndata: {"type": "ping"}\n\n'}
PAIRS = [(path, f"{dialect}-stub/m") for path in SAID_IN_SILENCE for dialect in ("openai", "anthropic")]
INTERFACES: tuple[Interface, ...] = ("asgi", "wsgi")
EVENTS_BEFORE = 3


@pytest.fixture(scope="module", params=INTERFACES)
def hub(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    env = {"AIHUB_KEEP_ALIVE_S": "1"}
    with running_hub(tmp_path_factory.mktemp("keep-alive") / "data", request.param, env=env) as running:
        yield running


async def test_a_caller_hears_that_a_silent_stream_goes_on_and_nothing_else_changes(hub: HubProcess) -> None:
    gate, script = asyncio.Event(), Script(id="thinks", words=6)

    async def thinks(request: Received, reply: Reply) -> None:
        events = streamed(script, "anthropic" if request.path.endswith("/messages") else "openai")
        await reply.start(200, {"content-type": "text/event-stream"})
        for event in events[:EVENTS_BEFORE]:
            await reply.write(event)
        await gate.wait()
        for event in events[EVENTS_BEFORE:]:
            await reply.write(event)

    async with StubProvider(thinks) as stub:
        for dialect in ("openai", "anthropic"):
            hub.add_provider(f"{dialect}-stub", stub.base_url, dialect)
        buyer = person(hub, "buyer", 10**12)
        silent = [asyncio.Event() for _ in PAIRS]
        calls = [
            asyncio.create_task(_listen(hub, buyer, path, chat(script, model=model, stream=True), heard))
            for (path, model), heard in zip(PAIRS, silent, strict=True)
        ]
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*(heard.wait() for heard in silent))
        gate.set()
        bodies = await asyncio.gather(*calls)

    for (path, _), body in zip(PAIRS, bodies, strict=True):
        said = body.replace(SAID_IN_SILENCE[path], b"")
        assert said != body
        assert b"keep-alive" not in said
        assert script.text() == _text(events_of(said))
        assert (b"[DONE]" if path == OPENAI else b"message_stop") in said.splitlines()[-2]
    assert {"completed"} == {call["ending"] for call in hub.calls()}


async def _listen(hub: HubProcess, buyer: Person, path: str, request: bytes, heard: asyncio.Event) -> bytes:
    """The body of the answer; `heard` is set as soon as it has a keep-alive in it."""
    body = b""
    async with asyncio.timeout(PATIENCE_S), connected(hub.port) as line:
        await line.send("POST", path, buyer.key, request, {})
        status, _ = await line.head()
        assert 200 == status
        while (piece := await line.piece()) is not None:
            body += piece
            if SAID_IN_SILENCE[path] in body:
                heard.set()
    return body


def _text(events: list[tuple[str, Any]]) -> str:
    text = ""
    for name, data in events:
        if name == "content_block_delta":
            text += data["delta"].get("text", "")
        elif not name and data != "[DONE]":
            text += "".join(choice["delta"].get("content") or "" for choice in data["choices"])
    return text
