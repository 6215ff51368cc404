"""Encode a canonical request in OpenAI's dialect, and name its fields that OpenAI does not have.

House rule: every field that is set is sent, or named by `unsupported_fields`. The request's fields are those of
https://developers.openai.com/api/reference/resources/chat/subresources/completions/methods/create.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.input_schema import input_schema
from adapters.providers.openai.failure import NAME
from adapters.providers.openai.fitting import fit, reasoning_fields
from adapters.providers.openai.messages import keeps, messages, unsupported_parts
from adapters.providers.unsupported import refusing, unsupported_settings, without_blocks
from domain.catalog.vendors import vendor_of
from domain.dialects.tool_call_ids import OPENAI_CHAT_IDS
from domain.dialects.unsupported_params import SENT, Lack
from domain.model_api.call import Attempt
from domain.model_api.requests import ChatRequest, ResponseFormat, Tool, ToolChoice

_SENT = SENT[NAME]
_ANY_OBJECT = msgspec.Raw(b'{"type":"object","properties":{}}')


class User(msgspec.Struct, forbid_unknown_fields=True):
    """Anthropic's metadata."""

    user_id: str | None = None


def unsupported_fields(request: ChatRequest) -> Iterator[Lack]:
    """Yield every field that OpenAI's dialect does not have."""
    yield from unsupported_parts(request)
    yield from unsupported_settings(request, NAME)


refuses = refusing(unsupported_fields, NAME)


def encode(request: ChatRequest, attempt: Attempt) -> bytes:
    """Return the request body, without the fields that `unsupported_fields` names."""
    request = without_blocks(request, keeps)
    vendor = vendor_of(attempt.target.provider, attempt.target.base_url)
    body: dict[str, Any] = {"model": attempt.target.model, "messages": messages(request.messages, vendor.reasoning_in)}
    if vendor.wants_prefix and body["messages"] and body["messages"][-1]["role"] == "assistant":
        body["messages"][-1]["prefix"] = True
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.tool_choice is not None:
        body["tool_choice"] = _tool_choice(request.tool_choice)
    if request.response_format is not None:
        body["response_format"] = _response_format(request.response_format)
    if request.thinking is not None:
        body |= reasoning_fields(request.thinking, vendor)
    cap = attempt.output_cap if attempt.output_cap is not None else request.output_tokens_max
    plain = {
        vendor.caps[0]: cap,
        "parallel_tool_calls": request.parallel_tool_calls,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "stop": list(request.stop) or None,
        "n": request.choices if request.choices != 1 else None,
        "seed": request.seed,
        "user": request.user,
    }
    body.update((name, value) for name, value in plain.items() if value is not None)
    if request.stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    _add_extra(body, request.extra)
    if vendor.call_ids is None:  # Servers that behave like OpenAI accept the ids that OpenAI accepts.
        vendor = msgspec.structs.replace(vendor, call_ids=OPENAI_CHAT_IDS)
    return msgspec.json.encode(fit(body, vendor))


def _tool(tool: Tool) -> dict[str, Any]:
    """Return the tool without `cache_control`, which is about cost: OpenAI caches prompts automatically."""
    function: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.parameters is not None:
        function["parameters"] = input_schema(tool.parameters)
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def plain_tool(tool: Tool) -> dict[str, Any]:
    """Return the tool without strictness and with a schema, which other vendors require."""
    parameters = tool.parameters if tool.parameters is not None else _ANY_OBJECT
    return _tool(msgspec.structs.replace(tool, strict=None, parameters=parameters))


def _tool_choice(choice: ToolChoice) -> str | dict[str, Any]:
    if choice.mode == "tool":
        return {"type": "function", "function": {"name": choice.name}}
    return choice.mode


def _response_format(wanted: ResponseFormat) -> dict[str, Any]:
    if wanted.mode != "json_schema":
        return {"type": wanted.mode}
    # OpenAI requires a name; other dialects have none.
    schema: dict[str, Any] = {"name": wanted.name or "answer"}
    if wanted.schema is not None:
        schema["schema"] = wanted.schema
    if wanted.strict is not None:
        schema["strict"] = wanted.strict
    return {"type": "json_schema", "json_schema": schema}


def _add_extra(body: dict[str, Any], extra: dict[str, msgspec.Raw]) -> None:
    """Add the fields of the caller's dialect that exist here.

    Anthropic's metadata corresponds to `user`; OpenAI's own metadata has other keys and is sent unchanged. Anthropic's
    "standard_only" corresponds to OpenAI's "default": the tier that is not the expensive one.
    """
    for name, value in extra.items():
        if name == "metadata" and (user := user_of(value)) is not None:
            body.setdefault("user", user.user_id)
        elif name not in _SENT:
            continue
        elif name == "service_tier" and bytes(value) == b'"standard_only"':
            body[name] = "default"
        else:
            body[name] = value
    if body.get("user", "") is None:
        del body["user"]


def user_of(metadata: msgspec.Raw) -> User | None:
    """Return Anthropic's metadata, or None where it is OpenAI's own, which has other keys."""
    try:
        return msgspec.json.decode(metadata, type=User)
    except DECODE_ERRORS:
        return None
