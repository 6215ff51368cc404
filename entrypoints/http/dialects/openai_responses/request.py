"""A caller's Responses request in canonical form, for a provider of another dialect.

House rule: every field that is set arrives: as a canonical field, or by its own name in `extra`, where the provider's
dialect expresses or refuses it. A null, and a value equal to the API's default, is not set. References to answers,
conversations or prompts that OpenAI keeps, and `store`, are refused by name: the hub keeps none.
"""

from typing import Any

import msgspec

from domain.dialects.default_values import OPENAI_RESPONSES, has_default
from domain.dialects.unsupported_params import own_name
from domain.model_api.call import ModelCall
from domain.model_api.requests import ChatRequest, ResponseFormat, Thinking
from domain.refusals import BadRequest
from entrypoints.http.decode_errors import JSON_ERRORS, JsonDecoder, decode_json
from entrypoints.http.dialects.openai_chat.field_errors import unreadable
from entrypoints.http.dialects.openai_chat.turns import Wrong
from entrypoints.http.dialects.openai_responses.tools import Choice, choice_of, tools_of
from entrypoints.http.dialects.openai_responses.turns import turns
from entrypoints.http.dialects.openai_responses.wire import UNSET, is_set

_Extra = dict[str, msgspec.Raw]


class _Format(msgspec.Struct):
    type: str
    name: str | None = None
    description: str | None = None
    schema: msgspec.Raw = UNSET
    strict: bool | None = None


class _Text(msgspec.Struct):
    format: _Format | None = None
    verbosity: str | None = None


class _Reasoning(msgspec.Struct):
    effort: str | None = None


class _Request(msgspec.Struct):
    """The fields that have a canonical form. A number keeps the caller's spelling."""

    instructions: str | None = None
    tools: list[msgspec.Raw] | None = None
    tool_choice: str | Choice | None = None
    parallel_tool_calls: bool | None = None
    text: _Text | None = None
    reasoning: _Reasoning | None = None
    include: list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    user: str | None = None


_REQUEST = JsonDecoder(_Request)
_READ_ALREADY = ("model", "input", "stream", "stream_options", "max_output_tokens", "max_tool_calls")
_CANONICAL = frozenset((*_Request.__struct_fields__, *_READ_ALREADY))
# The encrypted form of reasoning is always returned.
_LOGPROBS = "message.output_text.logprobs"
_RETURNED_ANYWAY = ("reasoning.encrypted_content",)

# Unknown members of these fields are in `extra` by their path. Any reasoning that the provider shows satisfies a
# request for a summary.
_IDLE = (b"null", b'"auto"', b'"all_turns"')  # Every returned thought goes on to the provider.
_PARTLY_KNOWN = {"reasoning": ("effort", "summary", "generate_summary"), "text": ("format", "verbosity")}


def to_request(call: ModelCall) -> ChatRequest | BadRequest:
    """The call in canonical form, or the first problem deeper than `read` looks."""
    try:
        wire = _REQUEST.decode(msgspec.json.encode({n: raw for n, raw in call.fields.items() if n != "input"}))
        extra = _extra(call.fields, wire)
        given_input = call.fields.get("input")
        tools = tools_of(wire.tools, given_input, extra)
        tools, tool_choice = choice_of(wire.tool_choice, call.fields.get("tool_choice"), tools, extra)
        return ChatRequest(
            model=call.model,
            messages=turns(wire.instructions, given_input),
            tools=tools,
            tool_choice=tool_choice,
            parallel_tool_calls=wire.parallel_tool_calls,
            output_tokens_max=call.output_tokens_max,
            temperature=None if wire.temperature is None else call.fields["temperature"],
            top_p=None if wire.top_p is None else call.fields["top_p"],
            response_format=_response_format(wire.text, extra),
            thinking=_thinking(wire.reasoning),
            stream=call.stream,
            user=wire.user,
            extra=extra,
        )
    except JSON_ERRORS as error:
        return unreadable(error)
    except Wrong as wrong:
        return wrong.refusal


def _extra(fields: _Extra, wire: _Request) -> _Extra:
    extra = {
        own_name(name): value
        for name, value in fields.items()
        if name not in _CANONICAL and not has_default(OPENAI_RESPONSES, name, value)
    }
    if "store" in extra:  # Chat completions keeps other things under that name.
        extra["responses.store"] = extra.pop("store")
    for name, known in _PARTLY_KNOWN.items():
        if name in fields and bytes(fields[name]) != b"null":
            inner = decode_json(fields[name], _Extra)
            extra |= {f"{name}.{n}": raw for n, raw in inner.items() if n not in known and bytes(raw) not in _IDLE}
    for wanted in wire.include or ():
        if wanted == _LOGPROBS:
            extra["logprobs"] = msgspec.Raw(b"true")
        elif wanted not in _RETURNED_ANYWAY:
            extra[f"include.{wanted}"] = msgspec.Raw(b"true")
    return extra


def _response_format(text: _Text | None, extra: _Extra) -> ResponseFormat | None:
    """The format of the text; the verbosity goes on by its name in chat completions."""
    if text is None:
        return None
    if text.verbosity is not None and text.verbosity != "medium":
        extra["verbosity"] = msgspec.Raw(msgspec.json.encode(text.verbosity))
    wanted = text.format
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return ResponseFormat(mode="json_object")
    if wanted.type != "json_schema":
        extra[f"text.format.{wanted.type}"] = msgspec.Raw(b"true")
        return None
    schema = wanted.schema if is_set(wanted.schema) else None
    if schema is not None and wanted.description is not None:
        schema = _described(schema, wanted.description)
    return ResponseFormat(mode="json_schema", name=wanted.name, schema=schema, strict=wanted.strict)


def _described(schema: msgspec.Raw, description: str) -> msgspec.Raw:
    """The schema with the format's description, since JSON Schema has that field and other dialects' formats do not."""
    try:
        fields: dict[str, Any] = decode_json(schema, _Extra)
    except JSON_ERRORS as error:
        raise Wrong(unreadable(error, "text.format.schema")) from None
    return msgspec.Raw(msgspec.json.encode({"description": description, **fields}))


def _thinking(reasoning: _Reasoning | None) -> Thinking | None:
    effort = reasoning.effort if reasoning is not None else None
    if effort is None:
        return None
    return Thinking(enabled=False) if effort == "none" else Thinking(effort=effort)
