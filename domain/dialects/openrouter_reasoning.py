"""OpenRouter's `reasoning_details`: reasoning with its signature, in messages of OpenAI's dialect.

OpenRouter wants them back "exactly as they were", with their format and their id
(https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks). So all of a detail except its text
is carried in the one string that other dialects have for a signature. The hub's own answers in OpenAI's dialect have
them, too.
"""

from typing import Any

import msgspec

from domain.dialects.signatures import carried, carry
from domain.model_api.requests import Reasoning

_ORIGIN = "openrouter"
CLAUDES = "anthropic-claude-v1"
RESPONSES = "openai-responses-v1"


class Detail(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of the details, or one chunk of it in a stream."""

    type: str | None = None
    text: str | None = None
    summary: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    format: str | None = None
    index: int | None = None


def thought_of(detail: Detail) -> Reasoning:
    """The reasoning in the detail: a text, the signature of a text, or an encrypted block."""
    return Reasoning(
        text=detail.text or detail.summary or "",
        signature=_proof(detail, detail.signature) if detail.signature else None,
        redacted=_proof(detail, detail.data) if detail.data and not detail.signature else None,
    )


def detail_of(thought: Reasoning, index: int) -> dict[str, Any]:
    """The reasoning, or one chunk of it, as a detail: the original one if it came as a detail."""
    if (detail := carried(_ORIGIN, thought.signature or thought.redacted)) is not None:
        placed = {"index": index, **detail}
        return placed if "data" in detail else {**placed, "text": thought.text}
    if thought.redacted is not None:
        return {"type": "reasoning.encrypted", "data": thought.redacted, "index": index}
    signed = {} if thought.signature is None else {"signature": thought.signature}
    return {"type": "reasoning.text", "text": thought.text, **signed, "index": index}


def proved(text: str, proof: str | None) -> Reasoning:
    """Reasoning with the signature from a caller's dialect, which may be a whole encrypted block."""
    detail = carried(_ORIGIN, proof)
    if detail is not None and "data" in detail:
        return Reasoning(text=text, redacted=proof)
    return Reasoning(text=text, signature=proof)


def encrypted_by_openai(thought: Reasoning) -> tuple[str | None, str] | None:
    """The id and the encrypted content of a reasoning item of the Responses API; None if it is no such item."""
    detail = carried(_ORIGIN, thought.redacted)
    if detail is None or detail.get("format", RESPONSES) != RESPONSES or not isinstance(detail.get("data"), str):
        return None
    return detail.get("id"), detail["data"]


def came_as_detail(thought: Reasoning) -> bool:
    """Whether the reasoning came from OpenRouter."""
    return carried(_ORIGIN, thought.signature or thought.redacted) is not None


def _proof(detail: Detail, proof: str) -> str:
    """Anthropic's signatures are valid at every provider of its models, so they stay unchanged; others are carried."""
    if detail.format in (None, CLAUDES) and detail.id is None:
        return proof
    return carry(_ORIGIN, msgspec.to_builtins(msgspec.structs.replace(detail, text=None, summary=None)))
