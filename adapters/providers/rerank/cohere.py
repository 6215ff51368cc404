"""Cohere's rerank, version 2 (https://docs.cohere.com/reference/rerank), and compatible servers.

Compatible servers receive the caller's fields unchanged, whatever their version, and their bytes are returned.
"""

from typing import Any

import msgspec

from adapters.providers.dialect import ProviderDialect, never
from adapters.providers.framing.sse import EventFramer
from adapters.providers.openai import headers
from adapters.providers.openai.operations import failing_as, passing
from adapters.providers.rerank.shared import decode, first_unsupported, request_fields
from domain.model_api.call import Attempt
from domain.model_api.rerank import RerankRequest
from domain.refusals import UnsupportedParameter

NAME = "cohere-rerank"
_FIELDS = frozenset(("max_tokens_per_doc", "priority"))


def encode(request: RerankRequest, attempt: Attempt) -> bytes:
    """Return the request body, with documents as texts."""
    top: dict[str, Any] = {} if request.top_n is None else {"top_n": request.top_n}
    return msgspec.json.encode(request_fields(request, attempt.target.model, _FIELDS) | top)


def refuses(request: RerankRequest) -> UnsupportedParameter | None:
    """Refuse fields that Cohere does not have."""
    return first_unsupported(request, _FIELDS, NAME)


COHERE_RERANK = ProviderDialect(
    name=NAME,
    path=lambda model, stream: "rerank",
    headers=headers,
    encode=encode,
    refuses=refuses,
    decode=decode,
    start=never,
    step=never,
    failure=failing_as(NAME),
    framer=EventFramer,
)
RERANK_PASSING = passing("rerank", "rerank", decode)
