"""Embeddings at Amazon Bedrock: InvokeModel, where each maker's models have their own fields.

- Titan: one text (https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html).
- Cohere: texts (https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html).
- Nova: one text (https://docs.aws.amazon.com/nova/latest/userguide/embeddings-schema.html).

Only Titan counts its tokens in the body; for the others the header `x-amzn-bedrock-input-token-count` does.
"""

from typing import Any
from urllib.parse import quote

import msgspec

from adapters.providers.bedrock.failure import failure
from adapters.providers.bedrock.signing import headers, sign
from adapters.providers.decode_errors import DECODE_ERRORS, Count
from adapters.providers.dialect import ProviderDialect, never
from adapters.providers.embeddings.cohere import texts
from adapters.providers.embeddings.shared import embedded, first_unsupported, starts_with, unreadable
from adapters.providers.framing.sse import EventFramer
from adapters.providers.lenient_json import Lenient
from adapters.providers.usage_counts import Reader, counted
from domain.failures import Failure
from domain.model_api.call import Attempt
from domain.model_api.embeddings import EmbeddingsRequest
from domain.model_api.events import Event
from domain.refusals import UnsupportedParameter

NAME = "bedrock-embeddings"
_COUNT_HEADER = "x-amzn-bedrock-input-token-count"
_COHERE_FIELDS = frozenset({"input_type", "truncate", "max_tokens"})
_TITAN_FIELDS = frozenset({"normalize"})
# Nova's purposes and truncation, which OpenAI's dialect does not have; the defaults are below.
_NOVA_FIELDS = frozenset({"embedding_purpose", "truncate"})
_NOVA_PURPOSE = "GENERIC_INDEX"


class _ByType(msgspec.Struct):
    float: list[msgspec.Raw]


class _Nova(msgspec.Struct):
    embedding: msgspec.Raw


class _Answer(msgspec.Struct):
    """Titan has `embedding`; Cohere `embeddings`, a list of vectors or vectors by type; Nova a list of objects."""

    embedding: msgspec.Raw = msgspec.Raw()
    embeddings: msgspec.Raw = msgspec.Raw()


class _Titans(msgspec.Struct, frozen=True):
    """Titan's count, which is next to the vector."""

    tokens: Count | None = msgspec.field(default=None, name="inputTextTokenCount")


_TITANS = Reader(_Titans)
_ANSWER = Lenient(_Answer)
_BY_TYPE = Lenient(_ByType)
_LIST = Lenient(list[msgspec.Raw])
_NOVA = Lenient(_Nova)


def maker_of(model: str) -> str:
    """Return the maker in the model's id: `us.cohere.embed-v4:0` and an ARN with that end are Cohere's."""
    name = model.rpartition("/")[2]
    return next((maker for maker in ("cohere.", "amazon.nova") if maker in name), "amazon.titan")


def encode(request: EmbeddingsRequest, attempt: Attempt) -> bytes:
    """Return the body in the form of the model's maker."""
    maker = maker_of(attempt.target.model)
    if maker == "cohere.":
        return msgspec.json.encode(texts(request))
    if maker == "amazon.nova":
        return msgspec.json.encode(_nova(request))
    body: dict[str, Any] = {"inputText": request.inputs[0], **request.extra}
    if request.dimensions is not None:
        body["dimensions"] = request.dimensions
    return msgspec.json.encode(body)


def _nova(request: EmbeddingsRequest) -> dict[str, Any]:
    extra = request.extra
    params: dict[str, Any] = {
        "embeddingPurpose": extra.get("embedding_purpose", _NOVA_PURPOSE),
        "text": {"value": request.inputs[0], "truncationMode": extra.get("truncate", "NONE")},
    }
    if request.dimensions is not None:
        params["embeddingDimension"] = request.dimensions
    return {"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": params}


def refuses(request: EmbeddingsRequest) -> UnsupportedParameter | None:
    """Refuse token input, several texts except for Cohere's models, and fields that the maker does not have."""
    maker = maker_of(request.model)
    if maker != "cohere." and len(request.inputs) > 1:
        return UnsupportedParameter(field="input[1]", dialect=NAME, model=request.model)
    fields = {"cohere.": _COHERE_FIELDS, "amazon.nova": _NOVA_FIELDS}.get(maker, _TITAN_FIELDS)
    return first_unsupported(request, fields, NAME)


def decode(body: bytes) -> tuple[Event, ...]:
    """Return the vectors, wherever the maker puts them."""
    try:
        answer = _ANSWER.decode(body)
        vectors = [answer.embedding] if len(answer.embedding) else _several(answer.embeddings)
    except DECODE_ERRORS as problem:
        return unreadable(problem)
    notes: list[str] = []
    titans = _TITANS.read(msgspec.Raw(body), notes)
    return embedded(vectors, counted(titans.tokens if titans else None, notes))


def header_events(headers: dict[str, str]) -> tuple[Event, ...]:
    """Return the tokens that the answer's header counts."""
    text = headers.get(_COUNT_HEADER, "")
    return counted(int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None, [])


def _several(embeddings: msgspec.Raw) -> list[msgspec.Raw]:
    if not len(embeddings):
        return []
    if starts_with(embeddings, b"{"):
        return _BY_TYPE.decode(embeddings).float
    found = _LIST.decode(embeddings)
    return [_NOVA.decode(vector).embedding if starts_with(vector, b"{") else vector for vector in found]


def failing(status: int, headers: dict[str, str], body: bytes) -> Failure:
    """Return an answer that is not 2xx as a failure, in the AWS format that Converse also has."""
    return msgspec.structs.replace(failure(status, headers, body), dialect=NAME)


BEDROCK_EMBEDDINGS = ProviderDialect(
    name=NAME,
    path=lambda model, stream: f"model/{quote(model, safe='')}/invoke",
    headers=headers,
    sign=sign,
    encode=encode,
    refuses=refuses,
    decode=decode,
    start=never,
    step=never,
    failure=failing,
    framer=EventFramer,
    header_events=header_events,
)
