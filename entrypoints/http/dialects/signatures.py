"""Signatures on texts and tool calls, for callers whose dialect has them for thinking alone.

House rule: what a client hands back as it came, comes back complete. Clients keep thinking in its place, so a signature
on a text is a thought without words after the text, and one on a call stands before the call. The signature itself
says which it is.
"""

import msgspec

from domain.dialects.signatures import OF_CALL, OF_TEXT
from domain.model_api.requests import Part, Reasoning, Text, ToolCall


def of_text(signature: str) -> str:
    """What the thought after a signed text is signed with."""
    return OF_TEXT + signature


def of_call(signature: str) -> str:
    """What the thought before a signed call is signed with."""
    return OF_CALL + signature


def returned(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """The parts with such signatures back on the text or the call that they are of; without it they are left out."""
    if not any(isinstance(part, Reasoning) and part.signature and part.signature.startswith((OF_TEXT, OF_CALL))
               for part in parts):  # fmt: skip
        return parts
    told: list[Part] = []
    waiting: str | None = None
    for part in parts:
        signature = (part.signature or "") if isinstance(part, Reasoning) else ""
        if signature.startswith(OF_CALL):
            waiting = signature[len(OF_CALL) :]
        elif signature.startswith(OF_TEXT):
            if told and isinstance(last := told[-1], Text):
                told[-1] = msgspec.structs.replace(last, signature=signature[len(OF_TEXT) :])
        elif isinstance(part, ToolCall) and waiting is not None:
            told.append(msgspec.structs.replace(part, signature=waiting))
            waiting = None
        else:
            told.append(part)
    return tuple(told)
