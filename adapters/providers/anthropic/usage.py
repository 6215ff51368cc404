"""What Anthropic counted, as disjoint leaves.

House rule: a number that the provider told is kept or the whole report is refused; nothing is clamped.

Anthropic counts cache reads and writes beside `input_tokens`, and thinking inside `output_tokens`, which "remains the
inclusive, authoritative total used for billing": a count of thinking that is more than that is none.
https://platform.claude.com/docs/en/api/messages/create
"""

from typing import Any

import msgspec

from adapters.providers.wire import Count
from domain.chat import UsageReported
from domain.usage import Usage


class _CacheCreation(msgspec.Struct, frozen=True):
    ephemeral_5m_input_tokens: Count = 0
    ephemeral_1h_input_tokens: Count = 0


class _ServerToolUse(msgspec.Struct, frozen=True):
    web_search_requests: Count | None = None


class _OutputDetails(msgspec.Struct, frozen=True):
    thinking_tokens: Count | None = None


class _Iteration(msgspec.Struct, frozen=True):
    type: str = ""
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_creation: _CacheCreation | None = None


class Report(msgspec.Struct, frozen=True):
    """The `usage` object of a message, of `message_start` or of `message_delta`."""

    input_tokens: Count | None = None
    output_tokens: Count | None = None
    output_tokens_details: _OutputDetails | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_creation: _CacheCreation | None = None
    server_tool_use: _ServerToolUse | None = None
    iterations: list[_Iteration] | None = None
    service_tier: Any = None
    speed: Any = None


class Told(msgspec.Struct, frozen=True):
    """What the reports so far say: the message's own count, and that of compactions, which is not part of it.

    Of the message's output `thinking` tokens are thinking, as far as that is told.
    `service` is how the message was served, in the word that its price goes by.
    """

    message: Usage = Usage()
    thinking: int = 0
    compaction: Usage = Usage()
    service: str | None = None


def merge(told: Told, report: Report) -> Told:
    """The next report on top of the earlier ones: counts are cumulative, and what it leaves out still stands.

    Raises ValueError where one report contradicts itself.
    """
    message = told.message
    write, write_1h = _cache_writes(message, report)
    searches = report.server_tool_use.web_search_requests if report.server_tool_use is not None else None
    details = report.output_tokens_details
    return Told(
        message=Usage(
            input_tokens=_latest(report.input_tokens, message.input_tokens),
            cache_read_tokens=_latest(report.cache_read_input_tokens, message.cache_read_tokens),
            cache_write_tokens=write,
            cache_write_1h_tokens=write_1h,
            output_tokens=_latest(report.output_tokens, message.output_tokens),
            tool_uses=_latest(searches, message.tool_uses),
        ),
        thinking=told.thinking if details is None else _latest(details.thinking_tokens, told.thinking),
        compaction=told.compaction if report.iterations is None else _compaction(report.iterations),
        service=_service(report) or told.service,
    )


def total(told: Told) -> Usage:
    """Everything that is billed for the answer at the model's own price."""
    message = told.message
    if 0 < told.thinking <= message.output_tokens:
        spoken = message.output_tokens - told.thinking
        message = msgspec.structs.replace(message, output_tokens=spoken, reasoning_tokens=told.thinking)
    return message if told.compaction == Usage() else _sum(message, told.compaction)


def reported(told: Told) -> UsageReported:
    """The event that says all of it."""
    return UsageReported(usage=total(told), service_tier=told.service)


def _service(report: Report) -> str | None:
    """How it was served: "fast" and "batch" have prices of their own, "priority" is capacity committed to beforehand.

    https://platform.claude.com/docs/en/build-with-claude/fast-mode: `usage.speed` says which speed was used.
    """
    if report.speed == "fast":
        return "fast"
    return report.service_tier if isinstance(report.service_tier, str) else None


def _latest(now: int | None, before: int) -> int:
    return before if now is None else now


def _cache_writes(before: Usage, report: Report | _Iteration) -> tuple[int, int]:
    """Tokens written for five minutes and for an hour.

    `message_delta` tells the sum without the parts, also when a server tool's loop wrote more after
    `message_start` told the parts. What is new then lives as long as all before it did, or five minutes.
    """
    written = report.cache_creation_input_tokens
    parts = report.cache_creation
    if parts is not None:
        sum_of_parts = parts.ephemeral_5m_input_tokens + parts.ephemeral_1h_input_tokens
        if written is not None and written != sum_of_parts:
            raise ValueError(
                f"usage does not add up: cache_creation_input_tokens is {written}, "
                f"but the parts of cache_creation sum to {sum_of_parts}"
            )
        return parts.ephemeral_5m_input_tokens, parts.ephemeral_1h_input_tokens
    write, write_1h = before.cache_write_tokens, before.cache_write_1h_tokens
    if written is None or written == write + write_1h:
        return write, write_1h
    if write_1h and not write:
        return 0, written
    return (written - write_1h, write_1h) if written >= write_1h else (written, 0)


def _compaction(iterations: list[_Iteration]) -> Usage:
    """The tokens of summarising a long context on the way.

    "A `compaction` entry's tokens are not included in the top-level `usage` fields" and are billed all the same:
    https://platform.claude.com/docs/en/build-with-claude/compaction. An `advisor_message` entry is not included
    either, but it is another model's work at another model's price, which a Usage of this model cannot say;
    hence the caller's side names the advisor as a hosted tool.
    """
    usage = Usage()
    for entry in iterations:
        if entry.type == "compaction":
            write, write_1h = _cache_writes(Usage(), entry)
            usage = _sum(
                usage,
                Usage(
                    input_tokens=entry.input_tokens or 0,
                    cache_read_tokens=entry.cache_read_input_tokens or 0,
                    cache_write_tokens=write,
                    cache_write_1h_tokens=write_1h,
                    output_tokens=entry.output_tokens or 0,
                ),
            )
    return usage


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(**{name: getattr(one, name) + getattr(other, name) for name in Usage.__struct_fields__})
