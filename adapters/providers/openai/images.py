"""OpenAI's images, the provider's side: they pass through, and what they cost is read on the way.

https://developers.openai.com/api/reference/resources/images. GPT's image models tell tokens, of text and of images,
and the size and the quality that they chose; others tell none, and the images that came are counted. A stream gives
one image, whose event is the last.
"""

from typing import Any

import msgspec

from adapters.providers.decode_errors import Count
from adapters.providers.dialect import ProviderDialect, ServerEvent
from adapters.providers.lenient_json import Lenient
from adapters.providers.openai.failure import malformed
from adapters.providers.openai.operations import failing_as, passing, read
from adapters.providers.usage_counts import UNTOLD, Reader, usage_of
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
    usage: msgspec.Raw = UNTOLD
    error: Any = None
    size: Any = None
    quality: Any = None


class _Event(msgspec.Struct):
    type: str = ""
    usage: msgspec.Raw = UNTOLD
    error: Any = None
    size: Any = None
    quality: Any = None


_USAGE = Reader(_Usage)
_ANSWER = Lenient(_Answer)
_EVENT = Lenient(_Event)


def decode(body: bytes) -> tuple[Event, ...]:
    """How many images came, and the usage; the images go by as they are."""
    answer = read(_ANSWER.decode, body)
    if isinstance(answer, Broken):
        return (answer,)
    if not answer.data:
        return (malformed("it has no images"),)
    return (*[_pictured(answer)] * len(answer.data), *_reported(answer.usage), Ended())


def start() -> None:
    """The fold remembers nothing."""


def step(state: None, event: ServerEvent) -> tuple[None, tuple[Event, ...]]:
    """An image in the making, or the finished one."""
    said = read(_EVENT.decode, event.data)
    if isinstance(said, Broken):
        return None, (said,)
    if said.type.endswith(".completed"):
        return None, (_pictured(said), *_reported(said.usage), Ended())
    # A partial image is worth nothing yet, but it has been said: the caller sees it at once.
    return None, (Started(id="", model=""),)


def _pictured(told: _Answer | _Event) -> ImageResult:
    """One image of the size and the quality that are told, where they are."""
    size, quality = (worded(said) if isinstance(said, str) else None for said in (told.size, told.quality))
    return ImageResult(size=size, quality=quality)


def _reported(raw: msgspec.Raw) -> tuple[Event, ...]:
    """The tokens of text and of images; where none are told of what came out, the images are counted."""
    notes: list[str] = []
    usage = _USAGE.read(raw, notes)
    if usage is None or not usage.output_tokens:
        return ()
    given, made = usage.input_tokens or 0, usage.output_tokens
    images_in = min(given, (usage.input_tokens_details or _Details()).image_tokens or 0)
    text_out = min(made, (usage.output_tokens_details or _Details()).text_tokens or 0)
    units = {
        "input_tokens": given - images_in,
        "input_image_tokens": images_in,
        "output_tokens": text_out,
        "output_image_tokens": made - text_out,
    }
    return (UsageReported(usage=usage_of(notes, units), notes=tuple(notes)),)


def _record(name: str, path: str) -> ProviderDialect:
    return msgspec.structs.replace(passing(name, path, decode), start=start, step=step, failure=failing_as(name))


IMAGES = (_record(GENERATIONS, "images/generations"), _record(EDITS, "images/edits"))
