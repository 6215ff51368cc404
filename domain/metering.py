"""What was used: a meter reads along with the events of an answer, and ends in an exact or estimated usage.

Unknown is never zero: where the provider told no usage, it is estimated from the bytes that were delivered, at
four bytes a token rounded up, and labelled so. Sound and pictures have no such bytes: they are estimated by what was
asked for, at the rates that OpenAI documents for its own models; or counted, where they are sold by the piece.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from domain.chat import (
    Broken,
    CitationDelta,
    Ended,
    Event,
    Finished,
    ForeignBlock,
    ReasoningDelta,
    RefusalDelta,
    SoundDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from domain.failures import Failure
from domain.film import Filmed
from domain.pictures import Pictured
from domain.usage import Usage

BYTES_PER_TOKEN = 4
# Ten tokens for a second that is heard, about twenty for one that is spoken, in which some ten characters are said
# (developers.openai.com, "Realtime: managing costs"; gpt-4o-mini-tts is given as $0.015 a minute at $12 a million).
AUDIO_TOKENS_PER_SECOND = 10
AUDIO_TOKENS_PER_CHARACTER = 2
# A square picture of high quality by gpt-image-1 (developers.openai.com, "Image generation: cost and latency").
TOKENS_PER_PICTURE = 4_160
_NO_PIECES = Usage()


class Meter(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer has come to so far.

    `told` is the provider's own usage, its last word, said when `told_bytes` of the output were delivered.
    `sound_bytes` and `pictures` were delivered besides; no text is in them.
    `service_tier` and `cost_nanos` are its last words about how it served and what it charges, in nano-USD, `size` and
    `quality` those about the pictures or the film.
    """

    output_bytes: int = 0
    sound_bytes: int = 0
    pictures: int = 0
    told: Usage | None = None
    told_bytes: int = 0
    ended: bool = False
    failure: Failure | None = None
    service_tier: str | None = None
    cost_nanos: int | None = None
    size: str | None = None
    quality: str | None = None

    @property
    def delivered(self) -> bool:
        """Whether anything that is worth its price has left the house."""
        return bool(self.output_bytes or self.sound_bytes or self.pictures)


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A usage and where it comes from."""

    usage: Usage
    source: Literal["provider", "estimated"]


def observe(meter: Meter, events: Iterable[Event]) -> Meter:
    """The meter after these events. A pure fold: observing one by one or all at once is the same."""
    output_bytes, told, told_bytes = meter.output_bytes, meter.told, meter.told_bytes
    sound_bytes, pictures = meter.sound_bytes, meter.pictures
    ended, failure = meter.ended, meter.failure
    service_tier, cost_nanos = meter.service_tier, meter.cost_nanos
    size, quality = meter.size, meter.quality
    for event in events:
        match event:
            case TextDelta() | RefusalDelta():
                output_bytes += len(event.text.encode())
            case Started() | Finished():
                pass
            case ReasoningDelta():
                output_bytes += len(event.text.encode()) + len(event.redacted or "")
            case ToolCallDelta():
                output_bytes += len(event.arguments.encode()) + len((event.name or "").encode())
            case UsageReported():
                told, told_bytes = event.usage, output_bytes
                service_tier = service_tier if event.service_tier is None else event.service_tier
                cost_nanos = cost_nanos if event.cost_nanos is None else event.cost_nanos
            case CitationDelta():
                output_bytes += len(event.citation)
            case ForeignBlock(generated=True):
                output_bytes += len(event.block)
            case SoundDelta():
                sound_bytes += event.byte_count
            case Pictured():
                pictures += 1
                size, quality = event.size or size, event.quality or quality
            case Filmed():
                size = event.size or size
            case Ended():
                ended = True
            case Broken():
                failure = event.failure
            case _:
                pass
    return Meter(
        output_bytes=output_bytes,
        sound_bytes=sound_bytes,
        pictures=pictures,
        told=told,
        told_bytes=told_bytes,
        ended=ended,
        failure=failure,
        service_tier=service_tier,
        cost_nanos=cost_nanos,
        size=size,
        quality=quality,
    )


def measure(meter: Meter, input_bytes: int, pieces: Usage = _NO_PIECES) -> Measured:
    """The usage that the meter vouches for.

    `input_bytes` is the size of the request's text, `pieces` what else it tells of itself (`ModelCall`).
    A provider that began to answer has read the input, so an estimate counts it. Anthropic tells its input at
    the start and its output at the end: what was told early is completed by what was delivered since.
    """
    estimated_output = _tokens(meter.output_bytes)
    if meter.told is None:
        untold = Usage(
            input_tokens=_tokens(input_bytes),
            input_audio_tokens=pieces.seconds * AUDIO_TOKENS_PER_SECOND,
            output_tokens=estimated_output,
            output_audio_tokens=pieces.characters * AUDIO_TOKENS_PER_CHARACTER,
            output_image_tokens=_pictures(meter, pieces) * TOKENS_PER_PICTURE,
        )
        return Measured(usage=_with_pieces(untold, meter, pieces), source="estimated")
    told = _with_pieces(meter.told, meter, pieces)
    told_output = told.output_tokens + told.reasoning_tokens + told.output_audio_tokens + told.output_image_tokens
    is_last_word = meter.ended or meter.told_bytes == meter.output_bytes
    # A provider that ends by counting nothing of what it delivered has not told its output.
    # So has one that counts the seconds of what it heard instead of the tokens of what it wrote.
    if is_last_word and (told_output or meter.told.seconds or not estimated_output):
        return Measured(usage=told, source="provider")
    missing = max(0, estimated_output - told_output)
    return Measured(
        usage=msgspec.structs.replace(told, output_tokens=told.output_tokens + missing),
        source="estimated" if missing else "provider",
    )


def counted(meter: Meter, pieces: Usage) -> Measured:
    """The usage of what is sold by the piece and was not told: pieces alone, no tokens.

    Characters are counted in the request and pictures as they come, exactly, and a film is as long as was asked for; a
    recording's length is what its own header says, which is an estimate.
    """
    exact = pieces.characters or ((pieces.images or pieces.video_seconds) and meter.ended)
    return Measured(usage=_with_pieces(Usage(), meter, pieces), source="provider" if exact else "estimated")


def _with_pieces(usage: Usage, meter: Meter, pieces: Usage) -> Usage:
    """The usage with what is counted by the piece, wherever the provider does not count it itself."""
    if not (pieces.images or pieces.characters or pieces.seconds or pieces.video_seconds or meter.pictures):
        return usage
    return msgspec.structs.replace(
        usage,
        images=usage.images or _pictures(meter, pieces),
        characters=usage.characters or pieces.characters,
        seconds=usage.seconds or pieces.seconds,
        video_seconds=usage.video_seconds or pieces.video_seconds,
    )


def _pictures(meter: Meter, pieces: Usage) -> int:
    """Those that came; while the answer is not over, all that were asked for are on their way and will be charged."""
    return meter.pictures if meter.ended else max(pieces.images, meter.pictures)


def _tokens(byte_count: int) -> int:
    return -(-byte_count // BYTES_PER_TOKEN)
