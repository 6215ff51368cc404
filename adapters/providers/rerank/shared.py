"""Read the answers of rerank APIs, which differ only in a few names.

Cohere, Jina, Together, vLLM and Infinity return `results`, Voyage `data`. Cohere counts
`meta.billed_units.search_units`, the others tokens in `usage`.
"""

from collections.abc import Set
from typing import Any

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS, Count
from adapters.providers.lenient_json import Lenient
from adapters.providers.openai.failure import malformed, reported_error
from adapters.providers.usage_counts import UNREPORTED, Reader, usage_of
from domain.model_api.events import Ended, Event, UsageReported
from domain.model_api.rerank import Ranked, RerankRequest
from domain.refusals import UnsupportedParameter

# Fields that tune the work at some vendor; they are dropped for vendors that do not have them.
_TUNING = frozenset(
    ("max_chunks_per_doc", "max_tokens_per_doc", "priority", "truncation", "truncate_prompt_tokens", "user")
)


class _Result(msgspec.Struct):
    """A document; some servers name the score `score`."""

    index: int
    relevance_score: msgspec.Raw = UNREPORTED
    score: msgspec.Raw = UNREPORTED


class _Usage(msgspec.Struct, frozen=True):
    total_tokens: Count | None = None
    prompt_tokens: Count | None = None


class _Units(msgspec.Struct, frozen=True):
    search_units: Count | None = None
    total_tokens: Count | None = None
    input_tokens: Count | None = None


class _Meta(msgspec.Struct, frozen=True):
    billed_units: _Units | None = None
    tokens: _Units | None = None


class _Answer(msgspec.Struct):
    results: list[_Result] | None = None
    data: list[_Result] | None = None
    usage: msgspec.Raw = UNREPORTED
    meta: msgspec.Raw = UNREPORTED
    error: Any = None


_USAGE = Reader(_Usage)
_META = Reader(_Meta)
_ANSWER = Lenient(_Answer)


def request_fields(request: RerankRequest, model: str, fields: Set[str]) -> dict[str, Any]:
    """Return the fields that all vendors share, and those of the caller's that this one has."""
    extra = {name: value for name, value in request.extra.items() if name in fields}
    return {"model": model, "query": request.query, "documents": list(request.documents), **extra}


def first_unsupported(request: RerankRequest, fields: Set[str], dialect: str) -> UnsupportedParameter | None:
    """Return a field that a vendor with these fields does not have, except tuning fields; or None."""
    name = next((name for name in request.extra if name not in fields | _TUNING), None)
    return None if name is None else UnsupportedParameter(field=name, dialect=dialect, model=request.model)


def decode(body: bytes) -> tuple[Event, ...]:
    """Return the ranking in its order, and the usage."""
    try:
        answer = _ANSWER.decode(body)
    except DECODE_ERRORS as problem:
        return (malformed(str(problem)),)
    if answer.error is not None:
        return (reported_error(answer.error, body),)
    results = answer.results if answer.results is not None else answer.data
    if results is None:
        return (malformed("it has no results"),)
    try:
        events: list[Event] = [_ranked(result) for result in results]
    except ValueError as problem:
        return (malformed(str(problem)),)
    return (*events, *_reported(answer), Ended())


def _ranked(result: _Result) -> Ranked:
    score = result.relevance_score if len(result.relevance_score) else result.score
    if bytes(memoryview(score)[:1]) == b'"':
        score = msgspec.Raw(msgspec.json.decode(score, type=str).strip().encode())
    try:
        msgspec.json.decode(score, type=float)
    except msgspec.MsgspecError:
        raise ValueError("a result has no number for its score") from None
    if result.index < 0:
        raise ValueError("a result has no place in the documents")
    return Ranked(index=result.index, score=score)


def _reported(answer: _Answer) -> tuple[UsageReported, ...]:
    notes: list[str] = []
    usage = _USAGE.read(answer.usage, notes) or _Usage()
    meta = _META.read(answer.meta, notes) or _Meta()
    billed, counted = meta.billed_units or _Units(), meta.tokens or _Units()
    counts = (usage.total_tokens, usage.prompt_tokens, billed.total_tokens, billed.input_tokens, counted.input_tokens)
    units = {"input_tokens": next(filter(None, counts), 0), "search_units": billed.search_units or 0}
    if not any(units.values()) and not notes:
        return ()
    return (UsageReported(usage=usage_of(notes, units), notes=tuple(notes)),)
