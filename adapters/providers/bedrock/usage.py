"""Convert Bedrock's usage to disjoint units.

Cache reads and writes are counted in addition to `inputTokens`: "Total input tokens = inputTokens +
cacheReadInputTokens + cacheWriteInputTokens". Reasoning is counted inside `outputTokens` and not reported separately,
for any family. https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
"""

import msgspec

from adapters.providers.decode_errors import Count
from adapters.providers.usage_counts import UNREPORTED, Reader, disagreeing, usage_of
from domain.model_api.events import UsageReported


class _CacheDetail(msgspec.Struct, frozen=True, rename="camel"):
    ttl: str | None = None
    input_tokens: Count | None = None


class Report(msgspec.Struct, frozen=True, rename="camel"):
    """A `usage` object. `totalTokens` contains nothing new."""

    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_write_input_tokens: Count | None = None
    cache_details: list[_CacheDetail] | None = None


class _ServiceTier(msgspec.Struct, frozen=True):
    type: str | None = None


class _Performance(msgspec.Struct, frozen=True):
    latency: str | None = None


class Service(msgspec.Struct, frozen=True, rename="camel"):
    """The counts and the service tier or latency mode of an answer; each has prices of its own.

    https://docs.aws.amazon.com/bedrock/latest/userguide/service-tiers-inference.html
    https://docs.aws.amazon.com/bedrock/latest/userguide/latency-optimized-inference.html
    """

    usage: msgspec.Raw = UNREPORTED
    service_tier: msgspec.Raw = UNREPORTED
    performance_config: msgspec.Raw = UNREPORTED


_READER = Reader(Report)
_TIER_READER = Reader(_ServiceTier)
_PERFORMANCE_READER = Reader(_Performance)


def reported(service: Service) -> tuple[UsageReported, ...]:
    """Return the counts, if any, and the service name that selects the price."""
    notes: list[str] = []
    report = _READER.read(service.usage, notes)
    if report is None and not notes:
        return ()
    usage = usage_of(notes, units(report or Report(), notes))
    speed = _PERFORMANCE_READER.read(service.performance_config, [])
    tier = _TIER_READER.read(service.service_tier, [])
    service_name = (tier.type or None) if tier is not None else None
    if speed is not None and speed.latency == "optimized":
        service_name = speed.latency
    return (UsageReported(usage=usage, service_tier=service_name, notes=tuple(notes)),)


def units(report: Report, notes: list[str]) -> dict[str, int]:
    """Return the report as units.

    Example: inputTokens 10, cacheWriteInputTokens 300 of which 100 for an hour: input 10, cache write 200, cache write
    1h 100. A rest that the parts do not cover was written for five minutes; if the parts exceed the sum, the parts are
    used.
    """
    written, write, write_1h = report.cache_write_input_tokens, 0, 0
    for detail in report.cache_details or ():
        if detail.ttl == "1h":
            write_1h += detail.input_tokens or 0
            continue
        write += detail.input_tokens or 0
        if detail.ttl != "5m":
            disagreeing(notes, f"cacheDetails are for {detail.ttl}", "they are counted as written for five minutes")
    if not report.cache_details:
        write = written or 0
    elif written is not None and written != write + write_1h:
        note = f"cacheWriteInputTokens is {written}, but the parts of cacheDetails sum to {write + write_1h}"
        more = written > write + write_1h
        disagreeing(notes, note, "the rest is counted as written for five minutes" if more else "the parts are counted")
        write = max(write, written - write_1h)
    return {
        "input_tokens": report.input_tokens or 0,
        "cache_read_tokens": report.cache_read_input_tokens or 0,
        "cache_write_tokens": write,
        "cache_write_1h_tokens": write_1h,
        "output_tokens": report.output_tokens or 0,
    }
