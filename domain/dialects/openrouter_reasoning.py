"""OpenRouter's `reasoning_details`: thinking with what proves it, as messages in OpenAI's dialect carry it.

OpenRouter wants them back "exactly as they were", with their format and their id
(https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks). So what a detail is beside its text
is carried whole in the one string that other dialects keep for a proof. The hub's own answers in OpenAI's dialect have
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
    """One of the details, or a piece of one in a stream."""

    type: str | None = None
    text: str | None = None
    summary: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    format: str | None = None
    index: int | None = None


def thought_of(detail: Detail) -> Reasoning:
    """What the detail says: a text, a proof of a text, or an encrypted block."""
    return Reasoning(
        text=detail.text or detail.summary or "",
        signature=_proof(detail, detail.signature) if detail.signature else None,
        redacted=_proof(detail, detail.data) if detail.data and not detail.signature else None,
    )


def detail_of(thought: Reasoning, index: int) -> dict[str, Any]:
    """The thought, or a piece of one, as a detail: the very one it came as, where it came as one."""
    if (detail := carried(_ORIGIN, thought.signature or thought.redacted)) is not None:
        placed = {"index": index, **detail}
        return placed if "data" in detail else {**placed, "text": thought.text}
    if thought.redacted is not None:
        return {"type": "reasoning.encrypted", "data": thought.redacted, "index": index}
    signed = {} if thought.signature is None else {"signature": thought.signature}
    return {"type": "reasoning.text", "text": thought.text, **signed, "index": index}


def proved(text: str, proof: str | None) -> Reasoning:
    """Thinking with the proof that a caller's dialect kept with it, which may be a whole encrypted block."""
    detail = carried(_ORIGIN, proof)
    if detail is not None and "data" in detail:
        return Reasoning(text=text, redacted=proof)
    return Reasoning(text=text, signature=proof)


def encrypted_by_openai(thought: Reasoning) -> tuple[str | None, str] | None:
    """The id and the encrypted content of a reasoning item of the Responses API; None if the thought is none."""
    detail = carried(_ORIGIN, thought.redacted)
    if detail is None or detail.get("format", RESPONSES) != RESPONSES or not isinstance(detail.get("data"), str):
        return None
    return detail.get("id"), detail["data"]


def came_as_detail(thought: Reasoning) -> bool:
    """Whether the thought is one that OpenRouter told."""
    return carried(_ORIGIN, thought.signature or thought.redacted) is not None


def _proof(detail: Detail, proof: str) -> str:
    """Anthropic's proofs are good wherever its models run, so they stay as they are; others go back whole."""
    if detail.format in (None, CLAUDES) and detail.id is None:
        return proof
    return carry(_ORIGIN, msgspec.to_builtins(msgspec.structs.replace(detail, text=None, summary=None)))
