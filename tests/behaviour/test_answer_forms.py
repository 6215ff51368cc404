"""A caller gets the form that was asked for, whichever the provider answers in, and is charged once and the same."""

import gzip
import json
from typing import Any

import pytest

from tests.behaviour import responses_answers
from tests.behaviour.multipart_forms import recording
from tests.behaviour.plain_calls import (
    CHAT,
    IMAGES,
    MESSAGES,
    RECEIVED,
    RESPONSES,
    SPEECH,
    ask,
    body_for,
    responses_body,
    wallet,
)
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
def test_the_form_is_that_of_the_request(
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
def test_an_empty_answer_costs_nothing(hub: HubProcess, stub: Stub, path: str, stream: bool) -> None:
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


def test_a_whole_image_is_streamed_if_a_stream_was_requested(hub: HubProcess, stub: Stub) -> None:
    stub.will(answering(200, b'{"created":7,"data":[{"b64_json":"AAAA"}],"size":"1024x1024"}'))

    received = ask(hub, IMAGES, {"model": "oai/dall", "prompt": "a cat", "stream": True})

    assert (200, "text/event-stream") == (received.status, (received.header("content-type") or "").partition(";")[0])
    name, data = received.body.rstrip().split(b"\n")
    assert b"event: image_generation.completed" == name
    assert {
        "type": "image_generation.completed",
        "b64_json": "AAAA",
        "created_at": 7,
        "size": "1024x1024",
    } == json.loads(data.removeprefix(b"data: "))
    assert "0" != received.header("x-aihub-charge")


def test_a_whole_transcription_is_streamed_if_a_stream_was_requested(hub: HubProcess, stub: Stub) -> None:
    stub.will(answering(200, b'{"text":"Hi there.","usage":{"type":"duration","seconds":3}}'))

    received = ask(hub, RECEIVED, recording("oai/whisper", stream="true"))

    assert 200 == received.status, received.body
    events = [json.loads(line.removeprefix(b"data: ")) for line in received.body.splitlines() if line]
    assert ["transcript.text.delta", "transcript.text.done"] == [event["type"] for event in events]
    assert ["Hi there.", "Hi there."] == [events[0]["delta"], events[1]["text"]]
    assert {"type": "duration", "seconds": 3} == events[1]["usage"]


@pytest.mark.parametrize("answer", [b'{"created":7}', b'{"data":[]}', b'{"data":7}'])
def test_a_body_without_an_image_is_not_streamed_and_not_bought_again(
    hub: HubProcess, stub: Stub, answer: bytes
) -> None:
    stub.always(answering(200, answer))

    received = ask(hub, IMAGES, {"model": "oai/dall", "prompt": "a cat", "stream": True})

    assert (502, 1) == (received.status, len(stub.requests))


def test_silence_is_no_speech(hub: HubProcess, stub: Stub) -> None:
    before = posted(hub)
    stub.always(answering(200, b"", {"content-type": "audio/mpeg"}))

    received = ask(hub, SPEECH, {"model": "oai/tts", "voice": "a", "input": "Hello"})

    assert (502, 1) == (received.status, len(stub.requests))
    assert before == posted(hub)


@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
def test_an_error_in_place_of_a_stream_is_known_by_its_code(hub: HubProcess, stub: Stub, path: str) -> None:
    error = {"message": "Ask for less.", "type": "invalid_request_error", "code": None}
    stub.always(answering(200, json.dumps({"error": error}).encode()))

    received = ask(hub, path, requested(path, "oai", True))

    assert 1 == len(stub.requests), "it would be wrong a second time"
    assert "Ask for less." in received.json()["error"]["message"]


@pytest.mark.parametrize("path", [CHAT, MESSAGES, RESPONSES])
@pytest.mark.parametrize("provider", ["oai", "ant"])
def test_half_an_emoji_in_a_request_is_replaced(hub: HubProcess, stub: Stub, path: str, provider: str) -> None:
    """JavaScript writes `\\ud83d` for a text that it has cut inside an emoji, and vendors reject it."""
    stub.will(answering(200, openai_whole() if provider == "oai" else anthropic_whole()))
    body = json.dumps(requested(path, provider, False) | {"user": None}).replace(
        "Hello", "Hello \\ud83d, \\ud83d\\ude00"
    )
    assert "\\ud83d," in body

    assert 200 == ask(hub, path, body.encode()).status
    assert "Hello \ufffd, \U0001f600" in json.dumps(stub.only.json(), ensure_ascii=False)
