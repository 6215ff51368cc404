"""A caller's chat-completions call in canonical form, for a provider of another dialect.

House rule: every field that is set arrives: as a canonical field, or by its own name in `extra`, where the provider's
dialect expresses or refuses it. A null, and a value equal to the API's default, is not set. The defaults are those of
https://developers.openai.com/api/reference/resources/chat/subresources/completions/methods/create.
"""

from typing import Any, Literal

import msgspec

from domain.dialects.default_values import OPENAI_CHAT, has_default
from domain.dialects.unsupported_params import own_name
from domain.model_api.call import ModelCall
from domain.model_api.requests import ChatRequest, ResponseFormat, Tool, ToolChoice
from domain.model_api.tools import Custom, custom_tool, only_allowed
from domain.refusals import BadRequest
from entrypoints.http.decode_errors import JSON_ERRORS, JsonDecoder, decode_json
from entrypoints.http.dialects.openai_chat.field_errors import bad, unreadable
from entrypoints.http.dialects.openai_chat.reasoning_effort import thinking_of
from entrypoints.http.dialects.openai_chat.turns import WireMessage, Wrong, turns

_NOT_SENT = msgspec.Raw()


class _Function(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: msgspec.Raw = _NOT_SENT
    strict: bool | None = None
    cache_control: msgspec.Raw = _NOT_SENT


class _Grammar(msgspec.Struct):
    type: str = "text"
    grammar: dict[str, Any] = {}


class _Custom(msgspec.Struct):
    name: str
    description: str | None = None
    format: _Grammar | None = None


class _Tool(msgspec.Struct):
    type: str = "function"
    function: _Function | None = None
    custom: _Custom | None = None
    cache_control: msgspec.Raw = _NOT_SENT


class _Named(msgspec.Struct):
    name: str


class _Choice(msgspec.Struct):
    type: str = ""
    function: _Named | None = None
    custom: _Named | None = None
    name: str | None = None  # The older `function_call` is {"name": ...}.


class _Schema(msgspec.Struct):
    name: str | None = None
    description: str | None = None
    schema: msgspec.Raw = _NOT_SENT
    strict: bool | None = None


class _Format(msgspec.Struct):
    type: str
    json_schema: _Schema | None = None


class _Request(msgspec.Struct):
    """The fields that have a canonical form. A number keeps the caller's spelling."""

    messages: list[WireMessage]
    tools: list[msgspec.Raw] | None = None
    functions: list[_Function] | None = None
    tool_choice: str | _Choice | None = None
    function_call: str | _Choice | None = None
    parallel_tool_calls: bool | None = None
    response_format: _Format | None = None
    reasoning_effort: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    user: str | None = None


_REQUEST = JsonDecoder(_Request)
_READ_ALREADY = ("model", "stream", "stream_options", "n", "max_tokens", "max_completion_tokens")
_CANONICAL = frozenset((*_Request.__struct_fields__, *_READ_ALREADY))

_MODES: dict[str, Literal["auto", "none", "required"]] = {
    "auto": "auto",
    "none": "none",
    "required": "required",
    "any": "required",  # Mistral's name (https://docs.mistral.ai/capabilities/function_calling).
}


def to_request(call: ModelCall) -> ChatRequest | BadRequest:
    """The call in canonical form, or the first problem deeper than `read` looks."""
    try:
        wire = _REQUEST.decode(msgspec.json.encode(call.fields))
        extra = _extra(call.fields)
        tools, tool_choice = _tool_choice(wire, call.fields, _tools(wire, extra), extra)
        return ChatRequest(
            model=call.model,
            messages=turns(wire.messages),
            tools=tools,
            tool_choice=tool_choice,
            parallel_tool_calls=wire.parallel_tool_calls,
            output_tokens_max=call.output_tokens_max,
            temperature=None if wire.temperature is None else call.fields["temperature"],
            top_p=None if wire.top_p is None else call.fields["top_p"],
            top_k=wire.top_k,
            stop=(wire.stop,) if isinstance(wire.stop, str) else tuple(wire.stop or ()),
            choices=call.choices,
            seed=wire.seed,
            response_format=_response_format(wire.response_format, call.fields, extra),
            thinking=thinking_of(wire.reasoning_effort, extra),
            stream=call.stream,
            user=wire.user,
            extra=extra,
        )
    except JSON_ERRORS as error:
        return unreadable(error)
    except Wrong as wrong:
        return wrong.refusal


def _extra(fields: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    return {
        own_name(name): value
        for name, value in fields.items()
        if name not in _CANONICAL and not has_default(OPENAI_CHAT, name, value)
    }


def _tools(wire: _Request, extra: dict[str, msgspec.Raw]) -> tuple[Tool, ...]:
    """Functions; a tool of another type goes to `extra` under its path and type, to be refused by that name."""
    tools: list[Tool] = []
    for number, raw in enumerate(wire.tools or ()):
        try:
            tool = decode_json(raw, _Tool)
        except JSON_ERRORS as error:
            raise Wrong(unreadable(error, f"tools[{number}]")) from None
        if tool.type == "custom" and tool.custom is not None:
            tools.append(_custom(tool.custom))
        elif tool.type != "function":
            extra[f"tools[{number}].{tool.type}"] = raw
        elif tool.function is None:
            raise Wrong(bad(f"tools[{number}].function", "The field is missing."))
        else:
            tools.append(_tool(tool.function, tool.cache_control))
    return (*tools, *(_tool(function, _NOT_SENT) for function in wire.functions or ()))


def _tool(function: _Function, cache_control: msgspec.Raw) -> Tool:
    return Tool(
        name=function.name,
        description=function.description,
        parameters=_sent(function.parameters),
        strict=function.strict,
        cache_control=_sent(cache_control) or _sent(function.cache_control),
    )


def _custom(custom: _Custom) -> Tool:
    """The format; fields that are nested in `grammar` here are flat in the Responses API, and so in `Custom`."""
    form = None if custom.format is None else {"type": custom.format.type, **custom.format.grammar}
    return custom_tool(custom.name, Custom(description=custom.description, format=form))


def _tool_choice(
    wire: _Request, fields: dict[str, msgspec.Raw], tools: tuple[Tool, ...], extra: dict[str, msgspec.Raw]
) -> tuple[tuple[Tool, ...], ToolChoice | None]:
    """The choice, and the tools that it leaves."""
    field = "tool_choice" if wire.tool_choice is not None else "function_call"
    choice = wire.tool_choice if wire.tool_choice is not None else wire.function_call
    if choice is None:
        return tools, None
    if isinstance(choice, str):
        mode = _MODES.get(choice)
        if mode is None:
            raise Wrong(bad(field, "It is none of auto, none and required, and no object."))
        return tools, ToolChoice(mode=mode)
    named = choice.function or choice.custom
    name = named.name if named is not None else choice.name
    if choice.type == "allowed_tools" and (left := only_allowed(tools, fields[field])) is not None:
        return left
    if choice.type not in ("function", "custom", ""):
        extra[f"{field}.{choice.type}"] = fields[field]
        return tools, None
    if name is None:
        raise Wrong(bad(f"{field}.function", "The field is missing."))
    return tools, ToolChoice(mode="tool", name=name)


def _response_format(
    wanted: _Format | None, fields: dict[str, msgspec.Raw], extra: dict[str, msgspec.Raw]
) -> ResponseFormat | None:
    if wanted is None:
        return None
    if wanted.type == "text":
        return ResponseFormat(mode="text")
    if wanted.type == "json_object":
        return ResponseFormat(mode="json_object")
    if wanted.type != "json_schema":
        extra[f"response_format.{wanted.type}"] = fields["response_format"]
        return None
    if wanted.json_schema is None:
        raise Wrong(bad("response_format.json_schema", "The field is missing."))
    schema = wanted.json_schema
    return ResponseFormat(mode="json_schema", name=schema.name, schema=_described(schema), strict=schema.strict)


def _described(wanted: _Schema) -> msgspec.Raw | None:
    """The schema with the format's description, since JSON Schema has that field and other dialects' formats do not."""
    schema = _sent(wanted.schema)
    if wanted.description is None or schema is None:
        return schema
    try:
        fields: dict[str, Any] = decode_json(schema, dict[str, msgspec.Raw])
    except JSON_ERRORS as error:
        raise Wrong(unreadable(error, "response_format.json_schema.schema")) from None
    return msgspec.Raw(msgspec.json.encode({"description": wanted.description, **fields}))


def _sent(raw: msgspec.Raw) -> msgspec.Raw | None:
    return None if bytes(raw) in (b"", b"null") else raw
