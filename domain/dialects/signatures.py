"""Proofs of thinking that carry more than one string: what a provider wants back with it, word for word.

A caller's dialect has room for one opaque string beside a piece of thinking (Anthropic's `signature`, OpenAI's
`encrypted_content`), and callers hand it back unread. Where a provider's proof is a whole object, that string is made
here, and read again when the thinking returns to a provider of the same kind. Others leave it out: a proof is worth
something to the one who gave it alone.

`carry("openrouter", {"format": "x", "data": "…"})` is `aihub:openrouter:{"format":"x","data":"…"}`.
"""

import base64
import binascii
from typing import Any

import msgspec

_MARK = "aihub:"
_GOOGLE = "google"
OF_TEXT, OF_CALL = OF_PARTS = "text:", "tool_use:"
"""Before the signature of a text, or of a tool call, where a caller's dialect signs thinking alone."""
SIGNED, REDACTED = PACKED = "signature~", "redacted~"
"""Before another vendor's signature or encrypted thinking, in the one field that the Responses API has for its own."""
_FOR_GOOGLE = "signature"
# How every `carry` begins in base64.
MARK_IN_BASE64 = base64.b64encode(_MARK.encode())
_URL_SAFE = str.maketrans("-_", "+/")


def carry(origin: str, proof: dict[str, Any]) -> str:
    """The proof as one string. `origin` names who can read it, in lower case and without a colon."""
    return f"{_MARK}{origin}:{msgspec.json.encode(proof).decode()}"


def carried(origin: str, text: str | None) -> dict[str, Any] | None:
    """The proof that the string carries, None if it carries none of that origin."""
    if text is None or not text.startswith(f"{_MARK}{origin}:"):
        return None
    try:
        proof: dict[str, Any] = msgspec.json.decode(text[len(_MARK) + len(origin) + 1 :], type=dict[str, Any])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None  # A caller has written it anew; nobody can vouch for it.
    return proof


def is_carrier(text: str | None) -> bool:
    """Whether the string was made by `carry`, whatever it carries."""
    return text is not None and text.startswith(_MARK)


def is_anthropics(proof: str | None) -> bool:
    """Whether a proof of thinking can be one that a Claude gave: not the hub's own, nor the signature of another's."""
    return proof is not None and proof != "" and not proof.startswith((_MARK, *OF_PARTS))


def signed_by_google(signature: str) -> str:
    """A `thoughtSignature`, which Google wants back beside the text or the call that it came with."""
    return carry(_GOOGLE, {"signature": signature})


def googles(text: str | None) -> str | None:
    """The `thoughtSignature` that the string carries, None if it carries none."""
    proof = carried(_GOOGLE, text)
    signature = None if proof is None else proof.get("signature")
    return signature if isinstance(signature, str) else None


def as_thought_signature(proof: dict[str, Any]) -> str:
    """Another vendor's proof where Google's API has its `thoughtSignature`, which is base64 and handed back unread."""
    return base64.b64encode(carry(_FOR_GOOGLE, proof).encode()).decode()


def in_thought_signature(text: str) -> dict[str, Any] | None:
    """The proof that a `thoughtSignature` carries; None where it is Google's own. SDKs write either base64 alphabet."""
    try:
        spelled = base64.b64decode(text.translate(_URL_SAFE) + "=" * (-len(text) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return carried(_FOR_GOOGLE, spelled)
