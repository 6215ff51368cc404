"""Encode a canonical conversation as the input items of OpenAI's Responses API.

House rule: the order is kept. A message, a tool call, a tool result and a block of reasoning are separate items here,
so a turn may become several items.

https://developers.openai.com/api/reference/resources/responses/methods/create
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from adapters.providers.openai_responses.failure import NAME
from adapters.providers.unsupported import unsupported_block
from domain.dialects.openrouter_reasoning import encrypted_by_openai
from domain.dialects.tool_call_ids import OPENAI_RESPONSES_IDS, fitted_id
from domain.dialects.unsupported_params import Lack
from domain.model_api.requests import (
    Audio,
    ChatRequest,
    Document,
    Image,
    Message,
    Part,
    ProviderPart,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from domain.model_api.tools import input_of

_Json = dict[str, Any]


def unsupported_parts(request: ChatRequest) -> Iterator[Lack]:
    """Yield the parts of messages that this API cannot express, by name, with the place where that helps."""
    for number, message in enumerate(request.messages):
        for part in message.parts:
            if isinstance(part, ProviderPart) and not keeps(part):
                yield unsupported_block(message, part, part.name)
            elif not _belongs(message, part):
                yield Lack(f"messages[{number}].{_NAMES[type(part)]}")


def keeps(part: ProviderPart) -> bool:
    """Whether a provider-specific block is sent on."""
    return part.dialect == NAME


def _belongs(message: Message, part: Part) -> bool:
    """Whether a turn of this role may contain the part."""
    if isinstance(part, Text | ProviderPart):
        return True
    if message.role == "assistant":
        return isinstance(part, ToolCall | Reasoning)
    if message.role == "user":
        return isinstance(part, Image | Document | Audio | ToolResult)
    return isinstance(part, Document | Image)


_NAMES: dict[type, str] = {
    Image: "image",
    Document: "document",
    Audio: "audio",
    Reasoning: "thinking",
    ToolCall: "tool_call",
    ToolResult: "tool_result",
}


def items(turns: Sequence[Message]) -> list[_Json | msgspec.Raw]:
    """Return the turns as items."""
    custom = {part.id for turn in turns for part in turn.parts if isinstance(part, ToolCall) and part.custom}
    written: list[_Json | msgspec.Raw] = []
    for turn in turns:
        written += _items(turn, custom)
    return written


def _items(turn: Message, custom: set[str]) -> list[_Json | msgspec.Raw]:
    """Return the items of one turn; adjacent content stays in one message. `custom` are the calls of custom tools."""
    written: list[_Json | msgspec.Raw] = []
    content: list[_Json | msgspec.Raw] = []
    summary = ""

    def flush() -> None:
        if content:
            written.append({"role": turn.role, "content": _content(content)})
            content.clear()

    for part in turn.parts:
        match part:
            case Reasoning():
                flush()
                text = part.text or summary
                signature = encrypted_by_openai(part)
                summary = "" if signature else text
                if signature is not None:
                    written.append(_reasoning_item(*signature, text))
            case ToolCall():
                flush()
                written.append(_tool_call(part))
            case ToolResult():
                flush()
                output = _content([_part(turn, inner) for inner in part.parts])
                kind = "custom_tool_call_output" if part.call_id in custom else "function_call_output"
                call_id = fitted_id(part.call_id, OPENAI_RESPONSES_IDS)
                written.append({"type": kind, "call_id": call_id, "output": output})
            case ProviderPart() if ".content[" in part.name:  # part of a message: an image by its file id
                content.append(part.block)
            case ProviderPart():
                flush()
                written.append(part.block)
            case _:
                content.append(_part(turn, part))
    if not turn.parts:
        content.append(_part(turn, Text(text="")))
    flush()
    return written


def _reasoning_item(item_id: str | None, encrypted: str, text: str) -> _Json:
    """Return reasoning that OpenAI encrypted, under its id, with the summary that preceded it.

    Unsigned reasoning and that of another vendor are left out: only the vendor that signed it can use it, and OpenAI
    accepts the text only with its signature.
    """
    summary = [{"type": "summary_text", "text": text}] if text else []
    item = {"type": "reasoning", "summary": summary, "encrypted_content": encrypted}
    return item if item_id is None else {**item, "id": item_id}


def _content(parts: Sequence[_Json | msgspec.Raw]) -> str | list[_Json | msgspec.Raw]:
    """Return a single text, or none, as the plain string that every server accepts."""
    if not parts:
        return ""
    only = parts[0]
    if len(parts) == 1 and isinstance(only, dict) and only["type"] in ("input_text", "output_text"):
        text: str = only["text"]
        return text
    return list(parts)


def _part(turn: Message, part: Part) -> _Json:
    """Return one content part. Marks for a prompt cache are about cost, and OpenAI caches automatically."""
    match part:
        case Text():
            return {"type": "output_text" if turn.role == "assistant" else "input_text", "text": part.text}
        case Image():
            url = part.url if part.url is not None else _data_url(part.media_type or "image/png", part.data or "")
            return {"type": "input_image", "image_url": url, "detail": part.detail or "auto"}
        case Audio():
            return {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}
        case Document():
            return _document(part)
        case _:
            raise AssertionError(f"{type(part).__name__} is not a content part: refuses() names it")


def _document(document: Document) -> _Json:
    """Return plain text as a text part under its name, because file parts are for binary formats."""
    if document.text is not None:
        text = document.text if document.name is None else f"{document.name}\n\n{document.text}"
        return {"type": "input_text", "text": text}
    if document.url is not None:
        return {"type": "input_file", "file_url": document.url}
    if document.file_id is not None:
        return {"type": "input_file", "file_id": document.file_id}
    media_type = document.media_type or "application/pdf"
    # OpenAI requires a file name with the data; other dialects have none.
    name = document.name or f"document.{media_type.rpartition('/')[2]}"
    return {"type": "input_file", "filename": name, "file_data": _data_url(media_type, document.data or "")}


def _data_url(media_type: str, data: str) -> str:
    return f"data:{media_type};base64,{data}"


def _tool_call(part: ToolCall) -> _Json:
    """Return a call of a function, or of a custom tool by its input."""
    call_id = fitted_id(part.id, OPENAI_RESPONSES_IDS)
    text = input_of(part.arguments) if part.custom else None
    if text is not None:
        return {"type": "custom_tool_call", "call_id": call_id, "name": part.name, "input": text}
    return {"type": "function_call", "call_id": call_id, "name": part.name, "arguments": part.arguments}
