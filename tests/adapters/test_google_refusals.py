"""Fields that Gemini does not have are refused by the caller's name for them."""

from typing import Any

import msgspec
import pytest

from adapters.providers.google import GOOGLE
from domain.model_api.requests import (
    ChatRequest,
    Document,
    Image,
    Message,
    ProviderPart,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
)
from tests.support.google import attempt
from tests.support.unsupported import dropped

QUESTION = Message(role="user", parts=(Text(text="Hello"),))
NOTHING = msgspec.Raw(b"{}")
ATTEMPT = attempt("m")
TWO_PATTERNS = msgspec.Raw(b'{"type":"string","allOf":[{"pattern":"^a"},{"pattern":"b$"}]}')
VIDEO = msgspec.Raw(b'{"inlineData":{"mimeType":"video/mp4","data":"AAAA"}}')


def refused(*messages: Message, **fields: Any) -> str | None:
    refusal = GOOGLE.refuses(ChatRequest(model="m", messages=messages or (QUESTION,), **fields))
    assert refusal is None or (refusal.dialect, refusal.model) == ("google", "m")
    return None if refusal is None else refusal.field


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"tool_choice": ToolChoice(mode="required")}, "tool_choice"),
        (
            {
                "response_format": ResponseFormat(
                    mode="json_schema", schema=msgspec.Raw(b'{"allOf":[{"$ref":"#/a"},{"$ref":"#/b"}]}')
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
        ("audio", b'{"voice":"alloy"}'),
        ("modalities", b'["smell"]'),
        ("modalities", b"[]"),
        ("modalities", b"7"),
        ("tool_choice.allowed_tools", b'{"allowed_tools":7}'),
        ("tool_choice.custom", b"{}"),
    ],
)
def test_fields_of_the_callers_own(name: str, value: bytes) -> None:
    assert name == refused(extra={name: msgspec.Raw(value)})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("logit_bias", b'{"50256":-100}'),
        ("verbosity", b'"low"'),
        ("service_tier", b'"scale"'),
        ("service_tier", b"[]"),
        ("tools[0].web_search", b'{"type":"web_search","filters":{}}'),
        ("tools[0].image_generation", b'{"type":"image_generation"}'),
        ("tools.0.type", b'"web_search_20250305"'),
        ("web_search_options", b'{"user_location":{}}'),
        ("extra_body", b'{"elsewhere":{}}'),
        ("extra_body", b"7"),
        ("a_field_of_next_year", b"1"),
    ],
)
def test_a_droppable_field_is_left_out_and_named(name: str, value: bytes) -> None:
    request = ChatRequest(model="m", messages=(QUESTION,), extra={name: msgspec.Raw(value)})

    assert (name,) == dropped(GOOGLE, request)
    assert GOOGLE.encode(request, ATTEMPT) == GOOGLE.encode(msgspec.structs.replace(request, extra={}), ATTEMPT)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"seed": 2**40}, "seed"),
        ({"thinking": Thinking(effort="enormous")}, "reasoning_effort"),
        ({"tools": (Tool(name="a", parameters=TWO_PATTERNS),)}, "tools.0.parameters.allOf"),
    ],
)
def test_settings_that_are_left_out_and_named(fields: dict[str, Any], name: str) -> None:
    request = ChatRequest(model="m", messages=(QUESTION,), **fields)

    assert (name,) == dropped(GOOGLE, request)
    GOOGLE.encode(request, ATTEMPT)


def test_calls_one_at_a_time_are_kept_by_the_hub_and_names_are_labels() -> None:
    ann = Message(role="user", parts=(Text(text="Hi"),), name="Ann")
    request = ChatRequest(model="m", messages=(ann,), tools=(Tool(name="a"),), parallel_tool_calls=False)

    assert () == dropped(GOOGLE, request)


@pytest.mark.parametrize("block", [VIDEO, NOTHING])
def test_an_image_of_an_answer_that_is_none_is_left_out(block: msgspec.Raw) -> None:
    shown = Message(role="assistant", parts=(ProviderPart(dialect="google", name="inlineData", block=block),))
    request = ChatRequest(model="m", messages=(QUESTION, shown))

    assert ("messages.1.content.0.inlineData",) == dropped(GOOGLE, request)
    assert b"inlineData" not in GOOGLE.encode(request, ATTEMPT)


def test_a_field_of_googles_that_is_not_known_is_named_with_its_place() -> None:
    extra = {"extra_body": msgspec.Raw(b'{"google":{"thinking_config":{},"model_selection":{}}}')}
    request = ChatRequest(model="m", messages=(QUESTION,), extra=extra)

    assert ("extra_body.google.model_selection",) == dropped(GOOGLE, request)
    assert b"model_selection" not in GOOGLE.encode(request, ATTEMPT)


@pytest.mark.parametrize(
    ("message", "name"),
    [
        (Message(role="system", parts=(Image(url="https://x.test/a.png"),)), "messages.0.content"),
        (Message(role="system", parts=()), "messages"),
        (Message(role="user", parts=()), "messages"),
        (Message(role="user", parts=(Image(),)), "messages.0.content.0.image_url"),
        (
            Message(role="user", parts=(Image(media_type="video/mp4", data="AAAA"),)),
            "messages.0.content.0.image_url",
        ),
        (Message(role="user", parts=(Document(file_id="file-1"),)), "messages.0.content.0.file_id"),
        (Message(role="user", parts=(Document(),)), "messages.0.content.0.file"),
        (Message(role="user", parts=(ToolResult(call_id="1", parts=()),)), "messages.0.content.0.tool_call_id"),
        (
            Message(role="user", parts=(ProviderPart(dialect="anthropic", name="search_result", block=NOTHING),)),
            "messages.0.content.0.search_result",
        ),
        (
            Message(role="user", parts=(ProviderPart(dialect="openai", name="video_url", block=NOTHING),)),
            "messages.0.content.0.video_url",
        ),
    ],
)
def test_messages(message: Message, name: str) -> None:
    assert name == refused(message)


def test_a_low_detail_for_one_of_several_images() -> None:
    parts = tuple(Image(url="https://x.test/a.png", detail=detail) for detail in ("low", None))
    request = ChatRequest(model="m", messages=(Message(role="user", parts=parts),))

    assert ("image_url.detail",) == dropped(GOOGLE, request)
