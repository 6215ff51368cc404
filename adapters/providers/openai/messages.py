"""Encode a canonical conversation as OpenAI's list of messages.

House rule: a tool result is a message of its own and comes before the user's content of the same turn, because OpenAI
requires the results right after the calls. A `tool` message holds text only, so an image or a document of a result is
in the user's message after the results. `unsupported_parts` names the parts that OpenAI's messages cannot express.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from adapters.providers.openai.failure import NAME
from adapters.providers.openai.reasoning import reasoning_fields
from adapters.providers.unsupported import unsupported_block
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

_IN_NEXT_MESSAGE = "The result is in the next message."


def unsupported_parts(request: ChatRequest) -> Iterator[Lack]:
    """Yield the parts that the messages cannot express, by name; with their place where it matters."""
    for number, message in enumerate(request.messages):
        for part in message.parts:
            if isinstance(part, ProviderPart) and not keeps(part):
                yield unsupported_block(message, part, part.name)
            if isinstance(part, Document) and (name := _unsupported_document(part)):
                yield Lack(name, "promise")
            if isinstance(part, ToolResult):
                for inner in part.parts:
                    if isinstance(inner, Document) and (name := _unsupported_document(inner)):
                        yield Lack(f"tool_result.{name}", "promise")
                    elif _is_moved(inner):
                        yield Lack(f"tool_result.{'image' if isinstance(inner, Image) else 'document'}")
            if not _belongs(message, part):
                yield Lack(f"messages[{number}].{_name(part)}")


def keeps(part: ProviderPart) -> bool:
    """Whether a provider-specific block is sent on unchanged."""
    return part.dialect == NAME


def messages(turns: Sequence[Message], reasoning_in: str = "") -> list[dict[str, Any]]:
    """Return the turns as messages; a turn with tool results becomes several.

    `reasoning_in` is the vendor's field for earlier reasoning, see `domain.catalog.vendor.Vendor`.
    """
    written: list[dict[str, Any]] = []
    for turn in turns:
        results = [part for part in turn.parts if isinstance(part, ToolResult)]
        written += [_tool_message(result) for result in results]
        moved = [part for result in results for part in _moved(result)]
        if turn.role == "assistant":
            written += _assistant(turn, reasoning_in)
        elif moved or len(results) < len(turn.parts) or not results:
            others = [_part(part) for part in turn.parts if not isinstance(part, ToolResult)]
            written.append(_named(turn, {"role": turn.role, "content": _content([*moved, *others])}))
    return written


def _assistant(turn: Message, reasoning_in: str) -> list[dict[str, Any]]:
    """Return the assistant's turn, or nothing if it contains only reasoning.

    Reasoning of earlier turns is left out if the vendor has no field for it. OpenAI has none, and Anthropic itself
    drops the blocks of earlier turns (https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking).
    """
    message: dict[str, Any] = {"role": "assistant"}
    parts: list[Any] = []
    calls: list[Any] = []
    reasonings: list[tuple[int, Reasoning]] = []
    for part in turn.parts:
        if isinstance(part, ToolCall):
            function = {"name": part.name, "arguments": part.arguments}
            calls.append({"id": part.id, "type": "function", "function": function})
        elif isinstance(part, ProviderPart) and part.name == "audio":
            message["audio"] = part.block
        elif isinstance(part, Reasoning):
            # The index counts the text once and each call once, as in the answer.
            reasonings.append((len(reasonings) + bool(parts) + len(calls), part))
        else:
            parts.append(_part(part))
    if parts or not (calls or "audio" in message):
        message["content"] = _content(parts)
    if calls:
        message["tool_calls"] = calls
    if reasoning_in and reasonings:
        message |= reasoning_fields(reasonings, reasoning_in, message.get("content"))
    return [] if turn.parts and len(reasonings) == len(turn.parts) else [_named(turn, message)]


def _tool_message(result: ToolResult) -> dict[str, Any]:
    """Return the message of a tool result. OpenAI has no `is_error`; the tool's output itself reports the failure."""
    texts = [_part(part) for part in result.parts if not _is_moved(part)]
    content = _content(texts) if texts or not result.parts else _IN_NEXT_MESSAGE
    return {"role": "tool", "tool_call_id": result.call_id, "content": content}


def _is_moved(part: Part) -> bool:
    """Whether a part of a tool result cannot be in a `tool` message."""
    return isinstance(part, Image) or (isinstance(part, Document) and part.text is None)


def _moved(result: ToolResult) -> list[Any]:
    """Return the parts for the message after the results, with the call that they belong to."""
    moved = [_part(part) for part in result.parts if _is_moved(part)]
    return [{"type": "text", "text": f"From the result of the tool call {result.call_id}:"}, *moved] if moved else []


def _named(turn: Message, message: dict[str, Any]) -> dict[str, Any]:
    return message if turn.name is None else {**message, "name": turn.name}


def _content(parts: list[Any]) -> str | list[Any]:
    """Return a single text, or none, as the plain string that every server accepts."""
    if not parts:
        return ""
    if len(parts) == 1 and isinstance(parts[0], dict) and parts[0]["type"] == "text":
        text: str = parts[0]["text"]
        return text
    return parts


def _part(part: Part) -> Any:
    """Return one content part, without hints that do not belong to the question.

    `cache_control` is about cost, and OpenAI caches automatically. `citations` name the sources of an earlier answer,
    whose text is sent.
    """
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Image):
        url = part.url if part.url is not None else _data_url(part.media_type or "image/png", part.data or "")
        image = {"url": url} if part.detail is None else {"url": url, "detail": part.detail}
        return {"type": "image_url", "image_url": image}
    if isinstance(part, Audio):
        return {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}
    if isinstance(part, Document):
        return _document(part)
    assert isinstance(part, ProviderPart), f"{type(part).__name__} is not a content part: refuses() names it"
    return part.block


def _document(document: Document) -> dict[str, Any]:
    """Return plain text as a text part under its name, because OpenAI's file parts are for binary formats."""
    if document.text is not None:
        text = document.text if document.name is None else f"{document.name}\n\n{document.text}"
        return {"type": "text", "text": text}
    media_type = document.media_type or "application/pdf"
    # OpenAI requires a file name with the data; other dialects have none.
    name = document.name or f"document.{media_type.rpartition('/')[2]}"
    return {"type": "file", "file": {"filename": name, "file_data": _data_url(media_type, document.data or "")}}


def _data_url(media_type: str, data: str) -> str:
    return f"data:{media_type};base64,{data}"


def _unsupported_document(document: Document) -> str | None:
    """Return the name of an unsupported document: OpenAI fetches no URL, and a file id belongs to one provider."""
    if document.url is not None:
        return "document.url"
    return "document.file_id" if document.file_id is not None else None


def _belongs(message: Message, part: Part) -> bool:
    """Whether OpenAI accepts the part in a turn of this role."""
    if isinstance(part, Text | ProviderPart):
        return True
    if message.role == "assistant":
        return isinstance(part, ToolCall | Reasoning)
    if message.role == "user":
        return isinstance(part, Image | Document | Audio | ToolResult)
    return isinstance(part, Document) and part.text is not None


def _name(part: Part) -> str:
    names: Iterable[tuple[type, str]] = (
        (Image, "image"),
        (Document, "document"),
        (Audio, "audio"),
        (Reasoning, "thinking"),
        (ToolCall, "tool_call"),
        (ToolResult, "tool_result"),
    )
    return next(name for kind, name in names if isinstance(part, kind))
