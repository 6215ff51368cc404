"""Convert Anthropic's usage to disjoint units.

Anthropic counts cache reads and writes in addition to `input_tokens`, and thinking inside `output_tokens`, which
"remains the inclusive, authoritative total used for billing": a count of thinking above it is ignored. The counts of
`message_delta` are cumulative, so a count below that of `message_start` is ignored.
https://platform.claude.com/docs/en/api/messages/create
"""

from typing import Any

import msgspec

from adapters.providers.decode_errors import Count
from adapters.providers.usage_counts import Reader, disagreeing, greatest, usage_of
from domain.model_api.events import UsageReported


class _CacheCreation(msgspec.Struct, frozen=True):
    ephemeral_5m_input_tokens: Count | None = None
    ephemeral_1h_input_tokens: Count | None = None


class _ServerToolUse(msgspec.Struct, frozen=True):
    web_search_requests: Count | None = None


class _OutputDetails(msgspec.Struct, frozen=True):
    thinking_tokens: Count | None = None


class _Iteration(msgspec.Struct, frozen=True):
    type: str | None = None
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


_READER = Reader(Report)


def reported(raw: msgspec.Raw, before: Report | None = None) -> tuple[Report | None, tuple[UsageReported, ...]]:
    """Merge a usage object with the earlier ones; return all reports together, and the event with their counts.

    There is no event if there is no usage object. If it cannot be read, the event adds no counts but has a note.
    """
    notes: list[str] = []
    report = _READER.read(raw, notes)
    if report is not None:
        report = greatest(before, report if before is None else _with_new_writes(before, report))
    elif not notes:
        return before, ()
    units = _units(report or before or Report(), notes)
    usage = usage_of(notes, units)
    return report or before, (UsageReported(usage=usage, service_tier=_service(report), notes=tuple(notes)),)


def _units(report: Report, notes: list[str]) -> dict[str, int]:
    """Return everything that is billed at the model's own price: the message and its compactions."""
    write, write_1h = _cache_writes(report, notes)
    output = report.output_tokens or 0
    details, tools = report.output_tokens_details, report.server_tool_use
    thinking = (details.thinking_tokens or 0) if details is not None else 0
    if thinking > output:
        note = f"thinking_tokens is {thinking}, more than output_tokens, which is {output}"
        disagreeing(notes, note, "thinking_tokens is not counted apart")
        thinking = 0
    units = {
        "input_tokens": report.input_tokens or 0,
        "cache_read_tokens": report.cache_read_input_tokens or 0,
        "cache_write_tokens": write,
        "cache_write_1h_tokens": write_1h,
        "output_tokens": output - thinking,
        "reasoning_tokens": thinking,
        "tool_uses": (tools.web_search_requests or 0) if tools is not None else 0,
    }
    for entry in report.iterations or ():
        if entry.type == "compaction":
            _add_compaction(units, entry, notes)
    return units


def _add_compaction(units: dict[str, int], entry: _Iteration, notes: list[str]) -> None:
    """Add the tokens used to summarise a long context.

    "A `compaction` entry's tokens are not included in the top-level `usage` fields" but are billed:
    https://platform.claude.com/docs/en/build-with-claude/compaction. An `advisor_message` entry is not included either.
    It is another model's work at another model's price, which a Usage of this model cannot express; therefore the
    caller's side treats the advisor as a hosted tool.
    """
    write, write_1h = _cache_writes(entry, notes)
    units["input_tokens"] += entry.input_tokens or 0
    units["cache_read_tokens"] += entry.cache_read_input_tokens or 0
    units["cache_write_tokens"] += write
    units["cache_write_1h_tokens"] += write_1h
    units["output_tokens"] += entry.output_tokens or 0


def _service(report: Report | None) -> str | None:
    """Return the service tier: "fast" and "batch" have prices of their own, "priority" is committed capacity.

    https://platform.claude.com/docs/en/build-with-claude/fast-mode: `usage.speed` reports the speed that was used.
    """
    if report is None:
        return None
    if report.speed == "fast":
        return "fast"
    return report.service_tier if isinstance(report.service_tier, str) else None


def _cache_writes(report: Report | _Iteration, notes: list[str]) -> tuple[int, int]:
    """Return the tokens written for five minutes and for an hour.

    A rest that the parts do not cover was written for five minutes: complete answers that searched the web report the
    sum, and parts of zero. If the parts exceed the sum, the parts are used, because each was counted.
    """
    written, parts = report.cache_creation_input_tokens or 0, report.cache_creation
    if parts is None:
        return written, 0
    write, write_1h = parts.ephemeral_5m_input_tokens or 0, parts.ephemeral_1h_input_tokens or 0
    if report.cache_creation_input_tokens is None or written == write + write_1h:
        return write, write_1h
    note = f"cache_creation_input_tokens is {written}, but the parts of cache_creation sum to {write + write_1h}"
    if written < write + write_1h:
        disagreeing(notes, note, "the parts are counted")
        return write, write_1h
    disagreeing(notes, note, "the rest is counted as written for five minutes")
    return written - write_1h, write_1h


def _with_new_writes(before: Report, report: Report) -> Report:
    """Return the report with the parts of its cache writes, which `message_delta` leaves out.

    The loop of a server tool may write more after `message_start` reported the parts. The new tokens then have the
    lifetime that all earlier ones had, or five minutes.
    """
    parts, written = before.cache_creation, report.cache_creation_input_tokens
    if parts is None or report.cache_creation is not None or written is None:
        return report
    write, write_1h = parts.ephemeral_5m_input_tokens or 0, parts.ephemeral_1h_input_tokens or 0
    new = written - max(write + write_1h, before.cache_creation_input_tokens or 0)
    if new <= 0:
        return msgspec.structs.replace(report, cache_creation_input_tokens=None)
    for_an_hour = bool(write_1h and not write)
    more = _CacheCreation(
        ephemeral_5m_input_tokens=write + (0 if for_an_hour else new),
        ephemeral_1h_input_tokens=write_1h + (new if for_an_hour else 0),
    )
    return msgspec.structs.replace(report, cache_creation=more)
