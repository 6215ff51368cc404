"""Fields that Converse, or the model's family behind it, does not have are refused by name."""

import json
from typing import Any

import msgspec
import pytest

from adapters.providers.bedrock import BEDROCK
from domain.model_api.requests import (
    Audio,
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
    ToolChoice,
    ToolResult,
)
from tests.support.bedrock import CLAUDE, LLAMA, NOVA, attempt, encoded, refused, requested
from tests.support.unsupported import dropped

GPT = "openai.gpt-oss-120b-1:0"


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


F = Tool(name="f")
HISTORY = (
    Message(role="user", parts=(Text(text="a"),)),
    Message(role="assistant", parts=(ToolCall(id="t", name="f", arguments="{}"),)),
    Message(role="user", parts=(ToolResult(call_id="t", parts=(Text(text="1"),)),)),
)


def _provider_part(dialect: str, name: str, **block: Any) -> ProviderPart:
    return ProviderPart(dialect=dialect, name=name, block=raw({"type": name, **block}))


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (requested(choices=2), "n"),
        (requested(tool_choice=ToolChoice(mode="required")), "tool_choice"),
        (requested(model=NOVA, messages=HISTORY), "tools"),
        (requested(model=NOVA, messages=HISTORY, tools=(F,), tool_choice=ToolChoice(mode="none")), "tool_choice"),
        (requested(ToolResult(call_id="t", parts=())), "tools"),
        (requested(extra={"additionalModelRequestFields": raw({"max_tokens": 9})}), "additionalModelRequestFields.max_tokens"),
        (requested(extra={"additionalModelRequestFields": raw({"inferenceConfig": {"maxNewTokens": 9}})}),
         "additionalModelRequestFields.inferenceConfig.maxNewTokens"),
        (requested(extra={"additionalModelRequestFields": raw({"tools": []})}), "additionalModelRequestFields.tools"),
        (requested(extra={"additionalModelRequestFields": raw([])}), "additionalModelRequestFields"),
        (requested(Image(url="https://x/a.png")), "messages.0.content.0.image_url"),
        (requested(Image(data="aGk=", media_type="image/bmp")), "messages.0.content.0.image_url"),
        (requested(Document(url="https://x/a.pdf")), "messages.0.content.0.file"),
        (requested(Document(file_id="file-1")), "messages.0.content.0.file"),
        (requested(Document(data="aGk=", media_type="application/zip")), "messages.0.content.0.file.file_data"),
        (requested(Document(name="a")), "messages.0.content.0.file"),
        (requested(Document(text="")), "messages.0.content.0.file"),
        (requested(Audio(data="aGk=", format="midi")), "messages.0.content.0.input_audio.format"),
        (requested(ToolResult(call_id="a", parts=(Image(url="https://x"),)), tools=(F,)),
         "messages.0.content.0.content.0.image_url"),
        (requested(_provider_part("openai", "audio")), "messages.0.content.0.audio"),
        (requested(_provider_part("anthropic", "server_tool_use", id="a")), "messages.0.content.0.server_tool_use"),
        (requested(_provider_part("anthropic", "document", source={"type": "url", "url": "https://x"})),
         "messages.0.content.0.document"),
        (requested(_provider_part("anthropic", "search_result", source="s", title="t", content=[{"type": "text", "text": "a"}],
                        a_field_of_tomorrow=1)), "messages.0.content.0.search_result"),
        (requested(_provider_part("anthropic", "tool_result", tool_use_id="t", content=[
            {"type": "tool_result", "tool_use_id": "u", "content": []}]), tools=(F,)),
         "messages.0.content.0.tool_result"),
        (requested(Text(text="")), "messages"),
        (requested(messages=(Message(role="system", parts=(Image(url="s3://b/a.png"),)),)), "messages.0.content"),
        (requested(messages=(Message(role="assistant", parts=(Reasoning(text="hm"),)),)), "messages"),
    ],
)  # fmt: skip
def test_an_unsupported_field_is_refused_by_name(request_: ChatRequest, field: str) -> None:
    assert field == refused(request_)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (requested(seed=0), "seed"),
        (requested(temperature=msgspec.Raw(b"1.01")), "temperature"),
        (requested(temperature=msgspec.Raw(b"1e400")), "temperature"),
        (requested(thinking=Thinking(effort="minimal")), "reasoning_effort"),
        (requested(model=GPT, thinking=Thinking(enabled=False)), "reasoning_effort"),
        (requested(model=LLAMA, thinking=Thinking(effort="low")), "reasoning_effort"),
        (requested(model=LLAMA, thinking=Thinking(tokens_max=2000)), "thinking"),
        (requested(model=LLAMA, top_k=5), "top_k"),
        (requested(extra={"logit_bias": raw({"1": 2})}), "logit_bias"),
        (requested(extra={"service_tier": raw("scale")}), "service_tier"),
        (requested(extra={"a_field_of_tomorrow": raw(1)}), "a_field_of_tomorrow"),
        (requested(extra={"tools.0.type": raw("web_search_20250305")}), "tools.0.type"),
        (requested(model=NOVA, extra={"tools[0].web_search": raw({})}), "tools[0].web_search"),
        (requested(extra={"tools.0.type": raw("nova_code_interpreter")}), "tools.0.type"),
        (requested(model=NOVA, extra={"context_management": raw({})}), "context_management"),
        (requested(Image(url="s3://b/a.png", detail="low")), "messages.0.content.0.image_url.detail"),
    ],
)  # fmt: skip
def test_a_droppable_field_is_left_out_and_named(request_: ChatRequest, field: str) -> None:
    assert (field,) == dropped(BEDROCK, request_)
    BEDROCK.encode(request_, attempt(request_.model))


@pytest.mark.parametrize(
    "request_",
    [
        requested(model=NOVA, tools=(F,), parallel_tool_calls=False),
        requested(model=NOVA, extra={"thinking.display": raw("omitted")}),
        requested(messages=(Message(role="user", parts=(Text(text="a"),), name="Bo"),)),
    ],
)
def test_labels_and_the_hubs_own_fields_are_not_sent(request_: ChatRequest) -> None:
    assert () == dropped(BEDROCK, request_)


@pytest.mark.parametrize("model", [CLAUDE, NOVA])
def test_a_later_system_message_stands_in_the_users_turn(model: str) -> None:
    messages = tuple(Message(role=role, parts=(Text(text=role),)) for role in ("user", "assistant", "developer"))

    assert [("user", "user"), ("assistant", "assistant"), ("user", "developer")] == [
        (turn["role"], turn["content"][0]["text"])
        for turn in encoded(requested(model=model, messages=messages))["messages"]
    ]
