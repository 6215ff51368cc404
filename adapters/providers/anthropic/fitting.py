"""A body in Anthropic's own words, fitted to what its API takes.

House rule: nothing of the meaning changes, and what fits stays byte for byte. Ids of tool calls are a matter of the
dialect, so they are fitted for every server that speaks it; the rest is known of Anthropic alone, and an unknown server
gets it as the caller wrote it.
"""

from typing import Any

import msgspec

from adapters.providers.anthropic.schema import input_schema, strict_schema
from adapters.providers.wire import NONSENSE
from domain.call_ids import ANTHROPIC_IDS, fitted_id
from domain.claude import SAMPLING, sampling_left_out
from domain.media import base64_data, media_type
from domain.proofs import is_anthropics

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


class _Tool(msgspec.Struct, frozen=True):
    type: str | None = None
    input_schema: msgspec.Raw = msgspec.Raw()


_TURNS = msgspec.json.Decoder(list[_Turn])
_BLOCK = msgspec.json.Decoder(_Block)
_BLOCKS = msgspec.json.Decoder(list[msgspec.Raw])
_SOURCE = msgspec.json.Decoder(_Source)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_TOOLS = msgspec.json.Decoder(list[_Tool])
_TEXT = msgspec.json.Decoder(str)
_ANY = msgspec.json.Decoder()
# Messages of one short text each, the commonest, have none of these.
_SUSPECT = (b'"assistant"', b'"type"', b"\\u")


def fit(fields: _Fields, model: str, known: bool) -> _Fields:
    """The body for a server; `known` where it is Anthropic's own, or AWS's of its models. `fields` may be changed."""
    messages = fields.get("messages")
    if messages is not None and any(mark in bytes(messages) for mark in _SUSPECT):
        fields["messages"] = _messages(messages, known)
    if not known:
        return fields
    if "system" in fields:
        _fit_system(fields)
    if "tools" in fields:
        fields["tools"] = _tools(fields["tools"])
    if "stop_sequences" in fields:
        fields["stop_sequences"] = _visible(fields["stop_sequences"])
    if "output_config" in fields:
        fields["output_config"] = _output_config(fields["output_config"])
    said = [name for name in SAMPLING if name in fields and bytes(fields[name]) != b"null"]
    for name in sampling_left_out(model, said) if said else ():
        del fields[name]
    return fields


# --- messages -------------------------------------------------------------------------------------------


def _messages(given: msgspec.Raw, known: bool) -> Any:
    try:
        turns = _TURNS.decode(given)
        told = [_content(turn.content, known) for turn in turns]
    except NONSENSE:
        return given  # Anthropic will say what is wrong with them.
    if known and turns and turns[-1].role == "assistant":
        told[-1] = _stripped(told[-1])
    if all(new is turn.content for new, turn in zip(told, turns, strict=True)):
        return given
    last = len(turns) - 1
    # A turn that said nothing but what is left out is no turn.
    return [
        turn | {"content": content}
        for place, (turn, content) in enumerate(zip(_LIST.decode(given), told, strict=True))
        if content or place == last or bytes(turn["content"]) in (b"[]", b'""')
    ]


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
    """The source of a picture or a document with its type and data as they must be spelled; None if they are."""
    if bytes(raw)[:1] != b"{":
        return None
    source = _SOURCE.decode(raw)
    if source.type != "base64" or source.media_type is None:
        return None
    changed: _Fields = {}
    if (kind := media_type(source.media_type)) != source.media_type:
        changed["media_type"] = kind
    if b"\\" in bytes(source.data) or b" " in bytes(source.data):
        changed["data"] = base64_data(_TEXT.decode(source.data))
    return _FIELDS.decode(raw) | changed if changed else None


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


# --- the rest -------------------------------------------------------------------------------------------


def _fit_system(fields: _Fields) -> None:
    """The system prompt without blocks that say nothing; none at all where none is left."""
    given = fields["system"]
    try:
        if bytes(given)[:1] == b"[":
            raw = _BLOCKS.decode(given)
            told = _content(raw, known=True)
            if told is not raw:
                fields["system"] = told
            empty = not told
        else:
            empty = bytes(given)[:1] == b'"' and not _TEXT.decode(given).strip()
    except NONSENSE:
        return
    if empty:
        del fields["system"]


def _tools(given: msgspec.Raw) -> Any:
    """The tools, each with a schema of an object."""
    try:
        told = [_tool(tool) for tool in _TOOLS.decode(given)]
        if not any(told):
            return given
        return [
            raw if changed is None else raw | changed for raw, changed in zip(_LIST.decode(given), told, strict=True)
        ]
    except NONSENSE:
        return given


def _tool(tool: _Tool) -> _Fields | None:
    if tool.type not in (None, "custom") or bytes(tool.input_schema)[:1] != b"{":
        return None
    schema = input_schema(tool.input_schema)
    return None if schema is tool.input_schema else {"input_schema": schema}


def _visible(given: msgspec.Raw) -> Any:
    """Stop sequences with something visible: "each stop sequence must contain non-whitespace"."""
    try:
        said = _ANY.decode(given)
    except NONSENSE:
        return given
    if not isinstance(said, list) or all(not isinstance(text, str) or text.strip() for text in said):
        return given
    return [text for text in said if not isinstance(text, str) or text.strip()]


def _output_config(given: msgspec.Raw) -> Any:
    """The schema of a structured output in the words that it can keep to."""
    try:
        config = _FIELDS.decode(given)
        form = _FIELDS.decode(config["format"]) if "format" in config else {}
        if "schema" not in form:
            return given
    except NONSENSE:
        return given
    schema = strict_schema(form["schema"])
    return given if schema is form["schema"] else config | {"format": form | {"schema": schema}}
