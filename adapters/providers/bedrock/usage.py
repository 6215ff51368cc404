"""What Bedrock counted, as disjoint leaves.

House rule: a number that the provider told is kept or the whole report is refused; nothing is clamped.

Cache reads and writes stand beside `inputTokens`: "Total input tokens = inputTokens + cacheReadInputTokens +
cacheWriteInputTokens". Thinking counts inside `outputTokens` and is not told apart, for any family.
https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
"""

import msgspec

from adapters.providers.wire import Count
from domain.chat import UsageReported
from domain.usage import Usage


class _CacheDetail(msgspec.Struct, frozen=True, rename="camel"):
    ttl: str
    input_tokens: Count


class Report(msgspec.Struct, frozen=True, rename="camel"):
    """A `usage` object. `totalTokens` says nothing that the others do not."""

    input_tokens: Count = 0
    output_tokens: Count = 0
    cache_read_input_tokens: Count | None = None
    cache_write_input_tokens: Count | None = None
    cache_details: list[_CacheDetail] | None = None


class _ServiceTier(msgspec.Struct, frozen=True):
    type: str = ""


class _Performance(msgspec.Struct, frozen=True):
    latency: str = ""


class Service(msgspec.Struct, frozen=True, rename="camel"):
    """How an answer says that it was served; both have prices of their own.

    https://docs.aws.amazon.com/bedrock/latest/userguide/service-tiers-inference.html
    https://docs.aws.amazon.com/bedrock/latest/userguide/latency-optimized-inference.html
    """

    service_tier: _ServiceTier | None = None
    performance_config: _Performance | None = None


def reported(report: Report | None, service: Service) -> tuple[UsageReported, ...]:
    """What was counted, if it was, and the word that its price goes by; ValueError as `leaves`."""
    if report is None:
        return ()
    speed, tier = service.performance_config, service.service_tier
    if speed is not None and speed.latency == "optimized":
        return (UsageReported(usage=leaves(report), service_tier=speed.latency),)
    return (UsageReported(usage=leaves(report), service_tier=tier.type or None if tier is not None else None),)


def leaves(report: Report) -> Usage:
    """The report as leaves; ValueError where it contradicts itself.

    inputTokens 10, cacheWriteInputTokens 300 of which 100 for an hour: input 10, cache write 200, cache write 1h 100.
    """
    written = report.cache_write_input_tokens
    by_ttl = {"5m": 0, "1h": 0}
    for detail in report.cache_details or ():
        if detail.ttl not in by_ttl:
            raise ValueError(f"usage has cacheDetails for {detail.ttl!r}, which has no price")
        by_ttl[detail.ttl] += detail.input_tokens
    parts = sum(by_ttl.values())
    if report.cache_details and written is not None and parts != written:
        raise ValueError(
            f"usage does not add up: cacheWriteInputTokens is {written}, but the parts of cacheDetails sum to {parts}"
        )
    return Usage(
        input_tokens=report.input_tokens,
        cache_read_tokens=report.cache_read_input_tokens or 0,
        cache_write_tokens=by_ttl["5m"] if report.cache_details else written or 0,
        cache_write_1h_tokens=by_ttl["1h"],
        output_tokens=report.output_tokens,
    )
