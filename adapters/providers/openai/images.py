"""OpenAI's images on the provider's side: they pass through and are metered.

https://developers.openai.com/api/reference/resources/images. GPT's image models report tokens of text and of images,
and the size and quality that they chose. Other models report nothing, and the images are counted. A stream gives one
image, whose event is the last.
"""

from functools import partial
from typing import Any

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS, Count
from adapters.providers.dialect import ProviderDialect, ServerEvent
from adapters.providers.lenient_json import Lenient
from adapters.providers.openai.failure import malformed
from adapters.providers.openai.operations import failing_as, passing, read
from adapters.providers.usage_counts import UNREPORTED, Reader, usage_of
from domain.model_api.events import Broken, Ended, Event, Started, UsageReported
from domain.model_api.images import ImageResult
from domain.pricing.by_size import worded

GENERATIONS, EDITS = "openai-images", "openai-image-edits"


class _Details(msgspec.Struct, frozen=True):
    text_tokens: Count | None = None
    image_tokens: Count | None = None


class _Usage(msgspec.Struct, frozen=True):
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    input_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None


class _Answer(msgspec.Struct):
    data: list[msgspec.Raw] | None = None
    usage: msgspec.Raw = UNREPORTED
    error: Any = None
    size: Any = None
    quality: Any = None


class _Event(msgspec.Struct):
    type: str = ""
    usage: msgspec.Raw = UNREPORTED
    error: Any = None
    size: Any = None
    quality: Any = None


_USAGE = Reader(_Usage)
_ANSWER = Lenient(_Answer)
_EVENT = Lenient(_Event)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


def decode(body: bytes) -> tuple[Event, ...]:
    """Return an event for each image, and the usage; the images pass through unchanged."""
    answer = read(_ANSWER.decode, body)
    if isinstance(answer, Broken):
        return (answer,)
    if not answer.data:
        return (malformed("it has no images"),)
    return (*[_image_result(answer)] * len(answer.data), *_reported(answer.usage), Ended())


def start() -> None:
    """Return the state of the fold, which is empty."""


def step(state: None, event: ServerEvent) -> tuple[None, tuple[Event, ...]]:
    """Fold the event of a partial image, or of the finished one."""
    decoded = read(_EVENT.decode, event.data)
    if isinstance(decoded, Broken):
        return None, (decoded,)
    if decoded.type.endswith(".completed"):
        return None, (_image_result(decoded), *_reported(decoded.usage), Ended())
    # A partial image is not charged, but the caller gets it at once, so the answer has started.
    return None, (Started(id="", model=""),)


def _image_result(answer: _Answer | _Event) -> ImageResult:
    """Return one image with its size and quality, if they are reported."""
    size, quality = (worded(value) if isinstance(value, str) else None for value in (answer.size, answer.quality))
    return ImageResult(size=size, quality=quality)


def _reported(raw: msgspec.Raw) -> tuple[Event, ...]:
    """Return the tokens of text and of images.

    Nothing if the output has no tokens, because then the images are counted.
    """
    notes: list[str] = []
    usage = _USAGE.read(raw, notes)
    if usage is None or not usage.output_tokens:
        return ()
    input_tokens, output_tokens = usage.input_tokens or 0, usage.output_tokens
    images_in = min(input_tokens, (usage.input_tokens_details or _Details()).image_tokens or 0)
    text_out = min(output_tokens, (usage.output_tokens_details or _Details()).text_tokens or 0)
    units = {
        "input_tokens": input_tokens - images_in,
        "input_image_tokens": images_in,
        "output_tokens": text_out,
        "output_image_tokens": output_tokens - text_out,
    }
    return (UsageReported(usage=usage_of(notes, units), notes=tuple(notes)),)


def as_stream(body: bytes, kind: str) -> bytes | None:
    """Return a complete answer as the stream of its one image; None if it has none."""
    try:
        answer = _FIELDS.decode(body)
        image = _ITEMS.decode(answer.pop("data"))[0]
    except (*DECODE_ERRORS, KeyError, IndexError):
        return None
    created = {"created_at": answer.pop("created")} if "created" in answer else {}
    event = {"type": f"{kind}.completed", **image, **created, **answer}
    return b"event: %b.completed\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode(event))


def _record(name: str, path: str, kind: str) -> ProviderDialect:
    record = passing(name, path, decode)
    streams = partial(as_stream, kind=kind)
    return msgspec.structs.replace(record, start=start, step=step, failure=failing_as(name), as_stream=streams)


IMAGES = (
    _record(GENERATIONS, "images/generations", "image_generation"),
    _record(EDITS, "images/edits", "image_edit"),
)
