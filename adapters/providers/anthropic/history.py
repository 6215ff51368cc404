"""The messages and the system prompt of a body in Anthropic's own words, fitted to what its API takes.

House rule: what fits stays byte for byte. `known` says that the server is Anthropic's own, or AWS's of its models.
"""

from contextlib import suppress
from typing import Any

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from domain.dialects.base64_media import base64_data, media_type
from domain.dialects.signatures import is_anthropics
from domain.dialects.tool_call_ids import ANTHROPIC_IDS, fitted_id

_Fields = dict[str, Any]


class _Source(msgspec.Struct, frozen=True):
    type: str = ""
    media_type: str | None = None
    data: msgspec.Raw = msgspec.Raw()


class _Block(msgspec.Struct, frozen=True):
    type: str = ""
    text: str | None = None
    id: str | None = None
    tool_use_id: str | None = None
    signature: str | None = None
    data: str | None = None
    source: msgspec.Raw = msgspec.Raw()
    content: msgspec.Raw = msgspec.Raw()


class _Turn(msgspec.Struct, frozen=True):
    role: str
    content: str | list[msgspec.Raw]


class _Seen(msgspec.Struct, frozen=True):
    """A block as far as a look tells whether it fits."""

    type: str = ""
    text: str | None = None
    id: str | None = None
    tool_use_id: str | None = None
    signature: str | None = None
    data: str | None = None
    source: _Source | None = None
    content: "str | list[_Seen] | _Seen | None" = None


class _SeenTurn(msgspec.Struct, frozen=True):
    role: str
    content: str | list[_Seen]


_TURNS = msgspec.json.Decoder(list[_Turn])
_SEEN = msgspec.json.Decoder(list[_SeenTurn])
_BLOCK = msgspec.json.Decoder(_Block)
_BLOCKS = msgspec.json.Decoder(list[msgspec.Raw])
_SOURCE = msgspec.json.Decoder(_Source)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_TEXT = msgspec.json.Decoder(str)


def fitted_messages(given: msgspec.Raw, known: bool) -> Any:
    """The messages as the API takes them; the very same where a look at all of them finds nothing odd."""
    with suppress(*DECODE_ERRORS):
        seen = _SEEN.decode(given)
        if not any(_is_odd(turn.content, known) for turn in seen) and not (known and seen and _trails(seen[-1])):
            return given
    try:
        turns = _TURNS.decode(given)
        told = [_content(turn.content, known) for turn in turns]
    except DECODE_ERRORS:
        return given  # Anthropic will say what is wrong with them.
    if known and turns and turns[-1].role == "assistant":
        told[-1] = _stripped(told[-1])
    if all(new is turn.content for new, turn in zip(told, turns, strict=True)):
        return given
    final = len(turns) - 1
    # A turn that said nothing but what is left out is no turn.
    return [
        turn | {"content": content}
        for place, (turn, content) in enumerate(zip(_LIST.decode(given), told, strict=True))
        if content or place == final or bytes(turn["content"]) in (b"[]", b'""')
    ]


def _is_odd(content: str | list[_Seen] | _Seen | None, known: bool) -> bool:
    """Whether something in the content may have to be changed."""
    if not isinstance(content, list):
        return known and isinstance(content, str) and content.isspace()
    for block in content:
        match block.type:
            case "text":
                odd = known and (not block.text or block.text.isspace())
            case "tool_use":
                odd = block.id is not None and fitted_id(block.id, ANTHROPIC_IDS) != block.id
            case "tool_result":
                named = block.tool_use_id or ""
                odd = fitted_id(named, ANTHROPIC_IDS) != named or _is_odd(block.content, known)
            case "thinking":
                odd = known and not is_anthropics(block.signature)
            case "redacted_thinking":
                odd = known and not is_anthropics(block.data)
            case "image" | "document":
                odd = known and block.source is not None and _is_spelled_oddly(block.source)
            case _:
                odd = False
        if odd:
            return True
    return False


def _trails(turn: _SeenTurn) -> bool:
    """Whether a turn is the assistant's and ends in blanks."""
    text = turn.content if isinstance(turn.content, str) else turn.content[-1].text if turn.content else None
    return turn.role == "assistant" and text is not None and text[-1:].isspace()


def _content(given: str | list[msgspec.Raw], known: bool) -> Any:
    """The blocks of a turn; the very same where all of them fit."""
    if isinstance(given, str):
        return given if not known or not given or given.strip() else ""
    told = [_fitted(raw, known) for raw in given]
    if all(new is old for new, old in zip(told, given, strict=True)):
        return given
    return [block for block in told if block is not None]


def _fitted(raw: msgspec.Raw, known: bool) -> msgspec.Raw | _Fields | None:
    """The block as the API takes it, the very same where it fits; None where it takes none like it."""
    block = _BLOCK.decode(raw)
    changed: _Fields = {}
    match block.type:
        case "tool_use" if block.id is not None and (own := fitted_id(block.id, ANTHROPIC_IDS)) != block.id:
            changed["id"] = own
        case "tool_result":
            changed = _result(block, known)
        case "text" if known and not (block.text or "").strip():
            return None
        case "thinking" if known and not is_anthropics(block.signature):
            return None
        case "redacted_thinking" if known and not is_anthropics(block.data):
            return None
        case "image" | "document" if known and (source := _source(block.source)) is not None:
            changed["source"] = source
    return _FIELDS.decode(raw) | changed if changed else raw


def _result(block: _Block, known: bool) -> _Fields:
    changed: _Fields = {}
    if block.tool_use_id is not None and (own := fitted_id(block.tool_use_id, ANTHROPIC_IDS)) != block.tool_use_id:
        changed["tool_use_id"] = own
    if known and bytes(block.content)[:1] == b"[":
        given = _BLOCKS.decode(block.content)
        content = _content(given, known)
        if content is not given:
            changed["content"] = content
    return changed


def _source(raw: msgspec.Raw) -> _Fields | None:
    """The source of an image or a document with its type and data as they must be spelled; None if they are."""
    if bytes(raw)[:1] != b"{":
        return None
    source = _SOURCE.decode(raw)
    if not _is_spelled_oddly(source) or source.media_type is None:
        return None
    changed = {"media_type": media_type(source.media_type), "data": base64_data(_TEXT.decode(source.data))}
    return _FIELDS.decode(raw) | changed


def _is_spelled_oddly(source: _Source) -> bool:
    if source.type != "base64" or source.media_type is None:
        return False
    data = bytes(source.data)
    return media_type(source.media_type) != source.media_type or b"\\" in data or b" " in data


def _stripped(content: Any) -> Any:
    """A last turn of the assistant, which the answer goes on with, without the blanks at its end.

    "final assistant content cannot end with trailing whitespace".
    """
    if isinstance(content, str):
        return content.rstrip() if content != content.rstrip() else content
    if not content or not isinstance(content[-1], msgspec.Raw):
        return content
    block = _BLOCK.decode(content[-1])
    text = block.text or ""
    if block.type != "text" or text == text.rstrip():
        return content
    return [*content[:-1], _FIELDS.decode(content[-1]) | {"text": text.rstrip()}]


def fitted_system(given: msgspec.Raw) -> Any:
    """The system prompt without blocks that say nothing; None where none is left."""
    try:
        if bytes(given)[:1] == b"[":
            raw = _BLOCKS.decode(given)
            told = _content(raw, known=True)
            return given if told is raw else told or None
        return None if bytes(given)[:1] == b'"' and not _TEXT.decode(given).strip() else given
    except DECODE_ERRORS:
        return given
