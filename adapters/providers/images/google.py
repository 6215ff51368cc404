"""Google's images, by two methods that depend on the model's name.

Imagen has `predict` (https://ai.google.dev/gemini-api/docs/imagen), and the Gemini image models have `generateContent`
(https://ai.google.dev/gemini-api/docs/image-generation). Imagen is priced per image; Gemini reports tokens, with the
image's own tokens separately.
"""

from typing import Any

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.dialect import ProviderDialect, never
from adapters.providers.google import GOOGLE, GOOGLE_VERTEX
from adapters.providers.google.usage import reported
from adapters.providers.images.shared import first_unsupported, shape
from adapters.providers.lenient_json import Lenient
from adapters.providers.openai.failure import malformed
from adapters.providers.usage_counts import UNREPORTED
from domain.failures import Failure
from domain.model_api.call import Attempt
from domain.model_api.events import Broken, Ended, Event
from domain.model_api.images import ImageResult, ImagesRequest
from domain.refusals import UnsupportedParameter
from domain.usage import Usage

NAME, VERTEX = "google-images", "google-vertex-images"
_IMAGEN_SHAPES = frozenset({(1, 1), (3, 4), (4, 3), (9, 16), (16, 9)})
_GEMINI_SHAPES = _IMAGEN_SHAPES | {(2, 3), (3, 2), (4, 5), (5, 4), (21, 9)}
# Google's own field for the shape, which the caller may send instead of OpenAI's size.
_FIELDS = frozenset({"aspect_ratio"})


class _Inline(msgspec.Struct):
    data: str


class _Part(msgspec.Struct, rename="camel"):
    inline_data: _Inline | None = None
    text: str | None = None


class _Content(msgspec.Struct):
    parts: list[_Part] = []


class _Candidate(msgspec.Struct, rename="camel"):
    content: _Content | None = None
    finish_reason: str | None = None


class _Feedback(msgspec.Struct, rename="camel"):
    block_reason: str | None = None


class _Prediction(msgspec.Struct, rename="camel"):
    bytes_base64_encoded: str | None = None
    rai_filtered_reason: str | None = None
    prompt: str | None = None


class _Answer(msgspec.Struct, rename="camel"):
    candidates: list[_Candidate] = []
    predictions: list[_Prediction] = []
    prompt_feedback: _Feedback | None = None
    usage_metadata: msgspec.Raw = UNREPORTED


_ANSWER = Lenient(_Answer)


def _is_imagen(model: str) -> bool:
    return model.rpartition("/")[2].startswith("imagen")


def path(model: str, stream: bool) -> str:
    """Return `models/{model}:predict`, or `:generateContent`."""
    generates = GOOGLE.path(model, False)
    return f"{generates.rpartition(':')[0]}:predict" if _is_imagen(model) else generates


def encode(request: ImagesRequest, attempt: Attempt) -> bytes:
    """Return the request body for the model's method."""
    ratio: Any = request.extra.get("aspect_ratio")
    if (sides := shape(request)) is not None:
        ratio = f"{sides[0]}:{sides[1]}"
    if _is_imagen(attempt.target.model):
        parameters = {"sampleCount": request.count, **({} if ratio is None else {"aspectRatio": ratio})}
        return msgspec.json.encode({"instances": [{"prompt": request.prompt}], "parameters": parameters})
    config: dict[str, Any] = {"responseModalities": ["IMAGE"]}
    if ratio is not None:
        config["imageConfig"] = {"aspectRatio": ratio}
    contents = [{"role": "user", "parts": [{"text": request.prompt}]}]
    return msgspec.json.encode({"contents": contents, "generationConfig": config})


def refuses(request: ImagesRequest) -> UnsupportedParameter | None:
    """Refuse URLs, formats other than PNG, several images from Gemini, and unsupported shapes."""
    imagen = _is_imagen(request.model)
    for field, is_set in (
        ("response_format", request.answer == "url"),
        ("output_format", request.format not in (None, "png")),
        ("n", request.count > (4 if imagen else 1)),
    ):
        if is_set:
            return UnsupportedParameter(field=field, dialect=NAME, model=request.model)
    return first_unsupported(request, NAME, _FIELDS, _IMAGEN_SHAPES if imagen else _GEMINI_SHAPES)


def decode(body: bytes) -> tuple[Event, ...]:
    """Return the images, and the tokens if any are reported."""
    try:
        answer = _ANSWER.decode(body)
    except DECODE_ERRORS as problem:
        return (malformed(str(problem)),)
    images = [
        ImageResult(base64=made.bytes_base64_encoded, revised_prompt=made.prompt)
        for made in answer.predictions
        if made.bytes_base64_encoded
    ]
    parts = [part for candidate in answer.candidates if candidate.content for part in candidate.content.parts]
    images += [ImageResult(base64=part.inline_data.data) for part in parts if part.inline_data is not None]
    if not images:
        return (_unmade(answer),)
    _, usage_events = reported(answer.usage_metadata, None, 0)
    return (*images, *(msgspec.structs.replace(each, usage=_of_images(each.usage)) for each in usage_events), Ended())


def _of_images(usage: Usage) -> Usage:
    """Return the usage with all output tokens as the image's, if Google does not separate them."""
    if usage.output_image_tokens or not usage.output_tokens:
        return usage
    return msgspec.structs.replace(usage, output_tokens=0, output_image_tokens=usage.output_tokens)


def _unmade(answer: _Answer) -> Broken:
    """Return why there is no image: Google refused the prompt, or answered with text."""
    reasons = [
        *(made.rai_filtered_reason for made in answer.predictions),
        answer.prompt_feedback and answer.prompt_feedback.block_reason,
        *(candidate.finish_reason for candidate in answer.candidates if candidate.finish_reason != "STOP"),
    ]
    reason = next((reason for reason in reasons if isinstance(reason, str)), None)
    if reason is None:
        return malformed("it has no images")
    return Broken(
        failure=Failure(kind="request_rejected", message=f"No image was made: {reason}", code="content_filter")
    )


GOOGLE_IMAGES = ProviderDialect(
    name=NAME,
    path=path,
    headers=GOOGLE.headers,
    encode=encode,
    refuses=refuses,
    decode=decode,
    start=never,
    step=never,
    failure=GOOGLE.failure,
    framer=GOOGLE.framer,
)
VERTEX_IMAGES = msgspec.structs.replace(
    GOOGLE_IMAGES, name=VERTEX, headers=GOOGLE_VERTEX.headers, sign=GOOGLE_VERTEX.sign
)
