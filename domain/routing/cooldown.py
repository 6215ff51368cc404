"""Cool-downs: after a failure, other targets are tried first for a while.

It is advice: it orders the candidates and excludes none, and losing it changes no charge.
"""

import msgspec

COOL_DOWN_MS = 90_000
COOL_DOWN_LONG_MS = 180_000
FAILURES_FOR_LONG = 3


class CoolDown(msgspec.Struct, frozen=True, kw_only=True):
    """How many failures occurred in a row, and until when others are tried first."""

    failures: int
    until_ms: int


def after_failure(before: CoolDown | None, now_ms: int, retry_after_ms: int | None = None) -> CoolDown:
    """90 s, from the third failure in a row 180 s, and never less than the provider's Retry-After."""
    failures = (before.failures if before else 0) + 1
    pause_ms = COOL_DOWN_LONG_MS if failures >= FAILURES_FOR_LONG else COOL_DOWN_MS
    return CoolDown(failures=failures, until_ms=now_ms + max(pause_ms, retry_after_ms or 0))


def is_cooling(cool_down: CoolDown | None, now_ms: int) -> bool:
    """Whether others are tried first at `now_ms`."""
    return cool_down is not None and now_ms < cool_down.until_ms
