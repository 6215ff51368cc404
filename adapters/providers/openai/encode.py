"""A canonical request in OpenAI's words, and what of it OpenAI has no field for.

House rule: every field that is set is sent or named by `lacks`. The request's fields are those
of https://developers.openai.com/api/reference/resources/chat/subresources/completions/methods/create.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from adapters.providers.decode_errors import NONSENSE
from adapters.providers.openai.failure import NAME
from adapters.providers.openai.fitting import asked_to_think, fit
from adapters.providers.openai.messages import keeps, lacking_parts, messages
from adapters.providers.unsupported import lacking, refusing, without_blocks
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


def lacks(request: ChatRequest) -> Iterator[Lack]:
    """Everything that OpenAI's dialect has no field for."""
    yield from lacking_parts(request)
    yield from lacking(request, NAME)


refuses = refusing(lacks, NAME)


def encode(request: ChatRequest, attempt: Attempt) -> bytes:
    """The request body, without what `lacks` names."""
    request = without_blocks(request, keeps)
    vendor = vendor_of(attempt.target.provider, attempt.target.base_url)
    body: dict[str, Any] = {"model": attempt.target.model, "messages": messages(request.messages, vendor.thought_in)}
    if vendor.wants_prefix and body["messages"] and body["messages"][-1]["role"] == "assistant":
        body["messages"][-1]["prefix"] = True
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.tool_choice is not None:
        body["tool_choice"] = _tool_choice(request.tool_choice)
    if request.response_format is not None:
        body["response_format"] = _response_format(request.response_format)
    if request.thinking is not None:
        body |= asked_to_think(request.thinking, vendor)
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
    if vendor.call_ids is None:  # Ids that OpenAI takes are taken by servers like it.
        vendor = msgspec.structs.replace(vendor, call_ids=OPENAI_CHAT_IDS)
    return msgspec.json.encode(fit(body, vendor))


def _tool(tool: Tool) -> dict[str, Any]:
    """`cache_control` is left out here as everywhere: OpenAI caches prompts by itself, and the mark is about cost."""
    function: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.parameters is not None:
        function["parameters"] = tool.parameters
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def plain_tool(tool: Tool) -> dict[str, Any]:
    """The same without strictness, and with a schema: others require one."""
    parameters = tool.parameters if tool.parameters is not None else _ANY_OBJECT
    return _tool(msgspec.structs.replace(tool, strict=None, parameters=parameters))


def _tool_choice(choice: ToolChoice) -> str | dict[str, Any]:
    if choice.mode == "tool":
        return {"type": "function", "function": {"name": choice.name}}
    return choice.mode


def _response_format(wanted: ResponseFormat) -> dict[str, Any]:
    if wanted.mode != "json_schema":
        return {"type": wanted.mode}
    # OpenAI requires a name, other dialects have none.
    schema: dict[str, Any] = {"name": wanted.name or "answer"}
    if wanted.schema is not None:
        schema["schema"] = wanted.schema
    if wanted.strict is not None:
        schema["strict"] = wanted.strict
    return {"type": "json_schema", "json_schema": schema}


def _add_extra(body: dict[str, Any], extra: dict[str, msgspec.Raw]) -> None:
    """The fields of the caller's dialect that have a word here.

    Anthropic's metadata is its word for `user`; OpenAI's own holds other keys and goes as it is. Anthropic's
    "standard_only" is OpenAI's "default": the tier that is not the dearer one.
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
    """Anthropic's metadata, None where it is OpenAI's own, which holds other keys."""
    try:
        return msgspec.json.decode(metadata, type=User)
    except NONSENSE:
        return None
