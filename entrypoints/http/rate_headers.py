"""What is left of a caller's limits, as headers of an answer, in the form of the caller's SDK.

OpenAI: developers.openai.com, "Rate limits: rate limits in headers". Anthropic: platform.claude.com, "Rate limits:
response headers".
"""

from collections.abc import Iterable

from domain.limits.reserve import RateStanding
from entrypoints.usecases.public_types import Moment, written

# Those of the provider are of the hub's account there, and are not relayed where the caller has limits of its own.
OF_PROVIDERS = ("x-ratelimit-", "anthropic-ratelimit-")


def rate_headers(dialect: str, rates: Iterable[RateStanding], now_ms: int) -> list[tuple[str, str]]:
    """The headers for limits of requests and tokens."""
    write = _anthropic if dialect == "anthropic" else _openai
    return [header for rate in rates for header in write(rate, now_ms)]


def _openai(rate: RateStanding, _: int) -> tuple[tuple[str, str], ...]:
    return (
        (f"x-ratelimit-limit-{rate.measure}", str(rate.amount)),
        (f"x-ratelimit-remaining-{rate.measure}", str(rate.remaining)),
        (f"x-ratelimit-reset-{rate.measure}", _duration(rate.reset_ms)),
    )


def _anthropic(rate: RateStanding, now_ms: int) -> tuple[tuple[str, str], ...]:
    reset_ms = now_ms + rate.reset_ms
    return (
        (f"anthropic-ratelimit-{rate.measure}-limit", str(rate.amount)),
        (f"anthropic-ratelimit-{rate.measure}-remaining", str(rate.remaining)),
        (
            f"anthropic-ratelimit-{rate.measure}-reset",
            written(Moment(-(-reset_ms // 1000) * 1000)).replace(".000Z", "Z"),
        ),
    )


def _duration(ms: int) -> str:
    """As Go writes durations, and OpenAI does: `120ms`, `1.5s`, `6m0s`, `1h2m3s`."""
    if ms < 1_000:
        return f"{ms}ms" if ms else "0s"
    minutes, rest_ms = divmod(ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest_ms // 1000}.{rest_ms % 1000:03d}".rstrip("0").rstrip(".")
    return f"{hours}h{minutes}m{seconds}s" if hours else f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
