"""Rerank at Amazon Bedrock: InvokeModel with Cohere's and Amazon's models, whose bodies are Cohere's without the model.

It reports no usage, so the search units are counted in the request. AWS charges, as Cohere does, by the query with up
to 100 documents: https://aws.amazon.com/bedrock/pricing/, https://docs.aws.amazon.com/bedrock/latest/userguide/rerank.html
"""

from typing import Any

import msgspec

from adapters.providers.embeddings.bedrock import BEDROCK_EMBEDDINGS, failing
from adapters.providers.rerank.shared import decode, first_unsupported, request_fields
from domain.failures import Failure
from domain.model_api.call import Attempt
from domain.model_api.rerank import RerankRequest
from domain.refusals import UnsupportedParameter

NAME = "bedrock-rerank"
_COHERES, _NO_FIELDS = frozenset(("max_tokens_per_doc",)), frozenset[str]()
_COHERE = "cohere."
# The version of Cohere's API, which Bedrock requires in the body.
_VERSION = {"api_version": 2}


def encode(request: RerankRequest, attempt: Attempt) -> bytes:
    """Return the request body; the model is in the path."""
    is_coheres = _COHERE in attempt.target.model
    fields = request_fields(request, attempt.target.model, _fields(attempt.target.model))
    del fields["model"]
    top: dict[str, Any] = {} if request.top_n is None else {"top_n": min(request.top_n, len(request.documents))}
    return msgspec.json.encode(fields | top | (_VERSION if is_coheres else {}))


def refuses(request: RerankRequest) -> UnsupportedParameter | None:
    """Refuse fields that the model's maker does not have."""
    return first_unsupported(request, _fields(request.model), NAME)


def _fields(model: str) -> frozenset[str]:
    return _COHERES if _COHERE in model else _NO_FIELDS


def _failing(status: int, headers: dict[str, str], body: bytes) -> Failure:
    return msgspec.structs.replace(failing(status, headers, body), dialect=NAME)


BEDROCK_RERANK = msgspec.structs.replace(
    BEDROCK_EMBEDDINGS,
    name=NAME,
    encode=encode,
    refuses=refuses,
    decode=decode,
    failure=_failing,
    header_events=None,
)
