"""A canonical request in Anthropic's form, or refused by the name of the unsupported field."""

import json
from typing import Any

import msgspec
import pytest

from adapters.providers.alternating_turns import JSON_ALONE
from adapters.providers.anthropic import ANTHROPIC
from domain.model_api.requests import (
    Audio,
    ChatRequest,
    Document,
    Image,
    Message,
    Part,
    ProviderPart,
    Reasoning,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from tests.support.anthropic import attempt
from tests.support.unsupported import dropped

CLOSED = {"type": "object", "additionalProperties": False}


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


SEARCHED = ProviderPart(dialect="openai-responses", name="web_search_call", block=_raw({}))


def _request(*parts: Part, **fields: Any) -> ChatRequest:
    messages = (Message(role="user", parts=parts or (Text(text="Hello"),)),)
    return ChatRequest(**{"model": "claude-test", "messages": messages} | fields)


def _encoded(request: ChatRequest, output_cap: int | None = None) -> Any:
    assert ANTHROPIC.refuses(request) is None
    return json.loads(ANTHROPIC.encode(request, attempt(output_cap=output_cap)))


def _refused(request: ChatRequest) -> str | None:
    refusal = ANTHROPIC.refuses(request)
    return None if refusal is None else refusal.field


def test_the_least_request_gets_a_cap_because_anthropic_requires_one() -> None:
    assert _encoded(_request()) == {
        "model": "claude-test",
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
    }


@pytest.mark.parametrize(
    ("requested", "cap", "sent"), [(None, None, 4096), (50, None, 50), (50, 20, 20), (None, 20, 20)]
)
def test_the_hubs_cap_goes_before_the_callers(requested: int | None, cap: int | None, sent: int) -> None:
    assert _encoded(_request(output_tokens_max=requested), cap)["max_tokens"] == sent


def test_leading_system_messages_become_system_blocks_and_turns_are_merged() -> None:
    def says(role: Any, *parts: Part) -> Message:
        return Message(role=role, parts=parts)

    request = ChatRequest(
        model="m",
        messages=(
            says("system", Text(text="Be brief.")),
            says("developer", Text(text="Be kind.")),
            says("user", Text(text="Weather?")),
            says("assistant", Text(text=""), ToolCall(id="a", name="now", arguments="")),
            says("assistant", ToolCall(id="b", name="at", arguments='{"x": 1.50}')),
            says("user", Text(text="Well?")),
            says("user", ToolResult(call_id="a", parts=(Text(text="noon"),))),
            says("user", ToolResult(call_id="b", parts=(), is_error=True)),
            says("developer", Text(text="Be quick.")),
            says("assistant", Reasoning(text="hm"), Reasoning(text="", signature="s"), Reasoning(redacted="r")),
        ),
    )

    encoded = _encoded(request)
    assert encoded["system"] == [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}]
    assert encoded["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "a", "name": "now", "input": {}},
                {"type": "tool_use", "id": "b", "name": "at", "input": {"x": 1.5}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "noon"}]},
                {"type": "tool_result", "tool_use_id": "b", "content": [], "is_error": True},
                {"type": "text", "text": "Well?"},
                {"type": "text", "text": "Be quick."},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "", "signature": "s"},
                {"type": "redacted_thinking", "data": "r"},
            ],
        },
    ]


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (
            Image(data="aGk=", media_type="image/png", detail="high"),
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
        ),
        (Image(url="https://x/a"), {"type": "image", "source": {"type": "url", "url": "https://x/a"}}),
        (
            Document(data="aGk=", media_type="application/pdf", name="a.pdf"),
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="},
                "title": "a.pdf",
            },
        ),
        (
            Document(text="hi"),
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hi"}},
        ),
        (Document(url="https://x/a"), {"type": "document", "source": {"type": "url", "url": "https://x/a"}}),
        (Document(file_id="f"), {"type": "document", "source": {"type": "file", "file_id": "f"}}),
        (ProviderPart(dialect="anthropic", name="x", block=_raw({"type": "x"})), {"type": "x"}),
        (
            Text(text="a", cache_control=_raw({"type": "ephemeral"})),
            {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
        ),
    ],
)
def test_parts_become_blocks(part: Part, block: dict[str, Any]) -> None:
    assert _encoded(_request(part))["messages"][0]["content"] == [block]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"temperature": msgspec.Raw(b"0.70")}, {"temperature": 0.7}),
        ({"top_p": msgspec.Raw(b"0.1"), "top_k": 5}, {"top_p": 0.1, "top_k": 5}),
        ({"stop": ("a", "b")}, {"stop_sequences": ["a", "b"]}),
        ({"stream": True}, {"stream": True}),
        ({"user": "u-1"}, {"metadata": {"user_id": "u-1"}}),
        ({"thinking": Thinking(tokens_max=2000)}, {"thinking": {"type": "enabled", "budget_tokens": 2000}}),
        ({"thinking": Thinking(tokens_max=9000)}, {"thinking": {"type": "enabled", "budget_tokens": 4095}}),
        (
            {"thinking": Thinking(effort="low")},
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
        ),
        ({"thinking": Thinking(effort="low", implicit=True)}, {"output_config": {"effort": "low"}}),
        ({"thinking": Thinking(effort="none")}, {"thinking": {"type": "disabled"}}),
        ({"thinking": Thinking(enabled=False)}, {"thinking": {"type": "disabled"}}),
        ({"response_format": ResponseFormat(mode="text")}, {}),
        ({"response_format": ResponseFormat(mode="json_object")}, {"system": [{"type": "text", "text": JSON_ALONE}]}),
        ({"response_format": ResponseFormat(mode="json_schema")}, {"system": [{"type": "text", "text": JSON_ALONE}]}),
        (
            {"response_format": ResponseFormat(mode="json_schema", name="n", schema=_raw({"type": "object"}))},
            {"output_config": {"format": {"type": "json_schema", "schema": CLOSED}}},
        ),
        ({"parallel_tool_calls": False, "tool_choice": ToolChoice(mode="auto")}, {}),
        ({"extra": {"store": _raw(False), "service_tier": _raw("auto"), "metadata": _raw({"a": "b"})}}, {}),
        ({"extra": {"logit_bias": _raw({}), "seed": _raw(None)}}, {}),
    ],
)
def test_settings_are_encoded_for_anthropic(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    encoded = _encoded(_request(**fields))

    assert {name: encoded[name] for name in encoded.keys() - {"model", "max_tokens", "messages"}} == expected


def test_numbers_are_sent_as_they_were_written() -> None:
    body = ANTHROPIC.encode(_request(temperature=msgspec.Raw(b"0.10000000000000000001")), attempt())

    assert b'"temperature":0.10000000000000000001' in body


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        (None, None, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice(mode="auto"), True, {"type": "auto", "disable_parallel_tool_use": False}),
        (ToolChoice(mode="required"), None, {"type": "any"}),
        (ToolChoice(mode="tool", name="f"), False, {"type": "tool", "name": "f", "disable_parallel_tool_use": True}),
        (ToolChoice(mode="none"), False, {"type": "none"}),
    ],
)
def test_tools_and_the_choice_among_them(choice: Any, parallel: bool | None, expected: Any) -> None:
    tools = (Tool(name="f", strict=True), Tool(name="g", description="d", parameters=_raw({"type": "object"})))
    encoded = _encoded(_request(tools=tools, tool_choice=choice, parallel_tool_calls=parallel))

    assert encoded.get("tool_choice") == expected
    assert encoded["tools"] == [
        {"name": "f", "input_schema": {"type": "object", "properties": {}}, "strict": True},
        {"name": "g", "description": "d", "input_schema": {"type": "object"}},
    ]


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (_request(choices=2), "n"),
        (_request(tool_choice=ToolChoice(mode="required")), "tool_choice"),
        (_request(Audio(data="aGk=", format="wav")), "messages.0.content.0.input_audio"),
        (_request(Image(data="aGk=")), "messages.0.content.0.image_url"),
        (_request(Document(data="aGk=", media_type="text/csv")), "messages.0.content.0.file.file_data"),
        (_request(Document(name="a")), "messages.0.content.0.file"),
        (_request(ToolResult(call_id="a", parts=(Image(data="a"),))), "messages.0.content.0.content.0.image_url"),
        (_request(ProviderPart(dialect="openai", name="file", block=_raw({}))), "messages.0.content.0.file"),
        (_request(Text(text="")), "messages"),
        (
            _request(messages=(Message(role="system", parts=(Image(url="https://x"), Text(text="a"))),)),
            "messages.0.content",
        ),
    ],
)
def test_an_unsupported_field_is_refused_by_name(request_: ChatRequest, field: str) -> None:
    assert _refused(request_) == field


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (_request(seed=0), "seed"),
        (_request(temperature=msgspec.Raw(b"1.01")), "temperature"),
        (_request(temperature=msgspec.Raw(b"1e400")), "temperature"),
        (_request(thinking=Thinking(effort="minimal")), "reasoning_effort"),
        (_request(extra={"logit_bias": _raw({"1": 2})}), "logit_bias"),
        (_request(extra={"deep": msgspec.Raw(b"[" * 10_000 + b"]" * 10_000)}), "deep"),
        (_request(extra={"frequency_penalty": _raw(0.5)}), "frequency_penalty"),
        (_request(extra={"service_tier": _raw("flex")}), "service_tier"),
        (_request(extra={"a_field_of_tomorrow": _raw(1)}), "a_field_of_tomorrow"),
        (_request(Image(url="https://x/a", detail="low")), "messages.0.content.0.image_url.detail"),
        (
            _request(messages=(Message(role="assistant", parts=(Text(text="a"), SEARCHED)),)),
            "messages.0.content.1.web_search_call",
        ),
    ],
)
def test_a_droppable_field_is_left_out_and_named(request_: ChatRequest, field: str) -> None:
    assert (field,) == dropped(ANTHROPIC, request_)


@pytest.mark.parametrize("fields", [{"seed": 1}, {"extra": {"frequency_penalty": _raw(0.5), "store": _raw(True)}}])
def test_what_is_left_out_leaves_no_trace(fields: dict[str, Any]) -> None:
    assert _encoded(_request(**fields)) == _encoded(_request())


def test_a_temperature_above_the_highest_becomes_the_highest() -> None:
    assert b'"temperature":1}' in ANTHROPIC.encode(_request(temperature=msgspec.Raw(b"1.2")), attempt())


@pytest.mark.parametrize(("effort", "sent"), [("minimal", {"effort": "low"}), ("enormous", None)])
def test_an_effort_becomes_the_nearest_that_there_is(effort: str, sent: Any) -> None:
    assert sent == _encoded(_request(thinking=Thinking(effort=effort))).get("output_config")


def test_a_name_is_a_label() -> None:
    messages = (Message(role="user", parts=(Text(text="a"),), name="Bo"),)

    assert () == dropped(ANTHROPIC, _request(messages=messages, user="u", extra={"store": _raw(True)}))


@pytest.mark.parametrize("wanted", [ResponseFormat(mode="json_object"), ResponseFormat(mode="json_schema")])
def test_json_without_a_schema_becomes_an_instruction(wanted: ResponseFormat) -> None:
    encoded = _encoded(_request(response_format=wanted))

    assert "output_config" not in encoded
    assert "JSON" in encoded["system"][-1]["text"]


def test_a_later_system_message_stands_in_the_users_turn() -> None:
    def turns(*roles: Any) -> list[tuple[str, list[str]]]:
        messages = tuple(Message(role=role, parts=(Text(text=role),)) for role in roles)
        sent = _encoded(_request(messages=messages))["messages"]
        return [(turn["role"], [block["text"] for block in turn["content"]]) for turn in sent]

    assert [("user", ["user"]), ("assistant", ["assistant"]), ("user", ["developer", "user"])] == turns(
        "user", "assistant", "developer", "user"
    )
    assert [("user", ["user", "system"]), ("assistant", ["assistant"])] == turns("user", "system", "assistant")
    assert [("user", ["user"]), ("assistant", ["assistant"]), ("user", ["system"])] == turns(
        "user", "assistant", "system"
    )


def test_a_system_message_alone_is_sent_as_the_users() -> None:
    system = (
        Message(role="system", parts=(Text(text="Be brief."),)),
        Message(role="system", parts=(Text(text="Hi?"),)),
    )
    sent = _encoded(_request(messages=system))

    assert "Be brief." == sent["system"][0]["text"]
    assert [("user", "Hi?")] == [(turn["role"], turn["content"][0]["text"]) for turn in sent["messages"]]
