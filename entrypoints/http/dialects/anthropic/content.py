"""Anthropic's content blocks in canonical form.

House rule: a block whose every field has a canonical form becomes that part; any other becomes `ProviderPart`, named
by the block or field without one, so that nothing in it is lost or guessed.

https://platform.claude.com/docs/en/api/messages/create
"""

from collections.abc import Callable
from typing import Any

import msgspec

from domain.dialects.base64_media import base64_data, media_type, media_type_of
from domain.dialects.default_values import ANTHROPIC_BLOCKS, has_default
from domain.dialects.openrouter_reasoning import proved
from domain.model_api.requests import Document, Image, Part, ProviderPart, Reasoning, Text, ToolCall, ToolResult
from domain.refusals import BadRequest
from entrypoints.http.decode_errors import JSON_ERRORS, JsonDecoder, decode_json
from entrypoints.http.dialects.anthropic.read import UNSET, complaint, if_set
from entrypoints.http.dialects.signatures import returned


class Malformed(Exception):
    """A part of the request has the wrong type; caught where the request is read."""

    def __init__(self, problem: BadRequest) -> None:
        super().__init__(problem.problem)
        self.problem = problem


class _Foreign(Exception):
    """The block has a field without a canonical form."""

    def __init__(self, name: str, plain: ToolResult | None = None) -> None:
        super().__init__(name)
        self.name = name
        self.plain = plain


class _Reference(msgspec.Struct, frozen=True):
    tool_name: str = ""


_REFERENCE = JsonDecoder(_Reference)


class _Text(msgspec.Struct, frozen=True):
    text: str
    cache_control: msgspec.Raw = UNSET
    citations: msgspec.Raw = UNSET


class _Source(msgspec.Struct, frozen=True):
    type: str
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None


class _Image(msgspec.Struct, frozen=True):
    source: _Source
    cache_control: msgspec.Raw = UNSET


class _Document(msgspec.Struct, frozen=True):
    source: _Source
    title: str | None = None
    cache_control: msgspec.Raw = UNSET


class _ToolUse(msgspec.Struct, frozen=True):
    id: str
    name: str
    input: msgspec.Raw
    cache_control: msgspec.Raw = UNSET


class _ToolResult(msgspec.Struct, frozen=True):
    tool_use_id: str
    content: str | list[msgspec.Raw] | None = None
    is_error: bool | None = None
    cache_control: msgspec.Raw = UNSET


class _Thinking(msgspec.Struct, frozen=True):
    thinking: str
    signature: str | None = None


class _RedactedThinking(msgspec.Struct, frozen=True):
    data: str


_FIELDS = JsonDecoder(dict[str, msgspec.Raw])


def text(given: str) -> Text:
    """Content that is given as a string."""
    return Text(text=given)


def blocks(given: list[msgspec.Raw], path: str) -> tuple[Part, ...]:
    """Content that is given as a list of blocks."""
    return returned(tuple(_part(raw, f"{path}.{index}") for index, raw in enumerate(given)))


def _part(raw: msgspec.Raw, path: str) -> Part:
    try:
        return _known_part(raw, path)
    except _Foreign as provider_block:
        return ProviderPart(dialect="anthropic", name=provider_block.name, block=raw, plain=provider_block.plain)
    except JSON_ERRORS as problem:
        raise Malformed(complaint(problem, path)) from None


def _known_part(raw: msgspec.Raw, path: str) -> Part:
    fields = _FIELDS.decode(raw)
    if "type" not in fields:
        raise Malformed(BadRequest(field=f"{path}.type", problem="this field is required; name the kind of block"))
    kind = decode_json(fields["type"], str)
    known = _KINDS.get(kind)
    if known is None:
        raise _Foreign(kind)
    wire, read = known
    for name, value in fields.items():
        if (
            name != "type"
            and name not in wire.__struct_fields__
            and not has_default(ANTHROPIC_BLOCKS, f"{kind}.{name}", value)
        ):
            raise _Foreign(f"{kind}.{name}")
    return read(decode_json(raw, wire), path)


def _text(block: _Text, path: str) -> Part:
    return Text(text=block.text, cache_control=if_set(block.cache_control), citations=if_set(block.citations))


def _image(block: _Image, path: str) -> Part:
    match block.source:
        case _Source(type="base64", data=str(data), media_type=str(kind)):
            data = base64_data(data)
            return Image(data=data, media_type=media_type_of(kind, data), cache_control=if_set(block.cache_control))
        case _Source(type="url", url=str(url)):
            return Image(url=url, cache_control=if_set(block.cache_control))
        case source:
            raise _elsewhere("image", source, path)


def _document(block: _Document, path: str) -> Part:
    name, mark = block.title, if_set(block.cache_control)
    match block.source:
        case _Source(type="base64", data=str(data), media_type=str(kind)):
            return Document(data=base64_data(data), media_type=media_type(kind), name=name, cache_control=mark)
        case _Source(type="text", data=str(data)):
            return Document(text=data, name=name, cache_control=mark)
        case _Source(type="url", url=str(url)):
            return Document(url=url, name=name, cache_control=mark)
        case _Source(type="file", file_id=str(file_id)):
            return Document(file_id=file_id, name=name, cache_control=mark)
        case source:
            raise _elsewhere("document", source, path)


def _elsewhere(kind: str, source: _Source, path: str) -> Exception:
    """A source without the fields of its type is malformed; a source of another type is Anthropic's own."""
    if source.type in ("base64", "text", "url"):
        needed = {"base64": '"media_type" and "data"', "text": '"data"', "url": '"url"'}[source.type]
        return Malformed(BadRequest(field=f"{path}.source", problem=f'a source of type "{source.type}" needs {needed}'))
    return _Foreign(f"{kind}.source.{source.type}")


def _tool_use(block: _ToolUse, path: str) -> Part:
    if bytes(block.input)[:1] != b"{":
        raise Malformed(BadRequest(field=f"{path}.input", problem="a tool's input is an object; give one, or {}"))
    arguments = msgspec.json.format(bytes(block.input), indent=-1).decode()
    return ToolCall(id=block.id, name=block.name, arguments=arguments, cache_control=if_set(block.cache_control))


def _tool_result(block: _ToolResult, path: str) -> Part:
    given = block.content or []
    inside = (text(given),) if isinstance(given, str) else blocks(given, f"{path}.content")
    parts: list[Text | Image | Document] = []
    is_own = False  # Whether only this dialect has all of the blocks.
    for part in inside:
        match part:
            case Text() | Image() | Document():
                parts.append(part)
            case ProviderPart(name="tool_reference"):
                parts.append(_loaded(part.block))
                is_own = True
            case ProviderPart():
                raise _Foreign(f"tool_result.{part.name}")
            case _:
                raise Malformed(
                    BadRequest(
                        field=f"{path}.content",
                        problem="a tool's result holds text, images and documents; move other blocks out of it",
                    )
                )
    result = ToolResult(
        call_id=block.tool_use_id,
        parts=tuple(parts),
        is_error=bool(block.is_error),
        cache_control=if_set(block.cache_control),
    )
    if is_own:
        raise _Foreign("tool_result.tool_reference", result)
    return result


def _loaded(block: msgspec.Raw) -> Text:
    """What a tool search has found: elsewhere every tool is visible at once, whatever was found."""
    name = _REFERENCE.decode(block).tool_name
    return Text(text=f"The tool {name} can be called now.")


def _thinking(block: _Thinking, path: str) -> Part:
    """Reasoning; an empty signature is none, since the hub renders unsigned reasoning with one."""
    return proved(block.thinking, block.signature or None)


def _redacted_thinking(block: _RedactedThinking, path: str) -> Part:
    return Reasoning(redacted=block.data)


_KINDS: dict[str, tuple[type[msgspec.Struct], Callable[[Any, str], Part]]] = {
    "text": (_Text, _text),
    "image": (_Image, _image),
    "document": (_Document, _document),
    "tool_use": (_ToolUse, _tool_use),
    "tool_result": (_ToolResult, _tool_result),
    "thinking": (_Thinking, _thinking),
    "redacted_thinking": (_RedactedThinking, _redacted_thinking),
}
