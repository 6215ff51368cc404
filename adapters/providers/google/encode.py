"""Encode a canonical request in Gemini's dialect.

House rule: every field that is set is sent, or `refuse` names it and it is left out here.

Fields are those of https://ai.google.dev/api/generate-content; Vertex has the same.
"""

import re
from typing import Any

import msgspec

from adapters.providers.alternating_turns import with_a_turn
from adapters.providers.google.contents import contents, instruction
from adapters.providers.google.extras import extras
from adapters.providers.google.failure import NAME
from adapters.providers.google.media import is_elsewhere, is_image
from adapters.providers.google.schema import cleaned
from adapters.providers.unsupported import without_blocks
from domain.model_api.call import Attempt
from domain.model_api.requests import ChatRequest, Image, ProviderPart, Thinking, Tool, ToolResult

_ENCODER = msgspec.json.Encoder()
_GENERATION = re.compile(r"gemini-(\d+)")
_LEVELS_SINCE = 3

# Reasoning efforts as Google's endpoint for OpenAI's clients maps them: a level, and for models before levels a budget
# in tokens. https://ai.google.dev/gemini-api/docs/openai#thinking
_EFFORTS: dict[str, tuple[str, int]] = {
    "minimal": ("MINIMAL", 1_024),
    "low": ("LOW", 1_024),
    "medium": ("MEDIUM", 8_192),
    "high": ("HIGH", 24_576),
    "xhigh": ("HIGH", 24_576),
    "max": ("HIGH", 24_576),
}
EFFORTS = ("none", *_EFFORTS)
SEED_MAX = 2**31 - 1
_DYNAMIC = -1

_Json = dict[str, Any]


def encode(request: ChatRequest, attempt: Attempt) -> bytes:
    """Return the body of the request. The model and streaming are in the path."""
    generation = _generation(attempt.target.model)
    request = without_blocks(request, keeps)
    messages = with_a_turn(request.messages)
    system = instruction(messages)
    body = set_fields(
        contents=contents(messages, generation),
        systemInstruction={"parts": system} if system else None,
        generationConfig=_config(request, attempt, generation) or None,
    )
    tools: list[_Json] = [{"functionDeclarations": list(map(_declared, request.tools))}] if request.tools else []
    choice = _choice(request)
    extras(request.extra, body, tools)
    if tools:
        body["tools"] = tools
    config = _combined(attempt, generation) if request.tools and len(tools) > 1 else {}
    if config and not choice:
        choice["mode"] = "VALIDATED"
    if choice:
        config["functionCallingConfig"] = choice
    if config:
        body["toolConfig"] = config
    return _ENCODER.encode(body)


def keeps(part: ProviderPart) -> bool:
    """Whether a block has a Gemini part. `inlineData` must be an image, because other media could cost more."""
    if part.dialect == NAME:
        return part.name != "inlineData" or is_image(part.block)
    return part.dialect == "openai" and is_elsewhere(part.name, part.block)


def set_fields(**fields: Any) -> _Json:
    """Return the fields that are set."""
    return {name: value for name, value in fields.items() if value is not None}


def details(request: ChatRequest) -> frozenset[str | None]:
    """Return the levels of detail that the request's images ask for."""
    parts = [part for message in request.messages for part in message.parts]
    inside = [inner for part in parts if isinstance(part, ToolResult) for inner in part.parts]
    return frozenset(part.detail for part in (*parts, *inside) if isinstance(part, Image))


def _combined(attempt: Attempt, generation: int) -> _Json:
    """Return the setting that Gemini 3 requires for its own tools next to functions; Vertex has no such field.

    https://ai.google.dev/gemini-api/docs/tool-combination
    """
    if generation < _LEVELS_SINCE or attempt.target.dialect != NAME:
        return {}
    return {"includeServerSideToolInvocations": True}


def _generation(model: str) -> int:
    """Return the Gemini generation of a name; `gemini-flash-latest` and other names without a number are current."""
    found = _GENERATION.search(model)
    return _LEVELS_SINCE if found is None else int(found[1])


def _config(request: ChatRequest, attempt: Attempt, generation: int) -> _Json:
    wanted = request.response_format
    shaped = wanted is not None and wanted.mode != "text"
    schema = wanted.schema if wanted is not None and wanted.mode == "json_schema" else None
    return set_fields(
        candidateCount=request.choices if request.choices != 1 else None,
        maxOutputTokens=attempt.output_cap or request.output_tokens_max,
        temperature=request.temperature,
        topP=request.top_p,
        topK=request.top_k,
        stopSequences=list(request.stop) or None,
        seed=request.seed if request.seed is not None and -SEED_MAX <= request.seed <= SEED_MAX else None,
        responseMimeType="application/json" if shaped else None,
        responseJsonSchema=None if schema is None else cleaned(schema),
        thinkingConfig=_thinking(request, generation),
        mediaResolution=_resolution(details(request)),
    )


def _resolution(wanted: frozenset[str | None]) -> str | None:
    """Return one resolution for all images, because the field is for the whole request; `refuse` names mixtures."""
    if wanted == {"low"}:
        return "MEDIA_RESOLUTION_LOW"
    return "MEDIA_RESOLUTION_HIGH" if "high" in wanted else None


def _thinking(request: ChatRequest, generation: int) -> _Json | None:
    """Return the thinking configuration: a level for newer models, a budget for older ones, 0 for no thinking.

    Thoughts are included if thinking was requested. "You cannot use both thinking_level and the legacy
    thinking_budget": https://ai.google.dev/gemini-api/docs/gemini-3#thinking_level
    """
    thinking = request.thinking
    if thinking is None:
        return None
    if not thinking.enabled or thinking.effort == "none":
        return {"thinkingBudget": 0}
    config: _Json = {}
    if not thinking.implicit and bytes(request.extra.get("thinking.display", msgspec.Raw())) != b'"omitted"':
        config["includeThoughts"] = True
    return config | _amount(thinking, generation)


def _amount(thinking: Thinking, generation: int) -> _Json:
    if thinking.effort in _EFFORTS and generation >= _LEVELS_SINCE:
        return {"thinkingLevel": _EFFORTS[thinking.effort][0]}  # In capitals, which Vertex requires.
    if thinking.tokens_max is not None:
        return {"thinkingBudget": thinking.tokens_max}
    if thinking.effort in _EFFORTS:
        return {"thinkingBudget": _EFFORTS[thinking.effort][1]}
    return {} if generation >= _LEVELS_SINCE else {"thinkingBudget": _DYNAMIC}


def _declared(tool: Tool) -> _Json:
    """Return a function. One without parameters has no schema, because an empty one is rejected."""
    empty = tool.parameters is None or bytes(tool.parameters) == b"{}"
    return set_fields(
        name=tool.name,
        description=tool.description,
        parametersJsonSchema=None if empty or tool.parameters is None else cleaned(tool.parameters),
    )


def _choice(request: ChatRequest) -> _Json:
    """Return whether a function must be called, and which; nothing without functions.

    VALIDATED enforces the schema, as `strict` requires, and lets the model call nothing.
    https://ai.google.dev/gemini-api/docs/function-calling#function_calling_modes
    """
    if not request.tools:
        return {}
    choice = request.tool_choice
    mode = "auto" if choice is None else choice.mode
    if mode == "auto":
        return {"mode": "VALIDATED"} if any(tool.strict for tool in request.tools) else {}
    if mode == "none":
        return {"mode": "NONE"}
    if choice is not None and choice.name is not None:
        return {"mode": "ANY", "allowedFunctionNames": [choice.name]}
    return {"mode": "ANY"}
