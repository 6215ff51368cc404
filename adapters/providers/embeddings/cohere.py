"""Cohere's embeddings, version 2 (https://docs.cohere.com/reference/embed).

Cohere requires the purpose of a vector. OpenAI's dialect has no field for it, so it is `search_document` unless the
caller sends Cohere's own `input_type`. `meta.billed_units` reports what is billed.
"""

from typing import Any

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS, Count
from adapters.providers.dialect import ProviderDialect, never
from adapters.providers.embeddings.shared import embedded, first_unsupported, unreadable
from adapters.providers.framing.sse import EventFramer
from adapters.providers.lenient_json import Lenient
from adapters.providers.openai import headers
from adapters.providers.openai.operations import failing_as
from adapters.providers.usage_counts import UNREPORTED, Reader, usage_of
from domain.model_api.call import Attempt
from domain.model_api.embeddings import EmbeddingsRequest
from domain.model_api.events import Event, UsageReported
from domain.refusals import UnsupportedParameter

NAME = "cohere-embeddings"
_FIELDS = frozenset({"input_type", "truncate", "max_tokens", "priority"})
# The purpose of a vector, by Google's name for it.
_KINDS = {
    "RETRIEVAL_QUERY": "search_query",
    "QUESTION_ANSWERING": "search_query",
    "FACT_VERIFICATION": "search_query",
    "CODE_RETRIEVAL_QUERY": "search_query",
    "CLASSIFICATION": "classification",
    "CLUSTERING": "clustering",
}


class _Vectors(msgspec.Struct):
    float: list[msgspec.Raw]


class _Billed(msgspec.Struct, frozen=True):
    input_tokens: Count | None = None
    image_tokens: Count | None = None


class _Meta(msgspec.Struct, frozen=True):
    billed_units: _Billed | None = None


_META = Reader(_Meta)


class _Answer(msgspec.Struct):
    embeddings: _Vectors
    meta: msgspec.Raw = UNREPORTED


_ANSWER = Lenient(_Answer)


def texts(request: EmbeddingsRequest) -> dict[str, Any]:
    """Return the fields for Cohere's models, at Cohere and at Amazon."""
    kind = _KINDS.get(request.task or "", "search_document")
    body: dict[str, Any] = {"texts": list(request.inputs), "input_type": kind, **request.extra}
    if request.dimensions is not None:
        body["output_dimension"] = request.dimensions
    return body


def encode(request: EmbeddingsRequest, attempt: Attempt) -> bytes:
    """Return the request body. Floats are always requested; base64 is made of them here if the caller wants it."""
    return msgspec.json.encode({"model": attempt.target.model, "embedding_types": ["float"], **texts(request)})


def refuses(request: EmbeddingsRequest) -> UnsupportedParameter | None:
    """Refuse token input, and fields that Cohere does not have."""
    return first_unsupported(request, _FIELDS, NAME)


def decode(body: bytes) -> tuple[Event, ...]:
    """Return the vectors in the order of the texts."""
    try:
        answer = _ANSWER.decode(body)
    except DECODE_ERRORS as problem:
        return unreadable(problem)
    return embedded(answer.embeddings.float, _reported(answer.meta))


def _reported(raw: msgspec.Raw) -> tuple[UsageReported, ...]:
    notes: list[str] = []
    billed = (_META.read(raw, notes) or _Meta()).billed_units or _Billed()
    if not (billed.input_tokens or billed.image_tokens or notes):
        return ()
    units = {"input_tokens": billed.input_tokens or 0, "input_image_tokens": billed.image_tokens or 0}
    return (UsageReported(usage=usage_of(notes, units), notes=tuple(notes)),)


COHERE_EMBEDDINGS = ProviderDialect(
    name=NAME,
    path=lambda model, stream: "embed",
    headers=headers,
    encode=encode,
    refuses=refuses,
    decode=decode,
    start=never,
    step=never,
    failure=failing_as(NAME),
    framer=EventFramer,
)
