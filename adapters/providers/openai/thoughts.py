"""Thinking in the words of the vendors that show it and take it back: in an answer, and in the next request."""

from collections.abc import Sequence
from typing import Any

from domain.chat import Reasoning, ReasoningDelta
from domain.details import CLAUDES, Detail, came_as_detail, detail_of, thought_of
from domain.proofs import is_carrier


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
        details = [_detail(part, index) for index, part in thoughts if _is_vouched_for(part)]
        if details:
            return {"reasoning_details": details}
        return {"reasoning": text} if text else {}
    if not text:
        return {}
    if thought_in == "content":  # https://docs.mistral.ai/capabilities/reasoning
        said = [] if not content else [{"type": "text", "text": content}] if isinstance(content, str) else content
        return {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}, *said]}
    return {thought_in: text}


def _detail(part: Reasoning, index: int) -> dict[str, Any]:
    """A plain proof is Anthropic's, and its format has to be told."""
    detail = detail_of(part, index)
    return detail if came_as_detail(part) else {**detail, "format": CLAUDES}


def _is_vouched_for(part: Reasoning) -> bool:
    """Whether there is a proof, and one that these vendors can read."""
    proof = part.signature or part.redacted
    return proof is not None and (came_as_detail(part) or not is_carrier(proof))
