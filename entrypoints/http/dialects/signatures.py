"""Signatures on texts and tool calls, for callers whose dialect has signatures on reasoning only.

House rule: content that a client returns unchanged is complete. Clients keep reasoning in its place, so a signature on
a text becomes empty reasoning after the text, and a signature on a call becomes empty reasoning before the call. A
mark in the signature distinguishes the two.
"""

import msgspec

from domain.dialects.signatures import OF_CALL, OF_TEXT
from domain.model_api.requests import Part, Reasoning, Text, ToolCall


def of_text(signature: str) -> str:
    """The signature of the empty reasoning after a signed text."""
    return OF_TEXT + signature


def of_call(signature: str) -> str:
    """The signature of the empty reasoning before a signed call."""
    return OF_CALL + signature


def returned(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The parts with such signatures back on their text or call; a signature without one is left out."""
    if not any(isinstance(part, Reasoning) and part.signature and part.signature.startswith((OF_TEXT, OF_CALL))
               for part in parts):  # fmt: skip
        return parts
    restored: list[Part] = []
    waiting: str | None = None
    for part in parts:
        signature = (part.signature or "") if isinstance(part, Reasoning) else ""
        if signature.startswith(OF_CALL):
            waiting = signature[len(OF_CALL) :]
        elif signature.startswith(OF_TEXT):
            if restored and isinstance(last := restored[-1], Text):
                restored[-1] = msgspec.structs.replace(last, signature=signature[len(OF_TEXT) :])
        elif isinstance(part, ToolCall) and waiting is not None:
            restored.append(msgspec.structs.replace(part, signature=waiting))
            waiting = None
        else:
            restored.append(part)
    return tuple(restored)
