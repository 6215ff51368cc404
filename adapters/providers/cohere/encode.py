"""Encode a canonical request in Cohere's dialect, and name its fields that Cohere does not have.

House rule: every field that is set is sent, or named by `unsupported_fields`. Cohere's own fields (`documents`,
`safety_mode`, …) are sent as a caller of OpenAI's dialect sent them.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from adapters.providers.cohere.answer import NAME, is_plan
from adapters.providers.openai.encode import plain_tool
from adapters.providers.openai.messages import messages
from adapters.providers.unsupported import (
    cooled,
    refusing,
    unsupported_block,
    unsupported_settings,
    unsupported_temperature,
    without_blocks,
)
from domain.dialects.unsupported_params import Lack
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
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)

_COHERE_FIELDS = ("citation_options", "documents", "frequency_penalty", "presence_penalty", "priority", "safety_mode",
        "strict_tools", "thinking")  # fmt: skip
TEMPERATURE_MAX = 1
# Cohere reasons with a budget or without limit and has no effort, so an effort only requests reasoning.
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_CHOICES = {"required": "REQUIRED", "tool": "REQUIRED", "none": "NONE"}


def encode(request: ChatRequest, attempt: Attempt) -> bytes:
    """Return the request body, without the fields that `unsupported_fields` names."""
    request = without_blocks(request, lambda part: False)
    body: dict[str, Any] = {
        "model": attempt.target.model,
        "messages": [message for turn in request.messages for message in _messages(turn)],
    }
    if tools := _offered(request):
        body["tools"] = [plain_tool(tool) for tool in tools]
        if all(tool.strict for tool in tools):
            body["strict_tools"] = True
    plain = {
        "max_tokens": attempt.output_cap if attempt.output_cap is not None else request.output_tokens_max,
        "temperature": cooled(request.temperature, TEMPERATURE_MAX),
        "p": request.top_p,
        "k": request.top_k,
        "stop_sequences": list(request.stop) or None,
        "seed": request.seed,
        "tool_choice": _CHOICES.get(request.tool_choice.mode) if request.tool_choice else None,
        "response_format": _response_format(request.response_format) if request.response_format else None,
        "thinking": _thinking(request.thinking) if request.thinking else None,
        "stream": True if request.stream else None,
    }
    body.update((name, value) for name, value in plain.items() if value is not None)
    body.update((name, value) for name, value in request.extra.items() if name in _COHERE_FIELDS)
    return msgspec.json.encode(body)


# --- unsupported fields ---------------------------------------------------------------------------------


def unsupported_fields(request: ChatRequest) -> Iterator[Lack]:
    """Yield every unsupported field."""
    yield from unsupported_settings(request, NAME)
    yield from unsupported_temperature(request, TEMPERATURE_MAX)
    if request.thinking is not None and request.thinking.effort not in (None, *_EFFORTS):
        yield Lack("reasoning_effort")
    if request.tool_choice is not None and request.tool_choice.mode in ("required", "tool") and not _offered(request):
        yield Lack("tool_choice")
    strict = [tool.strict is True for tool in _offered(request)]
    if any(strict) and not all(strict):
        yield Lack(f"tools[{strict.index(True)}].strict")  # Cohere is strict with all tools or with none.
    for number, message in enumerate(request.messages):
        for part in message.parts:
            if isinstance(part, ProviderPart):
                yield unsupported_block(message, part, f"messages[{number}].{part.name}")
            elif (name := _unsupported_part(message, part)) is not None:
                yield Lack(f"messages[{number}].{name}", "promise" if name.endswith("document") else None)


refuses = refusing(unsupported_fields, NAME)


def _unsupported_part(message: Message, part: Part) -> str | None:
    match part:
        case Audio():
            return "input_audio"
        case Document():
            return None if part.text is not None else "document"
        case Image():
            return None if message.role == "user" else "image"
        case ToolResult():
            return next((f"tool_result.{name}" for inner in part.parts if (name := _unreadable(inner))), None)
        case _:
            return None


def _unreadable(inner: Part) -> str | None:
    if isinstance(inner, Image):
        return "image"  # It is in the message after the results.
    return "document" if isinstance(inner, Document) and inner.text is None else None


# --- messages -------------------------------------------------------------------------------------------


def _offered(request: ChatRequest) -> tuple[Tool, ...]:
    """Return the tools; if one is required, only that one, because Cohere can only require any tool."""
    choice = request.tool_choice
    if choice is None or choice.mode != "tool":
        return request.tools
    return tuple(tool for tool in request.tools if tool.name == choice.name)


def _response_format(wanted: ResponseFormat) -> dict[str, Any] | None:
    if wanted.mode == "text":
        return None
    if wanted.mode == "json_object" or wanted.schema is None:
        return {"type": "json_object"}
    return {"type": "json_object", "json_schema": wanted.schema}


def _thinking(thinking: Thinking) -> dict[str, Any] | None:
    """Models that reason do so by default (https://docs.cohere.com/docs/reasoning)."""
    if not thinking.enabled:
        return {"type": "disabled"}
    if thinking.implicit:
        return None
    budget = {} if thinking.tokens_max is None else {"token_budget": thinking.tokens_max}
    return {"type": "enabled", **budget}


def _messages(turn: Message) -> list[dict[str, Any]]:
    """Return the turn's messages: OpenAI's, except for the developer role and the assistant's reasoning."""
    if turn.role != "assistant":
        role = "system" if turn.role == "developer" else turn.role
        return messages([msgspec.structs.replace(turn, role=role)])
    reasonings = [part for part in turn.parts if isinstance(part, Reasoning) and part.text]
    others = [part for part in turn.parts if not isinstance(part, Reasoning)]
    thinking = [{"type": "thinking", "thinking": part.text} for part in reasonings if not is_plan(part)]
    plan = "".join(part.text for part in reasonings if is_plan(part))
    message: dict[str, Any] = {"role": "assistant"}
    if others:
        message = messages([msgspec.structs.replace(turn, parts=tuple(others))])[0]
    if thinking:
        content = message.get("content") or []
        texts: list[Any] = [{"type": "text", "text": content}] if isinstance(content, str) else content
        message["content"] = [*thinking, *texts]
    if plan and any(isinstance(part, ToolCall) for part in others):
        message["tool_plan"] = plan
    return [message] if len(message) > 1 else []
