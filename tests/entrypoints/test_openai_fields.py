"""Each field of a chat-completions request has its canonical word, keeps its own name, or is named as wrong."""

from typing import Any

import msgspec
import pytest

from domain.model_api.requests import ChatRequest, Message, ResponseFormat, Text, Thinking, ToolChoice
from domain.refusals import BadRequest
from tests.entrypoints.openai_requests import answered, raw, request


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
def test_each_field_has_a_canonical_form(fields: dict[str, Any], canonical: dict[str, Any]) -> None:
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
def test_what_only_openai_has_keeps_its_name(fields: dict[str, Any], names: list[str]) -> None:
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
