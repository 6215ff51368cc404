"""What a call used: a meter observes the events of an answer and yields an exact or estimated usage.

Unknown usage is never zero. What the provider did not count, or counted as 0 although there is text, is estimated and
marked as estimated: the input by `domain.model_api.token_estimate`, the output by the delivered text, at four bytes a
token rounded up. Audio and images are estimated by what was requested, with the figures that OpenAI documents for its
own models; or counted, if they are sold by the piece.

An estimate must not be dearer than the answer would have been. So what a tokenizer does not see counts nothing
(encrypted reasoning, citations, the JSON around a tool's arguments), and an answer that did not end counts at five
bytes a token, the average of English texts.
"""

from collections.abc import Iterable

import msgspec

from domain.books.rows import UsageSource
from domain.failures import Failure
from domain.model_api.call import ModelCall
from domain.model_api.events import (
    AudioDelta,
    Broken,
    Ended,
    Event,
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
# Ten tokens for a second of audio input, about twenty for a second of speech, which has some ten characters
# (developers.openai.com, "Realtime: managing costs"; gpt-4o-mini-tts is given as $0.015 a minute at $12 a million).
AUDIO_TOKENS_PER_SECOND = 10
AUDIO_TOKENS_PER_CHARACTER = 2
# A square image of high quality by gpt-image-1 (developers.openai.com, "Image generation: cost and latency").
TOKENS_PER_OUTPUT_IMAGE = 4_160
_NO_PIECES = Usage()


class Meter(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer has used so far.

    `reported` is the provider's own last usage, reported when `reported_bytes` of the output were delivered, and
    `notes` what was odd about it; it is `running` if the provider may yet count less. `output_bytes` are of texts that
    a model writes. `audio_bytes`, `images` and `blocks` (encrypted reasoning, provider-specific blocks) were delivered
    too; they contain no text. `service_tier`, `cost_nanos` (nano-USD), `size` and `quality` are the last values that
    the provider reported.
    """

    output_bytes: int = 0
    audio_bytes: int = 0
    images: int = 0
    blocks: int = 0
    reported: Usage | None = None
    reported_bytes: int = 0
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
        """Whether any output was delivered."""
        return bool(self.output_bytes or self.audio_bytes or self.images or self.blocks)


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A usage and its source; `note` describes what was odd about the provider's count, and what was done."""

    usage: Usage
    source: UsageSource
    note: str | None = None


def observe(meter: Meter, events: Iterable[Event]) -> Meter:
    """The meter after these events. A pure fold: observing one by one or all at once is the same."""
    output_bytes, reported, reported_bytes = meter.output_bytes, meter.reported, meter.reported_bytes
    audio_bytes, images, blocks, notes = meter.audio_bytes, meter.images, meter.blocks, meter.notes
    ended, failure, running = meter.ended, meter.failure, meter.running
    service_tier, cost_nanos, size, quality = meter.service_tier, meter.cost_nanos, meter.size, meter.quality
    for event in events:
        # By identity, in the order of frequency: a class pattern costs as much as the rest of the event.
        if type(event) is TextDelta or type(event) is RefusalDelta:
            output_bytes += len(event.text.encode())
        elif type(event) is ReasoningDelta:
            output_bytes += len(event.text.encode())
            blocks += event.redacted is not None
        elif type(event) is ToolCallDelta:
            output_bytes += len(event.arguments.encode()) + len((event.name or "").encode())
        elif type(event) is UsageReported:
            reported, reported_bytes, notes, running = event.usage, output_bytes, event.notes, event.running
            service_tier = service_tier if event.service_tier is None else event.service_tier
            cost_nanos = cost_nanos if event.cost_nanos is None else event.cost_nanos
        elif type(event) is Started:
            service_tier = event.service_tier or service_tier
        elif type(event) is Ended:
            ended = True
        elif type(event) is ProviderBlock and event.generated:
            output_bytes += written_bytes(event.block)
            blocks += 1
        elif type(event) is AudioDelta:
            audio_bytes += event.byte_count
        elif type(event) is ImageResult:
            images, size, quality = images + 1, event.size or size, event.quality or quality
        elif type(event) is VideoResult:
            size = event.size or size
        elif type(event) is Broken:
            failure = event.failure
    return Meter(
        output_bytes=output_bytes,
        audio_bytes=audio_bytes,
        images=images,
        blocks=blocks,
        reported=reported,
        reported_bytes=reported_bytes,
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
    """Whether the provider's count of the input is final: if not, it is estimated. A prompt is never free."""
    reported = meter.reported
    if meter.running and not meter.ended:
        return False
    return reported is not None and bool(_input_of(reported) or _is_by_the_piece(reported))


def uncounted_input(meter: Meter, call: ModelCall, rate: Rate | None) -> int:
    """The likely input where the provider did not count it, which is read out of the request only then; else 0."""
    return 0 if has_input(meter) else expected_input(call, rate)


def measure(meter: Meter, input_tokens: int, pieces: Usage = _NO_PIECES) -> Measured:
    """The usage of the answer that the meter has observed.

    `input_tokens` is the estimate of the request's input, used if `has_input` is false, and `pieces` is what can be
    counted in the request itself (`ModelCall`). A provider that began to answer has read the input. Anthropic reports
    its input at the start and its output at the end: an early report is completed by what was delivered since.
    """
    estimated_output = _tokens(meter.output_bytes, BYTES_PER_TOKEN if meter.ended else BYTES_PER_TOKEN_CUT)
    if meter.reported is None:
        unreported = Usage(
            input_tokens=input_tokens,
            input_audio_tokens=pieces.seconds * AUDIO_TOKENS_PER_SECOND,
            output_tokens=estimated_output,
            output_audio_tokens=pieces.characters * AUDIO_TOKENS_PER_CHARACTER,
            output_image_tokens=_images(meter, pieces) * TOKENS_PER_OUTPUT_IMAGE,
        )
        return Measured(usage=_with_pieces(unreported, meter, pieces), source="estimated")
    if meter.running and not meter.ended:
        return _measured_so_far(meter, meter.reported, input_tokens, estimated_output)
    reported = _with_pieces(meter.reported, meter, pieces)
    more_input = 0 if has_input(meter) else input_tokens
    more_output = _unreported_output(meter, reported, estimated_output)
    notes = meter.notes
    if more_input:
        notes += ("the provider counts no input, so it is estimated",)
    if more_output:
        notes += ("the provider does not count all of the output, so it is estimated",)
    if more_input or more_output:
        reported = msgspec.structs.replace(
            reported,
            input_tokens=reported.input_tokens + more_input,
            output_tokens=reported.output_tokens + more_output,
        )
    source: UsageSource = "estimated" if more_input or more_output else "adjusted" if notes else "provider"
    return Measured(usage=reported, source=source, note="; ".join(notes) or None)


def _measured_so_far(meter: Meter, reported: Usage, input_tokens: int, estimated_output: int) -> Measured:
    """The usage of a part of an answer whose provider may yet count less: on each side at most the estimate.

    Gemini has counted a prompt as 169 tokens at first and as 79 in the end. Reasoning is only known by its count.
    """
    cached = reported.cache_read_tokens or reported.cache_read_audio_tokens
    usage = msgspec.structs.replace(reported, output_tokens=min(reported.output_tokens, estimated_output))
    if not usage.output_tokens and not usage.reasoning_tokens and not usage.output_image_tokens:
        usage = msgspec.structs.replace(usage, output_tokens=estimated_output)
    if not cached and not 0 < _input_of(reported) <= input_tokens:
        usage = msgspec.structs.replace(usage, input_tokens=input_tokens, input_audio_tokens=0, input_image_tokens=0)
    source: UsageSource = "provider" if usage == reported and not meter.notes else "estimated"
    return Measured(usage=usage, source=source, note="; ".join(meter.notes) or None)


def _unreported_output(meter: Meter, reported: Usage, estimated_output: int) -> int:
    """The output tokens that were delivered and not counted, by the estimate."""
    reported_output = (
        reported.output_tokens + reported.reasoning_tokens + reported.output_audio_tokens + reported.output_image_tokens
    )
    is_last_word = meter.ended or meter.reported_bytes == meter.output_bytes
    # A provider that delivered output and in the end counts none has not reported it. The same holds for one that
    # counts the seconds of the recording and not the tokens of the text.
    if is_last_word and (reported_output or (meter.reported and meter.reported.seconds)):
        return 0
    return max(0, estimated_output - reported_output)


def counted(meter: Meter, pieces: Usage) -> Measured:
    """The usage of what is sold by the piece and was not reported: pieces only, no tokens.

    Characters are counted in the request and images in the answer, exactly, and a video has the requested length; a
    recording's length is read from its header, which is an estimate.
    """
    exact = pieces.characters or ((pieces.images or pieces.video_seconds) and meter.ended)
    return Measured(usage=_with_pieces(Usage(), meter, pieces), source="provider" if exact else "estimated")


def _with_pieces(usage: Usage, meter: Meter, pieces: Usage) -> Usage:
    """The usage with the pieces that the provider does not count itself."""
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
    """The delivered images; while the answer is not over, all requested ones: the provider will charge them."""
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
