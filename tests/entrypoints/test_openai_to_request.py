"""OpenAI's dialect, the caller's side: a call in canonical words, for a provider of another dialect."""

import base64
import json
from typing import Any

import msgspec
import pytest

from domain.calls import ChatCall
from domain.chat import (
    Audio,
    ChatRequest,
    Document,
    Foreign,
    Image,
    Message,
    Reasoning,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from domain.refusals import BadRequest
from entrypoints.http.openai import OPENAI_CALLER


def answered(**fields: Any) -> ChatRequest | BadRequest:
    sent = {"model": "m", "messages": [{"role": "user", "content": "Hello"}], **fields}
    call = OPENAI_CALLER.read(json.dumps(sent).encode())
    assert isinstance(call, ChatCall), call
    return OPENAI_CALLER.to_request(call)


def request(**fields: Any) -> ChatRequest:
    asked = answered(**fields)
    assert isinstance(asked, ChatRequest), asked
    return asked


def parts(*sent: Any, role: str = "user") -> tuple[Any, ...]:
    return request(messages=[{"role": role, "content": list(sent)}]).messages[0].parts


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


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
def test_an_assistant_that_only_calls_says_nothing(content: str | None) -> None:
    asked = request(messages=[{"role": "assistant", "content": content, "tool_calls": [CALL]}])

    assert (ToolCall(id="call_1", name="f", arguments='{"a": 1}'),) == asked.messages[0].parts


def test_the_older_functions_are_tools() -> None:
    asked = request(
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
    ) == asked.messages
    assert (Tool(name="f", parameters=raw({"type": "object"})),) == asked.tools
    assert ToolChoice(mode="tool", name="f") == asked.tool_choice


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
def test_each_content_part_has_a_canonical_word(sent: dict[str, Any], part: Any) -> None:
    assert (part,) == parts(sent)


def test_a_cache_mark_is_kept() -> None:
    marked = parts({"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}})

    assert (Text(text="x", cache_control=raw({"type": "ephemeral"})),) == marked


def test_a_part_that_only_openai_has_a_word_for_is_foreign() -> None:
    video = {"type": "video_url", "video_url": {"url": "https://x.test/a.mp4"}}

    assert (Foreign(dialect="openai", name="video_url", block=raw(video)),) == parts(video)


def test_a_custom_tool_call_and_earlier_audio_are_foreign() -> None:
    custom = {"id": "c", "type": "custom", "custom": {"name": "sql", "input": "select 1"}}
    asked = request(messages=[{"role": "assistant", "audio": {"id": "audio_1"}, "tool_calls": [custom]}])

    assert (
        Foreign(dialect="openai", name="audio", block=raw({"id": "audio_1"})),
        Foreign(dialect="openai", name="custom_tool_call", block=raw(custom)),
    ) == asked.messages[0].parts


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
    asked = request(messages=[{"role": "assistant", "content": "4", **fields}])

    assert (*thoughts, Text(text="4")) == asked.messages[0].parts


@pytest.mark.parametrize(
    ("fields", "canonical"),
    [
        ({"tool_choice": "auto"}, {"tool_choice": ToolChoice(mode="auto")}),
        ({"tool_choice": "required"}, {"tool_choice": ToolChoice(mode="required")}),
        ({"tool_choice": "any"}, {"tool_choice": ToolChoice(mode="required")}),
        (
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
            {"tool_choice": ToolChoice(mode="tool", name="f")},
        ),
        ({"parallel_tool_calls": False}, {"parallel_tool_calls": False}),
        ({"temperature": 0.5, "top_p": 1}, {"temperature": raw(0.5), "top_p": raw(1)}),
        ({"top_k": 40}, {"top_k": 40}),
        ({"stop": "END"}, {"stop": ("END",)}),
        ({"stop": ["a", "b"]}, {"stop": ("a", "b")}),
        ({"stop": None}, {}),
        ({"n": 3}, {"choices": 3}),
        ({"n": 1}, {}),
        ({"seed": 7, "user": "u"}, {"seed": 7, "user": "u"}),
        ({"max_completion_tokens": 9}, {"output_tokens_max": 9}),
        ({"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}),
        ({"reasoning_effort": "high"}, {"thinking": Thinking(effort="high")}),
        ({"reasoning_effort": "none"}, {"thinking": Thinking(enabled=False)}),
        ({"response_format": {"type": "json_object"}}, {"response_format": ResponseFormat(mode="json_object")}),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": True}}},
            {"response_format": ResponseFormat(mode="json_schema", name="n", schema=raw({}), strict=True)},
        ),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "n", "schema": {}, "description": "d"},
                }
            },
            {
                "response_format": ResponseFormat(
                    mode="json_schema", name="n", schema=msgspec.Raw(b'{"description":"d"}')
                )
            },
        ),
    ],
)
def test_each_field_has_a_canonical_word(fields: dict[str, Any], canonical: dict[str, Any]) -> None:
    hello = (Message(role="user", parts=(Text(text="Hello"),)),)

    assert ChatRequest(model="m", messages=hello, **canonical) == request(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"frequency_penalty": 0, "presence_penalty": 0.0, "logprobs": False, "logit_bias": {}},
        {"store": False, "metadata": {}, "modalities": ["text"], "service_tier": "auto"},
        {"audio": None, "prediction": None, "anything": None},
    ],
)
def test_null_and_the_defaults_are_not_set(fields: dict[str, Any]) -> None:
    assert {} == request(**fields).extra


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"frequency_penalty": 0.5, "logprobs": True}, ["frequency_penalty", "logprobs"]),
        ({"metadata": {"a": "b"}, "store": True}, ["metadata", "store"]),
        ({"audio": {"voice": "alloy"}, "modalities": ["text", "audio"]}, ["audio", "modalities"]),
        ({"a_field_of_tomorrow": 1}, ["a_field_of_tomorrow"]),
        ({"tools": [{"type": "web_search"}]}, ["tools[0].web_search"]),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {}}}, ["tool_choice.allowed_tools"]),
        ({"response_format": {"type": "grammar"}}, ["response_format.grammar"]),
    ],
)
def test_what_only_openai_has_a_word_for_keeps_its_name(fields: dict[str, Any], names: list[str]) -> None:
    assert names == list(request(**fields).extra)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": [1]}, "top_p"),
        ({"seed": 1.5}, "seed"),
        ({"user": 5}, "user"),
        ({"tool_choice": "perhaps"}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"tools": [{"type": "function", "function": {"name": "f", "strict": "yes"}}]}, "tools[0].function.strict"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0].image_url"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///x"}}]}]},
            "messages[0].content[0].image_url.url",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]}, "messages[0].content[0].file"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"type": "function", "function": {"name": "f"}}]}]},
            "messages[0].tool_calls[0].id",
        ),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "a"}]}]}, "messages[0].tool_calls[0].function"),
        ({"messages": [{"role": "function", "name": "f", "content": "x"}]}, "messages[0].name"),
        (
            {
                "messages": [
                    {
                        "role": "tool",
                        "tool_call_id": "a",
                        "content": [{"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}],
                    }
                ]
            },
            "messages[0].content[0]",
        ),
    ],
)
def test_what_is_wrong_deeper_down_is_named_by_its_path(fields: dict[str, Any], field: str) -> None:
    refused = answered(**fields)

    assert isinstance(refused, BadRequest)
    assert field == refused.field
