"""A caller of Gemini's own API at a provider of it: the fields go through, and what the path says is left to the path.

House rule: nothing changes but the output cap where the hub sets one, and signatures of other vendors' thinking, which
the hub put where Google has its own: Google rejects them.
"""

from typing import Any

import msgspec

from adapters.providers.google.failure import malformed
from adapters.providers.wire import NONSENSE, Count
from domain.calls import Attempt, ModelCall
from domain.chat import Ended, Event
from domain.proofs import MARK_IN_BASE64, in_thought_signature

_ENCODER = msgspec.json.Encoder()
_OBJECT = msgspec.json.Decoder(dict[str, Any])
_SIGNATURES = ("thoughtSignature", "thought_signature")
_CONFIG, _CONTENTS = "generationConfig", "contents"
_WHOLE = "generateContentRequest"


class _Counted(msgspec.Struct, frozen=True, rename="camel"):
    total_tokens: Count


_COUNTED = msgspec.json.Decoder(_Counted)


def pass_through(call: ModelCall, attempt: Attempt) -> bytes:
    """The caller's fields, as they came."""
    fields: dict[str, Any] = {**call.fields}
    if attempt.output_cap is not None:
        config = _OBJECT.decode(fields[_CONFIG]) if _CONFIG in fields else {}
        config.pop("max_output_tokens", None)
        fields[_CONFIG] = {**config, "maxOutputTokens": attempt.output_cap}
    if MARK_IN_BASE64 in bytes(fields.get(_CONTENTS, b"")):
        fields[_CONTENTS] = _without_foreign_signatures(fields[_CONTENTS])
    return _ENCODER.encode(fields)


def pass_count(call: ModelCall, attempt: Attempt) -> bytes:
    """The same for a count, where a whole request names its model once more."""
    fields: dict[str, Any] = {**call.fields}
    if _WHOLE in fields:
        model = f"models/{attempt.target.model.removeprefix('models/')}"
        fields[_WHOLE] = {**_OBJECT.decode(fields[_WHOLE]), "model": model}
    return _ENCODER.encode(fields)


def decode_count(body: bytes) -> tuple[Event, ...]:
    """The count itself is for the caller, who gets it as it came; it is no usage."""
    try:
        _COUNTED.decode(body)
    except NONSENSE as problem:
        return (malformed(f"the body is not a count of tokens: {problem}"),)
    return (Ended(),)


def _without_foreign_signatures(contents: msgspec.Raw) -> Any:
    """The contents without the signatures that are not Google's, and without thoughts, which only they proved."""
    given = msgspec.json.decode(contents)
    for content in given if isinstance(given, list) else [given]:
        parts = content.get("parts") if isinstance(content, dict) else None
        if isinstance(parts, list):
            content["parts"] = [part for part in map(_own, parts) if part is not None]
    return given


def _own(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    spelled = next((part[name] for name in _SIGNATURES if isinstance(part.get(name), str)), None)
    if spelled is None or in_thought_signature(spelled) is None:
        return part
    if part.get("thought"):
        return None
    return {name: value for name, value in part.items() if name not in _SIGNATURES}
