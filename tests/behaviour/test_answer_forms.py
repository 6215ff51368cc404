"""A caller gets the form that was asked for, whichever the provider answers in, and is charged once and the same."""

import gzip
import json
from typing import Any

import pytest

from tests.behaviour import responses_answers
from tests.behaviour.plain_calls import CHAT, MESSAGES, RESPONSES, ask, body_for, responses_body, wallet
from tests.behaviour.sdks import anthropic_sdk, openai_sdk
from tests.behaviour.stub import Stub
from tests.behaviour.stub_answers import TEXT, anthropic_stream, anthropic_whole, openai_stream, openai_whole
from tests.support.hub import HubProcess
from tests.support.provider import answering

SAID: dict[str, tuple[bytes, bytes]] = {
    "oai": (openai_whole(), b"".join(openai_stream())),
    "ant": (anthropic_whole(), b"".join(anthropic_stream())),
    "rsp": (responses_answers.whole(), b"".join(responses_answers.stream())),
}
FORMS = ("application/json", "text/event-stream", "")


def requested(path: str, provider: str, stream: bool) -> dict[str, Any]:
    if path == RESPONSES:
        return responses_body(f"{provider}/m", stream=stream)
    return body_for(path, f"{provider}/m", stream=stream)


def posted(hub: HubProcess) -> float:
    return float(wallet(hub)["posted"])


@pytest.mark.parametrize("content_type", FORMS)
@pytest.mark.parametrize("stream", [True, False], ids=["a stream", "whole"])
@pytest.mark.parametrize("provider", SAID)
@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
def test_the_form_is_the_one_that_was_asked_for(
    hub: HubProcess, stub: Stub, path: str, provider: str, stream: bool, content_type: str
) -> None:
    whole, streamed = SAID[provider]
    at_first = posted(hub)
    shielded = ask(hub, path, requested(path, provider, stream))
    in_between = posted(hub)
    stub.reset()
    stub.will(answering(200, whole if stream else streamed, {"content-type": content_type}))

    received = ask(hub, path, requested(path, provider, stream))

    assert (200, 1) == (received.status, len(stub.requests))
    assert shielded.header("content-type") == received.header("content-type")
    assert TEXT in text_of(path, received.body, stream)
    assert round(at_first - in_between, 9) == round(in_between - posted(hub), 9) > 0


@pytest.mark.parametrize("stream", [True, False], ids=["a stream", "whole"])
def test_what_is_compressed_unasked_is_unpacked(hub: HubProcess, stub: Stub, stream: bool) -> None:
    body = SAID["oai"][stream]
    wanted = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    stub.will(answering(200, gzip.compress(body), {"content-encoding": "gzip"}))

    assert body == ask(hub, CHAT, body_for(CHAT, "oai/m", **wanted)).body


def test_the_official_sdks_receive_a_whole_answer_as_a_stream(hub: HubProcess, stub: Stub) -> None:
    stub.will(answering(200, openai_whole()), answering(200, anthropic_whole()))
    question: Any = [{"role": "user", "content": "Hi"}]

    with openai_sdk(hub) as client:
        chunks = client.chat.completions.create(model="oai/m", messages=question, stream=True)
        said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    with (
        anthropic_sdk(hub) as claude,
        claude.messages.stream(model="ant/m", max_tokens=9, messages=question) as stream,
    ):
        message = stream.get_final_message()

    assert (TEXT, TEXT, "end_turn") == (said, stream.get_final_text(), message.stop_reason)


@pytest.mark.parametrize("stream", [True, False], ids=["a stream", "whole"])
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
def test_an_answer_that_says_nothing_costs_nothing(hub: HubProcess, stub: Stub, path: str, stream: bool) -> None:
    empty = b'{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":""},"finish_reason":null}]}'
    before = posted(hub)
    stub.always(answering(200, b"data: [DONE]\n\n" if stream else empty))

    received = ask(hub, path, body_for(path, "oai/m", stream=stream))

    assert (502, 1) == (received.status, len(stub.requests))
    assert before == posted(hub)


def text_of(path: str, body: bytes, stream: bool) -> str:
    """All texts of an answer, by the fields that hold them."""
    if not stream:
        return "".join(texts(json.loads(body), ("content", "text")))
    data = [line.removeprefix(b"data: ") for line in body.splitlines() if line.startswith(b"data: {")]
    fields = {CHAT: ("content",), MESSAGES: ("text",), RESPONSES: ("delta",)}[path]
    return "".join(text for each in data for text in texts(json.loads(each), fields))


def texts(value: Any, fields: tuple[str, ...]) -> list[str]:
    if isinstance(value, list):
        return [text for each in value for text in texts(each, fields)]
    if not isinstance(value, dict):
        return []
    return [
        text
        for name, each in value.items()
        for text in ([each] if name in fields and isinstance(each, str) else texts(each, fields))
    ]
