"""`:embedContent` and `:batchEmbedContents` of Gemini's API: vectors of texts, from any provider of embeddings.

https://ai.google.dev/api/embeddings
"""

from functools import partial
from typing import Any

import msgspec

from domain.model_api.call import ModelCall
from domain.model_api.embeddings import Embedded, EmbeddingsRequest
from domain.model_api.events import Event
from domain.refusals import BadRequest
from entrypoints.http.dialects.dialect import Rendering
from entrypoints.http.dialects.google import google_caller
from entrypoints.http.dialects.google.json_names import Json, Malformed, fields_of, first_of, take, value_of
from entrypoints.http.dialects.google.read import MODEL_CHARACTERS_MAX, listed
from entrypoints.http.dialects.openai_media.embeddings import tokens_of, vector_of
from entrypoints.http.dialects.openai_media.shared import INPUTS_MAX, never_streams
from entrypoints.http.model_call import chat_handler
from entrypoints.http.wire import Handler
from entrypoints.usecases.call_context import CallContext

NAME = "google-embed-content"
_OPTIONS = ("taskType", "title", "outputDimensionality")


def embed_handler(hub: CallContext, model: str, batch: str | None) -> Handler:
    """The handler for one model: for the list in the field `batch`, or for one content."""
    caller = msgspec.structs.replace(
        google_caller(model, stream=False),
        name=NAME,
        read=partial(read, model=model, batch=batch),
        to_request=partial(to_request, batch=batch),
        whole=_batch if batch else _single,
        start=never_streams,
        render=never_streams,
    )
    return chat_handler(hub, caller)


def read(body: bytes, model: str, batch: str | None) -> ModelCall | BadRequest:
    """A body as a call, or the problem with it."""
    if not model or len(model) > MODEL_CHARACTERS_MAX:
        return BadRequest(field="model", problem=f"A model's name has 1 to {MODEL_CHARACTERS_MAX} characters.")
    try:
        fields = fields_of(body)
        call = ModelCall(dialect=NAME, operation="embeddings", model=model, fields=fields, body_bytes=len(body))
        request = _request(call, batch)
    except Malformed as malformed:
        return malformed.problem
    return msgspec.structs.replace(call, inputs=len(request.inputs))


def to_request(call: ModelCall, batch: str | None) -> EmbeddingsRequest | BadRequest:
    """The call in canonical form; `read` has checked all of it already."""
    return _request(call, batch)


def _request(call: ModelCall, batch: str | None) -> EmbeddingsRequest:
    if batch is None:
        requested = [(call.fields, "")]
    else:
        if batch not in call.fields:
            raise Malformed(BadRequest(field=batch, problem="The field is missing. Send a list of requests."))
        raws = listed(call.fields[batch], batch)
        requested = [(fields_of(raw, f"{batch}[{number}]"), f"{batch}[{number}].") for number, raw in enumerate(raws)]
    if not 0 < len(requested) <= INPUTS_MAX:
        raise Malformed(BadRequest(field=batch, problem=f"Send 1 to {INPUTS_MAX} requests."))
    first = _options(requested[0][0])
    for fields, path in requested:
        if _options(fields) != first:
            raise Malformed(BadRequest(field=path + _OPTIONS[0], problem="Send requests of one kind in one batch."))
    fields, path = dict(requested[0][0]), requested[0][1]
    return EmbeddingsRequest(
        model=call.model,
        inputs=tuple(_text(each, place) for each, place in requested),
        dimensions=take(fields, "outputDimensionality", int, path.rstrip(".")),
        task=take(fields, "taskType", str, path.rstrip(".")),
        title=take(fields, "title", str, path.rstrip(".")),
    )


def _options(fields: Json) -> tuple[bytes, ...]:
    return tuple(bytes(fields.get(name, b"")) for name in _OPTIONS)


def _text(fields: Json, path: str) -> str:
    """The text of a content, with its parts joined."""
    path = f"{path}content"
    if "content" not in fields:
        problem = 'The field is missing. Send a content such as {"parts": [{"text": "Hello"}]}.'
        raise Malformed(BadRequest(field=path, problem=problem))
    if first_of(fields["content"]) == b'"':
        return str(value_of(fields["content"], str, path))
    parts = fields_of(fields["content"], path).get("parts", msgspec.Raw(b"[]"))
    texts = []
    for number, raw in enumerate(listed(parts, f"{path}.parts")):
        part = fields_of(raw, f"{path}.parts[{number}]")
        if "text" not in part:
            problem = "Only texts are embedded here: send a part with a text."
            raise Malformed(BadRequest(field=f"{path}.parts[{number}]", problem=problem))
        texts.append(take(part, "text", str, f"{path}.parts[{number}]"))
    if not (text := "\n".join(texts)):
        raise Malformed(BadRequest(field=path, problem="There is no text to embed. Send one that is not empty."))
    return text


def _single(events: tuple[Event, ...], rendering: Rendering) -> bytes:
    return msgspec.json.encode({"embedding": _vectors(events)[0], **_usage(events, rendering)})


def _batch(events: tuple[Event, ...], rendering: Rendering) -> bytes:
    return msgspec.json.encode({"embeddings": _vectors(events), **_usage(events, rendering)})


def _vectors(events: tuple[Event, ...]) -> list[dict[str, Any]]:
    return [{"values": vector_of(event, in_base64=False)} for event in events if isinstance(event, Embedded)]


def _usage(events: tuple[Event, ...], rendering: Rendering) -> dict[str, Any]:
    return {"usageMetadata": {"promptTokenCount": tokens_of(events, rendering.call)}}
