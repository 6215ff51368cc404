"""Thinking in the words of the vendors that show it and take it back: in an answer, and in the next request."""

from collections.abc import Sequence
from typing import Any

import msgspec

from domain.dialects.openrouter_reasoning import (
    CLAUDES,
    Detail,
    came_as_detail,
    detail_of,
    encrypted_by_openai,
    thought_of,
)
from domain.dialects.signatures import is_carrier
from domain.model_api.events import ReasoningDelta
from domain.model_api.requests import Reasoning


def detail_event(detail: Detail, choice: int) -> ReasoningDelta | None:
    """What a detail, or a piece of one, says: text, and what proves it; None where it says nothing."""
    said = thought_of(detail)
    if not (said.text or said.signature or said.redacted):
        return None
    return ReasoningDelta(
        text=said.text, signature=said.signature, redacted=said.redacted, block=detail.index or 0, choice=choice
    )


def thought(thoughts: Sequence[tuple[int, Reasoning]], thought_in: str, content: Any) -> dict[str, Any]:
    """The fields of an assistant's message that take its thinking back, each with its place in the message.

    `content` is what it said beside.
    """
    text = "".join(part.text for _, part in thoughts)
    if thought_in == "reasoning_details":
        details = [detail for index, part in _joined(thoughts) for detail in _details(part, index)]
        if details:
            return {"reasoning_details": details}
        return {"reasoning": text} if text else {}
    if not text:
        return {}
    if thought_in == "content":  # https://docs.mistral.ai/capabilities/reasoning
        said = [] if not content else [{"type": "text", "text": content}] if isinstance(content, str) else content
        return {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}, *said]}
    return {thought_in: text}


def _joined(thoughts: Sequence[tuple[int, Reasoning]]) -> list[tuple[int, Reasoning]]:
    """The thoughts that are proved; a summary that stands alone before its encrypted block is of that block."""
    told: list[tuple[int, Reasoning]] = []
    summary = ""
    for index, part in thoughts:
        if not _is_vouched_for(part):
            summary += part.text
            continue
        encrypted = encrypted_by_openai(part) is not None
        told.append((index, msgspec.structs.replace(part, text=part.text or summary) if encrypted else part))
        summary = ""
    return told


def _details(part: Reasoning, index: int) -> list[dict[str, Any]]:
    """A thought as details: OpenAI's summary is one of its own, before the encrypted block."""
    detail = _detail(part, index)
    if not part.text or encrypted_by_openai(part) is None:
        return [detail]
    about: dict[str, Any] = {name: detail[name] for name in ("format", "index") if name in detail}
    return [{"type": "reasoning.summary", "summary": part.text, **about}, detail]


def _detail(part: Reasoning, index: int) -> dict[str, Any]:
    """A plain proof is Anthropic's, and its format has to be told."""
    detail = detail_of(part, index)
    return detail if came_as_detail(part) else {**detail, "format": CLAUDES}


def _is_vouched_for(part: Reasoning) -> bool:
    """Whether there is a proof, and one that these vendors can read."""
    proof = part.signature or part.redacted
    return proof is not None and (came_as_detail(part) or not is_carrier(proof))
