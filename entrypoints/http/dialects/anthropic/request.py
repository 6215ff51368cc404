"""A request of Anthropic's messages API in canonical form, for a provider of another dialect.

House rule: every field that is set becomes its canonical field, or is kept by name: a content block as
`ProviderPart`, anything else in `extra`, both named by their path, so that the other dialect refuses them by name.
A value of the wrong type is a `BadRequest`. A field that is null is not set.
"""

from typing import Any, TypeVar

import msgspec

from domain.dialects.default_values import ANTHROPIC, has_default
from domain.dialects.unsupported_params import own_name
from domain.model_api.call import ModelCall
from domain.model_api.requests import ChatRequest, Message, ResponseFormat, Role, Thinking, Tool, ToolChoice
from domain.refusals import BadRequest
from entrypoints.http.decode_errors import JSON_ERRORS, JsonDecoder, decode_json
from entrypoints.http.dialects.anthropic.content import Malformed, blocks, text
from entrypoints.http.dialects.anthropic.read import UNSET, complaint, if_set

_T = TypeVar("_T")
_Extra = dict[str, msgspec.Raw]


class _Turn(msgspec.Struct, frozen=True):
    role: Role
    content: str | list[msgspec.Raw]


class _Tool(msgspec.Struct, frozen=True):
    name: str
    input_schema: msgspec.Raw
    type: str | None = None
    description: str | None = None
    strict: bool | None = None
    cache_control: msgspec.Raw = UNSET


class _ToolChoice(msgspec.Struct, frozen=True):
    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class _Thinking(msgspec.Struct, frozen=True):
    type: str
    budget_tokens: int | None = None


class _Format(msgspec.Struct, frozen=True):
    type: str
    schema: msgspec.Raw = UNSET


class _OutputConfig(msgspec.Struct, frozen=True):
    effort: str | None = None
    format: msgspec.Raw = UNSET


class _Metadata(msgspec.Struct, frozen=True):
    user_id: str | None = None


_FIELDS = JsonDecoder(dict[str, msgspec.Raw])


def to_request(call: ModelCall) -> ChatRequest | BadRequest:
    """The call in canonical form, or its first malformed field."""
    try:
        return _request(call)
    except Malformed as malformed:
        return malformed.problem


def _request(call: ModelCall) -> ChatRequest:
    fields = {name: raw for name, raw in call.fields.items() if not has_default(ANTHROPIC, name, raw)}
    extra: _Extra = {}
    tools = _tools(_take(fields, "tools", list[msgspec.Raw]) or [], extra)
    choice = _take(fields, "tool_choice", _ToolChoice)
    thinking, output = _thinking_and_output(fields, extra)
    for name in ("model", "max_tokens", "stream"):  # `read` has checked them
        fields.pop(name, None)
    request = ChatRequest(
        model=call.model,
        messages=_system(fields) + _conversation(fields),
        tools=tools,
        tool_choice=_tool_choice(choice),
        parallel_tool_calls=_parallel(choice),
        output_tokens_max=call.output_tokens_max,
        temperature=_number(fields, "temperature"),
        top_p=_number(fields, "top_p"),
        top_k=_take(fields, "top_k", int),
        stop=tuple(_take(fields, "stop_sequences", list[str]) or ()),
        response_format=output,
        thinking=thinking,
        stream=call.stream,
        user=_user(fields, extra),
        betas=_betas(call),
    )
    return msgspec.structs.replace(request, extra=extra | {own_name(name): raw for name, raw in fields.items()})


def _betas(call: ModelCall) -> tuple[str, ...]:
    """The features in `anthropic-beta`, whose names are separated by commas."""
    reported = ",".join(value for name, value in call.relay_headers if name == "anthropic-beta")
    return tuple(dict.fromkeys(name for part in reported.split(",") if (name := part.strip())))


def _take(fields: _Extra, name: str, kind: type[_T] | Any) -> _T | None:
    """A field of the expected type, which is removed from `fields`."""
    raw = fields.pop(name, None)
    return None if raw is None else _read(raw, kind, name)


def _read(raw: msgspec.Raw, kind: type[_T] | Any, path: str) -> Any:
    try:
        return decode_json(raw, kind)
    except JSON_ERRORS as problem:
        raise Malformed(complaint(problem, path)) from None


def _number(fields: _Extra, name: str) -> msgspec.Raw | None:
    """A number as it is written, never as a binary fraction."""
    raw = fields.pop(name, None)
    if raw is not None and bytes(raw)[:1] not in b"-0123456789":
        raise Malformed(BadRequest(field=name, problem="this is no number; give one from 0 to 1"))
    return raw


def _leftover(raw: msgspec.Raw, known: tuple[str, ...], path: str, extra: _Extra) -> None:
    """Keep the unknown fields of an object by name."""
    for name, value in _read(raw, _Extra, path).items():
        if name not in known and bytes(value) != b"null":
            extra[f"{path}.{name}"] = value


# --- messages -------------------------------------------------------------------------------------------


def _system(fields: _Extra) -> tuple[Message, ...]:
    given: str | list[msgspec.Raw] | None = _take(fields, "system", str | list[msgspec.Raw])
    if not given:
        return ()
    parts = (text(given),) if isinstance(given, str) else blocks(given, "system")
    return (Message(role="system", parts=parts),)


def _conversation(fields: _Extra) -> tuple[Message, ...]:
    turns: list[_Turn] = _take(fields, "messages", list[_Turn]) or []
    return tuple(
        Message(
            role=turn.role,
            parts=(text(turn.content),)
            if isinstance(turn.content, str)
            else blocks(turn.content, f"messages.{index}.content"),
        )
        for index, turn in enumerate(turns)
    )


# --- tools ----------------------------------------------------------------------------------------------

# The size of a streamed call's pieces has no meaning, and every provider has its own.
_TOOL_FIELDS = (*_Tool.__struct_fields__, "eager_input_streaming")


def _tools(given: list[msgspec.Raw], extra: _Extra) -> tuple[Tool, ...]:
    """The caller's own functions; a tool that only Anthropic knows is kept as `tools.0.type`."""
    tools: list[Tool] = []
    for index, raw in enumerate(given):
        path = f"tools.{index}"
        kind = _read(raw, _Extra, path).get("type", msgspec.Raw(b"null"))
        if bytes(kind) not in (b"null", b'"custom"'):
            extra[f"{path}.type"] = kind
            continue
        tool = _read(raw, _Tool, path)
        _leftover(raw, _TOOL_FIELDS, path, extra)
        tools.append(
            Tool(
                name=tool.name,
                description=tool.description,
                parameters=tool.input_schema,
                strict=tool.strict,
                cache_control=if_set(tool.cache_control),
            )
        )
    return tuple(tools)


def _tool_choice(choice: _ToolChoice | None) -> ToolChoice | None:
    match choice:
        case None:
            return None
        case _ToolChoice(type="any"):
            return ToolChoice(mode="required")
        case _ToolChoice(type="auto"):
            return ToolChoice(mode="auto")
        case _ToolChoice(type="none"):
            return ToolChoice(mode="none")
        case _ToolChoice(type="tool", name=str(name)):
            return ToolChoice(mode="tool", name=name)
        case _:
            problem = 'this is no choice; give a "type" of "auto", "any", "none", or "tool" with a "name"'
            raise Malformed(BadRequest(field="tool_choice", problem=problem))


def _parallel(choice: _ToolChoice | None) -> bool | None:
    if choice is None or choice.disable_parallel_tool_use is None:
        return None
    return not choice.disable_parallel_tool_use


# --- thinking, output, user -----------------------------------------------------------------------------


def _thinking_and_output(fields: _Extra, extra: _Extra) -> tuple[Thinking | None, ResponseFormat | None]:
    config = fields.pop("output_config", None)
    effort: str | None = None
    form = fields.pop("output_format", None)  # the name in beta versions of the API
    form_path = "output_format"
    if config is not None:
        known: _OutputConfig = _read(config, _OutputConfig, "output_config")
        _leftover(config, _OutputConfig.__struct_fields__, "output_config", extra)
        effort = known.effort
        if if_set(known.format) is not None:
            form, form_path = known.format, "output_config.format"
    return _thinking(fields, effort, extra), _format(form, form_path, extra)


def _thinking(fields: _Extra, effort: str | None, extra: _Extra) -> Thinking | None:
    """With only an effort the model decides whether to reason; `adaptive` requests reasoning of any length."""
    raw = fields.pop("thinking", None)
    if raw is None:
        return None if effort is None else Thinking(effort=effort, implicit=True)
    known: _Thinking = _read(raw, _Thinking, "thinking")
    _leftover(raw, _Thinking.__struct_fields__, "thinking", extra)
    match known:
        case _Thinking(type="disabled"):
            return Thinking(enabled=False, effort=effort)
        case _Thinking(type="adaptive"):
            return Thinking(effort=effort)
        case _Thinking(type="enabled", budget_tokens=int(budget)):
            return Thinking(effort=effort, tokens_max=budget)
        case _Thinking(type="enabled"):
            raise Malformed(
                BadRequest(field="thinking.budget_tokens", problem="this field is required; give a number of tokens")
            )
        case _:
            extra["thinking.type"] = msgspec.Raw(msgspec.json.encode(known.type))
            return None if effort is None else Thinking(effort=effort, implicit=True)


def _format(raw: msgspec.Raw | None, path: str, extra: _Extra) -> ResponseFormat | None:
    if raw is None:
        return None
    known: _Format = _read(raw, _Format, path)
    if known.type == "json_schema" and if_set(known.schema) is not None:
        return ResponseFormat(mode="json_schema", schema=known.schema)
    extra[path] = raw
    return None


def _user(fields: _Extra, extra: _Extra) -> str | None:
    raw = fields.pop("metadata", None)
    if raw is None:
        return None
    known: _Metadata = _read(raw, _Metadata, "metadata")
    _leftover(raw, _Metadata.__struct_fields__, "metadata", extra)
    return known.user_id
