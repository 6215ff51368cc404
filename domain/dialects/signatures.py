"""Signatures of reasoning that consist of more than one string, which a provider needs back unchanged.

A caller's dialect has one opaque string for a piece of reasoning (Anthropic's `signature`, OpenAI's
`encrypted_content`), and callers return it unread. If a provider's signature is a whole object, that string is made
here, and read again when the reasoning returns to the same vendor. For other vendors it is left out: a signature is
valid only for the vendor that made it.

`carry("openrouter", {"format": "x", "data": "…"})` is `aihub:openrouter:{"format":"x","data":"…"}`.
"""

import base64
import binascii
from typing import Any

import msgspec

_MARK = "aihub:"
_GOOGLE = "google"
OF_TEXT, OF_CALL = OF_PARTS = "text:", "tool_use:"
"""The prefix of the signature of a text or a tool call, for a caller's dialect that signs only reasoning."""
SIGNED, REDACTED = PACKED = "signature~", "redacted~"
"""The prefix of another vendor's signature or encrypted reasoning in the field of the Responses API for its own.
"""
_FOR_GOOGLE = "signature"
# The beginning of every carrier in base64.
MARK_IN_BASE64 = base64.b64encode(_MARK.encode())
_URL_SAFE = str.maketrans("-_", "+/")


def carry(origin: str, proof: dict[str, Any]) -> str:
    """The signature as one string. `origin` names the vendor that can read it, in lower case and without a colon."""
    return f"{_MARK}{origin}:{msgspec.json.encode(proof).decode()}"


def carried(origin: str, text: str | None) -> dict[str, Any] | None:
    """The signature in the string, None if it has none of that origin."""
    if text is None or not text.startswith(f"{_MARK}{origin}:"):
        return None
    try:
        proof: dict[str, Any] = msgspec.json.decode(text[len(_MARK) + len(origin) + 1 :], type=dict[str, Any])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None  # A caller has changed it, so it is not valid.
    return proof


def is_carrier(text: str | None) -> bool:
    """Whether the string was made by `carry`."""
    return text is not None and text.startswith(_MARK)


def is_anthropics(proof: str | None) -> bool:
    """Whether a signature of reasoning may be a Claude model's: no carrier, and no other vendor's."""
    return proof is not None and proof != "" and not proof.startswith((_MARK, *OF_PARTS))


def signed_by_google(signature: str) -> str:
    """A `thoughtSignature`, which Google needs back with the text or the call that it came with."""
    return carry(_GOOGLE, {"signature": signature})


def googles(text: str | None) -> str | None:
    """The `thoughtSignature` in the string, None if it has none."""
    proof = carried(_GOOGLE, text)
    signature = None if proof is None else proof.get("signature")
    return signature if isinstance(signature, str) else None


def as_thought_signature(proof: dict[str, Any]) -> str:
    """Another vendor's signature in Google's field `thoughtSignature`, which is base64 and returned unread."""
    return base64.b64encode(carry(_FOR_GOOGLE, proof).encode()).decode()


def in_thought_signature(text: str) -> dict[str, Any] | None:
    """The signature in a `thoughtSignature`; None if it is Google's own. SDKs write either base64 alphabet."""
    try:
        spelled = base64.b64decode(text.translate(_URL_SAFE) + "=" * (-len(text) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return carried(_FOR_GOOGLE, spelled)
