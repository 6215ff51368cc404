"""A canonical conversation as OpenAI's list of messages.

House rule: a tool's answer is a message of its own here, and stands before what the user says in the same turn, for
OpenAI wants the answers right after the calls. What has no place here `lacking_parts` names.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from adapters.providers.openai.failure import NAME
from adapters.providers.openai.reasoning import thought
from adapters.providers.unsupported import lacking_block
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


def lacking_parts(request: ChatRequest) -> Iterator[Lack]:
    """What in the messages has no place, by name; where the place matters, with the place."""
    for number, message in enumerate(request.messages):
        for part in message.parts:
            if isinstance(part, ProviderPart) and not keeps(part):
                yield lacking_block(message, part, part.name)
            if isinstance(part, Document) and (word := _foreign_document(part)):
                yield Lack(word, "promise")
            if isinstance(part, ToolResult):
                for inner in part.parts:
                    # A `tool` message holds text only.
                    if isinstance(inner, Image) or (isinstance(inner, Document) and inner.text is None):
                        name = f"tool_result.{'image' if isinstance(inner, Image) else 'document'}"
                        yield Lack(name, "promise")
            if not _belongs(message, part):
                yield Lack(f"messages[{number}].{_name(part)}")


def keeps(part: ProviderPart) -> bool:
    """Whether a block of one dialect goes on as it came."""
    return part.dialect == NAME


def messages(turns: Sequence[Message], thought_in: str = "") -> list[dict[str, Any]]:
    """The turns as messages; a turn with tool results becomes several.

    `thought_in` is the vendor's place for earlier thinking, see `domain.catalog.vendor.Vendor`.
    """
    written: list[dict[str, Any]] = []
    for turn in turns:
        results = [part for part in turn.parts if isinstance(part, ToolResult)]
        written += [_tool_message(result) for result in results]
        if turn.role == "assistant":
            written += _assistant(turn, thought_in)
        elif len(results) < len(turn.parts) or not results:
            others = [_part(part) for part in turn.parts if not isinstance(part, ToolResult)]
            written.append(_named(turn, {"role": turn.role, "content": _content(others)}))
    return written


def _assistant(turn: Message, thought_in: str) -> list[dict[str, Any]]:
    """The assistant's turn, or none where thinking was all of it.

    Thinking of earlier turns is left out where the vendor has no place for it, as OpenAI has none, and Anthropic
    itself drops the blocks of earlier turns
    (https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking).
    """
    message: dict[str, Any] = {"role": "assistant"}
    parts: list[Any] = []
    calls: list[Any] = []
    thoughts: list[tuple[int, Reasoning]] = []
    for part in turn.parts:
        if isinstance(part, ToolCall):
            function = {"name": part.name, "arguments": part.arguments}
            calls.append({"id": part.id, "type": "function", "function": function})
        elif isinstance(part, ProviderPart) and part.name == "audio":
            message["audio"] = part.block
        elif isinstance(part, Reasoning):
            # Its place where the text counts once, and each call once: as it is told, too.
            thoughts.append((len(thoughts) + bool(parts) + len(calls), part))
        else:
            parts.append(_part(part))
    if parts or not (calls or "audio" in message):
        message["content"] = _content(parts)
    if calls:
        message["tool_calls"] = calls
    if thought_in and thoughts:
        message |= thought(thoughts, thought_in, message.get("content"))
    return [] if turn.parts and len(thoughts) == len(turn.parts) else [_named(turn, message)]


def _tool_message(result: ToolResult) -> dict[str, Any]:
    """`is_error` has no word here: what the tool said is passed on as it is, and it says that it failed."""
    content = _content([_part(part) for part in result.parts])
    return {"role": "tool", "tool_call_id": result.call_id, "content": content}


def _named(turn: Message, message: dict[str, Any]) -> dict[str, Any]:
    return message if turn.name is None else {**message, "name": turn.name}


def _content(parts: list[Any]) -> str | list[Any]:
    """One text, or none, as the plain string that every server understands."""
    if not parts:
        return ""
    if len(parts) == 1 and isinstance(parts[0], dict) and parts[0]["type"] == "text":
        text: str = parts[0]["text"]
        return text
    return parts


def _part(part: Part) -> Any:
    """One content part, without what is no part of the question.

    `cache_control` is a hint about cost, and OpenAI caches by itself; `citations` tell where the text of an earlier
    answer came from, and the text is here.
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
    """A plain text becomes a text part under its name, since OpenAI's file parts are for binary formats."""
    if document.text is not None:
        text = document.text if document.name is None else f"{document.name}\n\n{document.text}"
        return {"type": "text", "text": text}
    media_type = document.media_type or "application/pdf"
    # OpenAI wants a file name with the data, other dialects have none.
    name = document.name or f"document.{media_type.rpartition('/')[2]}"
    return {"type": "file", "file": {"filename": name, "file_data": _data_url(media_type, document.data or "")}}


def _data_url(media_type: str, data: str) -> str:
    return f"data:{media_type};base64,{data}"


def _foreign_document(document: Document) -> str | None:
    """OpenAI fetches no document, and a file id is known only to the provider that gave it."""
    if document.url is not None:
        return "document.url"
    return "document.file_id" if document.file_id is not None else None


def _belongs(message: Message, part: Part) -> bool:
    """Whether OpenAI lets a turn of this role hold the part."""
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
