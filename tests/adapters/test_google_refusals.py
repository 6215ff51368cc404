"""What Gemini has no word for is refused, by the name that the caller gave it."""

from typing import Any

import msgspec
import pytest

from adapters.providers.google import GOOGLE
from domain.chat import (
    ChatRequest,
    Document,
    Foreign,
    Image,
    Message,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

QUESTION = Message(role="user", parts=(Text(text="Hello"),))
NOTHING = msgspec.Raw(b"{}")
FILM = msgspec.Raw(b'{"inlineData":{"mimeType":"video/mp4","data":"AAAA"}}')


def refused(*messages: Message, **fields: Any) -> str | None:
    refusal = GOOGLE.refuses(ChatRequest(model="m", messages=messages or (QUESTION,), **fields))
    assert refusal is None or (refusal.dialect, refusal.model) == ("google", "m")
    return None if refusal is None else refusal.field


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"seed": 2**40}, "seed"),
        ({"thinking": Thinking(effort="enormous")}, "reasoning_effort"),
        ({"tools": (Tool(name="a"),), "parallel_tool_calls": False}, "parallel_tool_calls"),
        ({"tool_choice": ToolChoice(mode="required")}, "tool_choice"),
        (
            {"tools": (Tool(name="a", parameters=msgspec.Raw(b'{"allOf":[{"$ref":"#/a"},{}]}')),)},
            "tools.0.parameters.allOf",
        ),
        ({"response_format": ResponseFormat(mode="json_schema")}, "response_format.json_schema.schema"),
        (
            {
                "response_format": ResponseFormat(
                    mode="json_schema", schema=msgspec.Raw(b'{"allOf":[{"$ref":"#/a"},{}]}')
                )
            },
            "response_format.json_schema.schema.allOf",
        ),
    ],
)
def test_settings(fields: dict[str, Any], name: str) -> None:
    assert name == refused(**fields)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("logit_bias", b'{"50256":-100}'),
        ("store", b"true"),
        ("audio", b'{"voice":"alloy"}'),
        ("verbosity", b'"low"'),
        ("modalities", b'["smell"]'),
        ("modalities", b"[]"),
        ("modalities", b"7"),
        ("service_tier", b'"scale"'),
        ("service_tier", b"[]"),
        ("thinking.display", b'"sung"'),
        ("tools[0].web_search", b'{"type":"web_search","filters":{}}'),
        ("tools[0].image_generation", b'{"type":"image_generation"}'),
        ("tools.0.type", b'"web_search_20250305"'),
        ("web_search_options", b'{"user_location":{}}'),
        ("tool_choice.allowed_tools", b'{"allowed_tools":7}'),
        ("tool_choice.custom", b"{}"),
        ("extra_body", b'{"elsewhere":{}}'),
        ("extra_body", b"7"),
        ("a_field_of_next_year", b"1"),
    ],
)
def test_fields_of_the_callers_own(name: str, value: bytes) -> None:
    assert name == refused(extra={name: msgspec.Raw(value)})


def test_a_field_of_googles_that_is_not_known_is_named_with_its_place() -> None:
    extra = {"extra_body": msgspec.Raw(b'{"google":{"thinking_config":{},"model_selection":{}}}')}

    assert "extra_body.google.model_selection" == refused(extra=extra)


@pytest.mark.parametrize(
    ("message", "name"),
    [
        (Message(role="user", parts=(Text(text="Hi"),), name="Ann"), "messages.0.name"),
        (Message(role="system", parts=(Image(url="https://x.test/a.png"),)), "messages.0.content"),
        (Message(role="system", parts=(Text(text="Be brief."),)), "messages"),
        (Message(role="user", parts=()), "messages"),
        (Message(role="user", parts=(Image(),)), "messages.0.content.0.image_url"),
        (
            Message(role="user", parts=(Image(media_type="video/mp4", data="AAAA"),)),
            "messages.0.content.0.image_url",
        ),
        (
            Message(role="assistant", parts=(Foreign(dialect="google", name="inlineData", block=FILM),)),
            "messages.0.content.0.inlineData",
        ),
        (
            Message(role="assistant", parts=(Foreign(dialect="google", name="inlineData", block=NOTHING),)),
            "messages.0.content.0.inlineData",
        ),
        (Message(role="user", parts=(Document(file_id="file-1"),)), "messages.0.content.0.file_id"),
        (Message(role="user", parts=(Document(),)), "messages.0.content.0.file"),
        (
            Message(role="assistant", parts=(ToolCall(id="1", name="a", arguments="[1]"),)),
            "messages.0.content.0.arguments",
        ),
        (Message(role="user", parts=(ToolResult(call_id="1", parts=()),)), "messages.0.content.0.tool_call_id"),
        (
            Message(role="user", parts=(Foreign(dialect="anthropic", name="search_result", block=NOTHING),)),
            "messages.0.content.0.search_result",
        ),
        (
            Message(role="user", parts=(Foreign(dialect="openai", name="video_url", block=NOTHING),)),
            "messages.0.content.0.video_url",
        ),
    ],
)
def test_messages(message: Message, name: str) -> None:
    assert name == refused(message)


def test_a_low_detail_for_one_of_several_pictures() -> None:
    parts = tuple(Image(url="https://x.test/a.png", detail=detail) for detail in ("low", None))

    assert "image_url.detail" == refused(Message(role="user", parts=parts))
