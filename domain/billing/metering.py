"""What was used: a meter reads along with the events of an answer, and ends in an exact or estimated usage.

Unknown is never zero: what the provider did not count, or counted as 0 although there is text, is estimated and
labelled so: the input by `domain.model_api.token_estimate`, the output by the text that was delivered, at four bytes a
token rounded up. Sound and images have no such bytes: they are estimated by what was asked for, at the rates that
OpenAI documents for its own models; or counted, where they are sold by the piece.

An estimate is not to be dearer than the answer would have been. So what a tokenizer does not see counts nothing
(sealed reasoning, citations, the JSON around what a tool was given), and of an answer that did not end, what was
delivered counts at five bytes a token, as many as texts in English have.
"""

from collections.abc import Iterable

import msgspec

from domain.books.rows import UsageSource
from domain.failures import Failure
from domain.model_api.call import ModelCall
from domain.model_api.events import (
    AudioDelta,
    Broken,
    CitationDelta,
    Ended,
    Event,
    Finished,
    ProviderBlock,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from domain.model_api.images import ImageResult
from domain.model_api.token_estimate import BYTES_PER_TOKEN, written_bytes
from domain.model_api.video import VideoResult
from domain.pricing.cost_estimate import expected_input
from domain.pricing.rate import Rate
from domain.usage import Usage

BYTES_PER_TOKEN_CUT = 5
# Ten tokens for a second that is heard, about twenty for one that is spoken, in which some ten characters are said
# (developers.openai.com, "Realtime: managing costs"; gpt-4o-mini-tts is given as $0.015 a minute at $12 a million).
AUDIO_TOKENS_PER_SECOND = 10
AUDIO_TOKENS_PER_CHARACTER = 2
# A square image of high quality by gpt-image-1 (developers.openai.com, "Image generation: cost and latency").
TOKENS_PER_OUTPUT_IMAGE = 4_160
_NO_PIECES = Usage()


class Meter(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer has come to so far.

    `told` is the provider's own usage, its last word, said when `told_bytes` of the output were delivered, and `notes`
    what was odd about it; it is `running` where the provider may yet count less. `output_bytes` are of texts that a
    model writes. `audio_bytes`, `images` and `blocks` (sealed reasoning, and what only the provider's dialect has a
    word for) were delivered besides; no text is in them.
    `service_tier` and `cost_nanos` are its last words about how it served and what it charges, in nano-USD, `size` and
    `quality` those about the images or the video.
    """

    output_bytes: int = 0
    audio_bytes: int = 0
    images: int = 0
    blocks: int = 0
    told: Usage | None = None
    told_bytes: int = 0
    notes: tuple[str, ...] = ()
    running: bool = False
    ended: bool = False
    failure: Failure | None = None
    service_tier: str | None = None
    cost_nanos: int | None = None
    size: str | None = None
    quality: str | None = None

    @property
    def delivered(self) -> bool:
        """Whether anything that is worth its price has left the house."""
        return bool(self.output_bytes or self.audio_bytes or self.images or self.blocks)


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A usage and where it comes from; `note` says what was odd about the provider's count, and what was done."""

    usage: Usage
    source: UsageSource
    note: str | None = None


def observe(meter: Meter, events: Iterable[Event]) -> Meter:
    """The meter after these events. A pure fold: observing one by one or all at once is the same."""
    output_bytes, told, told_bytes = meter.output_bytes, meter.told, meter.told_bytes
    audio_bytes, images, blocks, notes = meter.audio_bytes, meter.images, meter.blocks, meter.notes
    ended, failure, running = meter.ended, meter.failure, meter.running
    service_tier, cost_nanos = meter.service_tier, meter.cost_nanos
    size, quality = meter.size, meter.quality
    for event in events:
        match event:
            case TextDelta() | RefusalDelta():
                output_bytes += len(event.text.encode())
            case Started():
                service_tier = event.service_tier or service_tier
            case Finished():
                pass
            case ReasoningDelta():
                output_bytes += len(event.text.encode())
                blocks += event.redacted is not None
            case ToolCallDelta():
                output_bytes += len(event.arguments.encode()) + len((event.name or "").encode())
            case UsageReported():
                told, told_bytes, notes, running = event.usage, output_bytes, event.notes, event.running
                service_tier = service_tier if event.service_tier is None else event.service_tier
                cost_nanos = cost_nanos if event.cost_nanos is None else event.cost_nanos
            case CitationDelta():
                pass
            case ProviderBlock(generated=True):
                output_bytes += written_bytes(event.block)
                blocks += 1
            case AudioDelta():
                audio_bytes += event.byte_count
            case ImageResult():
                images += 1
                size, quality = event.size or size, event.quality or quality
            case VideoResult():
                size = event.size or size
            case Ended():
                ended = True
            case Broken():
                failure = event.failure
            case _:
                pass
    return Meter(
        output_bytes=output_bytes,
        audio_bytes=audio_bytes,
        images=images,
        blocks=blocks,
        told=told,
        told_bytes=told_bytes,
        notes=notes,
        running=running,
        ended=ended,
        failure=failure,
        service_tier=service_tier,
        cost_nanos=cost_nanos,
        size=size,
        quality=quality,
    )


def has_input(meter: Meter) -> bool:
    """Whether the provider counted the input for good: if not, it has to be estimated. A prompt is never free."""
    told = meter.told
    if meter.running and not meter.ended:
        return False
    return told is not None and bool(_input_of(told) or _is_by_the_piece(told))


def uncounted_input(meter: Meter, call: ModelCall, rate: Rate | None) -> int:
    """The likely input where the provider did not count it, which is read out of the request only then; else 0."""
    return 0 if has_input(meter) else expected_input(call, rate)


def measure(meter: Meter, input_tokens: int, pieces: Usage = _NO_PIECES) -> Measured:
    """The usage that the meter vouches for.

    `input_tokens` is the estimate of the request's input, which counts where `has_input` says no, and `pieces` what
    else the request tells of itself (`ModelCall`). A provider that began to answer has read the input. Anthropic tells
    its input at the start and its output at the end: what was told early is completed by what was delivered since.
    """
    estimated_output = _tokens(meter.output_bytes, BYTES_PER_TOKEN if meter.ended else BYTES_PER_TOKEN_CUT)
    if meter.told is None:
        untold = Usage(
            input_tokens=input_tokens,
            input_audio_tokens=pieces.seconds * AUDIO_TOKENS_PER_SECOND,
            output_tokens=estimated_output,
            output_audio_tokens=pieces.characters * AUDIO_TOKENS_PER_CHARACTER,
            output_image_tokens=_images(meter, pieces) * TOKENS_PER_OUTPUT_IMAGE,
        )
        return Measured(usage=_with_pieces(untold, meter, pieces), source="estimated")
    if meter.running and not meter.ended:
        return _measured_so_far(meter, meter.told, input_tokens, estimated_output)
    told = _with_pieces(meter.told, meter, pieces)
    more_input = 0 if has_input(meter) else input_tokens
    more_output = _untold_output(meter, told, estimated_output)
    notes = meter.notes
    if more_input:
        notes += ("the provider counts no input, so it is estimated",)
    if more_output:
        notes += ("the provider does not count all of the output, so it is estimated",)
    if more_input or more_output:
        told = msgspec.structs.replace(
            told, input_tokens=told.input_tokens + more_input, output_tokens=told.output_tokens + more_output
        )
    source: UsageSource = "estimated" if more_input or more_output else "adjusted" if notes else "provider"
    return Measured(usage=told, source=source, note="; ".join(notes) or None)


def _measured_so_far(meter: Meter, told: Usage, input_tokens: int, estimated_output: int) -> Measured:
    """The usage of a part of an answer whose provider may yet count less: no more than is estimated of either side.

    Gemini has counted a prompt of 169 tokens at first and of 79 in the end. Thinking is only known by its count.
    """
    cached = told.cache_read_tokens or told.cache_read_audio_tokens
    usage = msgspec.structs.replace(told, output_tokens=min(told.output_tokens, estimated_output))
    if not usage.output_tokens and not usage.reasoning_tokens and not usage.output_image_tokens:
        usage = msgspec.structs.replace(usage, output_tokens=estimated_output)
    if not cached and not 0 < _input_of(told) <= input_tokens:
        usage = msgspec.structs.replace(usage, input_tokens=input_tokens, input_audio_tokens=0, input_image_tokens=0)
    source: UsageSource = "provider" if usage == told and not meter.notes else "estimated"
    return Measured(usage=usage, source=source, note="; ".join(meter.notes) or None)


def _untold_output(meter: Meter, told: Usage, estimated_output: int) -> int:
    """The output tokens that were delivered and not counted, by the estimate."""
    told_output = told.output_tokens + told.reasoning_tokens + told.output_audio_tokens + told.output_image_tokens
    is_last_word = meter.ended or meter.told_bytes == meter.output_bytes
    # A provider that ends by counting nothing of what it delivered has not told its output.
    # So has one that counts the seconds of what it heard instead of the tokens of what it wrote.
    if is_last_word and (told_output or (meter.told and meter.told.seconds)):
        return 0
    return max(0, estimated_output - told_output)


def counted(meter: Meter, pieces: Usage) -> Measured:
    """The usage of what is sold by the piece and was not told: pieces alone, no tokens.

    Characters are counted in the request and images as they come, exactly, and a video is as long as was asked for; a
    recording's length is what its own header says, which is an estimate.
    """
    exact = pieces.characters or ((pieces.images or pieces.video_seconds) and meter.ended)
    return Measured(usage=_with_pieces(Usage(), meter, pieces), source="provider" if exact else "estimated")


def _with_pieces(usage: Usage, meter: Meter, pieces: Usage) -> Usage:
    """The usage with what is counted by the piece, wherever the provider does not count it itself."""
    if not (pieces.images or pieces.characters or pieces.seconds or pieces.video_seconds or meter.images):
        return usage
    return msgspec.structs.replace(
        usage,
        images=usage.images or _images(meter, pieces),
        characters=usage.characters or pieces.characters,
        seconds=usage.seconds or pieces.seconds,
        video_seconds=usage.video_seconds or pieces.video_seconds,
    )


def _images(meter: Meter, pieces: Usage) -> int:
    """Those that came; while the answer is not over, all that were asked for are on their way and will be charged."""
    return meter.images if meter.ended or meter.failure else max(pieces.images, meter.images)


def _input_of(usage: Usage) -> int:
    return (
        usage.input_tokens
        + usage.input_audio_tokens
        + usage.input_image_tokens
        + usage.cache_read_tokens
        + usage.cache_read_audio_tokens
        + usage.cache_write_tokens
        + usage.cache_write_1h_tokens
    )


def _is_by_the_piece(usage: Usage) -> bool:
    """Whether the provider counts pieces instead of tokens, as for a recording or a video."""
    return bool(usage.seconds or usage.video_seconds or usage.images or usage.characters)


def _tokens(byte_count: int, bytes_per_token: int) -> int:
    return -(-byte_count // bytes_per_token)
