"""What was used: a meter reads along with the events of an answer, and ends in an exact or estimated usage.

Unknown is never zero: where the provider told no usage, it is estimated from the bytes that were delivered, at
four bytes a token rounded up, and labelled so.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from domain.chat import (
    Broken,
    CitationDelta,
    Ended,
    Event,
    ForeignBlock,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from domain.failures import Failure
from domain.usage import Usage

BYTES_PER_TOKEN = 4


class Meter(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer has come to so far.

    `told` is the provider's own usage, its last word, said when `told_bytes` of the output were delivered.
    """

    output_bytes: int = 0
    told: Usage | None = None
    told_bytes: int = 0
    ended: bool = False
    failure: Failure | None = None


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A usage and where it comes from."""

    usage: Usage
    source: Literal["provider", "estimated"]


def observe(meter: Meter, events: Iterable[Event]) -> Meter:
    """The meter after these events. A pure fold: observing one by one or all at once is the same."""
    output_bytes, told, told_bytes = meter.output_bytes, meter.told, meter.told_bytes
    ended, failure = meter.ended, meter.failure
    for event in events:
        match event:
            case TextDelta() | RefusalDelta():
                output_bytes += len(event.text.encode())
            case ReasoningDelta():
                output_bytes += len(event.text.encode()) + len(event.redacted or "")
            case ToolCallDelta():
                output_bytes += len(event.arguments.encode()) + len((event.name or "").encode())
            case UsageReported():
                told, told_bytes = event.usage, output_bytes
            case CitationDelta():
                output_bytes += len(event.citation)
            case ForeignBlock():
                output_bytes += len(event.block)
            case Ended():
                ended = True
            case Broken():
                failure = event.failure
            case _:
                pass
    return Meter(output_bytes=output_bytes, told=told, told_bytes=told_bytes, ended=ended, failure=failure)


def measure(meter: Meter, input_bytes: int) -> Measured:
    """The usage that the meter vouches for; `input_bytes` is the size of the request's body.

    A provider that began to answer has read the input, so an estimate counts it. Anthropic tells its input at
    the start and its output at the end: what was told early is completed by what was delivered since.
    """
    estimated_output = _tokens(meter.output_bytes)
    if meter.told is None:
        return Measured(
            usage=Usage(input_tokens=_tokens(input_bytes), output_tokens=estimated_output), source="estimated"
        )
    told = meter.told
    told_output = told.output_tokens + told.reasoning_tokens + told.output_audio_tokens + told.output_image_tokens
    is_last_word = meter.ended or meter.told_bytes == meter.output_bytes
    # A provider that ends by counting nothing of what it delivered has not told its output.
    if is_last_word and (told_output or not estimated_output):
        return Measured(usage=meter.told, source="provider")
    missing = max(0, estimated_output - told_output)
    return Measured(
        usage=msgspec.structs.replace(meter.told, output_tokens=meter.told.output_tokens + missing),
        source="estimated" if missing else "provider",
    )


def _tokens(byte_count: int) -> int:
    return -(-byte_count // BYTES_PER_TOKEN)
