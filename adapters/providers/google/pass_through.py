"""Pass requests of callers of Gemini's own API through to a provider of it.

House rule: nothing changes except the output cap if the hub sets one, signatures of other vendors' reasoning, which the
hub stored in Google's field and Google rejects, and the media type `image/jpg`, which Google does not know.
"""

import re
from typing import Any

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS, Count
from adapters.providers.google.failure import malformed
from domain.dialects.signatures import MARK_IN_BASE64, in_thought_signature
from domain.model_api.call import Attempt, ModelCall
from domain.model_api.events import Ended, Event

_ENCODER = msgspec.json.Encoder()
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_SIGNATURES = ("thoughtSignature", "thought_signature")
_JPG = re.compile(rb'("mime_?[tT]ype"\s*:\s*")image/jpg(?=")')
_CONFIG, _CONTENTS = "generationConfig", "contents"
_COMPLETE_REQUEST = "generateContentRequest"


class _Counted(msgspec.Struct, frozen=True, rename="camel"):
    total_tokens: Count


_COUNTED = msgspec.json.Decoder(_Counted)


def pass_through(call: ModelCall, attempt: Attempt) -> bytes:
    """Return the caller's fields unchanged."""
    fields: dict[str, Any] = {**call.fields}
    if attempt.output_cap is not None:
        config = _FIELDS.decode(fields[_CONFIG]) if _CONFIG in fields else {}
        config.pop("max_output_tokens", None)
        fields[_CONFIG] = {**config, "maxOutputTokens": attempt.output_cap}
    contents = bytes(fields.get(_CONTENTS, b""))
    if b"image/jpg" in contents:
        fields[_CONTENTS] = msgspec.Raw(_JPG.sub(rb"\1image/jpeg", contents))
    if MARK_IN_BASE64 in contents:
        fields[_CONTENTS] = _without_hub_signatures(fields[_CONTENTS])
    return _ENCODER.encode(fields)


def pass_count(call: ModelCall, attempt: Attempt) -> bytes:
    """Return contents alone unchanged; other requests become a complete one, which names its model again."""
    fields: dict[str, Any] = {**call.fields}
    if fields.keys() != {_CONTENTS}:
        fields = {_COMPLETE_REQUEST: {"model": f"models/{attempt.target.model.removeprefix('models/')}", **fields}}
    return _ENCODER.encode(fields)


def decode_count(body: bytes) -> tuple[Event, ...]:
    """Check the count, which is passed to the caller unchanged; it is not usage."""
    try:
        _COUNTED.decode(body)
    except DECODE_ERRORS as problem:
        return (malformed(f"the body is not a count of tokens: {problem}"),)
    return (Ended(),)


def _without_hub_signatures(contents: msgspec.Raw) -> Any:
    """Remove signatures that are not Google's, and the thoughts that they sign.

    All other values stay byte for byte.
    """
    if bytes(memoryview(contents)[:1]) == b"{":
        return _content(contents)
    return [_content(content) for content in _LIST.decode(contents)]


def _content(raw: msgspec.Raw) -> Any:
    if MARK_IN_BASE64 not in bytes(raw):
        return raw
    content: dict[str, Any] = _FIELDS.decode(raw)
    if "parts" in content and bytes(memoryview(content["parts"])[:1]) == b"[":
        parts = [_without_hub_signature(part) for part in _LIST.decode(content["parts"])]
        content["parts"] = [part for part in parts if part is not None]
    return content


def _without_hub_signature(raw: msgspec.Raw) -> Any:
    """Return the part without the hub's signature; None for a thought that has one."""
    if MARK_IN_BASE64 not in bytes(raw):
        return raw
    part = _FIELDS.decode(raw)
    spelled = next((msgspec.json.decode(part[name]) for name in _SIGNATURES if name in part), None)
    if not isinstance(spelled, str) or in_thought_signature(spelled) is None:
        return raw
    if bytes(part.get("thought", b"")) == b"true":
        return None
    return {name: value for name, value in part.items() if name not in _SIGNATURES}
