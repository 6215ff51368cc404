"""Voyage's embeddings (https://docs.voyageai.com/reference/embeddings-api): nearly OpenAI's, under other names.

`dimensions` is `output_dimension` there, `encoding_format` knows base64 alone, and the usage tells only a total, which
has been 0 for two texts in recorded traffic: that is no count, so it is estimated.
"""

from typing import Any

import msgspec

from adapters.providers.dialect import ProviderDialect, never
from adapters.providers.embeddings.shared import decode_list, lack
from adapters.providers.framing.sse import EventFramer
from adapters.providers.openai import headers
from adapters.providers.openai.operations import failing_as
from domain.model_api.call import Attempt
from domain.model_api.embeddings import EmbeddingsRequest
from domain.refusals import UnsupportedParameter

NAME = "voyage-embeddings"
# `output_dtype` would turn numbers into packed bits, which are no vectors of the caller's form.
_WORDS = frozenset({"input_type", "truncation"})
# What a vector is for, by Google's word for it.
_KINDS = {
    "RETRIEVAL_DOCUMENT": "document",
    "RETRIEVAL_QUERY": "query",
    "QUESTION_ANSWERING": "query",
    "FACT_VERIFICATION": "query",
    "CODE_RETRIEVAL_QUERY": "query",
}


def encode(request: EmbeddingsRequest, attempt: Attempt) -> bytes:
    """The request body; one input goes as a list of one."""
    body: dict[str, Any] = {"model": attempt.target.model, "input": list(request.inputs), **request.extra}
    if request.dimensions is not None:
        body["output_dimension"] = request.dimensions
    if request.task in _KINDS:
        body.setdefault("input_type", _KINDS[request.task])
    if request.base64:
        body["encoding_format"] = "base64"
    return msgspec.json.encode(body)


def refuses(request: EmbeddingsRequest) -> UnsupportedParameter | None:
    """Tokens, and words that Voyage does not know."""
    return lack(request, _WORDS, NAME)


VOYAGE_EMBEDDINGS = ProviderDialect(
    name=NAME,
    path=lambda model, stream: "embeddings",
    headers=headers,
    encode=encode,
    refuses=refuses,
    decode=decode_list,
    start=never,
    step=never,
    failure=failing_as(NAME),
    framer=EventFramer,
)
