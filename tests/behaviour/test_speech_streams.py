"""Speech reaches the caller piece by piece, while the provider still speaks; through Lambda nothing can."""

import asyncio
import http.client
import json
import threading

import pytest

from tests.behaviour.plain_calls import SPEECH, TIMEOUT_S
from tests.behaviour.stub import Stub
from tests.support.hub import HubProcess
from tests.support.provider import Received, Reply


def test_the_first_piece_comes_before_the_last_is_stated(hub: HubProcess, stub: Stub) -> None:
    if hub.interface == "lambda":
        pytest.skip("Mangum collects the whole answer")
    received = threading.Event()

    async def speaking(request: Received, reply: Reply) -> None:
        await reply.start(200, {"content-type": "audio/mpeg"})
        await reply.write(b"first")
        assert await asyncio.to_thread(received.wait, TIMEOUT_S), "nobody heard the first piece"
        await reply.write(b"last")

    stub.will(speaking)
    body = json.dumps({"model": "oai/tts", "voice": "a", "input": "Hello"})
    headers = {"authorization": f"Bearer {hub.key}", "content-type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=TIMEOUT_S)
    try:
        connection.request("POST", SPEECH, body, headers)
        answer = connection.getresponse()
        first = answer.read1(100)
        received.set()
        rest = answer.read()
    finally:
        received.set()
        connection.close()

    assert (b"first", b"last") == (first, rest)
    assert "audio/mpeg" == answer.getheader("content-type")


def test_a_listener_who_leaves_pays_for_the_characters_and_the_provider_is_let_go(hub: HubProcess, stub: Stub) -> None:
    if hub.interface == "lambda":
        pytest.skip("a function never hears of a hang-up")
    left = threading.Event()

    async def speaking(request: Received, reply: Reply) -> None:
        await reply.start(200, {"content-type": "audio/mpeg"})
        await reply.write(b"first")
        try:
            await reply.hang_up()
        finally:
            left.set()

    stub.will(speaking)
    before = len(hub.calls())
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=TIMEOUT_S)
    headers = {"authorization": f"Bearer {hub.key}", "content-type": "application/json"}
    connection.request("POST", SPEECH, json.dumps({"model": "oai/tts", "voice": "a", "input": "Hello"}), headers)
    answer = connection.getresponse()
    assert b"first" == answer.read1(100)
    answer.close()
    connection.close()

    assert left.wait(TIMEOUT_S), "the provider was never let go"
    ended = _ended(hub, before)
    assert ("client_disconnected", "0.005") == (ended["ending"], ended["charge"])


def _ended(hub: HubProcess, before: int) -> dict[str, str]:
    """The newest call, once it has ended: the provider is let go a moment before the books are written."""
    for _ in range(100):
        calls = hub.calls()
        if len(calls) > before and calls[0]["ending"]:
            return calls[0]
    raise AssertionError("the call never ended")
