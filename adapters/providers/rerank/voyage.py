"""Voyage's rerank (https://docs.voyageai.com/reference/reranker-api): Cohere's with a few other names.

`top_n` is `top_k` there. It counts tokens: the query's once for each document, and those of all documents.
"""

from typing import Any

import msgspec

from adapters.providers.dialect import ProviderDialect
from adapters.providers.openai.operations import failing_as
from adapters.providers.rerank.cohere import COHERE_RERANK
from adapters.providers.rerank.shared import first_unsupported, request_fields
from domain.model_api.call import Attempt
from domain.model_api.rerank import RerankRequest
from domain.refusals import UnsupportedParameter

NAME = "voyage-rerank"
_FIELDS = frozenset(("truncation",))


def encode(request: RerankRequest, attempt: Attempt) -> bytes:
    """Return the request body, with documents as texts."""
    top: dict[str, Any] = {} if request.top_n is None else {"top_k": min(request.top_n, len(request.documents))}
    return msgspec.json.encode(request_fields(request, attempt.target.model, _FIELDS) | top)


def refuses(request: RerankRequest) -> UnsupportedParameter | None:
    """Refuse fields that Voyage does not have."""
    return first_unsupported(request, _FIELDS, NAME)


VOYAGE_RERANK: ProviderDialect = msgspec.structs.replace(
    COHERE_RERANK, name=NAME, encode=encode, refuses=refuses, failure=failing_as(NAME)
)
