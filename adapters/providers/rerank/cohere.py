"""Cohere's rerank, version 2 (https://docs.cohere.com/reference/rerank), and servers that are compatible with it.

Those take a caller's fields as they come, whichever version they are of, and give their own bytes back.
"""

from typing import Any

import msgspec

from adapters.providers.dialect import ProviderDialect, never
from adapters.providers.framing.sse import EventFramer
from adapters.providers.openai import headers
from adapters.providers.openai.operations import failing_as, passing
from adapters.providers.rerank.shared import asked, decode, lack
from domain.model_api.call import Attempt
from domain.model_api.rerank import RerankRequest
from domain.refusals import UnsupportedParameter

NAME = "cohere-rerank"
_WORDS = frozenset(("max_tokens_per_doc", "priority"))


def encode(request: RerankRequest, attempt: Attempt) -> bytes:
    """The request body, documents as texts."""
    top: dict[str, Any] = {} if request.top_n is None else {"top_n": request.top_n}
    return msgspec.json.encode(asked(request, attempt.target.model, _WORDS) | top)


def refuses(request: RerankRequest) -> UnsupportedParameter | None:
    """Words that Cohere does not know."""
    return lack(request, _WORDS, NAME)


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
