"""What OpenAI's dialect has no field for goes to its callers in extension fields, and comes back from them."""

import json
from typing import Any

import msgspec
import pytest

from domain.dialects.signatures import googles, signed_by_google
from domain.model_api.call import ModelCall
from domain.model_api.events import CitationDelta, Event, ProviderBlock, TextDelta, ToolCallDelta
from domain.model_api.requests import ChatRequest, Part, ToolCall
from domain.model_api.requests import ProviderPart as Kept
from domain.model_api.requests import Text as Said
from entrypoints.http.dialects.openai_chat import OPENAI_CALLER
from tests.support.rendering import a_rendering

SIGNED = signed_by_google("c2ln")
CODE = {"executableCode": {"code": "print(1)"}, "thoughtSignature": "eA=="}
ANSWER: tuple[Event, ...] = (
    ProviderBlock(dialect="google", name="executableCode", block=msgspec.Raw(json.dumps(CODE).encode())),
    TextDelta(text="Look"),
    TextDelta(text=".", signature=SIGNED),
    ToolCallDelta(index=0, id="c1", name="now", arguments="{}", signature=SIGNED),
    ProviderBlock(dialect="google", name="groundingMetadata", block=msgspec.Raw(b'{"x":1}'), generated=False),
)
RENDERING = a_rendering()


def whole() -> Any:
    return json.loads(OPENAI_CALLER.whole(ANSWER, RENDERING))["choices"][0]["message"]


def streamed() -> Any:
    """The deltas put together, as a client does that knows none of the extensions."""
    state, body = OPENAI_CALLER.start(RENDERING), b""
    for event in ANSWER:
        state, piece = OPENAI_CALLER.render(state, event)
        body += piece
    message: dict[str, Any] = {"content": "", "tool_calls": [], "provider_blocks": []}
    for line in body.decode().split("\n\n"):
        delta = json.loads(line[6:])["choices"][0]["delta"] if line else {}
        message["content"] += delta.pop("content", "")
        for name in ("tool_calls", "provider_blocks"):
            message[name] += delta.pop(name, [])
        message |= delta
    return message


def returned(message: Any) -> tuple[Part, ...]:
    requested = {"model": "m", "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", **message}]}
    call = OPENAI_CALLER.read(json.dumps(requested).encode())
    assert isinstance(call, ModelCall)
    request = OPENAI_CALLER.to_request(call)
    assert isinstance(request, ChatRequest), request
    return request.messages[1].parts


@pytest.mark.parametrize("message", [whole, streamed])
def test_signatures_and_googles_own_parts_come_back_in_place(message: Any) -> None:
    code, text, call = returned(message())

    assert isinstance(code, Kept)
    assert ("google", "executableCode", CODE) == (code.dialect, code.name, json.loads(bytes(code.block)))
    assert Said(text="Look.", signature=SIGNED) == text
    assert ToolCall(id="c1", name="now", arguments="{}", signature=SIGNED) == call


def test_a_source_on_the_web_is_an_annotation_for_every_vendor() -> None:
    google = {"url": "https://a.test", "title": "A", "text": "big", "start": 10, "end": 13}
    anthropic = {"type": "web_search_result_location", "url": "https://b.test", "encrypted_index": "e"}
    events = [
        CitationDelta(dialect=dialect, citation=msgspec.Raw(json.dumps(citation).encode()))
        for dialect, citation in (("google", google), ("anthropic", anthropic))
    ]
    message = json.loads(OPENAI_CALLER.whole((*events,), RENDERING))["choices"][0]["message"]

    assert [
        {"url": "https://a.test", "title": "A", "start_index": 10, "end_index": 13},
        {"url": "https://b.test", "title": "", "start_index": 0, "end_index": 0},
    ] == [annotation["url_citation"] for annotation in message["annotations"]]
    assert [{"dialect": "anthropic", "name": "citation", "block": anthropic}] == message["provider_blocks"]


def test_logprobs_stand_next_to_the_message() -> None:
    tokens = [{"token": token, "logprob": -0.5, "bytes": [], "top_logprobs": []} for token in "ab"]
    events = [
        ProviderBlock(dialect="openai", name="logprobs", block=msgspec.Raw(json.dumps({"content": [token]}).encode()))
        for token in tokens
    ]
    whole = json.loads(OPENAI_CALLER.whole((*events,), RENDERING))["choices"][0]
    state, body = OPENAI_CALLER.start(RENDERING), b""
    for event in events:
        state, piece = OPENAI_CALLER.render(state, event)
        body += piece
    streamed = [json.loads(line[6:])["choices"][0] for line in body.decode().split("\n\n") if line]

    assert {"content": tokens, "refusal": None} == whole["logprobs"]
    assert "provider_blocks" not in whole["message"]
    assert tokens == [token for choice in streamed for token in choice["logprobs"]["content"]]


@pytest.mark.parametrize(
    ("dialect", "name", "block"),
    [
        ("google", "fileData", {"fileData": {"fileUri": "https://x.test/video.mp4"}}),
        ("google", "toolCall", {"toolCall": {}, "fileData": {"fileUri": "https://x.test/video.mp4"}}),
        ("google", "groundingMetadata", {"groundingMetadata": {}}),
        ("google", "toolCall", []),
        ("bedrock", "toolCall", {"toolCall": {}}),
    ],
)
def test_no_other_part_comes_in_as_a_foreign_block(dialect: str, name: str, block: Any) -> None:
    """What is at an address is more than the bytes of its block, so that nothing would bound its price."""
    message = {"content": "Hi", "provider_blocks": [{"dialect": dialect, "name": name, "block": block}]}

    assert (Said(text="Hi"),) == returned(message)


def test_images_that_a_model_made_are_bounded_as_images() -> None:
    image = {
        "dialect": "google",
        "name": "inlineData",
        "block": {"inlineData": {"mimeType": "image/png", "data": ""}},
    }
    messages = [{"role": "assistant", "content": "Here", "provider_blocks": [image, image]}]
    call = OPENAI_CALLER.read(json.dumps({"model": "m", "messages": messages}).encode())

    assert isinstance(call, ModelCall)
    assert 2 == call.images


@pytest.mark.parametrize(
    ("extra_body", "opaque"),
    [
        ({"google": {"cached_content": "cachedContents/1"}}, "extra_body.google.cached_content"),
        ({"google": {"thinking_config": {}}}, None),
        ({"google": None}, None),
        (7, None),
    ],
)
def test_a_prompt_that_google_keeps_is_not_in_the_body(extra_body: Any, opaque: str | None) -> None:
    requested = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "extra_body": extra_body}
    call = OPENAI_CALLER.read(json.dumps(requested).encode())

    assert isinstance(call, ModelCall)
    assert opaque == call.opaque_input


def test_a_signature_stands_where_googles_own_endpoint_has_it() -> None:
    message = whole()

    field = {"google": {"thought_signature": "c2ln"}}
    assert (field, field) == (message["extra_content"], message["tool_calls"][0]["extra_content"])


def test_a_signature_without_a_text_signs_an_empty_one() -> None:
    message: dict[str, Any] = {
        "content": None,
        "extra_content": {"google": {"thought_signature": "c2ln"}},
        "tool_calls": [],
    }

    (text,) = returned(message)

    assert isinstance(text, Said)
    assert ("", "c2ln") == (text.text, googles(text.signature))
