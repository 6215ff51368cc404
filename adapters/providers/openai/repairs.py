"""Repair pass-through answers that break OpenAI's schema, for the vendors known to send them.

House rule: the defects are data, `Vendor.defects`. An answer without one stays byte for byte as it came, and so do the
other fields of one that has it. Typed clients (Go, Rust, generated ones) fail on a violation of OpenAI's schema:
https://developers.openai.com/api/reference/resources/chat/subresources/completions/methods/create
"""

from collections.abc import Callable
from typing import Any

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.dialect import ServerEvent
from adapters.providers.lenient_json import Lenient, plain
from adapters.providers.openai.wire import ContentPart
from domain.catalog.vendor import Defect, Vendor
from domain.model_api.call import ModelCall

_Fields = dict[str, msgspec.Raw]

_FIELDS = msgspec.json.Decoder(_Fields)
_ITEMS = msgspec.json.Decoder(list[_Fields])
_PARTS = msgspec.json.Decoder(list[msgspec.Raw])
_PART = Lenient(ContentPart)
_encode = msgspec.json.Encoder().encode
_NULL, _NONE, _FUNCTION = msgspec.Raw(b"null"), msgspec.Raw(b"[]"), msgspec.Raw(b'"function"')
_STOP, _CALLS = msgspec.Raw(b'"stop"'), msgspec.Raw(b'"tool_calls"')


class SchemaRepairs:
    """Repairs of one answer. `finished` are the choices whose stream has reported a finish reason."""

    __slots__ = ("_defects", "_finished", "_shows_usage")

    def __init__(self, defects: tuple[Defect, ...], shows_usage: bool) -> None:
        self._defects = defects
        self._shows_usage = shows_usage
        self._finished: set[bytes] = set()

    def whole(self, body: bytes) -> bytes:
        """Return a complete body that follows the schema."""
        try:
            answer = _FIELDS.decode(body)
            choices = _ITEMS.decode(answer["choices"])
            touched = [self._choice(choice, "message") for choice in choices]
        except (*DECODE_ERRORS, KeyError):
            return body
        return _encode({**answer, "choices": choices}) if any(touched) else body

    def event(self, event: ServerEvent) -> bytes:
        """Return the bytes of one event that follows the schema; usage next to choices becomes an event of its own."""
        if event.data[:1] != b"{":
            return event.raw
        try:
            chunk = _FIELDS.decode(event.data)
            choices = _ITEMS.decode(chunk["choices"])
            touched = [self._choice(choice, "delta") for choice in choices]
        except (*DECODE_ERRORS, KeyError):
            return event.raw
        usage = chunk.get("usage", _NULL)
        if "usage-with-choices" in self._defects and choices and bytes(usage) != b"null":
            first = _data({**chunk, "choices": choices, "usage": _NULL})
            return first + (_data({**chunk, "choices": _NONE}) if self._shows_usage else b"")
        return _data({**chunk, "choices": choices}) if any(touched) else event.raw

    def _choice(self, choice: _Fields, field: str) -> bool:
        """Repair one choice in place; return whether anything was repaired."""
        touched = self._ending(choice, field)
        message = _FIELDS.decode(choice.get(field, b"{}"))
        repaired = [
            _REPAIRS[defect](message) for defect in self._defects if defect in _REPAIRS and _has_place(defect, field)
        ]
        if any(repaired):
            choice[field] = msgspec.Raw(_encode(message))
            return True
        return touched

    def _ending(self, choice: _Fields, field: str) -> bool:
        index, reason = bytes(choice.get("index", b"0")), bytes(choice.get("finish_reason", b"null"))
        if reason == b'""' and "empty-finish" in self._defects:
            called = _FIELDS.decode(choice.get(field, b"{}")).get("tool_calls", _NULL)
            ended = _STOP if bytes(called) in (b"null", b"[]") else _CALLS
            choice["finish_reason"] = ended if field == "message" else _NULL
            return True
        if reason == b"null" or field == "message":
            return False
        if index in self._finished and "second-finish" in self._defects:
            choice["finish_reason"] = _NULL
            return True
        self._finished.add(index)
        return False


def repairs_for(call: ModelCall, vendor: Vendor) -> SchemaRepairs | None:
    """Return the repairs for an answer of the vendor, or None if it needs none."""
    return SchemaRepairs(vendor.defects, call.wants_usage) if vendor.defects else None


def _data(chunk: dict[str, Any]) -> bytes:
    return b"data: " + _encode(chunk) + b"\n\n"


def _has_place(defect: Defect, field: str) -> bool:
    """Whether the repair applies: a delta need not have everything that the message must have."""
    return field == "message" or defect in ("content-parts", "null-calls")


def _content_parts(message: _Fields) -> bool:
    """Turn Mistral's list of content parts into a string, and move the thinking to `reasoning_content`.

    https://docs.mistral.ai/capabilities/reasoning; parts of other kinds stay in `content_parts`.
    """
    content = message.get("content", _NULL)
    if bytes(content)[:1] != b"[":
        return False
    text, reasoning, others = "", "", list[msgspec.Raw]()
    for raw in _PARTS.decode(content):
        part = _PART.part(raw)
        if part is None or part.type not in ("text", "thinking"):
            others.append(raw)
            continue
        text += part.text or ""
        thinking = part.thinking or ""
        reasoning += thinking if isinstance(thinking, str) else "".join(inner.text or "" for inner in thinking)
    message["content"] = msgspec.Raw(_encode(text))
    if reasoning:
        message["reasoning_content"] = msgspec.Raw(_encode(reasoning))
    if others:
        message["content_parts"] = msgspec.Raw(_encode(others))
    return True


def _null_calls(message: _Fields) -> bool:
    if bytes(message.get("tool_calls", b"[]")) != b"null":
        return False
    del message["tool_calls"]
    return True


def _call_types(message: _Fields) -> bool:
    if bytes(message.get("tool_calls", b"null"))[:1] != b"[":
        return False
    calls = _ITEMS.decode(message["tool_calls"])
    untyped = [call for call in calls if plain(bytes(call.get("type", _NULL))) is None]
    for call in untyped:
        call["type"] = _FUNCTION
    message["tool_calls"] = msgspec.Raw(_encode(calls)) if untyped else message["tool_calls"]
    return bool(untyped)


def _no_content(message: _Fields) -> bool:
    if "content" in message:
        return False
    message["content"] = _NULL
    return True


_REPAIRS: dict[Defect, Callable[[_Fields], bool]] = {
    "content-parts": _content_parts,
    "null-calls": _null_calls,
    "call-types": _call_types,
    "no-content": _no_content,
}
