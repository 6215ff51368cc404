"""Encode a canonical request in Anthropic's dialect.

House rule: every field that is set is sent, or `refuse` names it and it is left out here. Reasoning without a signature
is left out too: Anthropic accepts only reasoning that it signed itself, and rejects the request otherwise.

https://platform.claude.com/docs/en/api/messages/create
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from adapters.providers.alternating_turns import JSON_ALONE, has_content, merged, split, visible_stops, wants_json_alone
from adapters.providers.anthropic.refuse import EFFORTS, TEMPERATURE_MAX, keeps
from adapters.providers.anthropic.schema import strict_schema
from adapters.providers.input_schema import input_schema
from adapters.providers.tool_arguments import arguments_object
from adapters.providers.unsupported import cooled, without_blocks
from domain.dialects.claude_generations import SAMPLING, sampling_left_out, thinking_of
from domain.dialects.tool_call_ids import ANTHROPIC_IDS, fitted_id
from domain.model_api.call import Attempt
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
    ToolResult,
)

OUTPUT_TOKENS_DEFAULT = 4096
"""The `max_tokens` of a request without a cap, because Anthropic requires one.

It is the limit of the oldest models still served, so no model rejects it:
https://platform.claude.com/docs/en/about-claude/models/overview
"""

_ENCODER = msgspec.json.Encoder()


class _Indexed(msgspec.Struct):
    encrypted_index: str | None = None


_CITATIONS = msgspec.json.Decoder(list[msgspec.Raw])
_INDEX = msgspec.json.Decoder(_Indexed)

_Json = dict[str, Any]


def encode(request: ChatRequest, attempt: Attempt) -> bytes:
    """Return the body of the request."""
    return _ENCODER.encode({"model": attempt.target.model, **request_fields(request, attempt)})


def request_fields(request: ChatRequest, attempt: Attempt) -> _Json:
    """Return all fields except the model. `max_tokens` is the hub's cap, else the caller's, else a default."""
    max_tokens = attempt.output_cap or request.output_tokens_max or OUTPUT_TOKENS_DEFAULT
    leading, turns = split(without_blocks(request, keeps).messages)
    thinking = request.thinking and thinking_of(attempt.target.model, request.thinking)
    fields = _set_fields(
        max_tokens=max_tokens,
        system=[*_blocks(part for message in leading for part in message.parts), *_json_alone(request)] or None,
        messages=_turns(turns),
        tools=[_tool(tool) for tool in request.tools] or None,
        tool_choice=_tool_choice(request),
        temperature=cooled(request.temperature, TEMPERATURE_MAX),
        top_p=request.top_p,
        top_k=request.top_k,
        stop_sequences=visible_stops(request.stop) or None,
        thinking=_thinking(thinking, max_tokens),
        output_config=_output_config(thinking, request.response_format),
        metadata={"user_id": request.user} if request.user is not None else None,
        stream=request.stream or None,
        cache_control=request.extra.get("cache_control"),
    )
    sampling = [name for name in SAMPLING if name in fields]
    for name in sampling_left_out(attempt.target.model, sampling) if sampling else ():
        del fields[name]
    return fields


def _json_alone(request: ChatRequest) -> list[_Json]:
    """Return OpenAI's JSON mode as an instruction: Anthropic has no such mode without a schema."""
    return [{"type": "text", "text": JSON_ALONE}] if wants_json_alone(request.response_format) else []


def _from_anthropic(citations: msgspec.Raw | None) -> msgspec.Raw | None:
    """Return the citations that Anthropic made. The hub's own, of other vendors' pages, have an empty index."""
    if citations is None or b'"encrypted_index"' not in bytes(citations):
        return citations
    cited = _CITATIONS.decode(citations)
    kept = [each for each in cited if _INDEX.decode(each).encrypted_index != ""]
    return citations if len(kept) == len(cited) else msgspec.Raw(_ENCODER.encode(kept)) if kept else None


def _set_fields(**fields: Any) -> _Json:
    return {name: value for name, value in fields.items() if value is not None}


# --- messages -------------------------------------------------------------------------------------------


def _turns(messages: tuple[Message, ...]) -> list[_Json]:
    """Return the conversation: adjacent turns of one role are joined, and turns without content are left out."""
    # Results must come first in the turn after the calls, or the request is rejected:
    # https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls
    return [
        {"role": role, "content": _blocks(sorted(parts, key=lambda part: not isinstance(part, ToolResult)))}
        for role, parts in merged(messages)
    ]


def _blocks(parts: Iterable[Part]) -> list[_Json | msgspec.Raw]:
    return [_block(part) for part in _visible(parts) if has_content(part)]


def _visible(parts: Iterable[Part]) -> list[Part]:
    """Return the parts without blank texts; their cache marks move to the part before."""
    visible: list[Part] = []
    for part in parts:
        if not isinstance(part, Text) or part.text.strip():
            visible.append(part)
        elif (
            part.cache_control is not None
            and visible
            and isinstance(last := visible[-1], Text | Image | Document | ToolResult)
        ):
            visible[-1] = msgspec.structs.replace(last, cache_control=last.cache_control or part.cache_control)
    return visible


def _block(part: Part) -> _Json | msgspec.Raw:
    match part:
        case Text():
            citations = _from_anthropic(part.citations)
            return _set_fields(type="text", text=part.text, cache_control=part.cache_control, citations=citations)
        case Image():
            return _set_fields(type="image", source=_image_source(part), cache_control=part.cache_control)
        case Document():
            return _set_fields(
                type="document",
                source=_document_source(part),
                title=part.name,
                cache_control=part.cache_control,
            )
        case Reasoning():
            if part.redacted is not None:
                return {"type": "redacted_thinking", "data": part.redacted}
            return {"type": "thinking", "thinking": part.text, "signature": part.signature}
        case ToolCall():
            return _set_fields(
                type="tool_use",
                id=fitted_id(part.id, ANTHROPIC_IDS),
                name=part.name,
                input=arguments_object(part.arguments),
                cache_control=part.cache_control,
            )
        case ToolResult():
            return _set_fields(
                type="tool_result",
                tool_use_id=fitted_id(part.call_id, ANTHROPIC_IDS),
                content=_blocks(part.parts),
                is_error=part.is_error or None,
                cache_control=part.cache_control,
            )
        case ProviderPart():
            return part.block
        case Audio():
            raise AssertionError("audio is refused beforehand")


def _image_source(image: Image) -> _Json:
    if image.data is not None:
        return {"type": "base64", "media_type": image.media_type, "data": image.data}
    return {"type": "url", "url": image.url}


def _document_source(document: Document) -> _Json:
    if document.data is not None:
        return {"type": "base64", "media_type": document.media_type, "data": document.data}
    if document.text is not None:
        return {"type": "text", "media_type": "text/plain", "data": document.text}
    if document.url is not None:
        return {"type": "url", "url": document.url}
    return {"type": "file", "file_id": document.file_id}


# --- the rest -------------------------------------------------------------------------------------------


def _tool(tool: Tool) -> _Json:
    return _set_fields(
        name=tool.name,
        description=tool.description,
        # Anthropic requires a schema of type "object"; in OpenAI's API a function without parameters may have none.
        input_schema=_input_schema(tool),
        strict=tool.strict,
        cache_control=tool.cache_control,
    )


def _tool_choice(request: ChatRequest) -> _Json | None:
    """Return the tool choice; None without tools, because Anthropic rejects a choice then."""
    choice, parallel = request.tool_choice, request.parallel_tool_calls
    if not request.tools or (choice is None and parallel is None):
        return None
    mode = choice.mode if choice is not None else "auto"
    return _set_fields(
        type="any" if mode == "required" else mode,
        name=choice.name if choice is not None else None,
        disable_parallel_tool_use=None if parallel is None or mode == "none" else not parallel,
    )


def _thinking(thinking: Thinking | None, max_tokens: int) -> _Json | None:
    """Return the thinking configuration: a budget if one is given, else adaptive, which newer models require.

    The budget must be less than `max_tokens`, which the hub may have lowered.
    https://platform.claude.com/docs/en/build-with-claude/extended-thinking
    """
    if thinking is None or thinking.implicit:
        return None
    if not thinking.enabled or thinking.effort == "none":
        return {"type": "disabled"}
    if thinking.tokens_max is not None:
        return {"type": "enabled", "budget_tokens": min(thinking.tokens_max, max_tokens - 1)}
    return {"type": "adaptive"}


def _input_schema(tool: Tool) -> msgspec.Raw | _Json:
    """Return the schema; a strict tool's schema has the limits of a structured output's."""
    schema = input_schema(tool.parameters)
    return strict_schema(schema) if tool.strict and isinstance(schema, msgspec.Raw) else schema


def _effort(thinking: Thinking | None) -> str | None:
    """Return the effort, or the nearest that Anthropic has; an unknown value is left out."""
    effort = thinking.effort if thinking is not None and thinking.effort != "none" else None
    return "low" if effort == "minimal" else effort if effort in EFFORTS else None


def _output_config(thinking: Thinking | None, wanted: ResponseFormat | None) -> _Json | None:
    """Return the effort and the schema of a structured output, which is always strict; its name is only a label.

    https://platform.claude.com/docs/en/build-with-claude/structured-outputs
    """
    effort = _effort(thinking)
    schema = wanted.schema if wanted is not None and wanted.mode == "json_schema" else None
    form = None if schema is None else {"type": "json_schema", "schema": strict_schema(schema)}
    return _set_fields(effort=effort, format=form) or None
