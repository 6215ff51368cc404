"""Recorded traffic of Cohere's chat: to callers of OpenAI's and of Anthropic's dialect, whole and as streams.

The recordings are whole answers alone; their streams are made here, event by event as Cohere documents them.
"""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.providers.cohere import COHERE
from domain.model_api.call import Attempt, ModelCall, Target
from domain.model_api.requests import ChatRequest
from entrypoints.http.dialects.openai_chat import OPENAI_CALLER
from tests.behaviour.plain_calls import CHAT, MESSAGES, ask
from tests.behaviour.stub import Stub
from tests.recordings.naive import Said, anthropic_said, openai_said
from tests.recordings.seen import label, recorded
from tests.recordings.test_recordings_end_to_end import generic, pieces
from tests.support.cohere import streamed
from tests.support.hub import HubProcess, running_hub
from tests.support.provider import Received, Reply

FILE = "cohere-cohere-chat"
EXCHANGES = [pytest.param(exchange, id=label(FILE, number)) for number, exchange in enumerate(recorded(FILE))]
SAID = {CHAT: ("openai", openai_said), MESSAGES: ("anthropic", anthropic_said)}
FINISHES = {"COMPLETE": "stop", "STOP_SEQUENCE": "stop", "MAX_TOKENS": "length", "TOOL_CALL": "tool_calls"}
TARGET = Target(
    provider="cohere",
    dialect="cohere",
    base_url="https://api.cohere.com/v2",
    model="m",
    credential_id=None,
    sealed=None,
)


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    made = Stub()
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def hub(stub: Stub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    env = {"AIHUB_MAX_RETRIES": "0"}
    with running_hub(tmp_path_factory.mktemp("cohere") / "data", billed=False, env=env) as running:
        running.cli("provider", "add", "rec-cohere", "--dialect", "cohere", "--base-url", stub.url("cohere"))
        yield running


def said(answer: dict[str, Any]) -> Said:
    """What the recording says, and what it was billed for."""
    content = answer["message"].get("content") or []
    calls = answer["message"].get("tool_calls") or []
    billed = answer["usage"]["billed_units"]
    return Said(
        text="".join(part["text"] for part in content if part["type"] == "text"),
        thinking="".join(part["thinking"] for part in content if part["type"] == "thinking")
        + answer["message"].get("tool_plan", ""),
        tools=tuple(
            (call["function"]["name"], json.dumps(json.loads(call["function"]["arguments"]), sort_keys=True))
            for call in calls
        ),
        finish=FINISHES[answer["finish_reason"]],
        usage={"input_tokens": billed["input_tokens"], "output_tokens": billed["output_tokens"]},
    )


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize("how", ["whole", "random", "bytes", "crlf", "comments"])
def test_callers_receive_what_was_recorded(
    hub: HubProcess, stub: Stub, exchange: dict[str, Any], path: str, how: str
) -> None:
    body = exchange["response"]["text"].encode()
    dialect, read = SAID[path]
    stream = how != "whole"
    cut = pieces(streamed(body), how, random.Random(how)) if stream else [body]

    async def handler(request: Received, reply: Reply) -> None:
        await reply.start(200, {"content-type": "text/event-stream" if stream else "application/json"})
        for piece in cut:
            await reply.write(piece)

    stub.always(handler)
    received = ask(hub, path, generic(dialect, "rec-cohere/m", stream))

    expected = said(json.loads(body))
    assert 200 == received.status, received.body
    assert expected == read(received.body, stream)
    call = next(call for call in hub.calls() if call["id"] == received.header("x-request-id"))
    assert expected.usage == {name: count for name, count in call["usage"].items() if count}
    assert ("completed", "provider") == (call["ending"], call["usage_source"])


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_recorded_request_is_what_a_caller_of_openais_dialect_is_translated_to(exchange: dict[str, Any]) -> None:
    wanted = exchange["request"]
    call = OPENAI_CALLER.read(json.dumps(_in_openais_words(wanted)).encode())
    assert isinstance(call, ModelCall), call
    request = OPENAI_CALLER.to_request(call)
    assert isinstance(request, ChatRequest), request

    assert COHERE.refuses(request) is None
    sent = json.loads(COHERE.encode(request, Attempt(call_id="c", target=TARGET, timeout_ms=1)))

    assert {**wanted, "model": "m", "messages": [_plain(message) for message in wanted["messages"]]} == {
        "stream": False,
        **sent,
    }


def _in_openais_words(request: dict[str, Any]) -> dict[str, Any]:
    """The request as a caller would have written it, who knows OpenAI's dialect alone."""
    reported = dict(request)
    if "stop_sequences" in reported:
        reported["stop"] = reported.pop("stop_sequences")
    if "tool_choice" in reported:
        reported["tool_choice"] = reported["tool_choice"].lower()
    reported["messages"] = [_thinking_aside(message) for message in request["messages"]]
    return reported


def _thinking_aside(message: dict[str, Any]) -> dict[str, Any]:
    """Thinking stands beside the content there, and the content of a call may be missing."""
    content = message.get("content")
    if not isinstance(content, list):
        return message
    thoughts = [part["thinking"] for part in content if part["type"] == "thinking"]
    rest = [part for part in content if part["type"] != "thinking"]
    return {**message, "content": rest, **({"reasoning_content": "".join(thoughts)} if thoughts else {})}


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    """One text in a list is the text."""
    content = message.get("content")
    if isinstance(content, list) and [part["type"] for part in content] == ["text"]:
        return {**message, "content": content[0]["text"]}
    return message
