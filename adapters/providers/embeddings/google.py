"""Google's embeddings, at the Gemini API and at Vertex AI.

The Gemini API has `batchEmbedContents`, with one request for each input (https://ai.google.dev/api/embeddings);
`embedContent` of Vertex AI accepts one input only.

Only newer models count their tokens (`usageMetadata`); for the others the usage is estimated.
"""

from typing import Any

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS, Count
from adapters.providers.dialect import ProviderDialect, never
from adapters.providers.embeddings.shared import embedded, first_unsupported, unreadable
from adapters.providers.framing.sse import EventFramer
from adapters.providers.google import headers
from adapters.providers.google.account import sign
from adapters.providers.lenient_json import Lenient
from adapters.providers.openai.operations import failing_as
from adapters.providers.usage_counts import UNREPORTED, Reader, counted
from domain.model_api.call import Attempt
from domain.model_api.embeddings import EmbeddingsRequest
from domain.model_api.events import Event, UsageReported
from domain.refusals import UnsupportedParameter

NAME = "google-embeddings"
VERTEX = "google-vertex-embeddings"
# Google's own fields, which the caller may send in addition to OpenAI's.
_FIELDS = {"task_type": "taskType", "taskType": "taskType", "title": "title"}


class _Vector(msgspec.Struct):
    values: msgspec.Raw


class _Metadata(msgspec.Struct, frozen=True, rename="camel"):
    prompt_token_count: Count | None = None


_METADATA = Reader(_Metadata)


class _Batch(msgspec.Struct, rename="camel"):
    embeddings: list[_Vector]
    usage_metadata: msgspec.Raw = UNREPORTED


class _Single(msgspec.Struct, rename="camel"):
    embedding: _Vector
    usage_metadata: msgspec.Raw = UNREPORTED


_BATCH = Lenient(_Batch)
_SINGLE = Lenient(_Single)


def _single(request: EmbeddingsRequest, text: Any) -> dict[str, Any]:
    sent: dict[str, Any] = {"content": {"parts": [{"text": text}]}}
    sent |= {name: value for name, value in (("taskType", request.task), ("title", request.title)) if value is not None}
    sent |= {_FIELDS[name]: value for name, value in request.extra.items()}
    if request.dimensions is not None:
        sent["outputDimensionality"] = request.dimensions
    return sent


def encode(request: EmbeddingsRequest, attempt: Attempt) -> bytes:
    """Return a batch, even for one input; each request in it names the model again."""
    model = f"models/{attempt.target.model.removeprefix('models/')}"
    return msgspec.json.encode({"requests": [{"model": model, **_single(request, text)} for text in request.inputs]})


def encode_single(request: EmbeddingsRequest, attempt: Attempt) -> bytes:
    """Return the request for the single input."""
    return msgspec.json.encode(_single(request, request.inputs[0]))


def refuses(request: EmbeddingsRequest) -> UnsupportedParameter | None:
    """Refuse token input, and fields that Google does not have."""
    return first_unsupported(request, _FIELDS.keys(), NAME)


def refuses_several(request: EmbeddingsRequest) -> UnsupportedParameter | None:
    """Refuse the same, and several inputs: Vertex AI has no batches."""
    if len(request.inputs) > 1:
        return UnsupportedParameter(field="input[1]", dialect=VERTEX, model=request.model)
    return first_unsupported(request, _FIELDS.keys(), VERTEX)


def decode(body: bytes) -> tuple[Event, ...]:
    """Return the vectors in the order of the requests."""
    try:
        answer = _BATCH.decode(body)
    except DECODE_ERRORS as problem:
        return unreadable(problem)
    return embedded((vector.values for vector in answer.embeddings), _usage(answer.usage_metadata))


def decode_single(body: bytes) -> tuple[Event, ...]:
    """Return the single vector."""
    try:
        answer = _SINGLE.decode(body)
    except DECODE_ERRORS as problem:
        return unreadable(problem)
    return embedded((answer.embedding.values,), _usage(answer.usage_metadata))


def _usage(raw: msgspec.Raw) -> tuple[UsageReported, ...]:
    notes: list[str] = []
    metadata = _METADATA.read(raw, notes)
    return counted(metadata.prompt_token_count if metadata else None, notes)


GOOGLE_EMBEDDINGS = ProviderDialect(
    name=NAME,
    path=lambda model, stream: f"models/{model.removeprefix('models/')}:batchEmbedContents",
    headers=headers,
    encode=encode,
    refuses=refuses,
    decode=decode,
    start=never,
    step=never,
    failure=failing_as(NAME),
    framer=EventFramer,
)
VERTEX_EMBEDDINGS = msgspec.structs.replace(
    GOOGLE_EMBEDDINGS,
    name=VERTEX,
    path=lambda model, stream: f"models/{model.removeprefix('models/')}:embedContent",
    sign=sign,
    encode=encode_single,
    refuses=refuses_several,
    decode=decode_single,
    failure=failing_as(VERTEX),
)
