"""A canonical request in Gemini's words.

House rule: every field that is set is sent, or `refuse` names it; what breaks no promise is left out here.

Fields are those of https://ai.google.dev/api/generate-content; Vertex takes the same.
"""

import re
from typing import Any

import msgspec

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

# How hard to think, as Google's own endpoint for OpenAI's clients maps it: a level, and for the models before levels
# a budget in tokens. https://ai.google.dev/gemini-api/docs/openai#thinking
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
    """The body of the request. The model and whether to stream stand in the path."""
    generation = _generation(attempt.target.model)
    request = without_blocks(request, keeps)
    system = instruction(request.messages)
    body = said(
        contents=contents(request.messages, generation),
        systemInstruction={"parts": system} if system else None,
        generationConfig=_config(request, attempt, generation) or None,
    )
    tools: list[_Json] = [{"functionDeclarations": list(map(_declared, request.tools))}] if request.tools else []
    choice = _choice(request)
    extras(request.extra, body, tools, choice)
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
    """Whether a block of one dialect has a part here; an image that is none could be dearer than one may."""
    if part.dialect == NAME:
        return part.name != "inlineData" or is_image(part.block)
    return part.dialect == "openai" and is_elsewhere(part.name, part.block)


def said(**fields: Any) -> _Json:
    """The fields that are set."""
    return {name: value for name, value in fields.items() if value is not None}


def details(request: ChatRequest) -> frozenset[str | None]:
    """In which detail the request's images shall be seen."""
    parts = [part for message in request.messages for part in message.parts]
    inside = [inner for part in parts if isinstance(part, ToolResult) for inner in part.parts]
    return frozenset(part.detail for part in (*parts, *inside) if isinstance(part, Image))


def _combined(attempt: Attempt, generation: int) -> _Json:
    """What Gemini 3 asks for where its own tools stand beside functions; Vertex has no such field.

    https://ai.google.dev/gemini-api/docs/tool-combination
    """
    if generation < _LEVELS_SINCE or attempt.target.dialect != NAME:
        return {}
    return {"includeServerSideToolInvocations": True}


def _generation(model: str) -> int:
    """Which Gemini a name is of; a name without a number, such as `gemini-flash-latest`, is of the current ones."""
    found = _GENERATION.search(model)
    return _LEVELS_SINCE if found is None else int(found[1])


def _config(request: ChatRequest, attempt: Attempt, generation: int) -> _Json:
    wanted = request.response_format
    shaped = wanted is not None and wanted.mode != "text"
    schema = wanted.schema if wanted is not None and wanted.mode == "json_schema" else None
    return said(
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
    """One for all images, as the field is for the whole request; `refuse` names a mixture that cannot be kept."""
    if wanted == {"low"}:
        return "MEDIA_RESOLUTION_LOW"
    return "MEDIA_RESOLUTION_HIGH" if "high" in wanted else None


def _thinking(request: ChatRequest, generation: int) -> _Json | None:
    """How to think: a level for the newer models, a budget for the older, 0 for not at all.

    Thoughts are told where thinking was asked for. "You cannot use both thinking_level and the legacy thinking_budget":
    https://ai.google.dev/gemini-api/docs/gemini-3#thinking_level
    """
    thinking = request.thinking
    if thinking is None:
        return None
    if not thinking.enabled or thinking.effort == "none":
        return {"thinkingBudget": 0}
    told: _Json = {}
    if not thinking.implicit and bytes(request.extra.get("thinking.display", msgspec.Raw())) != b'"omitted"':
        told["includeThoughts"] = True
    return told | _amount(thinking, generation)


def _amount(thinking: Thinking, generation: int) -> _Json:
    if thinking.effort in _EFFORTS and generation >= _LEVELS_SINCE:
        return {"thinkingLevel": _EFFORTS[thinking.effort][0]}  # In capitals, which Vertex wants.
    if thinking.tokens_max is not None:
        return {"thinkingBudget": thinking.tokens_max}
    if thinking.effort in _EFFORTS:
        return {"thinkingBudget": _EFFORTS[thinking.effort][1]}
    return {} if generation >= _LEVELS_SINCE else {"thinkingBudget": _DYNAMIC}


def _declared(tool: Tool) -> _Json:
    """A function. One without parameters must not have an empty schema, so it has none."""
    empty = tool.parameters is None or bytes(tool.parameters) == b"{}"
    return said(
        name=tool.name,
        description=tool.description,
        parametersJsonSchema=None if empty or tool.parameters is None else cleaned(tool.parameters),
    )


def _choice(request: ChatRequest) -> _Json:
    """Whether a function must be called, and which. Without functions there is nothing to choose.

    VALIDATED keeps to the schema, as `strict` demands, where the model is free to call nothing.
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
