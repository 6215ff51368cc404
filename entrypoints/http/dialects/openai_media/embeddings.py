"""OpenAI's embeddings, the caller's side (https://developers.openai.com/api/reference/resources/embeddings/methods/create).

House rule: a vector is rendered in the requested form for every provider. Fields that OpenAI does not have
(`input_type`, `task_type`, `truncate`, …) go to the providers that support them and are refused by the others.
"""

from base64 import b64decode, b64encode
from struct import pack, unpack
from typing import Annotated, Any, Literal

import msgspec

from domain.billing.metering import Meter, measure, observe, uncounted_input
from domain.model_api.call import ModelCall
from domain.model_api.embeddings import Embedded, EmbeddingsRequest
from domain.model_api.events import Event
from domain.refusals import BadRequest
from entrypoints.http.decode_errors import JsonDecoder
from entrypoints.http.dialects.dialect import CallerDialect, Rendering
from entrypoints.http.dialects.openai_chat.field_errors import read_body
from entrypoints.http.dialects.openai_media.shared import Inputs, Model, error, inputs_of, never_streams, stream_error

NAME = "openai-embeddings"

_Own = frozenset({"model", "input", "dimensions", "encoding_format", "user"})


class _Body(msgspec.Struct):
    model: Model
    input: Inputs
    dimensions: Annotated[int, msgspec.Meta(ge=1, le=2**20)] | None = None
    encoding_format: Literal["float", "base64"] | None = None


_BODY = JsonDecoder(_Body)
_NUMBERS = JsonDecoder(list[float])


def read(body: bytes) -> ModelCall | BadRequest:
    """A request body as a call, or the first problem with it."""
    found = read_body(_BODY, body)
    if isinstance(found, BadRequest):
        return found
    known, fields = found
    inputs = inputs_of("input", known.input, fields["input"])
    if isinstance(inputs, BadRequest):
        return inputs
    return ModelCall(
        dialect=NAME,
        operation="embeddings",
        model=known.model,
        fields=fields,
        body_bytes=len(body),
        inputs=len(inputs),
    )


def to_request(call: ModelCall) -> EmbeddingsRequest | BadRequest:
    """The call in canonical form; `read` has checked all of it already."""
    known = _BODY.decode(msgspec.json.encode(call.fields))
    inputs = inputs_of("input", known.input, call.fields["input"])
    if isinstance(inputs, BadRequest):
        return inputs
    return EmbeddingsRequest(
        model=call.model,
        inputs=inputs,
        dimensions=known.dimensions,
        base64=known.encoding_format == "base64",
        extra={name: raw for name, raw in call.fields.items() if name not in _Own and bytes(raw) != b"null"},
    )


def whole(events: tuple[Event, ...], rendering: Rendering) -> bytes:
    """The vectors as OpenAI lists them, with the charged tokens where the provider counted none."""
    in_base64 = bytes(rendering.call.fields.get("encoding_format", b"")) == b'"base64"'
    data = [
        {"object": "embedding", "index": event.index, "embedding": vector_of(event, in_base64)}
        for event in events
        if isinstance(event, Embedded)
    ]
    tokens = tokens_of(events, rendering.call)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return msgspec.json.encode({"object": "list", "data": data, "model": rendering.call.model, "usage": usage})


def vector_of(event: Embedded, in_base64: bool) -> Any:
    """The vector as JSON, a list of numbers or base64 of them."""
    if event.base64 is not None:
        if in_base64:
            return event.base64
        packed = b64decode(event.base64)
        return list(unpack(f"<{len(packed) // 4}f", packed))
    assert event.numbers is not None, "an Embedded carries its vector"
    if not in_base64:
        return event.numbers
    numbers = _NUMBERS.decode(event.numbers)
    return b64encode(pack(f"<{len(numbers)}f", *numbers)).decode()


def tokens_of(events: tuple[Event, ...], call: ModelCall) -> int:
    """The charged tokens: the provider's count, else the estimate."""
    meter = observe(Meter(), events)
    usage = measure(meter, uncounted_input(meter, call, None)).usage
    return usage.input_tokens + usage.input_image_tokens


EMBEDDINGS_CALLER = CallerDialect(
    name=NAME,
    read=read,
    to_request=to_request,
    whole=whole,
    start=never_streams,
    render=never_streams,
    error=error,
    stream_error=stream_error,
)
