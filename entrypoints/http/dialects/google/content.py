"""Contents of Gemini's API as canonical messages.

House rule: a part with a canonical form takes that form; any other becomes `ProviderPart` by its own name, so that
nothing in it is lost or guessed. Calls may have no id, and their results then name only the function: such calls get
an id here.

https://ai.google.dev/api/caching#Content
"""

import base64
import binascii
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from domain.dialects.base64_media import base64_data, media_type_of
from domain.dialects.base64_media import media_type as registered
from domain.dialects.signatures import in_thought_signature, signed_by_google
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
from domain.refusals import BadRequest
from entrypoints.http.dialects.google.json_names import Json, Malformed, fields_of, first_of, take, value_of
from entrypoints.http.dialects.google.read import NAME, listed

_URL_SAFE = str.maketrans("-_", "+/", " \r\n\t")
_AUDIO = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "mp4": "m4a", "x-m4a": "m4a"}
# Fields next to a part's content that have no meaning alone.
_NO_CONTENT = frozenset(("thought", "thoughtSignature", "videoMetadata", "mediaResolution", "partMetadata"))
_DETAILS = {"MEDIA_RESOLUTION_LOW": "low", "MEDIA_RESOLUTION_HIGH": "high"}


class Calls:
    """The function calls so far: their ids, and which of them have no result yet. Lives for one request."""

    def __init__(self) -> None:
        self._count = 0
        self._open: list[tuple[str, str]] = []

    def called(self, given: str | None, name: str) -> str:
        """The id of a call."""
        self._count += 1
        call_id = given or f"call_{self._count}_{name}"
        self._open.append((call_id, name))
        return call_id

    def answered(self, given: str | None, name: str) -> str:
        """The id of the call of a result: the given one, else the first of that function without one."""
        ids = [call_id for call_id, function in self._open if given in (None, call_id) and function == name]
        ids = ids or [call_id for call_id, function in self._open if function == name]
        if not ids:
            return given or f"call_of_{name}"
        self._open.remove((ids[0], name))
        return ids[0]


def messages(raw: msgspec.Raw, detail: str | None) -> tuple[Message, ...]:
    """The conversation; `detail` is the resolution at which its images are read."""
    calls = Calls()
    reported = []
    for number, content in enumerate(listed(raw, "contents")):
        path = f"contents[{number}]"
        fields = fields_of(content, path)
        role: str = take(fields, "role", str, path) or "user"
        parts = fields.get("parts")
        read = _parts(listed(parts, f"{path}.parts") if parts is not None else (), f"{path}.parts", calls, detail)
        reported.append(Message(role=_role(role), parts=read))
    return tuple(reported)


def instruction(raw: msgspec.Raw | None) -> tuple[Message, ...]:
    """The system instruction: a content, or just a text."""
    if raw is None:
        return ()
    if first_of(raw) == b'"':
        return (Message(role="system", parts=(Text(text=value_of(raw, str, "systemInstruction")),)),)
    parts = fields_of(raw, "systemInstruction").get("parts")
    path = "systemInstruction.parts"
    read = _parts(listed(parts, path) if parts is not None else (), path, Calls(), None)
    return (Message(role="system", parts=read),) if read else ()


def _role(role: str) -> Literal["system", "user", "assistant"]:
    """The role. Function results belong to the user; Google also accepted a role of their own for them."""
    if role == "model":
        return "assistant"
    return "system" if role == "system" else "user"


def _parts(given: Iterable[msgspec.Raw], path: str, calls: Calls, detail: str | None) -> tuple[Part, ...]:
    reported: list[Part] = []
    for number, raw in enumerate(given):
        reported += _part(raw, f"{path}[{number}]", calls, detail)
    return _each_thought_once(reported)


def _each_thought_once(parts: list[Part]) -> tuple[Part, ...]:
    """The parts without duplicates: a client that keeps both a thought and the call that carries it sends it twice."""
    reported: list[Part] = []
    places: dict[str, int] = {}
    for part in _joined(parts):
        if not isinstance(part, Reasoning):
            reported.append(part)
            continue
        proof = part.signature or part.redacted or part.text
        if proof not in places:
            places[proof] = len(reported)
            reported.append(part)
        elif isinstance(known := reported[places[proof]], Reasoning) and len(known.text) < len(part.text):
            reported[places[proof]] = part
    return tuple(reported)


def _joined(parts: list[Part]) -> list[Part]:
    """The parts with joined thoughts: a thought may come in several parts, the last with the signature of all."""
    reported: list[Part] = []
    for part in parts:
        last = reported[-1] if reported else None
        if isinstance(part, Reasoning) and isinstance(last, Reasoning) and _goes_on(last, part):
            text = part.text if part.text.startswith(last.text) else last.text + part.text
            reported[-1] = Reasoning(text=text, signature=part.signature)
        else:
            reported.append(part)
    return reported


def _goes_on(last: Reasoning, part: Reasoning) -> bool:
    return last.signature is None and last.redacted is None and part.redacted is None


def _part(raw: msgspec.Raw, path: str, calls: Calls, detail: str | None) -> list[Part]:
    if first_of(raw) == b'"':
        return [Text(text=value_of(raw, str, path))]
    fields = fields_of(raw, path)
    spelled: str | None = take(fields, "thoughtSignature", str, path)
    if "functionCall" in fields:
        return _call(fields_of(fields["functionCall"], f"{path}.functionCall"), path, calls, spelled)
    if "functionResponse" in fields:
        return [_result(fields_of(fields["functionResponse"], f"{path}.functionResponse"), path, calls, detail)]
    if "text" in fields:
        text: str = take(fields, "text", str, path)
        thought: bool = take(fields, "thought", bool, path) or False
        return _thought(text, spelled) if thought else _text(text, spelled)
    if "inlineData" in fields:
        return [_inline(fields_of(fields["inlineData"], f"{path}.inlineData"), raw, path, detail)]
    if "fileData" in fields:
        return [_elsewhere(fields_of(fields["fileData"], f"{path}.fileData"), raw, path, detail)]
    names = [name for name in fields if name not in _NO_CONTENT]
    if names:
        return [ProviderPart(dialect=NAME, name=names[0], block=raw)]
    return _text("", spelled) if spelled else []


def _text(text: str, spelled: str | None) -> list[Part]:
    proof = None if spelled is None else in_thought_signature(spelled)
    if spelled is None:
        return [Text(text=text)]
    return [Text(text=text, signature=signed_by_google(spelled) if proof is None else _text_field(proof, "signature"))]


def _thought(text: str, spelled: str | None) -> list[Part]:
    if spelled is None:
        return [Reasoning(text=text)] if text else []
    proof = in_thought_signature(spelled)
    if proof is None:
        return [Reasoning(text=text, signature=signed_by_google(spelled))]
    thought = _reasoning({"text": text, **proof})
    return [] if thought is None else [thought]


def _call(call: Json, path: str, calls: Calls, spelled: str | None) -> list[Part]:
    """A call, and before it the thoughts that it carries for clients that return no thoughts."""
    name: str = take(call, "name", str, f"{path}.functionCall") or ""
    call_id = calls.called(take(call, "id", str, f"{path}.functionCall"), name)
    arguments = bytes(call.get("args", b"{}"))
    if arguments[:1] != b"{":
        raise Malformed(BadRequest(field=f"{path}.functionCall.args", problem="Send an object, or leave it out."))
    signature: str | None = None
    thoughts: list[Part] = []
    if spelled is not None:
        proof = in_thought_signature(spelled)
        signature = signed_by_google(spelled) if proof is None else _text_field(proof, "signature")
        carried = (proof or {}).get("thoughts")
        thoughts = (
            [thought for reported in carried if (thought := _reasoning(reported))] if isinstance(carried, list) else []
        )
    written = msgspec.json.format(arguments, indent=-1).decode()
    return [*thoughts, ToolCall(id=call_id, name=name, arguments=written, signature=signature)]


def _reasoning(reported: Any) -> Reasoning | None:
    """A thought that a signature carries."""
    if not isinstance(reported, dict):
        return None
    signature, redacted = _text_field(reported, "signature"), _text_field(reported, "redacted")
    thought = Reasoning(text=_text_field(reported, "text") or "", signature=signature, redacted=redacted)
    return thought if thought != Reasoning() else None


def _text_field(reported: dict[str, Any], name: str) -> str | None:
    value = reported.get(name)
    return value if isinstance(value, str) else None


def _result(result: Json, path: str, calls: Calls, detail: str | None) -> ToolResult:
    """The result of a function. SDKs wrap other values in "output" or "result", and an error in "error"."""
    path = f"{path}.functionResponse"
    name: str = take(result, "name", str, path) or ""
    call_id = calls.answered(take(result, "id", str, path), name)
    response = result.get("response", msgspec.Raw(b"{}"))
    reported: dict[str, Any] = value_of(response, dict[str, Any], f"{path}.response")
    output, is_error = _only(reported, response)
    nested = result.get("parts")
    inside = _parts(listed(nested, f"{path}.parts") if nested is not None else (), f"{path}.parts", calls, detail)
    files = [part for part in inside if isinstance(part, Text | Image | Document)]
    texts = [Text(text=output)] if output or not files else []
    return ToolResult(call_id=call_id, parts=(*texts, *files), is_error=is_error)


def _only(reported: dict[str, Any], response: msgspec.Raw) -> tuple[str, bool]:
    """The response as a text, and whether it is an error."""
    if len(reported) == 1 and (key := next(iter(reported))) in ("output", "result", "error"):
        value = reported[key]
        if isinstance(value, str):
            return value, key == "error"
        if key != "error":
            return msgspec.json.encode(value).decode(), False
    return (msgspec.json.format(bytes(response), indent=-1).decode() if reported else ""), "error" in reported


def _inline(blob: Json, raw: msgspec.Raw, path: str, detail: str | None) -> Part:
    data: str = base64_data(take(blob, "data", str, f"{path}.inlineData") or "").translate(_URL_SAFE)
    media_type: str = media_type_of(registered(take(blob, "mimeType", str, path) or ""), data)
    name: str | None = take(blob, "displayName", str, path)
    kind, _, form = media_type.partition("/")
    if kind == "image":
        return Image(media_type=media_type, data=data, detail=detail)
    if kind == "audio":
        return Audio(data=data, format=_AUDIO.get(form, form))
    if kind == "video" or not media_type:
        return ProviderPart(dialect=NAME, name="inlineData", block=raw)
    if kind == "text" and (text := _decoded(data)) is not None:
        return Document(text=text, media_type=media_type, name=name)
    return Document(media_type=media_type, data=data, name=name)


def _decoded(data: str) -> str | None:
    try:
        return base64.b64decode(data + "=" * (-len(data) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def _elsewhere(file: Json, raw: msgspec.Raw, path: str, detail: str | None) -> Part:
    media_type: str | None = take(file, "mimeType", str, path)
    uri: str = take(file, "fileUri", str, f"{path}.fileData") or ""
    name: str | None = take(file, "displayName", str, path)
    kind = (media_type or "").partition("/")[0]
    if kind == "image":
        return Image(url=uri, detail=detail)
    if kind in ("audio", "video", ""):
        return ProviderPart(dialect=NAME, name="fileData", block=raw)
    return Document(url=uri, media_type=media_type, name=name)


def detail_of(resolution: str | None) -> str | None:
    """The canonical resolution of images."""
    return _DETAILS.get(resolution or "")
