"""Fit the messages and the system prompt of a body in Anthropic's dialect to what its API accepts.

House rule: what fits stays byte for byte. `known` means that the server is Anthropic's own, or AWS's with Claude.
"""

from contextlib import suppress
from typing import Any

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from domain.dialects.base64_media import base64_data, media_type_of
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
    """The fields of a block that show whether it fits."""

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


_BEGINNING_BYTES = 80  # of the data of an image, which show its type
_TURNS = msgspec.json.Decoder(list[_Turn])
_SEEN = msgspec.json.Decoder(list[_SeenTurn])
_BLOCK = msgspec.json.Decoder(_Block)
_BLOCKS = msgspec.json.Decoder(list[msgspec.Raw])
_SOURCE = msgspec.json.Decoder(_Source)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_TEXT = msgspec.json.Decoder(str)


def fitted_messages(given: msgspec.Raw, known: bool) -> Any:
    """Return the messages that the API accepts; the same object if nothing has to change."""
    with suppress(*DECODE_ERRORS):
        seen = _SEEN.decode(given)
        if not any(_needs_fitting(turn.content, known) for turn in seen) and not (known and seen and _trails(seen[-1])):
            return given
    try:
        turns = _TURNS.decode(given)
        fitted = [_content(turn.content, known) for turn in turns]
    except DECODE_ERRORS:
        return given  # Anthropic reports what is wrong with them.
    if known and turns and turns[-1].role == "assistant":
        fitted[-1] = _stripped(fitted[-1])
    if all(new is turn.content for new, turn in zip(fitted, turns, strict=True)):
        return given
    final = len(turns) - 1
    # A turn whose blocks are all left out is left out too.
    return [
        turn | {"content": content}
        for place, (turn, content) in enumerate(zip(_LIST.decode(given), fitted, strict=True))
        if content or place == final or bytes(turn["content"]) in (b"[]", b'""')
    ]


def _needs_fitting(content: str | list[_Seen] | _Seen | None, known: bool) -> bool:
    """Whether something in the content may have to change."""
    if not isinstance(content, list):
        return known and isinstance(content, str) and content.isspace()
    for block in content:
        match block.type:
            case "text":
                needs = known and (not block.text or block.text.isspace())
            case "tool_use":
                needs = block.id is not None and fitted_id(block.id, ANTHROPIC_IDS) != block.id
            case "tool_result":
                named = block.tool_use_id or ""
                needs = fitted_id(named, ANTHROPIC_IDS) != named or _needs_fitting(block.content, known)
            case "thinking":
                needs = known and not is_anthropics(block.signature)
            case "redacted_thinking":
                needs = known and not is_anthropics(block.data)
            case "image" | "document":
                needs = known and block.source is not None and _is_misspelled(block.source)
            case _:
                needs = False
        if needs:
            return True
    return False


def _trails(turn: _SeenTurn) -> bool:
    """Whether a turn is the assistant's and ends in whitespace."""
    text = turn.content if isinstance(turn.content, str) else turn.content[-1].text if turn.content else None
    return turn.role == "assistant" and text is not None and text[-1:].isspace()


def _content(given: str | list[msgspec.Raw], known: bool) -> Any:
    """Return the blocks of a turn; the same object if all of them fit."""
    if isinstance(given, str):
        return given if not known or not given or given.strip() else ""
    fitted = [_fitted(raw, known) for raw in given]
    if all(new is old for new, old in zip(fitted, given, strict=True)):
        return given
    return [block for block in fitted if block is not None]


def _fitted(raw: msgspec.Raw, known: bool) -> msgspec.Raw | _Fields | None:
    """Return the block that the API accepts, the same object if it fits; None if the API accepts no such block."""
    block = _BLOCK.decode(raw)
    changed: _Fields = {}
    match block.type:
        case "tool_use" if block.id is not None and (fitted := fitted_id(block.id, ANTHROPIC_IDS)) != block.id:
            changed["id"] = fitted
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
    if block.tool_use_id is not None and (fitted := fitted_id(block.tool_use_id, ANTHROPIC_IDS)) != block.tool_use_id:
        changed["tool_use_id"] = fitted
    if known and bytes(block.content)[:1] == b"[":
        given = _BLOCKS.decode(block.content)
        content = _content(given, known)
        if content is not given:
            changed["content"] = content
    return changed


def _source(raw: msgspec.Raw) -> _Fields | None:
    """Return the source of an image or document with the type and data corrected; None if nothing changes."""
    if bytes(raw)[:1] != b"{":
        return None
    source = _SOURCE.decode(raw)
    if not _is_misspelled(source) or source.media_type is None:
        return None
    data = base64_data(_TEXT.decode(source.data))
    changed = {"media_type": media_type_of(source.media_type, data), "data": data}
    return _FIELDS.decode(raw) | changed


def _is_misspelled(source: _Source) -> bool:
    if source.type != "base64" or source.media_type is None:
        return False
    data = bytes(source.data)
    beginning = data[1:_BEGINNING_BYTES].decode("ascii", "replace")
    return media_type_of(source.media_type, beginning) != source.media_type or b"\\" in data or b" " in data


def _stripped(content: Any) -> Any:
    """Return the last assistant turn, which the answer continues, without whitespace at its end.

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
    """Return the system prompt without empty blocks; None if nothing is left."""
    try:
        if bytes(given)[:1] == b"[":
            raw = _BLOCKS.decode(given)
            fitted = _content(raw, known=True)
            return given if fitted is raw else fitted or None
        return None if bytes(given)[:1] == b'"' and not _TEXT.decode(given).strip() else given
    except DECODE_ERRORS:
        return given
