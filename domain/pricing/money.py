"""Credit as integers of one unit, and the only place in the hub that divides money.

One credit is 1,000,000,000 nanocredits. A rate is nanocredits per million units, so one credit per
million tokens is 1,000 nanocredits a token. Amounts fit a signed 64-bit integer, which is what the
storage engines keep; what does not fit is an error here and never wraps there.
"""

from collections.abc import Iterable
from itertools import starmap
from operator import mul

NANOS_PER_CREDIT = 1_000_000_000
UNITS_PER_RATE = 1_000_000
NANOS_MAX = 2**63 - 1

_DECIMALS = 9
_HUNDRED_PERCENT = 100 * NANOS_PER_CREDIT


class AmountError(ValueError):
    """The text is not an amount, or the amount is too large for the books; the message states which."""


def checked(nanos: int) -> int:
    """The same amount, if 64 bits can hold it; AmountError if not."""
    if -NANOS_MAX <= nanos <= NANOS_MAX:
        return nanos
    raise AmountError(f"{format_credits(nanos)} credits is beyond what the books can hold")


def parse_credits(text: str) -> int:
    """Read a decimal number of credits, exactly: "12.5" is 12,500,000,000 nanocredits.

    More than nine decimals, exponents, signs and separators are refused: the AmountError states what to write.
    """
    whole, point, fraction = text.partition(".")
    digits_only = whole.isascii() and whole.isdigit() and (not point or (fraction.isascii() and fraction.isdigit()))
    if not digits_only:
        raise AmountError(f"{text!r} is not an amount: expected digits with an optional decimal point, such as 12.50")
    if len(fraction) > _DECIMALS:
        raise AmountError(f"{text!r} has more than nine decimals; a nanocredit is the smallest amount")
    if len(whole) > 19:
        raise AmountError(f"{text!r} credits is beyond what the books can hold")
    return checked(int(whole) * NANOS_PER_CREDIT + int(fraction.ljust(_DECIMALS, "0")))


def format_credits(nanos: int) -> str:
    """Write nanocredits as an exact decimal number of credits: 12,500,000,000 is "12.5"."""
    return _decimal(nanos, _DECIMALS)


def format_per_unit(nanos_per_million: int) -> str:
    """Write a rate as an exact decimal number of credits for one unit: 150,000,000 per million is "0.00000015"."""
    return _decimal(nanos_per_million, _DECIMALS + 6)


def format_credits_each(nanos_per_million: int) -> str:
    """Write a rate as exact credits for one unit: 40,000,000 nanos each, so 4 * 10**13 a million, is "0.04"."""
    whole, fraction = divmod(nanos_per_million, NANOS_PER_CREDIT * UNITS_PER_RATE)
    decimals = f"{fraction:015d}".rstrip("0")
    return f"{whole}.{decimals}" if decimals else str(whole)


def charge_rounded_up(lines: Iterable[tuple[int, int]]) -> int:
    """Sum `(units, nanos_per_million_units)` lines exactly, then divide once, rounded up to a nano.

    1,200 tokens at 150,000 nanos per million and one at 1: 180.000001, so 181 nanos.
    """
    total = sum(starmap(mul, lines))
    return checked(-(-total // UNITS_PER_RATE))


def rate_from_cost(cost_nanos: int, margin_nanos: int, credit_price_nanos: int) -> int:
    """The rate for a cost: cost x (100 + margin percent) / 100 / the price of a credit, rounded up.

    `margin_nanos` are 10**9 for one percent, `credit_price_nanos` what one credit costs its buyer, in nano-USD. At a
    margin of 20 and one dollar for a credit, 150,000,000 nano-USD become 180,000,000 nanocredits.
    """
    numerator = cost_nanos * (_HUNDRED_PERCENT + margin_nanos) * NANOS_PER_CREDIT
    return checked(-(-numerator // (_HUNDRED_PERCENT * credit_price_nanos)))


def thousandths_moved(before_nanos: int, after_nanos: int) -> int | None:
    """How far a price moved, in thousandths of the old price, rounded away from zero; None if the old price was 0."""
    if before_nanos == after_nanos:
        return 0
    if before_nanos == 0:
        return None
    up = -(-abs(after_nanos - before_nanos) * 1_000 // before_nanos)
    return up if after_nanos > before_nanos else -up


def units_affordable(nanos: int, nanos_per_million: int) -> int:
    """How many units `nanos` pays for, rounded down; the rate must be positive."""
    return nanos * UNITS_PER_RATE // nanos_per_million


def _decimal(number: int, decimals: int) -> str:
    whole, fraction = divmod(abs(number), 10**decimals)
    digits = f"{fraction:0{decimals}d}".rstrip("0")
    sign = "-" if number < 0 else ""
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"
