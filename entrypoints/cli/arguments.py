"""The types of arguments: each reads a text, and reports a wrong one in one line."""

import argparse
import re
from collections.abc import Callable

_UNIT_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000}


def decimal(text: str) -> int:
    """An exact decimal, in nanos."""
    from domain.money import AmountError, parse_credits

    try:
        return parse_credits(text)
    except AmountError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def priced_at(text: str) -> tuple[str | None, str | None, int]:
    """A size, a quality or both with a price: `1024x1536/high=0.25`, `1024x1536=0.1` or `/high=0.2`; in nanos."""
    kind, sign, amount = text.rpartition("=")
    size, _, quality = kind.partition("/")
    if not sign or not (size or quality):
        raise argparse.ArgumentTypeError(
            f"invalid value {text!r}: expected SIZE[/QUALITY]=X, such as 1024x1536/high=0.25"
        )
    return size or None, quality or None, decimal(amount)


def whole(text: str) -> int:
    """Digits alone."""
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise argparse.ArgumentTypeError(f"invalid value {text!r}: expected a whole number")
    return int(text)


def limit(text: str) -> int:
    """How many rows to show."""
    rows = whole(text)
    if not 1 <= rows <= 10_000:
        problem = "write a number from 1 to 10000; --before ID goes on from there, and `aihub call export` writes all"
        raise argparse.ArgumentTypeError(problem)
    return rows


def between(least: int, most: int) -> Callable[[str], int]:
    """A reader of a whole number in that range."""

    def read(text: str) -> int:
        number = whole(text)
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"write a number from {least} to {most}")
        return number

    return read


def moment(text: str) -> Callable[[int], int]:
    """A date, a moment or a duration ago, as a function from the present time to milliseconds."""
    if re.fullmatch(r"[1-9][0-9]{0,5}[dhms]", text):
        ago_ms = duration_ms(text)
        return lambda now_ms: now_ms - ago_ms
    from datetime import UTC, datetime

    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"invalid time {text!r}: expected such as 2026-11-01, 2026-11-01T12:00Z or 7d"
        ) from None
    at_ms = int((given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp() * 1000)
    return lambda now_ms: at_ms


def duration_ms(text: str) -> int:
    """A duration in days, hours, minutes or seconds, in milliseconds."""
    match = re.fullmatch(r"([1-9][0-9]{0,5})([dhms])", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"invalid duration {text!r}: expected such as 30d, 12h or 45m")
    return int(match[1]) * _UNIT_MS[match[2]]
