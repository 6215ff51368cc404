"""The input items of a Responses request as canonical turns.

House rule: no content of an item is lost. An item or a part that only this API can express becomes `ProviderPart`, so
that another dialect refuses it by its name. Labels of earlier answers are left out: an item's `id` and `status`, a
text's annotations and log probabilities, the phase of a message; and so are marks for OpenAI's prompt cache, which
only concern cost.
"""

from collections.abc import Iterator
from typing import Literal, TypeAlias

import msgspec

from domain.dialects.base64_media import base64_data
from domain.model_api.requests import (
    Audio,
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
from domain.model_api.tools import arguments_of, grouped_name
from entrypoints.http.decode_errors import JSON_ERRORS, JsonDecoder, decode_json
from entrypoints.http.dialects.openai_chat.field_errors import bad, unreadable
from entrypoints.http.dialects.openai_chat.turns import File, Wrong, document_of, given, image_of
from entrypoints.http.dialects.openai_responses import wire
from entrypoints.http.dialects.openai_responses.blocks import RETURNED_TYPES
from entrypoints.http.dialects.openai_responses.own_tools import own_call
from entrypoints.http.dialects.openai_responses.reasoning import unpacked
from entrypoints.http.dialects.openai_responses.tools import ITEMS_WITH_TOOLS
from entrypoints.http.dialects.openai_responses.wire import NAME, Item, is_set
from entrypoints.http.dialects.returned_blocks import Block
from entrypoints.http.dialects.returned_blocks import returned as returned_blocks
from entrypoints.http.dialects.signatures import returned

_RAW_ITEMS = JsonDecoder(str | list[msgspec.Raw])
_ITEM = JsonDecoder(Item)
_TEXT = JsonDecoder(str)
_CONTENT = JsonDecoder(str | list[msgspec.Raw])
_PART = JsonDecoder(wire.Part)
_THOUGHTS = JsonDecoder(list[wire.Part])

_Role: TypeAlias = Literal["system", "developer", "user", "assistant"]


class _Audio(msgspec.Struct):
    data: str
    format: str


def turns(instructions: str | None, given_input: msgspec.Raw | None) -> tuple[Message, ...]:
    """The instructions and the items as turns; raises `Wrong`.

    Consecutive items of the assistant are one turn, and so are neighbouring tool results, as in other dialects. But a
    text after a tool call begins a new turn, since in other dialects the text of a turn comes before its calls.
    """
    turns = [Message(role="system", parts=(Text(text=instructions),))] if instructions else []
    raw = _RAW_ITEMS.decode(given_input) if given_input is not None else []
    if isinstance(raw, str):
        return (*turns, Message(role="user", parts=(Text(text=raw),)))
    for role, parts in _merged(_messages(raw)):
        turns.append(Message(role=role, parts=returned(tuple(parts))))
    return tuple(turns)


def _messages(items: list[msgspec.Raw]) -> Iterator[tuple[_Role, list[Part]]]:
    for number, raw in enumerate(items):
        place = f"input[{number}]"
        try:
            item = _ITEM.decode(raw)
        except JSON_ERRORS as error:
            raise Wrong(unreadable(error, place)) from None
        if item.type in ITEMS_WITH_TOOLS:
            continue
        role, parts = _item(item, raw, place)
        if parts:
            yield role, parts


def _merged(messages: Iterator[tuple[_Role, list[Part]]]) -> Iterator[tuple[_Role, list[Part]]]:
    role: _Role | None = None
    parts: list[Part] = []
    for next_role, more in messages:
        same = next_role == role and (
            all(isinstance(part, ToolResult) for part in (*parts, *more))
            if role == "user"
            else role == "assistant" and not (isinstance(parts[-1], ToolCall) and isinstance(more[0], Text))
        )
        if same:
            parts += more
            continue
        if role is not None:
            yield role, parts
        role, parts = next_role, list(more)
    if role is not None:
        yield role, parts


def _item(item: Item, raw: msgspec.Raw, place: str) -> tuple[_Role, list[Part]]:
    match item.type:
        case "message":
            return given(item.role, f"{place}.role"), _content(item.content, f"{place}.content")
        case "reasoning":
            return "assistant", [_thought(item, place)]
        case "function_call":
            return "assistant", [_tool_call(item, place)]
        case "custom_tool_call":
            return "assistant", [_custom_tool_call(item, place)]
        case "function_call_output" | "custom_tool_call_output":
            return "user", [_tool_result(item, raw, place)]
        case name if name in RETURNED_TYPES:
            return "assistant", [*returned_blocks([Block(item.dialect or "", item.name or "", item.block)])]
        case name:
            plain = own_call(item, raw)
            provider_block = ProviderPart(dialect=NAME, name=f"{place}.{name}", block=raw, plain=plain)
            return ("user" if name.endswith("_output") else "assistant"), [provider_block]


def _tool_call(item: Item, place: str) -> ToolCall:
    arguments = _text(item.arguments, f"{place}.arguments")
    return ToolCall(id=given(item.call_id, f"{place}.call_id"), name=_name(item, place), arguments=arguments)


def _custom_tool_call(item: Item, place: str) -> ToolCall:
    arguments = arguments_of(_text(item.input, f"{place}.input"))
    call_id = given(item.call_id, f"{place}.call_id")
    return ToolCall(id=call_id, name=_name(item, place), arguments=arguments, custom=True)


def _name(item: Item, place: str) -> str:
    """The tool's name, as `tools` has it for one of a group."""
    name = given(item.name, f"{place}.name")
    return name if item.namespace is None else grouped_name(item.namespace, name)


def _tool_result(item: Item, raw: msgspec.Raw, place: str) -> ToolResult | ProviderPart:
    parts: list[Text | Image | Document] = []
    for number, part in enumerate(_content(item.output, f"{place}.output")):
        if isinstance(part, ProviderPart):
            return ProviderPart(dialect=NAME, name=part.name, block=raw)
        if not isinstance(part, Text | Image | Document):
            raise Wrong(bad(f"{place}.output[{number}]", "A tool's answer cannot hold a part of this type."))
        parts.append(part)
    return ToolResult(call_id=given(item.call_id, f"{place}.call_id"), parts=tuple(parts))


def _thought(item: Item, place: str) -> Reasoning:
    """A thought with its signature: OpenAI's under its own id, or another vendor's that the hub packed."""
    try:
        summary = _THOUGHTS.decode(item.summary) if is_set(item.summary) else []
        content = _THOUGHTS.decode(item.content) if is_set(item.content) else []
    except JSON_ERRORS as error:
        raise Wrong(unreadable(error, f"{place}.summary")) from None
    text = "\n\n".join(part.text for part in (*summary, *content) if part.text)
    return unpacked(text, item.encrypted_content, item.id)


# --- content --------------------------------------------------------------------------------------------


def _content(raw: msgspec.Raw, place: str) -> list[Part]:
    try:
        content = _CONTENT.decode(raw)
    except JSON_ERRORS as error:
        raise Wrong(unreadable(error, place)) from None
    if isinstance(content, str):
        return [Text(text=content)]
    if not content:
        return [Text(text="")]
    parts: list[Part] = []
    for number, inner in enumerate(content):
        here = f"{place}[{number}]"
        try:
            parts.append(_part(_PART.decode(inner), inner, here))
        except JSON_ERRORS as error:
            raise Wrong(unreadable(error, here)) from None
    return parts


def _part(part: wire.Part, raw: msgspec.Raw, place: str) -> Part:
    match part.type:
        case "input_text" | "output_text" | "text":
            return Text(text=given(part.text, f"{place}.text"))
        case "refusal":
            return Text(text=given(part.refusal, f"{place}.refusal"))
        case "input_image" if part.image_url is not None:
            return image_of(part.image_url, part.detail, f"{place}.image_url")
        case "input_file":
            return _document(part, place)
        case "input_audio" if is_set(part.input_audio):
            audio = decode_json(part.input_audio, _Audio)
            return Audio(data=base64_data(audio.data), format=audio.format)
        case name:
            return ProviderPart(dialect=NAME, name=f"{place}.{name}", block=raw)


def _document(part: wire.Part, place: str) -> Document:
    if part.file_url is not None:
        return Document(url=part.file_url, name=part.filename)
    file = File(file_data=part.file_data, file_id=part.file_id, filename=part.filename)
    return document_of(file, f"{place}.input_file")


def _text(raw: msgspec.Raw, place: str) -> str:
    try:
        return _TEXT.decode(raw)
    except JSON_ERRORS:
        raise Wrong(bad(place, "It is no text.")) from None
