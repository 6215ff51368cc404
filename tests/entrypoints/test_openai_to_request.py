"""OpenAI's dialect, the caller's side: a call in canonical words, for a provider of another dialect."""

import base64
from typing import Any

import pytest

from domain.model_api.requests import (
    Audio,
    Document,
    Image,
    Message,
    ProviderPart,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from tests.entrypoints.openai_requests import parts, raw, request

CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}


def test_a_conversation_with_tools_is_read() -> None:
    assert (
        Message(role="system", parts=(Text(text="Be brief."),)),
        Message(role="user", parts=(Text(text="Add."),), name="ann"),
        Message(role="assistant", parts=(Text(text="Well."), ToolCall(id="call_1", name="f", arguments='{"a": 1}'))),
        Message(
            role="user",
            parts=(
                ToolResult(call_id="call_1", parts=(Text(text="12"),)),
                ToolResult(call_id="call_2", parts=(Text(text="1"), Text(text="3"))),
            ),
        ),
        Message(role="developer", parts=(Text(text="Go on."),)),
    ) == request(
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Add.", "name": "ann"},
            {"role": "assistant", "content": "Well.", "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": "12"},
            {
                "role": "tool",
                "tool_call_id": "call_2",
                "content": [{"type": "text", "text": "1"}, {"type": "text", "text": "3"}],
            },
            {"role": "developer", "content": "Go on."},
        ]
    ).messages


@pytest.mark.parametrize("content", [None, ""])
def test_an_assistant_that_only_calls_has_no_text(content: str | None) -> None:
    requested = request(messages=[{"role": "assistant", "content": content, "tool_calls": [CALL]}])

    assert (ToolCall(id="call_1", name="f", arguments='{"a": 1}'),) == requested.messages[0].parts


def test_the_older_functions_are_tools() -> None:
    requested = request(
        messages=[
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "12"},
        ],
        functions=[{"name": "f", "parameters": {"type": "object"}}],
        function_call={"name": "f"},
    )

    assert (
        Message(role="assistant", parts=(ToolCall(id="call_0_f", name="f", arguments="{}"),)),
        Message(role="user", parts=(ToolResult(call_id="call_0_f", parts=(Text(text="12"),)),)),
    ) == requested.messages
    assert (Tool(name="f", parameters=raw({"type": "object"})),) == requested.tools
    assert ToolChoice(mode="tool", name="f") == requested.tool_choice


def data_url(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


@pytest.mark.parametrize(
    ("sent", "part"),
    [
        ({"type": "text", "text": "x"}, Text(text="x")),
        ({"type": "refusal", "refusal": "No."}, Text(text="No.")),
        (
            {"type": "image_url", "image_url": {"url": "data:image/PNG;base64,AA=="}},
            Image(media_type="image/png", data="AA=="),
        ),
        (
            {"type": "image_url", "image_url": {"url": "HTTPS://x.test/a.png", "detail": "low"}},
            Image(url="HTTPS://x.test/a.png", detail="low"),
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://x.test/a", "detail": "auto"}},
            Image(url="https://x.test/a"),
        ),
        ({"type": "input_audio", "input_audio": {"data": "AA==", "format": "mp3"}}, Audio(data="AA==", format="mp3")),
        ({"type": "file", "file": {"file_id": "file-1"}}, Document(file_id="file-1")),
        (
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,AA==", "filename": "a.pdf"}},
            Document(media_type="application/pdf", data="AA==", name="a.pdf"),
        ),
        (
            {"type": "file", "file": {"file_data": "AA==", "filename": "a.pdf"}},
            Document(media_type="application/pdf", data="AA==", name="a.pdf"),
        ),
        (
            {"type": "file", "file": {"file_data": data_url("text/plain", "Grüße".encode()), "filename": "a.txt"}},
            Document(text="Grüße", name="a.txt"),
        ),
        ({"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, Reasoning(text="Hm.")),
    ],
)
def test_each_content_part_has_a_canonical_form(sent: dict[str, Any], part: Any) -> None:
    assert (part,) == parts(sent)


def test_a_cache_mark_is_kept() -> None:
    marked = parts({"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}})

    assert (Text(text="x", cache_control=raw({"type": "ephemeral"})),) == marked


def test_a_part_that_only_openai_has_is_provider_specific() -> None:
    video = {"type": "video_url", "video_url": {"url": "https://x.test/a.mp4"}}

    assert (ProviderPart(dialect="openai", name="video_url", block=raw(video)),) == parts(video)


def test_a_custom_tool_call_is_a_call_and_earlier_audio_is_foreign() -> None:
    custom = {"id": "c", "type": "custom", "custom": {"name": "sql", "input": "select 1"}}
    requested = request(messages=[{"role": "assistant", "audio": {"id": "audio_1"}, "tool_calls": [custom]}])

    assert (
        ProviderPart(dialect="openai", name="audio", block=raw({"id": "audio_1"})),
        ToolCall(id="c", name="sql", arguments='{"input":"select 1"}', custom=True),
    ) == requested.messages[0].parts


@pytest.mark.parametrize(
    ("fields", "thoughts"),
    [
        ({"reasoning_content": "Hm."}, (Reasoning(text="Hm."),)),
        ({"reasoning": "Hm."}, (Reasoning(text="Hm."),)),
        (
            {"reasoning_details": [{"type": "reasoning.text", "text": "Hm.", "signature": "c2ln", "index": 0}]},
            (Reasoning(text="Hm.", signature="c2ln"),),
        ),
        (  # As a stream of the hub's own leaves it in a client that gathers the deltas.
            {
                "reasoning_content": "Hm.",
                "reasoning_details": [{"type": "reasoning.text", "text": "", "signature": "c2ln", "index": 0}],
            },
            (Reasoning(text="Hm.", signature="c2ln"),),
        ),
        (
            {"reasoning_details": [{"type": "reasoning.encrypted", "data": "ZW5j", "index": 0}]},
            (Reasoning(redacted="ZW5j"),),
        ),
        (
            {
                "reasoning": "One.Two.",
                "reasoning_details": [
                    {"text": "One.", "signature": "a", "index": 0},
                    {"text": "Two.", "signature": "b", "index": 1},
                ],
            },
            (Reasoning(text="One.", signature="a"), Reasoning(text="Two.", signature="b")),
        ),
    ],
)
def test_thinking_comes_back_with_what_proves_it(fields: dict[str, Any], thoughts: tuple[Reasoning, ...]) -> None:
    requested = request(messages=[{"role": "assistant", "content": "4", **fields}])

    assert (*thoughts, Text(text="4")) == requested.messages[0].parts


@pytest.mark.parametrize("named", [{"function": {"name": "b"}}, {"type": "function", "name": "b"}])
def test_a_choice_among_allowed_tools_leaves_those(named: dict[str, Any]) -> None:
    tools = [{"type": "function", "function": {"name": name}} for name in "abc"]
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [named, {"name": "gone"}]}}

    requested = request(tools=tools, tool_choice=choice)

    assert ["b"] == [tool.name for tool in requested.tools]
    assert (ToolChoice(mode="required"), {}) == (requested.tool_choice, requested.extra)
