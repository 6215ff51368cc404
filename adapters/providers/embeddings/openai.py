"""OpenAI's embeddings for callers of another dialect, such as Google's; OpenAI's own callers pass through.

https://developers.openai.com/api/reference/resources/embeddings/methods/create
"""

from typing import Any

import msgspec

from adapters.providers.dialect import ProviderDialect, never
from adapters.providers.embeddings.shared import decode_list, first_unsupported
from adapters.providers.framing.sse import EventFramer
from adapters.providers.openai import headers
from adapters.providers.openai.operations import failing_as
from domain.catalog.vendors import vendor_of
from domain.model_api.call import Attempt
from domain.model_api.embeddings import EmbeddingsRequest
from domain.refusals import UnsupportedParameter

NAME = "openai-embeddings-translated"
_NO_FIELDS: frozenset[str] = frozenset()


def encode(request: EmbeddingsRequest, attempt: Attempt) -> bytes:
    """Return the request body, with `dimensions` under the vendor's name for it."""
    body: dict[str, Any] = {"model": attempt.target.model, "input": list(request.inputs)}
    if request.dimensions is not None:
        names = dict(vendor_of(attempt.target.provider, attempt.target.base_url).renames)
        body[names.get("dimensions", "dimensions")] = request.dimensions
    return msgspec.json.encode(body)


def refuses(request: EmbeddingsRequest) -> UnsupportedParameter | None:
    """Refuse token input, and any further field."""
    return first_unsupported(request, _NO_FIELDS, "openai")


OPENAI_EMBEDDINGS_TRANSLATED = ProviderDialect(
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
