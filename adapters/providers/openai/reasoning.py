"""Reasoning as OpenAI-compatible vendors report it and accept it back in the next request."""

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
    """Return the text and signature of a detail or of a chunk of one; None if it has neither."""
    read = thought_of(detail)
    if not (read.text or read.signature or read.redacted):
        return None
    return ReasoningDelta(
        text=read.text,
        signature=read.signature,
        redacted=read.redacted,
        block=detail.index or 0,
        choice=choice,
    )


def reasoning_fields(reasonings: Sequence[tuple[int, Reasoning]], reasoning_in: str, content: Any) -> dict[str, Any]:
    """Return the fields of an assistant's message that carry its reasoning back, each with its place in the message.

    `content` is the rest of the message's content.
    """
    text = "".join(part.text for _, part in reasonings)
    if reasoning_in == "reasoning_details":
        details = [detail for index, part in _joined(reasonings) for detail in _details(part, index)]
        if details:
            return {"reasoning_details": details}
        return {"reasoning": text} if text else {}
    if not text:
        return {}
    if reasoning_in == "content":  # https://docs.mistral.ai/capabilities/reasoning
        parts = [] if not content else [{"type": "text", "text": content}] if isinstance(content, str) else content
        return {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}, *parts]}
    return {reasoning_in: text}


def _joined(reasonings: Sequence[tuple[int, Reasoning]]) -> list[tuple[int, Reasoning]]:
    """Return the signed reasoning; a summary directly before its encrypted block is joined to it."""
    joined: list[tuple[int, Reasoning]] = []
    summary = ""
    for index, part in reasonings:
        if not _is_signed(part):
            summary += part.text
            continue
        encrypted = encrypted_by_openai(part) is not None
        joined.append((index, msgspec.structs.replace(part, text=part.text or summary) if encrypted else part))
        summary = ""
    return joined


def _details(part: Reasoning, index: int) -> list[dict[str, Any]]:
    """Return reasoning as details: OpenAI's summary becomes a detail of its own, before the encrypted block."""
    detail = _detail(part, index)
    if not part.text or encrypted_by_openai(part) is None:
        return [detail]
    about: dict[str, Any] = {name: detail[name] for name in ("format", "index") if name in detail}
    return [{"type": "reasoning.summary", "summary": part.text, **about}, detail]


def _detail(part: Reasoning, index: int) -> dict[str, Any]:
    """Return one detail. A signature without a format is Anthropic's, so its format is added."""
    detail = detail_of(part, index)
    return detail if came_as_detail(part) else {**detail, "format": CLAUDES}


def _is_signed(part: Reasoning) -> bool:
    """Whether there is a signature that these vendors can read."""
    signature = part.signature or part.redacted
    return signature is not None and (came_as_detail(part) or not is_carrier(signature))
