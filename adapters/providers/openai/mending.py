"""Answers that pass through and that OpenAI's own schema rejects, mended for the vendors that are known to send them.

House rule: what is mended is data, `Vendor.mends`; an answer that has none of it stays byte for byte as it came, and so
does every field of one that has. Clients with types of their own (Go, Rust, generated ones) stop at what OpenAI's
document rules out: https://developers.openai.com/api/reference/resources/chat/subresources/completions/methods/create
"""

from collections.abc import Callable
from typing import Any

import msgspec

from adapters.providers.decode_errors import NONSENSE
from adapters.providers.dialect import ServerEvent
from adapters.providers.lenient_json import Lenient, plain
from adapters.providers.openai.wire import ContentPart
from domain.catalog.vendor import Mend, Vendor
from domain.model_api.call import ModelCall

_Fields = dict[str, msgspec.Raw]

_FIELDS = msgspec.json.Decoder(_Fields)
_ITEMS = msgspec.json.Decoder(list[_Fields])
_PARTS = msgspec.json.Decoder(list[msgspec.Raw])
_PART = Lenient(ContentPart)
_encode = msgspec.json.Encoder().encode
_NULL, _NONE, _FUNCTION = msgspec.Raw(b"null"), msgspec.Raw(b"[]"), msgspec.Raw(b'"function"')
_STOP, _CALLS = msgspec.Raw(b'"stop"'), msgspec.Raw(b'"tool_calls"')


class Mending:
    """One answer's mending. `finished` are the choices whose stream has said why it stopped."""

    __slots__ = ("_finished", "_mends", "_shows_usage")

    def __init__(self, mends: tuple[Mend, ...], shows_usage: bool) -> None:
        self._mends = mends
        self._shows_usage = shows_usage
        self._finished: set[bytes] = set()

    def whole(self, body: bytes) -> bytes:
        """A whole body as the schema has it."""
        try:
            answer = _FIELDS.decode(body)
            choices = _ITEMS.decode(answer["choices"])
            touched = [self._choice(choice, "message") for choice in choices]
        except (*NONSENSE, KeyError):
            return body
        return _encode({**answer, "choices": choices}) if any(touched) else body

    def event(self, event: ServerEvent) -> bytes:
        """The bytes of one event as the schema has it; usage beside choices becomes an event of its own."""
        if event.data[:1] != b"{":
            return event.raw
        try:
            chunk = _FIELDS.decode(event.data)
            choices = _ITEMS.decode(chunk["choices"])
            touched = [self._choice(choice, "delta") for choice in choices]
        except (*NONSENSE, KeyError):
            return event.raw
        usage = chunk.get("usage", _NULL)
        if "usage-beside-choices" in self._mends and choices and bytes(usage) != b"null":
            first = _data({**chunk, "choices": choices, "usage": _NULL})
            return first + (_data({**chunk, "choices": _NONE}) if self._shows_usage else b"")
        return _data({**chunk, "choices": choices}) if any(touched) else event.raw

    def _choice(self, choice: _Fields, said_in: str) -> bool:
        """Mend one choice where it lies; whether anything was mended."""
        touched = self._ending(choice, said_in)
        said = _FIELDS.decode(choice.get(said_in, b"{}"))
        mended = [_MENDS[mend](said) for mend in self._mends if mend in _MENDS and _has_place(mend, said_in)]
        if any(mended):
            choice[said_in] = msgspec.Raw(_encode(said))
            return True
        return touched

    def _ending(self, choice: _Fields, said_in: str) -> bool:
        index, reason = bytes(choice.get("index", b"0")), bytes(choice.get("finish_reason", b"null"))
        if reason == b'""' and "empty-finish" in self._mends:
            called = _FIELDS.decode(choice.get(said_in, b"{}")).get("tool_calls", _NULL)
            ended = _STOP if bytes(called) in (b"null", b"[]") else _CALLS
            choice["finish_reason"] = ended if said_in == "message" else _NULL
            return True
        if reason == b"null" or said_in == "message":
            return False
        if index in self._finished and "second-finish" in self._mends:
            choice["finish_reason"] = _NULL
            return True
        self._finished.add(index)
        return False


def mending(call: ModelCall, vendor: Vendor) -> Mending | None:
    """What mends an answer of the vendor's, or None for one that sends nothing of the kind."""
    return Mending(vendor.mends, call.wants_usage) if vendor.mends else None


def _data(chunk: dict[str, Any]) -> bytes:
    return b"data: " + _encode(chunk) + b"\n\n"


def _has_place(mend: Mend, said_in: str) -> bool:
    """A piece of a message need not have what the whole message must."""
    return said_in == "message" or mend in ("content-parts", "null-calls")


def _content_parts(said: _Fields) -> bool:
    """Mistral's content of parts: the text is the content, and the thinking stands where others have it.

    https://docs.mistral.ai/capabilities/reasoning; parts of other kinds stay in `content_parts`.
    """
    content = said.get("content", _NULL)
    if bytes(content)[:1] != b"[":
        return False
    text, thought, others = "", "", list[msgspec.Raw]()
    for raw in _PARTS.decode(content):
        part = _PART.part(raw)
        if part is None or part.type not in ("text", "thinking"):
            others.append(raw)
            continue
        text += part.text or ""
        thinking = part.thinking or ""
        thought += thinking if isinstance(thinking, str) else "".join(inner.text or "" for inner in thinking)
    said["content"] = msgspec.Raw(_encode(text))
    if thought:
        said["reasoning_content"] = msgspec.Raw(_encode(thought))
    if others:
        said["content_parts"] = msgspec.Raw(_encode(others))
    return True


def _null_calls(said: _Fields) -> bool:
    if bytes(said.get("tool_calls", b"[]")) != b"null":
        return False
    del said["tool_calls"]
    return True


def _call_types(said: _Fields) -> bool:
    if bytes(said.get("tool_calls", b"null"))[:1] != b"[":
        return False
    calls = _ITEMS.decode(said["tool_calls"])
    lacking = [call for call in calls if plain(bytes(call.get("type", _NULL))) is None]
    for call in lacking:
        call["type"] = _FUNCTION
    said["tool_calls"] = msgspec.Raw(_encode(calls)) if lacking else said["tool_calls"]
    return bool(lacking)


def _no_content(said: _Fields) -> bool:
    if "content" in said:
        return False
    said["content"] = _NULL
    return True


_MENDS: dict[Mend, Callable[[_Fields], bool]] = {
    "content-parts": _content_parts,
    "null-calls": _null_calls,
    "call-types": _call_types,
    "no-content": _no_content,
}
