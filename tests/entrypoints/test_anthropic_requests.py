"""A call of Anthropic's dialect in canonical words: what has a place is put there, the rest is kept by name."""

import json
from typing import Any

import msgspec
import pytest

from adapters.providers.anthropic import ANTHROPIC
from domain.model_api.call import ModelCall
from domain.model_api.requests import (
    ChatRequest,
    Document,
    Image,
    Message,
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
from domain.refusals import BadRequest
from entrypoints.http.dialects.anthropic import ANTHROPIC_CALLER

_HELLO = [{"role": "user", "content": "Hello"}]
_TEXT = {"type": "text", "text": 'an "url" of a "file"'}


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def _body(**fields: Any) -> bytes:
    said = {"model": "claude-test", "max_tokens": 100, "messages": _HELLO} | fields
    return json.dumps({name: value for name, value in said.items() if value is not ...}).encode()


def _call(**fields: Any) -> ModelCall:
    call = ANTHROPIC_CALLER.read(_body(**fields))
    assert isinstance(call, ModelCall)
    return call


def _request(**fields: Any) -> ChatRequest:
    request = ANTHROPIC_CALLER.to_request(_call(**fields))
    assert isinstance(request, ChatRequest)
    return request


def _parts(*blocks: Any, role: str = "user") -> tuple[Any, ...]:
    return _request(messages=[{"role": role, "content": list(blocks)}]).messages[0].parts


def _complaint(**fields: Any) -> BadRequest:
    call = ANTHROPIC_CALLER.read(_body(**fields))
    complaint = ANTHROPIC_CALLER.to_request(call) if isinstance(call, ModelCall) else call
    assert isinstance(complaint, BadRequest)
    return complaint


def _image(**source: Any) -> dict[str, Any]:
    return {"type": "image", "source": source}


def _document(**source: Any) -> dict[str, Any]:
    return {"type": "document", "source": source}


def _result(*blocks: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": "t", "content": list(blocks)}


def test_a_conversation_is_read_turn_by_turn() -> None:
    request = _request(
        system="Be brief.",
        messages=[
            {"role": "user", "content": "Weather?"},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "s"},
                    {"type": "redacted_thinking", "data": "r"},
                    {"type": "tool_use", "id": "t", "name": "at", "input": {"x": 1.50, "y": [1, 2]}},
                ],
            },
            {"role": "user", "content": [_result(_TEXT) | {"is_error": True}]},
        ],
    )

    assert request.messages == (
        Message(role="system", parts=(Text(text="Be brief."),)),
        Message(role="user", parts=(Text(text="Weather?"),)),
        Message(
            role="assistant",
            parts=(
                Reasoning(text="hm", signature="s"),
                Reasoning(redacted="r"),
                ToolCall(id="t", name="at", arguments='{"x":1.5,"y":[1,2]}'),
            ),
        ),
        Message(role="user", parts=(ToolResult(call_id="t", parts=(Text(text=_TEXT["text"]),), is_error=True),)),
    )


@pytest.mark.parametrize(
    ("block", "part"),
    [
        (_image(type="base64", media_type="image/png", data="a"), Image(media_type="image/png", data="a")),
        (_image(type="url", url="https://x"), Image(url="https://x")),
        (
            _document(type="base64", media_type="application/pdf", data="a") | {"title": "a.pdf"},
            Document(media_type="application/pdf", data="a", name="a.pdf"),
        ),
        (_document(type="text", media_type="text/plain", data="a") | {"context": None}, Document(text="a")),
        (_document(type="file", file_id="f") | {"citations": {"enabled": False}}, Document(file_id="f")),
        (
            {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
            Text(text="a", cache_control=_raw({"type": "ephemeral"})),
        ),
        ({"type": "tool_result", "tool_use_id": "t"}, ToolResult(call_id="t", parts=())),
        ({"type": "tool_result", "tool_use_id": "t", "content": "a"}, ToolResult(call_id="t", parts=(Text(text="a"),))),
        ({"type": "thinking", "thinking": "a", "signature": ""}, Reasoning(text="a")),
        (
            {"type": "tool_use", "id": "t", "name": "n", "input": {}, "caller": {"type": "direct"}},
            ToolCall(id="t", name="n", arguments="{}"),
        ),
    ],
)
def test_known_blocks_have_canonical_forms(block: dict[str, Any], part: Any) -> None:
    assert _parts(block, role="assistant") == (part,)


@pytest.mark.parametrize(
    ("block", "name"),
    [
        ({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}, "server_tool_use"),
        ({"type": "container_upload", "file_id": "f"}, "container_upload"),
        (_image(type="file", file_id="f"), "image.source.file"),
        (_document(type="content", content=[_TEXT]), "document.source.content"),
        (_document(type="url", url="https://x") | {"citations": {"enabled": True}}, "document.citations"),
        (_result({"type": "tool_reference", "tool_name": "f"}), "tool_result.tool_reference"),
        (
            {"type": "tool_use", "id": "t", "name": "n", "input": {}, "caller": {"type": "code"}},
            "tool_use.caller",
        ),
    ],
)
def test_other_blocks_are_kept_whole_and_named(block: dict[str, Any], name: str) -> None:
    (part,) = _parts(block)

    assert isinstance(part, ProviderPart)
    assert (part.dialect, part.name, json.loads(bytes(part.block))) == ("anthropic", name, block)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"stop_sequences": ["a"]}, {"stop": ("a",)}),
        ({"temperature": 0.5, "top_k": 3}, {"temperature": _raw(0.5), "top_k": 3}),
        ({"metadata": {"user_id": "u"}}, {"user": "u"}),
        ({"metadata": {"user_id": None}, "top_p": None}, {}),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, {"thinking": Thinking(tokens_max=2000)}),
        ({"thinking": {"type": "adaptive"}}, {"thinking": Thinking()}),
        ({"thinking": {"type": "disabled"}}, {"thinking": Thinking(enabled=False)}),
        ({"output_config": {"effort": "low"}}, {"thinking": Thinking(effort="low", implicit=True)}),
        (
            {"output_config": {"effort": "low"}, "thinking": {"type": "adaptive"}},
            {"thinking": Thinking(effort="low")},
        ),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
            {"response_format": ResponseFormat(mode="json_schema", schema=_raw({"type": "object"}))},
        ),
        ({"tool_choice": {"type": "any"}}, {"tool_choice": ToolChoice(mode="required")}),
        (
            {"tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True}},
            {"tool_choice": ToolChoice(mode="tool", name="f"), "parallel_tool_calls": False},
        ),
        (
            {"tools": [{"name": "f", "description": "d", "input_schema": {}, "strict": True}]},
            {"tools": (Tool(name="f", description="d", parameters=_raw({}), strict=True),)},
        ),
    ],
)
def test_settings_have_canonical_forms(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert _request(**fields) == msgspec.structs.replace(_request(), **expected)


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"container": "c"}, ["container"]),
        ({"cache_control": {"type": "ephemeral"}, "service_tier": "auto"}, ["cache_control", "service_tier"]),
        ({"thinking": {"type": "adaptive", "display": "omitted"}}, ["thinking.display"]),
        ({"thinking": {"type": "between_tools"}}, ["thinking.type"]),
        ({"output_config": {"task_budget": 3}}, ["output_config.task_budget"]),
        ({"output_config": {"format": {"type": "xml"}}}, ["output_config.format"]),
        ({"metadata": {"user_id": "u", "x": 1}}, ["metadata.x"]),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, ["tools.0.type"]),
        ({"tools": [{"name": "f", "input_schema": {}, "defer_loading": True}]}, ["tools.0.defer_loading"]),
        ({"tools": [{"name": "f", "input_schema": {}, "eager_input_streaming": True}]}, []),
        ({"speed": "fast", "mcp_servers": [{"url": "u"}]}, ["speed", "mcp_servers"]),
        ({"speed": "standard", "mcp_servers": [], "context_management": {"edits": []}}, []),
    ],
)
def test_what_only_anthropic_has_is_kept_by_name(fields: dict[str, Any], names: list[str]) -> None:
    request = _request(**fields)

    assert list(request.extra) == names
    refusal = ANTHROPIC.refuses(msgspec.structs.replace(request, messages=_request().messages))
    assert refusal is None or refusal.field == names[0]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"system": 3}, "system"),
        ({"system": [{"type": "text"}]}, "system.0.text"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 3}]}]}, "messages.0.content.0.text"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages.0.content.0.source"),
        (
            {"messages": [{"role": "user", "content": [_image(type="base64", data="a")]}]},
            "messages.0.content.0.source",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_use", "id": "t", "name": "n", "input": []}]}]},
            "messages.0.content.0.input",
        ),
        (
            {"messages": [{"role": "user", "content": [_result({"type": "text"})]}]},
            "messages.0.content.0.content.0.text",
        ),
        ({"tools": [{"name": "f"}]}, "tools.0.input_schema"),
        ({"tool_choice": {"type": "some"}}, "tool_choice"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice"),
        ({"temperature": "0.5"}, "temperature"),
        ({"top_k": 1.5}, "top_k"),
        ({"stop_sequences": "a"}, "stop_sequences"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"thinking": {"type": "enabled", "budget_tokens": "1"}}, "thinking.budget_tokens"),
        ({"metadata": {"user_id": 3}}, "metadata.user_id"),
    ],
)
def test_what_is_malformed_deeper_is_named_too(fields: dict[str, Any], field: str) -> None:
    assert _complaint(**fields).field == field


def test_betas_are_read_from_the_header_that_switches_them_on() -> None:
    call = msgspec.structs.replace(_call(), relay_headers=(("anthropic-beta", "a-1, b-2,,a-1"), ("anthropic-x", "c")))

    request = ANTHROPIC_CALLER.to_request(call)

    assert isinstance(request, ChatRequest)
    assert ("a-1", "b-2") == request.betas
    assert () == _request().betas


def test_what_a_tool_search_found_is_a_text_elsewhere() -> None:
    reference = {"type": "tool_reference", "tool_name": "weather"}

    (part,) = _parts(_result(reference))

    assert isinstance(part, ProviderPart)
    assert ("tool_result.tool_reference", "anthropic") == (part.name, part.dialect)
    assert isinstance(part.plain, ToolResult)
    assert (Text(text="The tool weather can be called now."),) == part.plain.parts
