"""Ideogram's images, version 3: the request is a form, the answer has URLs.

https://developer.ideogram.ai/api-reference/api-reference/generate-v3

The speed decides the cost of an image, so it is part of the model's name: `ideogram-v3-turbo`, `ideogram-v3`,
`ideogram-v3-quality`, each with a rate of its own.
"""

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.dialect import Headers, ProviderDialect, never
from adapters.providers.framing.sse import EventFramer
from adapters.providers.images.shared import first_unsupported, shape
from adapters.providers.lenient_json import Lenient
from adapters.providers.openai.failure import malformed
from adapters.providers.openai.operations import failing_as
from domain.failures import Failure
from domain.model_api.call import Attempt
from domain.model_api.events import Broken, Ended, Event
from domain.model_api.images import ImageResult, ImagesRequest
from domain.refusals import UnsupportedParameter

NAME = "ideogram-images"
_SPEEDS = {"turbo": "TURBO", "quality": "QUALITY"}
_TALL = ((1, 2), (1, 3), (2, 3), (3, 4), (4, 5), (5, 8), (9, 16))
_SHAPES = frozenset(((1, 1), *_TALL, *((high, wide) for wide, high in _TALL)))
# Ideogram has other numbers for these two.
_NAMES = {(5, 8): "10x16", (8, 5): "16x10"}
_FIELDS = frozenset({"negative_prompt", "magic_prompt", "style_type", "seed", "aspect_ratio"})
# A prompt contains this only on purpose; then it is refused.
_BOUNDARY = "aihub-8d1f6b0c4e5a49d7"


class _Made(msgspec.Struct):
    url: str | None = None
    prompt: str | None = None
    is_image_safe: bool = True


class _Answer(msgspec.Struct):
    data: list[_Made]


_ANSWER = Lenient(_Answer)


def headers(secret: str | None) -> Headers:
    """Return the content type of the form and the key in Ideogram's own header."""
    form = ("content-type", f"multipart/form-data; boundary={_BOUNDARY}")
    return (form,) if secret is None else (form, ("api-key", secret))


def path(model: str, stream: bool) -> str:
    """Return the path, which is the same for each speed of a version."""
    base, _, last = model.rpartition("-")
    return f"{base if last in _SPEEDS else model}/generate"


def encode(request: ImagesRequest, attempt: Attempt) -> bytes:
    """Return the form."""
    fields: dict[str, str] = {"prompt": request.prompt, "num_images": str(request.count)}
    if (speed := _SPEEDS.get(attempt.target.model.rpartition("-")[2])) is not None:
        fields["rendering_speed"] = speed
    for name, raw in request.extra.items():
        value = msgspec.json.decode(raw)
        fields[name] = value if isinstance(value, str) else bytes(raw).decode()
    if (ratio := shape(request)) is not None:
        fields["aspect_ratio"] = _NAMES.get(ratio, f"{ratio[0]}x{ratio[1]}")
    parts = [_part(name, value) for name, value in fields.items()]
    return "".join((*parts, f"--{_BOUNDARY}--\r\n")).encode()


def _part(name: str, value: str) -> str:
    return f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'


def refuses(request: ImagesRequest) -> UnsupportedParameter | None:
    """Refuse base64 answers, an output format, and shapes that Ideogram does not make."""
    texts = (request.prompt, *(bytes(raw).decode() for raw in request.extra.values()))
    for field, is_set in (
        ("response_format", request.answer == "b64_json"),
        ("output_format", request.format is not None),
        ("n", request.count > 8),
        ("prompt", any(_BOUNDARY in text for text in texts)),
    ):
        if is_set:
            return UnsupportedParameter(field=field, dialect=NAME, model=request.model)
    return first_unsupported(request, NAME, _FIELDS, _SHAPES)


def decode(body: bytes) -> tuple[Event, ...]:
    """Return the images' URLs; an image that Ideogram considers unsafe has none and is not charged."""
    try:
        answer = _ANSWER.decode(body)
    except DECODE_ERRORS as problem:
        return (malformed(str(problem)),)
    images = [ImageResult(url=made.url, revised_prompt=made.prompt) for made in answer.data if made.url]
    if images:
        return (*images, Ended())
    if any(not made.is_image_safe for made in answer.data):
        message = "No image was made: Ideogram took it for unsafe"
        return (Broken(failure=Failure(kind="request_rejected", message=message, code="content_filter")),)
    return (malformed("it has no images"),)


IDEOGRAM = ProviderDialect(
    name=NAME,
    path=path,
    headers=headers,
    encode=encode,
    refuses=refuses,
    decode=decode,
    start=never,
    step=never,
    failure=failing_as(NAME),
    framer=EventFramer,
)
