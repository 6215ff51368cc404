"""While a provider thinks, the caller of a stream receives that it is still there, in words of the caller's dialect."""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from tests.behaviour.plain_calls import AIGNE, aigne_body
from tests.behaviour.sdks import NOBODY
from tests.behaviour.test_aigne_client import CLIENT, NODE, SCRIPT, with_client
from tests.support.hub import HubProcess, Interface, running_hub
from tests.support.provider import Received, Reply, StubProvider
from tests.system.raw_client import ANTHROPIC, OPENAI, TIMEOUT_S, chat, connected, events_of
from tests.system.scripted_answers import Script, streamed
from tests.system.users import Person, person

pytestmark = pytest.mark.anyio

COMMENT = b": keep-alive\n"
SAID_IN_SILENCE = {OPENAI: COMMENT, ANTHROPIC: b'event: ping\ndata: {"type": "ping"}\n\n', AIGNE: COMMENT}
PAIRS = [(path, f"{dialect}-stub/m") for path in (OPENAI, ANTHROPIC) for dialect in ("openai", "anthropic")]
INTERFACES: tuple[Interface, ...] = ("asgi", "wsgi")
EVENTS_BEFORE = 3


@pytest.fixture(scope="module", params=INTERFACES)
def hub(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    env = {"AIHUB_KEEP_ALIVE_S": "1"}
    with running_hub(tmp_path_factory.mktemp("keep-alive") / "data", request.param, env=env) as running:
        yield running


async def test_a_caller_receives_that_a_silent_stream_goes_on_and_nothing_else_changes(hub: HubProcess) -> None:
    """(G21)"""
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
            asyncio.create_task(_listen(hub, buyer, path, chat(script, model=model, stream=True), received))
            for (path, model), received in zip(PAIRS, silent, strict=True)
        ]
        async with asyncio.timeout(TIMEOUT_S):
            await asyncio.gather(*(received.wait() for received in silent))
        gate.set()
        bodies = await asyncio.gather(*calls)

    for (path, _), body in zip(PAIRS, bodies, strict=True):
        said = body.replace(SAID_IN_SILENCE[path], b"")
        assert said != body
        assert b"keep-alive" not in said
        assert script.text() == _text(events_of(said))
        assert (b"[DONE]" if path == OPENAI else b"message_stop") in said.splitlines()[-2]
    assert {"completed"} == {call["ending"] for call in hub.calls()}


async def test_official_clients_read_on_through_silence_after_events_that_have_ids(hub: HubProcess) -> None:
    """OpenAI's SDK for Python takes a comment with a blank line, after an event with an id, for an event without data.

    The clients read what the hub gave, byte for byte, with a keep-alive in it for certain. (G21)
    """
    script = Script(id="ids", words=6)
    bodies = await _silent_with_ids(hub, script)

    async def again(request: Received, reply: Reply) -> None:
        if request.method == "GET":
            await reply.send(200, {"content-type": "application/json"}, b'{"componentMountPoints":[]}')
            return
        await reply.start(200, {"content-type": "text/event-stream"})
        await reply.write(bodies[request.path.partition("?")[0]])
        await reply.end()

    async with StubProvider(again) as stub:
        url = stub.base_url.removesuffix("/v1")
        received = [await asyncio.to_thread(read, url) for read in (_by_openai, _by_anthropic)]

    assert [script.text()] * 2 == received


@with_client
async def test_aignes_client_reads_on_through_silence(hub: HubProcess) -> None:
    script = Script(id="aigne", words=6)
    body = (await _silent_with_ids(hub, script))[AIGNE]
    assert b": keep-alive\n" in body

    async def again(request: Received, reply: Reply) -> None:
        if request.method == "GET":
            mounts = b'{"componentMountPoints":[{"did":"z8ia3xzq2tMq8CRHfaXj1BTYJyYnEcHbqP8cJ","mountPoint":"/"}]}'
            await reply.send(200, {"content-type": "application/json"}, mounts)
            return
        await reply.start(200, {"content-type": "text/event-stream"})
        await reply.write(body)
        await reply.end()

    async with StubProvider(again) as stub:
        reported = await asyncio.to_thread(_by_aigne, stub.base_url.removesuffix("/v1"))

    assert script.text() == reported


async def _silent_with_ids(hub: HubProcess, script: Script) -> dict[str, bytes]:
    """What the hub gives on each path while its provider, whose events have ids, is silent for a while."""
    gate = asyncio.Event()

    async def thinks(request: Received, reply: Reply) -> None:
        await reply.start(200, {"content-type": "text/event-stream"})
        for number, event in enumerate(streamed(script, "anthropic" if "messages" in request.path else "openai")):
            await reply.write(b"id: %d\n%b" % (number, event))
            if number == EVENTS_BEFORE:
                await gate.wait()

    async with StubProvider(thinks) as stub:
        for dialect in ("openai", "anthropic"):
            hub.add_provider(f"{dialect}-{script.id}", stub.base_url, dialect)
        buyer = person(hub, f"buyer-{script.id}", 10**12)
        requests = {
            OPENAI: chat(script, model=f"openai-{script.id}/m", stream=True),
            ANTHROPIC: chat(script, model=f"anthropic-{script.id}/m", stream=True),
            AIGNE: json.dumps(aigne_body(f"openai-{script.id}/m", True)).encode(),
        }
        silent = {path: asyncio.Event() for path in requests}
        calls = [asyncio.create_task(_listen(hub, buyer, path, body, silent[path])) for path, body in requests.items()]
        async with asyncio.timeout(TIMEOUT_S):
            await asyncio.gather(*(received.wait() for received in silent.values()))
        gate.set()
        return dict(zip(requests, await asyncio.gather(*calls), strict=True))


def _by_openai(url: str) -> str:
    http_client = openai.DefaultHttpxClient(verify=NOBODY)
    with openai.OpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0, http_client=http_client) as client:
        stream = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}], stream=True)
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def _by_anthropic(url: str) -> str:
    http_client = anthropic.DefaultHttpxClient(verify=NOBODY)
    with (
        anthropic.Anthropic(base_url=url, api_key="x", max_retries=0, http_client=http_client) as client,
        client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "x"}]) as stream,
    ):
        return "".join(stream.text_stream)


def _by_aigne(url: str) -> str:
    assert NODE is not None
    environment = {"PATH": os.environ["PATH"], "AIGNE_CLIENT": str(CLIENT), "AIGNE_HUB_API_URL": url, "KEY": "x"}
    ran = subprocess.run(
        [NODE, str(SCRIPT), "heard"], env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return str(json.loads(ran.stdout)["text"])


async def _listen(hub: HubProcess, buyer: Person, path: str, request: bytes, received: asyncio.Event) -> bytes:
    """The body of the answer; `received` is set as soon as it has a keep-alive in it."""
    body = b""
    async with asyncio.timeout(TIMEOUT_S), connected(hub.port) as line:
        await line.send("POST", path, buyer.key, request, {})
        status, _ = await line.head()
        assert 200 == status
        while (piece := await line.piece()) is not None:
            body += piece
            if SAID_IN_SILENCE[path] in body:
                received.set()
    return body


def _text(events: list[tuple[str, Any]]) -> str:
    text = ""
    for name, data in events:
        if name == "content_block_delta":
            text += data["delta"].get("text", "")
        elif not name and data != "[DONE]":
            text += "".join(choice["delta"].get("content") or "" for choice in data["choices"])
    return text
