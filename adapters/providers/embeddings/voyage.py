"""Voyage's embeddings (https://docs.voyageai.com/reference/embeddings-api): nearly OpenAI's, under other names.

`dimensions` is `output_dimension` there, `encoding_format` knows base64 alone, and the usage tells only a total, which
has been 0 for two texts in recorded traffic: that is no count, so it is estimated.
"""

from typing import Any

import msgspec

from adapters.providers.dialect import ProviderDialect, never
from adapters.providers.embeddings.shared import counted, embedded, lack, unreadable
from adapters.providers.lenient import Lenient
from adapters.providers.openai import headers
from adapters.providers.openai.operations import failing_as
from adapters.providers.sse import EventFramer
from adapters.providers.wire import NONSENSE, Count
from domain.calls import Attempt
from domain.chat import Event
from domain.embeddings import EmbeddingsRequest
from domain.refusals import Unexpressible

NAME = "voyage-embeddings"
# `output_dtype` would turn numbers into packed bits, which are no vectors of the caller's form.
_WORDS = frozenset({"input_type", "truncation"})


class _Vector(msgspec.Struct):
    embedding: msgspec.Raw
    index: int = 0


class _Usage(msgspec.Struct):
    total_tokens: Count = 0


class _Answer(msgspec.Struct):
    data: list[_Vector]
    usage: _Usage | None = None


_ANSWER = Lenient(_Answer)


def encode(request: EmbeddingsRequest, attempt: Attempt) -> bytes:
    """The request body; one input goes as a list of one."""
    body: dict[str, Any] = {"model": attempt.target.model, "input": list(request.inputs), **request.extra}
    if request.dimensions is not None:
        body["output_dimension"] = request.dimensions
    if request.base64:
        body["encoding_format"] = "base64"
    return msgspec.json.encode(body)


def refuses(request: EmbeddingsRequest) -> Unexpressible | None:
    """Tokens, and words that Voyage does not know."""
    return lack(request, _WORDS, NAME)


def decode(body: bytes) -> tuple[Event, ...]:
    """The vectors by their index."""
    try:
        answer = _ANSWER.decode(body)
    except NONSENSE as problem:
        return unreadable(problem)
    ordered = sorted(answer.data, key=lambda vector: vector.index)
    return embedded(
        (vector.embedding for vector in ordered), counted(answer.usage.total_tokens if answer.usage else None)
    )


VOYAGE_EMBEDDINGS = ProviderDialect(
    name=NAME,
    path=lambda model, stream: "embeddings",
    headers=headers,
    encode=encode,
    refuses=refuses,
    decode=decode,
    start=never,
    step=never,
    failure=failing_as(NAME),
    framer=EventFramer,
)
