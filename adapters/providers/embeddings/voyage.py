"""Voyage's embeddings (https://docs.voyageai.com/reference/embeddings-api): similar to OpenAI's, with other names.

`dimensions` is `output_dimension`, `encoding_format` accepts only base64, and the usage has only a total. The total was
0 for two texts in recorded traffic; such a total is no count, so the usage is estimated.
"""

from typing import Any

import msgspec

from adapters.providers.dialect import ProviderDialect, never
from adapters.providers.embeddings.shared import decode_list, first_unsupported
from adapters.providers.framing.sse import EventFramer
from adapters.providers.openai import headers
from adapters.providers.openai.operations import failing_as
from domain.model_api.call import Attempt
from domain.model_api.embeddings import EmbeddingsRequest
from domain.refusals import UnsupportedParameter

NAME = "voyage-embeddings"
# `output_dtype` would turn numbers into packed bits, which the caller's dialect cannot express.
_FIELDS = frozenset({"input_type", "truncation"})
# The purpose of a vector, by Google's name for it.
_KINDS = {
    "RETRIEVAL_DOCUMENT": "document",
    "RETRIEVAL_QUERY": "query",
    "QUESTION_ANSWERING": "query",
    "FACT_VERIFICATION": "query",
    "CODE_RETRIEVAL_QUERY": "query",
}


def encode(request: EmbeddingsRequest, attempt: Attempt) -> bytes:
    """Return the request body; a single input is sent as a list of one."""
    body: dict[str, Any] = {"model": attempt.target.model, "input": list(request.inputs), **request.extra}
    if request.dimensions is not None:
        body["output_dimension"] = request.dimensions
    if request.task in _KINDS:
        body.setdefault("input_type", _KINDS[request.task])
    if request.base64:
        body["encoding_format"] = "base64"
    return msgspec.json.encode(body)


def refuses(request: EmbeddingsRequest) -> UnsupportedParameter | None:
    """Refuse token input, and fields that Voyage does not have."""
    return first_unsupported(request, _FIELDS, NAME)


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
