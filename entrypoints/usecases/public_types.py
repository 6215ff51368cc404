"""Values of requests and replies whose public form differs from the stored one: amounts, moments, durations.

Each is an `int` in the unit that its docstring names, so the rules accept it unchanged. `written` returns the public
form, for JSON (as msgspec's `enc_hook`) and for text.
"""

from datetime import UTC, datetime

from domain.money import format_credits


class Credits(int):
    """Nanocredits; written as an exact decimal of credits."""


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
    if isinstance(value, (Credits, Dollars, Percent)):
        return format_credits(value)
    if isinstance(value, Moment):
        seconds, rest = divmod(value, 1000)
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"
    if isinstance(value, Duration):
        size, unit = next((ms, unit) for ms, unit in _DURATIONS if value % ms == 0)
        return f"{value // size}{unit}"
    raise NotImplementedError(f"no public form for {type(value).__name__}")


_DURATIONS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms"))
