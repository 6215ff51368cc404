"""The messages of a chat-completions request as canonical turns.

House rule: no content of a message is lost. A part that only OpenAI can express becomes `ProviderPart`, so that
another dialect refuses it by its name. The shapes are those of
https://developers.openai.com/api/reference/resources/chat, with the extensions of compatible servers for reasoning.
"""

import base64
import binascii
import re
from typing import Literal, TypeVar

import msgspec

from domain.dialects.base64_media import base64_data, media_type_of
from domain.dialects.openrouter_reasoning import Detail
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
from domain.model_api.tools import arguments_of
from domain.refusals import BadRequest
from entrypoints.http.decode_errors import JSON_ERRORS, decode_json
from entrypoints.http.dialects.openai_chat.field_errors import bad, unreadable
from entrypoints.http.dialects.openai_chat.google_signatures import ExtraContent, sign, signature_in
from entrypoints.http.dialects.openai_chat.reasoning_order import thoughts_of, woven
from entrypoints.http.dialects.returned_blocks import Block, returned

_DATA_URL = re.compile(r"\s*data:([^;,]*)((?:;[^;,]*)*);base64,", re.IGNORECASE)
_Value = TypeVar("_Value")
_MARKED = (Text, Image, Document, ToolCall)
_ELSEWHERE = ("https://", "http://", "s3://", "gs://")
_MEDIA_TYPES = {"txt": "text/plain", "md": "text/plain", "csv": "text/plain"}


class WireFunction(msgspec.Struct):
    """The function of a tool call."""

    name: str
    arguments: str = ""


class _CustomCall(msgspec.Struct):
    name: str
    input: str = ""


class _Call(msgspec.Struct):
    id: str
    type: str = "function"
    function: WireFunction | None = None
    custom: _CustomCall | None = None
    extra_content: ExtraContent | None = None


class WireMessage(msgspec.Struct):
    """One message as it comes."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[msgspec.Raw] | None = None
    name: str | None = None
    tool_call_id: str | None = None
    tool_calls: list[msgspec.Raw] | None = None
    function_call: WireFunction | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[Detail] | None = None
    extra_content: ExtraContent | None = None
    provider_blocks: list[Block] | None = None
    audio: msgspec.Raw = msgspec.Raw()
    cache_control: msgspec.Raw = msgspec.Raw()


class _ImageUrl(msgspec.Struct):
    url: str
    detail: str | None = None


class _Audio(msgspec.Struct):
    data: str
    format: str


class File(msgspec.Struct):
    """A file, inline or by its id."""

    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class _WirePart(msgspec.Struct):
    type: str
    text: str | None = None
    refusal: str | None = None
    thinking: "str | list[_WirePart] | None" = None
    image_url: _ImageUrl | str | None = None
    input_audio: _Audio | None = None
    file: File | None = None
    document_url: str | None = None
    document_name: str | None = None
    cache_control: msgspec.Raw = msgspec.Raw()


class Wrong(Exception):
    """A part cannot be read, for the reason in `refusal`. The exception never leaves `to_request`."""

    def __init__(self, refusal: BadRequest) -> None:
        super().__init__(refusal.problem)
        self.refusal = refusal


def turns(messages: list[WireMessage]) -> tuple[Message, ...]:
    """The messages as turns, neighbouring tool results as one turn of the user; raises `Wrong`."""
    turns: list[Message] = []
    results: list[ToolResult] = []
    functions: dict[str, str] = {}
    for number, message in enumerate(messages):
        place = f"messages[{number}]"
        if message.role in ("tool", "function"):
            result = _tool_result(message, place, functions)
            results.append(msgspec.structs.replace(result, cache_control=_mark(message.cache_control)))
            continue
        if results:
            turns.append(Message(role="user", parts=tuple(results)))
            results = []
        if message.role == "assistant":
            parts = _assistant_parts(message, place, functions)
            turns.append(Message(role="assistant", parts=_marked(parts, message), name=message.name))
        else:
            parts = _parts(message.content, f"{place}.content")
            turns.append(Message(role=_role(message), parts=_marked(parts, message), name=message.name))
    if results:
        turns.append(Message(role="user", parts=tuple(results)))
    return tuple(turns)


def _marked(parts: tuple[Part, ...], message: WireMessage) -> tuple[Part, ...]:
    """The parts with the message's own mark for the prompt cache on the last part that can have one.

    LiteLLM's cache hook and OpenRouter's clients set it there.
    """
    mark = _mark(message.cache_control)
    place = next((n for n in range(len(parts) - 1, -1, -1) if isinstance(parts[n], _MARKED)), None)
    if mark is None or place is None or not isinstance(part := parts[place], _MARKED):
        return parts
    marked = part if part.cache_control is not None else msgspec.structs.replace(part, cache_control=mark)
    return (*parts[:place], marked, *parts[place + 1 :])


def _mark(cache_control: msgspec.Raw) -> msgspec.Raw | None:
    return None if bytes(cache_control) in (b"", b"null") else cache_control


def _role(message: WireMessage) -> Literal["system", "developer", "user"]:
    assert message.role in ("system", "developer", "user")
    return message.role


def _tool_result(message: WireMessage, place: str, functions: dict[str, str]) -> ToolResult:
    """A `function` message, the older form, answers the last call of its name."""
    if message.role == "function":
        call_id = functions.get(message.name or "")
        if call_id is None:
            raise Wrong(bad(f"{place}.name", "No function_call of this name comes before the message."))
    elif not message.tool_call_id:
        raise Wrong(bad(f"{place}.tool_call_id", "The field is missing."))
    else:
        call_id = message.tool_call_id
    parts = []
    for number, part in enumerate(_parts(message.content, f"{place}.content")):
        if not isinstance(part, Text | Image | Document):
            raise Wrong(bad(f"{place}.content[{number}]", "A tool's answer cannot hold a part of this type."))
        parts.append(part)
    return ToolResult(call_id=call_id, parts=tuple(parts))


def _assistant_parts(message: WireMessage, place: str, functions: dict[str, str]) -> tuple[Part, ...]:
    parts: list[Part] = [*returned(message.provider_blocks or ())]
    if message.content or not (message.tool_calls or message.function_call):
        parts += _parts(message.content, f"{place}.content")
    sign(parts, message.extra_content)
    if message.refusal:
        parts.append(Text(text=message.refusal))  # The assistant's output, in another field.
    if bytes(message.audio) not in (b"", b"null"):
        parts.append(ProviderPart(dialect="openai", name="audio", block=message.audio))
    calls = [_tool_call(raw, f"{place}.tool_calls[{number}]") for number, raw in enumerate(message.tool_calls or ())]
    if message.function_call is not None:
        call = message.function_call
        functions[call.name] = f"call_{place.removeprefix('messages')[1:-1]}_{call.name}"
        calls.append(ToolCall(id=functions[call.name], name=call.name, arguments=call.arguments))
    text = message.reasoning_content or message.reasoning or ""
    return woven(thoughts_of(message.reasoning_details or (), text), parts, calls)


def _tool_call(raw: msgspec.Raw, place: str) -> Part:
    try:
        call = decode_json(raw, _Call)
    except JSON_ERRORS as error:
        raise Wrong(unreadable(error, place)) from None
    if call.type == "custom" and call.custom is not None:
        arguments = arguments_of(call.custom.input)
        return ToolCall(id=call.id, name=call.custom.name, arguments=arguments, custom=True)
    if call.type != "function":
        return ProviderPart(dialect="openai", name=f"{call.type}_tool_call", block=raw)
    if call.function is None:
        raise Wrong(bad(f"{place}.function", "The field is missing."))
    signature = signature_in(call.extra_content)
    return ToolCall(id=call.id, name=call.function.name, arguments=call.function.arguments, signature=signature)


def _parts(content: str | list[msgspec.Raw] | None, place: str) -> tuple[Part, ...]:
    if content is None:
        return ()
    if isinstance(content, str):
        return (Text(text=content),)
    return tuple(_part(raw, f"{place}[{number}]") for number, raw in enumerate(content))


def _part(raw: msgspec.Raw, place: str) -> Part:
    try:
        part = decode_json(raw, _WirePart)
    except JSON_ERRORS as error:
        raise Wrong(unreadable(error, place)) from None
    cache_control = _mark(part.cache_control)
    match part.type:
        case "text":
            return Text(text=given(part.text, f"{place}.text"), cache_control=cache_control)
        case "refusal":
            return Text(text=given(part.refusal, f"{place}.refusal"))
        case "thinking":
            inner = part.thinking or ""
            return Reasoning(text=inner if isinstance(inner, str) else "".join(thought.text or "" for thought in inner))
        case "image_url":
            image = part.image_url
            wire = _ImageUrl(url=image) if isinstance(image, str) else given(image, f"{place}.image_url")
            return image_of(wire.url, wire.detail, f"{place}.image_url.url", cache_control)
        case "input_audio":
            audio = given(part.input_audio, f"{place}.input_audio")
            return Audio(data=base64_data(audio.data), format=audio.format)
        case "file":
            return document_of(given(part.file, f"{place}.file"), f"{place}.file", cache_control)
        case "document_url":  # Mistral's: https://docs.mistral.ai/capabilities/document_ai/document_qna
            url, name = given(part.document_url, f"{place}.document_url"), part.document_name
            if url.startswith("data:"):
                return document_of(File(file_data=url, filename=name), f"{place}.document_url", cache_control)
            return Document(url=url, name=name, cache_control=cache_control)
    return ProviderPart(dialect="openai", name=part.type, block=raw)


def given(value: _Value | None, place: str) -> _Value:
    """The required value; raises `Wrong`, naming its path."""
    if value is None:
        raise Wrong(bad(place, "The field is missing."))
    return value


def image_of(url: str, detail: str | None, field: str, cache_control: msgspec.Raw | None = None) -> Image:
    """An image by its URL, which may be a data URL; raises `Wrong`, naming the field."""
    if detail == "auto":  # The default.
        detail = None
    if split := _split(url):
        kind, data = split
        return Image(media_type=kind, data=data, detail=detail, cache_control=cache_control)
    # AWS and Google read images from their own stores; other providers refuse such a URL.
    if not url.lower().startswith(_ELSEWHERE):
        raise Wrong(bad(field, "It is neither an https URL nor a base64 data URL."))
    return Image(url=url, detail=detail, cache_control=cache_control)


def document_of(file: File, field: str, cache_control: msgspec.Raw | None = None) -> Document:
    """A file part. The data may be a data URL or bare base64, whose type then follows from the file's name."""
    if file.file_id is not None:
        return Document(file_id=file.file_id, name=file.filename, cache_control=cache_control)
    if not file.file_data:
        raise Wrong(bad(field, "It has neither file_data nor file_id."))
    if file.file_data.lower().startswith(_ELSEWHERE):  # OpenRouter's way to name a document by its URL.
        return Document(url=file.file_data, name=file.filename, cache_control=cache_control)
    suffix = (file.filename or "").rpartition(".")[2].lower()
    bare = _MEDIA_TYPES.get(suffix, "application/pdf"), base64_data(file.file_data)
    kind, data = _split(file.file_data) or bare
    if kind == "text/plain" and (text := _text(data)) is not None:
        return Document(text=text, name=file.filename, cache_control=cache_control)
    return Document(media_type=kind, data=data, name=file.filename, cache_control=cache_control)


def _split(url: str) -> tuple[str, str] | None:
    """The media type and the base64 data of a data URL, or None if it is not one."""
    head = _DATA_URL.match(url)
    if head is None:
        return None
    data = base64_data(url[head.end() :])
    kind = media_type_of(head[1], data)
    return (kind, data) if kind else None


def _text(data: str) -> str | None:
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
