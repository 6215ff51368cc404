"""Sums of usage as AIGNE shows them: credits as exact JSON numbers, and what was used as one number.

What was used is tokens for text, pieces for images, seconds for video and audio; what was charged is net of later
adjustments. So each number is linear in the calls, and every page, file and chart adds up to the same.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from domain.books.statistics.summary import net_nanos, total
from domain.books.statistics.usage_sum import UsageSum
from domain.pricing.money import format_credits
from entrypoints.http.aigne_management.values import OPERATION_TYPES

_PIECES = frozenset(("images", "video"))
_TOKENS = frozenset(("chat", "completions", "embeddings", "moderation"))


def type_of_operation(operation: str) -> str:
    """AIGNE's type of a call for an operation; the operations that AIGNE does not have keep their names."""
    return OPERATION_TYPES.get(operation, operation)


def used(one: UsageSum) -> int:
    """What the calls of one operation used, in its unit."""
    tokens = one.input_tokens + one.output_tokens
    if one.operation in _PIECES:
        return one.pieces
    return tokens if one.operation in _TOKENS else tokens + one.pieces


def credits_number(nanos: int) -> msgspec.Raw:
    """Nanocredits as a JSON number of credits, exact."""
    return msgspec.Raw(format_credits(nanos).encode())


def number(value: Decimal, places: int = 6) -> msgspec.Raw:
    """A decimal as a JSON number, rounded to some places."""
    rounded = round(value, places)
    return msgspec.Raw(f"{rounded.normalize():f}".encode() if rounded else b"0")


def ratio(part: int, whole: int, places: int = 6) -> msgspec.Raw:
    """A quotient as a JSON number; 0 where there is nothing to divide by."""
    return number(Decimal(part) / Decimal(whole), places) if whole else msgspec.Raw(b"0")


def totals(sums: Iterable[UsageSum]) -> dict[str, Any]:
    """`totalUsage`, `totalCredits` and `totalCalls`."""
    sums = [*sums]
    whole = total(sums)
    return {
        "totalUsage": sum(map(used, sums)),
        "totalCredits": credits_number(net_nanos(whole)),
        "totalCalls": whole.calls,
    }


def by_type(sums: Iterable[UsageSum]) -> dict[str, dict[str, Any]]:
    """The totals of each type, and the calls that succeeded."""
    of_type: dict[str, list[UsageSum]] = {}
    for one in sums:
        of_type.setdefault(type_of_operation(one.operation), []).append(one)
    return {name: {**totals(some), "successCalls": total(some).completed} for name, some in sorted(of_type.items())}


def growth(current: list[UsageSum], before: list[UsageSum]) -> dict[str, Any]:
    """The change to the time before as a part of it: 0.25 is 25 %; from nothing it is 1, or 0 where nothing came."""

    def change(now: int, then: int) -> msgspec.Raw:
        if then:
            return number(Decimal(now - then) / Decimal(then))
        return msgspec.Raw(b"1" if now > 0 else b"0")

    now, then = total(current), total(before)
    return {
        "usageGrowth": change(sum(map(used, current)), sum(map(used, before))),
        "creditsGrowth": change(net_nanos(now), net_nanos(then)),
        "callsGrowth": change(now.calls, then.calls),
    }


def averages(one: UsageSum) -> dict[str, Any]:
    """Seconds that calls took on average, and to their first byte, over those that succeeded."""
    return {
        "avgDuration": ratio(one.duration_ms, one.completed * 1000, 1),
        "avgTtfb": ratio(one.first_byte_ms, one.first_bytes * 1000, 3),
    }


def success_rate(one: UsageSum) -> msgspec.Raw:
    """Percent of the calls that succeeded."""
    return ratio(one.completed * 100, one.calls, 2)
