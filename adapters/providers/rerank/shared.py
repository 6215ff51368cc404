"""An answer that ranks documents, as all vendors write it but for a few names.

Cohere, Jina, Together, vLLM and Infinity tell `results`, Voyage `data`. Cohere counts `meta.billed_units.search_units`,
the others tokens in `usage`; what cannot be read of a count is no count.
"""

from collections.abc import Set
from typing import Any

import msgspec

from adapters.providers.openai.failure import malformed, told
from adapters.providers.wire import NONSENSE
from domain.chat import Ended, Event, UsageReported
from domain.refusals import Unexpressible
from domain.reranking import Ranked, RerankRequest
from domain.usage import PIECES_MAX, UNITS_MAX, Usage

# What tunes the work at some vendor, and is left out at those without a word for it.
_TUNING = frozenset(
    ("max_chunks_per_doc", "max_tokens_per_doc", "priority", "truncation", "truncate_prompt_tokens", "user")
)


class _Result(msgspec.Struct):
    index: int
    relevance_score: msgspec.Raw


class _Answer(msgspec.Struct):
    results: list[_Result] | None = None
    data: list[_Result] | None = None
    usage: Any = None
    meta: Any = None
    error: Any = None


_ANSWER = msgspec.json.Decoder(_Answer)


def asked(request: RerankRequest, model: str, words: Set[str]) -> dict[str, Any]:
    """The fields that all vendors share, and those of the caller's that this one has a word for."""
    said = {name: value for name, value in request.extra.items() if name in words}
    return {"model": model, "query": request.query, "documents": list(request.documents), **said}


def lack(request: RerankRequest, words: Set[str], dialect: str) -> Unexpressible | None:
    """A field that a vendor with these words cannot be told, but for those that only tune the work; or None."""
    unknown = next((name for name in request.extra if name not in words | _TUNING), None)
    return None if unknown is None else Unexpressible(field=unknown, dialect=dialect, model=request.model)


def decode(body: bytes) -> tuple[Event, ...]:
    """The ranking, in the order in which it is told, and what was counted."""
    try:
        answer = _ANSWER.decode(body)
    except NONSENSE as problem:
        return (malformed(str(problem)),)
    if answer.error is not None:
        return (told(answer.error, body),)
    results = answer.results if answer.results is not None else answer.data
    if results is None:
        return (malformed("it has no results"),)
    try:
        events: list[Event] = [_ranked(result) for result in results]
    except ValueError as problem:
        return (malformed(str(problem)),)
    usage = _usage(answer)
    return (*events, *(() if usage is None else (UsageReported(usage=usage),)), Ended())


def _ranked(result: _Result) -> Ranked:
    if result.index < 0 or bytes(memoryview(result.relevance_score)[:1]) not in b"-0123456789":
        raise ValueError("a result has no place in the documents, or no number for its score")
    return Ranked(index=result.index, score=result.relevance_score)


def _usage(answer: _Answer) -> Usage | None:
    billed = _at(answer.meta, "billed_units")
    units = _count(_at(billed, "search_units"), PIECES_MAX)
    counts = (
        *(_at(answer.usage, name) for name in ("total_tokens", "prompt_tokens")),
        *(_at(billed, name) for name in ("total_tokens", "input_tokens")),
        _at(_at(answer.meta, "tokens"), "input_tokens"),
    )
    tokens = next((count for count in (_count(told, UNITS_MAX) for told in counts) if count), 0)
    return Usage(input_tokens=tokens, search_units=units) if units or tokens else None


def _at(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _count(told: Any, most: int) -> int:
    """A whole number however it is spelled, 0 where it is none."""
    try:
        return int(msgspec.convert(told, int, strict=False)) if 0 < float(told) <= most else 0
    except (msgspec.ValidationError, TypeError, ValueError):
        return 0
