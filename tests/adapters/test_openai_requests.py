"""OpenAI's dialect: what is sent, passed through or put in its words."""

import json
from typing import Any

import msgspec
import pytest

from adapters.providers.dialect import ProviderDialect
from adapters.providers.openai import OPENAI
from adapters.providers.openai_responses import RESPONSES
from domain.model_api.call import Attempt
from domain.model_api.requests import (
    ChatRequest,
    Document,
    Image,
    Message,
    ProviderPart,
    Reasoning,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from domain.refusals import UnsupportedParameter
from tests.adapters.openai_events import (
    attempt,
    call,
)
from tests.support.unsupported import dropped


def test_a_secret_becomes_a_bearer_token_and_none_becomes_no_header() -> None:
    assert ("authorization", "Bearer sk-1") in OPENAI.headers("sk-1")
    assert "authorization" not in dict(OPENAI.headers(None))


def test_a_body_passes_through_byte_for_byte_but_for_the_model() -> None:
    body = '{"temperature":0.10,"model":"a/b","x":[1, 2,  {"é":1e2}],"messages":[{"role":"user","content":"\\u00e9"}]}'

    assert body.replace('"a/b"', '"m-upstream"').encode() == OPENAI.pass_through(call(body), attempt())


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ("", ',"stream_options":{"include_usage":true}'),
        (',"stream_options":null', ',"stream_options":{"include_usage":true}'),
        (',"stream_options":{"include_usage": true}', ',"stream_options":{"include_usage": true}'),
        (',"stream_options":{"include_usage":false}', ',"stream_options":{"include_usage":true}'),
        (
            ',"stream_options":{"include_obfuscation":false}',
            ',"stream_options":{"include_obfuscation":false,"include_usage":true}',
        ),
        (',"stream_options":[]', ',"stream_options":[]'),
    ],
)
def test_a_streamed_call_asks_for_usage_and_keeps_the_callers_options(options: str, sent: str) -> None:
    body = '{"model":"m","stream":true' + options + "}"

    passed = OPENAI.pass_through(call(body, stream=True), attempt())

    assert ('{"model":"m-upstream","stream":true' + sent + "}").encode() == passed


OWN_URL = "https://api.openai.com/v1"


@pytest.mark.parametrize(
    ("body", "cap_field", "at", "sent"),
    [
        ("{}", None, attempt(cap=9), {"max_tokens": 9}),
        ("{}", None, attempt(cap=9, provider="openai"), {"max_completion_tokens": 9}),
        ("{}", None, attempt(cap=9, url=OWN_URL), {"max_completion_tokens": 9}),
        ("{}", None, attempt(cap=9, url="https://eu.api.openai.com:443/v1"), {"max_completion_tokens": 9}),
        ("{}", None, attempt(cap=9, url="https://api.openai.com.evil.test/v1"), {"max_tokens": 9}),
        ('{"max_tokens":50}', "max_tokens", attempt(cap=9, url=OWN_URL), {"max_tokens": 9}),
        ('{"max_tokens":50}', "max_tokens", attempt(), {"max_tokens": 50}),
        (
            '{"max_tokens":50,"max_completion_tokens":50}',
            "max_completion_tokens",
            attempt(cap=9),
            {"max_tokens": 9, "max_completion_tokens": 9},
        ),
        (
            '{"max_tokens":null}',
            None,
            attempt(cap=9, provider="openai"),
            {"max_tokens": None, "max_completion_tokens": 9},
        ),
    ],
)
def test_the_output_cap_stands_in_the_field_that_the_provider_reads(
    body: str, cap_field: str | None, at: Attempt, sent: dict[str, Any]
) -> None:
    passed = json.loads(OPENAI.pass_through(call(body, cap_field=cap_field), at))

    assert {"model": "m-upstream", **sent} == passed


def request(*messages: Message, **fields: Any) -> ChatRequest:
    return ChatRequest(model="a/b", messages=messages or (user(Text(text="Hi")),), **fields)


def user(*parts: Any) -> Message:
    return Message(role="user", parts=parts)


def assistant(*parts: Any) -> Message:
    return Message(role="assistant", parts=parts)


def encoded(requested: ChatRequest, at: Attempt | None = None) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(OPENAI.encode(requested, at or attempt()))
    return body


def test_a_request_is_encoded_for_openai() -> None:
    requested = request(
        Message(role="system", parts=(Text(text="Be brief."),)),
        user(Text(text="Look:"), Image(media_type="image/png", data="aWJt")),
        tools=(Tool(name="f", description="does", parameters=msgspec.Raw(b'{"type":"object"}'), strict=True),),
        output_tokens_max=100,
        temperature=msgspec.Raw(b"0.10"),
        stop=("END",),
        stream=True,
    )

    assert {
        "model": "m-upstream",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Look:"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,aWJt"}},
                ],
            },
        ],
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "f",
                    "description": "does",
                    "parameters": {"type": "object"},
                    "strict": True,
                },
            }
        ],
        "max_tokens": 100,
        "temperature": 0.10,
        "stop": ["END"],
        "stream": True,
        "stream_options": {"include_usage": True},
    } == encoded(requested)


def test_a_number_is_written_as_the_caller_wrote_it() -> None:
    assert b'"temperature":0.10' in OPENAI.encode(request(temperature=msgspec.Raw(b"0.10")), attempt())


def test_a_tool_result_comes_before_the_users_text_of_the_same_turn() -> None:
    requested = request(
        assistant(ToolCall(id="a", name="f", arguments="{ }")),
        user(Text(text="And now?"), ToolResult(call_id="a", parts=(Text(text="12"),), is_error=True)),
    )

    assert [
        {
            "role": "assistant",
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{ }"}}],
        },
        {"role": "tool", "tool_call_id": "a", "content": "12"},
        {"role": "user", "content": "And now?"},
    ] == encoded(requested)["messages"]


def test_thinking_of_earlier_turns_is_left_out() -> None:
    requested = request(
        assistant(Reasoning(text="Hm.", signature="c2ln"), Text(text="4")),
        assistant(Reasoning(redacted="ZW5j")),
        user(Text(text="Sure?")),
    )

    assert None is OPENAI.refuses(requested)
    assert [{"role": "assistant", "content": "4"}, {"role": "user", "content": "Sure?"}] == encoded(requested)[
        "messages"
    ]


def test_a_plain_text_document_is_a_text_under_its_name() -> None:
    requested = request(user(Document(text="one\n", name="notes.txt")))

    assert "notes.txt\n\none\n" == encoded(requested)["messages"][0]["content"]


def test_a_binary_document_is_a_file() -> None:
    requested = request(user(Text(text="Read"), Document(media_type="application/pdf", data="cGRm")))

    assert {
        "type": "file",
        "file": {"filename": "document.pdf", "file_data": "data:application/pdf;base64,cGRm"},
    } == encoded(requested)["messages"][0]["content"][1]


@pytest.mark.parametrize(
    ("thinking", "effort"),
    [
        (Thinking(enabled=False), "none"),
        (Thinking(), "medium"),
        (Thinking(effort="xhigh", tokens_max=1_024), "xhigh"),
        (Thinking(tokens_max=4_095), "low"),
        (Thinking(tokens_max=4_096), "medium"),
        (Thinking(tokens_max=15_999), "medium"),
        (Thinking(tokens_max=16_000), "high"),
    ],
)
def test_thinking_becomes_an_effort(thinking: Thinking, effort: str) -> None:
    assert effort == encoded(request(thinking=thinking))["reasoning_effort"]


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [
        ("metadata", '{"user_id":"u-1"}', {"user": "u-1"}),
        ("metadata", '{"user_id":null}', {}),
        ("metadata", '{"team":"x"}', {"metadata": {"team": "x"}}),
        ("service_tier", '"standard_only"', {"service_tier": "default"}),
        ("service_tier", '"flex"', {"service_tier": "flex"}),
        ("frequency_penalty", "0.5", {"frequency_penalty": 0.5}),
    ],
)
def test_a_field_of_the_callers_dialect_is_sent_where_openai_has_it(
    name: str, value: str, sent: dict[str, Any]
) -> None:
    requested = request(extra={name: msgspec.Raw(value.encode())})

    assert None is OPENAI.refuses(requested)
    assert sent == {key: kept for key, kept in encoded(requested).items() if key not in ("model", "messages")}


RAW = msgspec.Raw(b"{}")


@pytest.mark.parametrize(
    ("requested", "field"),
    [
        (request(extra={"container": RAW}), "container"),
        (request(user(ProviderPart(dialect="anthropic", name="server_tool_use", block=RAW))), "server_tool_use"),
        (request(user(Document(url="https://x.test/a.pdf"))), "document.url"),
        (request(user(Document(file_id="file_1"))), "document.file_id"),
        (
            request(user(ToolResult(call_id="a", parts=(Document(url="https://x.test/a.pdf"),)))),
            "tool_result.document.url",
        ),
        (request(assistant(Image(url="https://x.test/a.png"))), "messages[0].image"),
        (request(user(ToolCall(id="a", name="f", arguments="{}"))), "messages[0].tool_call"),
        (request(Message(role="system", parts=(Image(url="https://x.test/a.png"),))), "messages[0].image"),
    ],
)
def test_a_field_that_openai_does_not_have_is_refused_by_name(requested: ChatRequest, field: str) -> None:
    assert UnsupportedParameter(field=field, dialect="openai", model="a/b") == OPENAI.refuses(requested)


def test_a_field_that_openai_has_is_not_refused() -> None:
    requested = request(
        user(Text(text="x", cache_control=RAW), Image(url="https://x.test/a.png", detail="low")),
        assistant(ProviderPart(dialect="openai", name="audio", block=RAW)),
        user(ToolResult(call_id="a", parts=(Document(text="plain"),))),
    )

    assert None is OPENAI.refuses(requested)


def test_the_hubs_cap_stands_in_place_of_the_callers() -> None:
    assert 7 == encoded(request(output_tokens_max=100), attempt(cap=7))["max_tokens"]


@pytest.mark.parametrize("dialect", [OPENAI, RESPONSES], ids=["chat", "responses"])
def test_a_field_with_the_default_value_is_left_out(dialect: ProviderDialect) -> None:
    fields = {"thinking.display": msgspec.Raw(b'"summarized"'), "reasoning_format": msgspec.Raw(b'"parsed"')}
    other = {"reasoning_format": msgspec.Raw(b'"raw"')}
    said = ChatRequest(model="m", messages=(Message(role="user", parts=(Text(text="Hi"),)),))
    idle, wish = (msgspec.structs.replace(said, extra=extra) for extra in (fields, other))

    assert () == dropped(dialect, idle)
    assert ("reasoning_format",) == dropped(dialect, wish)
    assert {dialect.encode(each, attempt()) for each in (idle, wish)} == {dialect.encode(said, attempt())}


@pytest.mark.parametrize("dialect", [OPENAI, RESPONSES], ids=["chat", "responses"])
def test_a_droppable_field_is_left_out_and_named(dialect: ProviderDialect) -> None:
    said = ChatRequest(model="m", messages=(Message(role="user", parts=(Text(text="Hi"),)),))
    wish = msgspec.structs.replace(said, top_k=5, extra={"tools[0].web_search": RAW, "client_metadata": RAW})

    assert ("top_k", "tools[0].web_search") == dropped(dialect, wish)
    assert dialect.encode(wish, attempt()) == dialect.encode(said, attempt())
