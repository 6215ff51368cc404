"""Encode a canonical request in Ollama's dialect, and name its fields that Ollama does not have.

House rule: every field that is set is sent, or named by `unsupported_fields`. Runtime settings are in `options`;
Ollama's own fields are sent as a caller of OpenAI's dialect sent them. https://docs.ollama.com/api/chat
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from adapters.providers.ollama.answer import NAME
from adapters.providers.openai.encode import plain_tool
from adapters.providers.tool_arguments import arguments_object
from adapters.providers.unsupported import refusing, unsupported_block, unsupported_settings, without_blocks
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
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)

_OLLAMA_FIELDS = frozenset({"keep_alive", "options", "think"})
_OPTIONS = ("frequency_penalty", "presence_penalty")
_LEVELS = ("low", "medium", "high")
_EFFORTS = ("none", "minimal", *_LEVELS, "xhigh", "max")


def encode(request: ChatRequest, attempt: Attempt) -> bytes:
    """Return the request body, without the fields that `unsupported_fields` names."""
    request = without_blocks(request, lambda part: False)
    extra = {
        name: value for name, value in request.extra.items() if name in _OLLAMA_FIELDS and not _is_unusable(name, value)
    }
    options = _options(request, attempt.output_cap)
    if "options" in extra:
        options = msgspec.json.decode(extra.pop("options"), type=dict[str, Any]) | options
    body: dict[str, Any] = {
        "model": attempt.target.model,
        "messages": _messages(request.messages),
        "stream": request.stream,  # Ollama streams by default.
    }
    if request.tools and not (request.tool_choice is not None and request.tool_choice.mode == "none"):
        body["tools"] = [plain_tool(tool) for tool in request.tools]
    if request.response_format is not None and request.response_format.mode != "text":
        body["format"] = _format(request.response_format)
    if request.thinking is not None and not request.thinking.implicit:
        body["think"] = _think(request.thinking)
    if options:
        body["options"] = options
    return msgspec.json.encode(body | extra)


def unsupported_fields(request: ChatRequest) -> Iterator[Lack]:
    """Yield every unsupported field."""
    yield from unsupported_settings(request, NAME)
    if request.thinking is not None and request.thinking.effort not in (None, *_EFFORTS):
        yield Lack("reasoning_effort")
    if request.tool_choice is not None and request.tool_choice.mode in ("required", "tool"):
        yield Lack("tool_choice")
    for number, tool in enumerate(request.tools):
        if tool.strict:
            yield Lack(f"tools[{number}].strict")
    yield from (Lack(name) for name, value in request.extra.items() if _is_unusable(name, value))
    for number, message in enumerate(request.messages):
        for part in message.parts:
            if isinstance(part, ProviderPart):
                yield unsupported_block(message, part, f"messages[{number}].{part.name}")
            elif (name := _unsupported_part(part)) is not None:
                yield Lack(f"messages[{number}].{name}")


refuses = refusing(unsupported_fields, NAME)


def _is_unusable(name: str, value: msgspec.Raw) -> bool:
    """Whether the options are not an object, so that they cannot be merged with the hub's."""
    return name == "options" and bytes(value).lstrip()[:1] != b"{"


def _unsupported_part(part: Part) -> str | None:
    match part:
        case Audio():
            return "input_audio"
        case Document():
            return None if part.text is not None else "document"
        case Image():
            return None if part.data is not None else "image_url"  # Ollama fetches no image.
        case ToolResult():
            return next((f"tool_result.{name}" for inner in part.parts if (name := _unsupported_part(inner))), None)
        case _:
            return None


def _options(request: ChatRequest, output_cap: int | None) -> dict[str, Any]:
    options = {
        "num_predict": output_cap if output_cap is not None else request.output_tokens_max,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
        "seed": request.seed,
        "stop": list(request.stop) or None,
        **{name: request.extra.get(name) for name in _OPTIONS},
    }
    return {name: value for name, value in options.items() if value is not None}


def _format(wanted: ResponseFormat) -> Any:
    return "json" if wanted.schema is None or wanted.mode == "json_object" else wanted.schema


def _think(thinking: Thinking) -> bool | str:
    """Return the effort if Ollama has a level of that name.

    It has no budget, and the output cap bounds the reasoning.
    """
    if not thinking.enabled:
        return False
    return thinking.effort if thinking.effort in _LEVELS else True


def _messages(turns: tuple[Message, ...]) -> list[dict[str, Any]]:
    """Return the turns; a tool result is a message of its own, which names the tool."""
    names = {part.id: part.name for turn in turns for part in turn.parts if isinstance(part, ToolCall)}
    written: list[dict[str, Any]] = []
    for turn in turns:
        for result in turn.parts:
            if isinstance(result, ToolResult):
                content = _texts(result.parts)
                answer = {"role": "tool", "content": content, "tool_call_id": result.call_id}
                named = {"tool_name": names[result.call_id]} if result.call_id in names else {}
                written.append(answer | named | _images(result.parts))
        others = tuple(part for part in turn.parts if not isinstance(part, ToolResult))
        if others or not turn.parts:
            written.append(_message(turn, others))
    return written


def _message(turn: Message, parts: tuple[Part, ...]) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "system" if turn.role == "developer" else turn.role,
        "content": _texts(parts),
        **_images(parts),
    }
    if thinking := "".join(part.text for part in parts if isinstance(part, Reasoning)):
        message["thinking"] = thinking
    calls = [part for part in parts if isinstance(part, ToolCall)]
    if calls:
        message["tool_calls"] = [
            {"id": call.id, "function": {"name": call.name, "arguments": arguments_object(call.arguments)}}
            for call in calls
        ]
    return message


def _texts(parts: tuple[Part, ...]) -> str:
    """Return texts and plain documents as the single string of a message."""
    texts = [
        part.text if isinstance(part, Text) else f"{part.name}\n\n{part.text}" if part.name else part.text or ""
        for part in parts
        if isinstance(part, (Text, Document))
    ]
    return "\n\n".join(texts)


def _images(parts: tuple[Part, ...]) -> dict[str, Any]:
    images = [part.data for part in parts if isinstance(part, Image)]
    return {"images": images} if images else {}
