"""A canonical request in Ollama's words, and what of it Ollama has no word for.

House rule: every field that is set is expressed or refused by name. How the model runs stands in `options`; Ollama's
own fields go as a caller of OpenAI's dialect sent them. https://docs.ollama.com/api/chat
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from adapters.providers.arguments import arguments_object
from adapters.providers.harmless import is_harmless
from adapters.providers.ollama.answer import NAME
from adapters.providers.openai.encode import plain_tool
from domain.calls import Attempt
from domain.chat import (
    Audio,
    ChatRequest,
    Document,
    Foreign,
    Image,
    Message,
    Part,
    Reasoning,
    ResponseFormat,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from domain.refusals import Unexpressible

_OWN = frozenset({"keep_alive", "options", "think"})
_OPTIONS = ("frequency_penalty", "presence_penalty")
# Anthropic's mark for the prompt cache is about cost, and its metadata is a label.
_LEFT_OUT = ("cache_control", "metadata", *_OPTIONS)
_LEVELS = ("low", "medium", "high")
_EFFORTS = ("none", "minimal", *_LEVELS, "xhigh", "max")


def refuses(request: ChatRequest) -> Unexpressible | None:
    """The first thing that cannot be said, by its name, or None."""
    field = next(_unsayable(request), None)
    return None if field is None else Unexpressible(field=field, dialect=NAME, model=request.model)


def encode(request: ChatRequest, attempt: Attempt) -> bytes:
    """The request body. What `refuses` names is not expressed here."""
    extra = {name: value for name, value in request.extra.items() if name in _OWN}
    options = _options(request, attempt.output_cap)
    if "options" in extra:
        options = msgspec.json.decode(extra.pop("options"), type=dict[str, Any]) | options
    body: dict[str, Any] = {
        "model": attempt.target.model,
        "messages": _messages(request.messages),
        "stream": request.stream,  # Ollama streams unless told not to.
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


def _unsayable(request: ChatRequest) -> Iterator[str]:
    if request.choices != 1:
        yield "n"
    if request.parallel_tool_calls is False and request.tools:
        yield "parallel_tool_calls"
    if request.thinking is not None and request.thinking.effort not in (None, *_EFFORTS):
        yield "reasoning_effort"
    if request.tool_choice is not None and request.tool_choice.mode in ("required", "tool"):
        yield "tool_choice"
    for number, tool in enumerate(request.tools):
        if tool.strict:
            yield f"tools[{number}].strict"
    for name, value in request.extra.items():
        if name == "options" and arguments_object(bytes(value).decode()) is None:
            yield name
        if name not in _OWN and name not in _LEFT_OUT and not is_harmless(name, value):
            yield name
    for number, message in enumerate(request.messages):
        if message.name is not None:
            yield f"messages[{number}].name"
        for part in message.parts:
            if (word := _foreign_word(part)) is not None:
                yield f"messages[{number}].{word}"


def _foreign_word(part: Part) -> str | None:
    match part:
        case Foreign():
            return part.name
        case Audio():
            return "input_audio"
        case Document():
            return None if part.text is not None else "document"
        case Image():
            return None if part.data is not None else "image_url"  # Ollama fetches no picture.
        case ToolCall():
            return None if arguments_object(part.arguments) is not None else "tool_calls.arguments"
        case ToolResult():
            return next((f"tool_result.{word}" for inner in part.parts if (word := _foreign_word(inner))), None)
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
    """An effort where Ollama has a level of that name; a budget has no word, and the output cap bounds it."""
    if not thinking.enabled:
        return False
    return thinking.effort if thinking.effort in _LEVELS else True


def _messages(turns: tuple[Message, ...]) -> list[dict[str, Any]]:
    """A tool's answer is a message of its own, which names the tool."""
    names = {part.id: part.name for turn in turns for part in turn.parts if isinstance(part, ToolCall)}
    written: list[dict[str, Any]] = []
    for turn in turns:
        for result in turn.parts:
            if isinstance(result, ToolResult):
                content = _texts(result.parts)
                answer = {"role": "tool", "content": content, "tool_call_id": result.call_id}
                named = {"tool_name": names[result.call_id]} if result.call_id in names else {}
                written.append(answer | named | _images(result.parts))
        said = tuple(part for part in turn.parts if not isinstance(part, ToolResult))
        if said or not turn.parts:
            written.append(_message(turn, said))
    return written


def _message(turn: Message, said: tuple[Part, ...]) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "system" if turn.role == "developer" else turn.role,
        "content": _texts(said),
        **_images(said),
    }
    if thinking := "".join(part.text for part in said if isinstance(part, Reasoning)):
        message["thinking"] = thinking
    calls = [part for part in said if isinstance(part, ToolCall)]
    if calls:
        message["tool_calls"] = [
            {"id": call.id, "function": {"name": call.name, "arguments": arguments_object(call.arguments)}}
            for call in calls
        ]
    return message


def _texts(parts: tuple[Part, ...]) -> str:
    """Texts and plain documents as the one string that a message has."""
    texts = [
        part.text if isinstance(part, Text) else f"{part.name}\n\n{part.text}" if part.name else part.text or ""
        for part in parts
        if isinstance(part, (Text, Document))
    ]
    return "\n\n".join(texts)


def _images(parts: tuple[Part, ...]) -> dict[str, Any]:
    images = [part.data for part in parts if isinstance(part, Image)]
    return {"images": images} if images else {}
