"""Blocks that only one vendor has a word for come back as the hub reported them, from callers of OpenAI's two APIs."""

import json
from typing import Any

import pytest

from domain.model_api.call import ModelCall
from domain.model_api.requests import ChatRequest, ProviderPart
from entrypoints.http.dialects.openai_chat import OPENAI_CALLER
from entrypoints.http.dialects.openai_responses import RESPONSES_CALLER

SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "tides"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"encrypted_content": "Eu8"}]}
CODE = {"executableCode": {"language": "PYTHON", "code": "print(1)"}, "thoughtSignature": "c2ln"}
RAN = {"toolUse": {"toolUseId": "t1", "name": "nova_grounding", "type": "server_tool_use", "input": {}}}
IMAGE = {"inlineData": {"mimeType": "image/png", "data": "iVBO"}}
PARTS = [
    ("anthropic", "server_tool_use", SEARCH),
    ("anthropic", "web_search_tool_result", FOUND),
    ("anthropic", "compaction", {"type": "compaction", "content": "So far: tides."}),
    ("google", "executableCode", CODE),
    ("google", "inlineData", IMAGE),
    ("bedrock", "server_tool_use", RAN),
    ("bedrock", "toolResult", {"toolResult": {"toolUseId": "t1", "content": [{"json": {"a": 1}}]}}),
]
ASIDES = [
    ("google", "finish", {"finishReason": "UNEXPECTED_TOOL_CALL"}),
    ("google", "groundingMetadata", {"webSearchQueries": ["tides"]}),
    ("google", "fileData", {"fileData": {"fileUri": "gs://b/video.mp4"}}),
    ("google", "executableCode", {**CODE, "fileData": {"fileUri": "gs://b/video.mp4"}}),
    ("anthropic", "container", {"id": "container_1", "expires_at": "2026-01-01"}),
    ("anthropic", "stop_details", {"type": "refusal", "category": None}),
    ("anthropic", "document", {"type": "document", "source": {"type": "url", "url": "https://x/a.pdf"}}),
    ("anthropic", "server_tool_use", {"type": "image", "source": {}}),
    ("bedrock", "trace", {"guardrail": {}}),
    ("bedrock", "document", {"document": {"name": "a"}}),
    ("openai", "images", {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}),
    ("cohere", "citation", {"start": 0}),
    ("anthropic", "compaction", "So far."),
]


def by_chat(*reported: tuple[str, str, Any]) -> ModelCall:
    blocks = [{"dialect": dialect, "name": name, "block": block} for dialect, name, block in reported]
    said = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "At noon.", "provider_blocks": blocks}]
    return _read(OPENAI_CALLER.read(json.dumps({"model": "m", "messages": said}).encode()))


def by_responses(*reported: tuple[str, str, Any], kind: str = "provider_block") -> ModelCall:
    items = [
        {"type": kind, "id": f"fb_{number}", "dialect": dialect, "name": name, "block": block}
        for number, (dialect, name, block) in enumerate(reported)
    ]
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "At noon."}]}
    requested = {"model": "m", "input": [{"role": "user", "content": "Hi"}, *items, said]}
    return _read(RESPONSES_CALLER.read(json.dumps(requested).encode()))


def by_older_responses(*reported: tuple[str, str, Any]) -> ModelCall:
    """A conversation that was begun with an older version, which called such items otherwise."""
    return by_responses(*reported, kind="foreign")


def _read(found: Any) -> ModelCall:
    assert isinstance(found, ModelCall), found
    return found


def provider_block(call: ModelCall) -> list[tuple[str, str, Any]]:
    caller = OPENAI_CALLER if call.dialect == "openai" else RESPONSES_CALLER
    request = caller.to_request(call)
    assert isinstance(request, ChatRequest)
    assert ["user", "assistant"] == [message.role for message in request.messages]
    return [
        (part.dialect, part.name, json.loads(bytes(part.block)))
        for part in request.messages[-1].parts
        if isinstance(part, ProviderPart)
    ]


@pytest.mark.parametrize("call", [by_chat, by_responses, by_older_responses])
def test_what_was_part_of_an_answer_comes_back_and_what_was_reported_about_it_does_not(call: Any) -> None:
    assert PARTS == provider_block(call(*PARTS, *ASIDES))


@pytest.mark.parametrize("call", [by_chat, by_responses, by_older_responses])
@pytest.mark.parametrize(
    ("reported", "images", "hidden"),
    [
        (PARTS[:4], 0, False),
        ([PARTS[4], PARTS[4]], 2, False),
        (ASIDES, 0, False),
        ([("anthropic", "web_fetch_tool_result", {"type": "web_fetch_tool_result", "content": {"type": "document"}})], 0, True),
        ([("bedrock", "toolResult", {"toolResult": {"content": [{"document": {}}]}})], 0, True),
    ],
)  # fmt: skip
def test_what_hides_more_than_its_bytes_is_known_before_the_call(
    call: Any, reported: list[Any], images: int, hidden: bool
) -> None:
    requested = call(*reported)

    assert (images, hidden) == (requested.images, requested.opaque_input is not None)
