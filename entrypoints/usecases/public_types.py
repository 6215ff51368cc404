"""Values of requests and replies whose public form differs from the stored one: amounts, moments, durations.

Each is an `int` in the unit that its docstring names, so the rules accept it unchanged. `written` returns the public
form, for JSON (as msgspec's `enc_hook`) and for text; `read` returns the value of a public form (`dec_hook`).
`described` is the form of a reply as a JSON schema (`schema_hook`), `described_request` the forms that a request may
have.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from domain.pricing.money import UNITS_PER_RATE, AmountError, format_credits, format_credits_each, parse_credits


class Credits(int):
    """Nanocredits; written as an exact decimal of credits."""


class CreditsChange(int):
    """Nanocredits to add, or to take if they are below zero; written as an exact decimal of credits."""


class CreditsEach(int):
    """Nanocredits for a million pieces; written as an exact decimal of credits for one piece."""


class Dollars(int):
    """Nanodollars; written as an exact decimal of US dollars."""


class Percent(int):
    """Billionths of a percent; written as an exact decimal."""


class Moment(int):
    """Milliseconds since 1970; written as `2026-01-31T12:00:00.000Z`, which sorts as text."""


class Duration(int):
    """Milliseconds; written such as `30d`, `12h`, `45m` or `10s`."""


def moment(ms: int | None) -> Moment | None:
    """A moment of the books, for a reply."""
    return None if ms is None else Moment(ms)


def written(value: object) -> str:
    """The public form of such a value; NotImplementedError for a value of another type, as msgspec requires."""
    if isinstance(value, (Credits, CreditsChange, Dollars, Percent)):
        return format_credits(value)
    if isinstance(value, CreditsEach):
        return format_credits_each(value)
    if isinstance(value, Moment):
        seconds, rest = divmod(value, 1000)
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"
    if isinstance(value, Duration):
        size, unit = next((ms, unit) for ms, unit in _DURATIONS if value % ms == 0)
        return f"{value // size}{unit}"
    raise NotImplementedError(f"no public form for {type(value).__name__}")


_DURATIONS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms"))


def read(now_ms: int, kind: type, given: object) -> int:
    """The value of a public form: an amount as a decimal or a number, a moment, a duration.

    A moment such as `7d` is counted back from `now_ms`. ValueError with what is expected if the form is wrong;
    NotImplementedError for another type, as msgspec requires.
    """
    if kind in (Credits, Dollars, Percent):
        return kind(_nanos(given))
    if kind is CreditsChange:
        taken = isinstance(given, str) and given.startswith("-")
        return CreditsChange(-_nanos(given[1:]) if taken and isinstance(given, str) else _nanos(given))
    if kind is CreditsEach:
        return CreditsEach(_nanos(given) * UNITS_PER_RATE)
    if kind is Duration:
        return Duration(_duration_ms(given))
    if kind is Moment:
        return Moment(_moment_ms(given, now_ms))
    raise NotImplementedError(f"no public form for {kind.__name__}")


def described(kind: type) -> dict[str, Any]:
    """The public form as a JSON schema; NotImplementedError for a value of another type, as msgspec requires."""
    if kind not in _FORMS:
        raise NotImplementedError(f"no public form for {kind.__name__}")
    return dict(_FORMS[kind])


def described_request(kind: type) -> dict[str, Any]:
    """The forms that `read` takes, as a JSON schema: an amount may be a number, a duration has no milliseconds."""
    form = described(kind)
    if kind is Duration:
        return form | {"pattern": _DURATION_GIVEN}
    return form if kind is Moment else form | {"type": ["string", "number"]}


_DURATION_GIVEN = r"^[1-9][0-9]{0,5}[dhms]$"
_DECIMAL = r"^-?[0-9]+(\.[0-9]+)?$"
_FORMS: dict[type, dict[str, Any]] = {
    Credits: {"type": "string", "pattern": _DECIMAL, "description": "credits, as an exact decimal"},
    CreditsChange: {"type": "string", "pattern": _DECIMAL, "description": "credits, below zero to take them"},
    CreditsEach: {"type": "string", "pattern": _DECIMAL, "description": "credits for one piece, as an exact decimal"},
    Dollars: {"type": "string", "pattern": _DECIMAL, "description": "US dollars, as an exact decimal"},
    Percent: {"type": "string", "pattern": _DECIMAL, "description": "percent, as an exact decimal"},
    Moment: {"type": "string", "description": "a moment in UTC such as 2026-01-31T12:00:00.000Z"},
    Duration: {"type": "string", "pattern": r"^[1-9][0-9]{0,8}(d|h|m|s|ms)$", "description": "such as 30d or 12h"},
}


def _nanos(given: object) -> int:
    if isinstance(given, bool) or not isinstance(given, (str, int, Decimal)):
        raise ValueError('Expected a decimal, such as "0.25"')
    try:
        return parse_credits(str(given) if isinstance(given, (str, int)) else format(given, "f"))
    except AmountError as error:
        raise ValueError(str(error)) from None


def _duration_ms(given: object) -> int:
    match = re.fullmatch(r"([1-9][0-9]{0,5})([dhms])", given) if isinstance(given, str) else None
    if match is None:
        raise ValueError("Expected a duration such as 30d, 12h or 45m")
    return int(match[1]) * _UNITS_MS[match[2]]


def _moment_ms(given: object, now_ms: int) -> int:
    if isinstance(given, str) and re.fullmatch(r"[1-9][0-9]{0,5}[dhms]", given):
        return now_ms - _duration_ms(given)
    try:
        at = datetime.fromisoformat(given if isinstance(given, str) else "")
    except ValueError:
        raise ValueError("Expected a moment such as 2026-11-01, 2026-11-01T12:00Z or 7d") from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


_UNITS_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000}
