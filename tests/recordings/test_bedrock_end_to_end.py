"""Recorded traffic of Bedrock, replayed over real sockets through a real hub, to callers of both dialects.

What was recorded is what the caller must receive and what the call log must count; what reaches Bedrock is what was asked
for then, signed for these bytes. Streams come cut at random and byte by byte; whole answers come as streams, too.
Skipped where the recordings are not (AIHUB_RECORDINGS, else `../shared/recordings` beside the repository).
"""

import base64
import json
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from tests.behaviour.plain_calls import CHAT, MESSAGES, Response, ask
from tests.behaviour.stub import Stub
from tests.recordings.bedrock_meaning import as_anthropic, as_openai, blocks_of, said
from tests.recordings.naive import Said, anthropic_said, openai_said
from tests.recordings.seen import checking, label, recorded
from tests.support.eventstream import answer
from tests.support.hub import HubProcess, running_hub
from tests.support.provider import Handler, Received, Reply
from tests.support.sigv4 import verified

FILES = ("bedrock-converse", "bedrock-converse-stream")
KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NO_WORD = ("server_tool_use", "video")


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    made = Stub()
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def hub(stub: Stub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub that meters and does not bill, with Bedrock behind a pair of AWS keys."""
    env = {"AIHUB_MAX_RETRIES": "0"}
    with running_hub(tmp_path_factory.mktemp("bedrock") / "data", billed=False, env=env) as running:
        base_url = f"http://127.0.0.1:{stub.port}/us-west-2"
        running.cli("provider", "add", "bedrock", "--base-url", base_url)
        running.cli("credential", "add", "bedrock", secret=f"{KEY}:{SECRET}")
        yield running


def replaying(body: bytes, status: int, content_type: str, how: str, name: str) -> Handler:
    """Answer with these bytes in pieces."""
    chance = random.Random(name)
    cuts = sorted(chance.choices(range(len(body) + 1), k=max(2, len(body) // 40))) if how == "random" else []
    if how == "bytes":
        cuts = list(range(len(body)))
    cut = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]

    async def handler(request: Received, reply: Reply) -> None:
        verified(SECRET, "POST", request.path, request.headers, request.body)
        await reply.start(status, {"content-type": content_type, "content-length": str(len(body))})
        for piece in cut:
            await reply.write(piece)

    return handler


@pytest.mark.parametrize("caller", ["openai", "anthropic"])
@pytest.mark.parametrize("file", FILES)
def test_callers_receive_what_was_recorded(hub: HubProcess, stub: Stub, file: str, caller: str) -> None:
    expected: dict[str, tuple[str, dict[str, int]]] = {}
    for number, exchange in enumerate(recorded(file)):
        name = label(file, number)
        with checking(name):
            for how in _ways(exchange):
                received, reported = _exchange(hub, stub, exchange, name, caller, how)
                if reported is not None:
                    expected[str(received.header("x-request-id"))] = name, reported.usage
    logged = {call["id"]: call for call in hub.calls()}
    assert expected
    for call_id, (name, usage) in expected.items():
        with checking(name):
            assert usage == {unit: count for unit, count in logged[call_id]["usage"].items() if count}
            assert ("completed", "provider") == (logged[call_id]["ending"], logged[call_id]["usage_source"])


def _ways(exchange: Any) -> tuple[str, ...]:
    if exchange["response"]["status"] != 200:
        return ("whole",)
    return ("random", "bytes") if "base64" in exchange["response"] else ("whole", "as a stream")


def _exchange(
    hub: HubProcess, stub: Stub, exchange: Any, name: str, caller: str, how: str
) -> tuple[Response, Said | None]:
    """One exchange through the hub; what was said, if it was answered."""
    stub.reset()
    response, model = exchange["response"], exchange["model"]
    recorded_stream = "base64" in response
    body = base64.b64decode(response["base64"]) if recorded_stream else response["text"].encode()
    streamed = recorded_stream or how == "as a stream" or exchange["path"].endswith("-stream")
    sent = body
    if how == "as a stream":
        blocks, stop, usage = blocks_of(body, False)
        sent = answer(*blocks, stop=stop, usage=usage)
    is_answered = response["status"] == 200
    content_type = "application/vnd.amazon.eventstream" if streamed and is_answered else "application/json"
    stub.always(replaying(sent, response["status"], content_type, "random" if how == "as a stream" else how, name))
    received = ask(hub, CHAT if caller == "openai" else MESSAGES, _requested(exchange, caller, streamed))

    assert response["status"] == received.status, received.body[:500]
    path = f"/us-west-2/model/{quote(model, safe='')}/converse{'-stream' if streamed else ''}"
    assert path == stub.only.path
    if not is_answered:
        assert json.loads(body)["message"] in received.json()["error"]["message"]
        return received, None
    reported = said(body, recorded_stream)
    assert (b"[DONE]" if caller == "openai" else b"message_stop") in received.body or not streamed
    assert _as_received(reported, caller) == (openai_said if caller == "openai" else anthropic_said)(
        received.body, streamed
    )
    return received, reported


def _requested(exchange: Any, caller: str, streamed: bool) -> dict[str, Any]:
    """The request in the caller's words, or any other where the caller has none for it."""
    request, model = exchange["request"], f"bedrock/{exchange['model']}"
    if any(f'"{word}"' in json.dumps(request) for word in NO_WORD):
        request = {"messages": [{"role": "user", "content": [{"text": "Hi"}]}], "inferenceConfig": {}}
    if caller == "anthropic":
        return as_anthropic(request, model, streamed)
    requested = as_openai(request, model, streamed)
    return {**requested, "stream_options": {"include_usage": True}} if streamed else requested


def _as_received(reported: Said, caller: str) -> Said:
    """Anthropic says `tool_use` wherever a tool was called."""
    if caller == "anthropic" and reported.tools and reported.finish == "stop":
        return msgspec.structs.replace(reported, finish="tool_calls")
    return reported
