"""Amounts are exact, and the one division that the hub does is rounded once, towards the hub."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.pricing.money import (
    NANOS_MAX,
    NANOS_PER_CREDIT,
    AmountError,
    charge_rounded_up,
    checked,
    format_credits,
    parse_credits,
    units_affordable,
)

NANOS = st.integers(0, NANOS_MAX)
LINES = st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**12)), max_size=6)


def test_twelve_and_a_half_credits_are_so_many_nanos() -> None:
    assert parse_credits("12.5") == 12_500_000_000
    assert format_credits(12_500_000_000) == "12.5"


@pytest.mark.parametrize(("text", "nanos"), [
    ("0",                                0),
    ("1",                    1_000_000_000),
    ("1.0",                  1_000_000_000),
    ("007",                  7_000_000_000),
    ("0.000000001",                      1),
    ("0.123456789",            123_456_789),
    ("9223372036.854775807",     NANOS_MAX),
])  # fmt: skip
def test_amounts_are_read_to_the_ninth_decimal(text: str, nanos: int) -> None:
    assert parse_credits(text) == nanos


@pytest.mark.parametrize(("text", "because"), [
    ("",                      "is not an amount"),
    (".",                     "is not an amount"),
    (".5",                    "is not an amount"),
    ("5.",                    "is not an amount"),
    ("-1",                    "is not an amount"),
    ("+1",                    "is not an amount"),
    ("1e9",                   "is not an amount"),
    ("1,5",                   "is not an amount"),
    ("1_000",                 "is not an amount"),
    ("1.2.3",                 "is not an amount"),
    (" 1",                    "is not an amount"),
    ("1.-2",                  "is not an amount"),
    ("٣",                     "is not an amount"),
    ("²",                     "is not an amount"),
    ("inf",                   "is not an amount"),
    ("0.0000000001",          "more than nine decimals"),
    ("9223372036.854775808",  "beyond what the books can hold"),
    ("99999999999999999999",  "beyond what the books can hold"),
])  # fmt: skip
def test_what_is_no_amount_is_refused_and_reported_why(text: str, because: str) -> None:
    with pytest.raises(AmountError, match=because):
        parse_credits(text)


@given(NANOS)
def test_an_amount_written_and_read_again_is_the_same(nanos: int) -> None:
    assert parse_credits(format_credits(nanos)) == nanos


@given(NANOS)
def test_an_amount_is_written_exactly_and_no_longer_than_it_must_be(nanos: int) -> None:
    text = format_credits(nanos)

    assert Fraction(text) == Fraction(nanos, NANOS_PER_CREDIT)
    assert not (text.endswith("0") and "." in text)
    assert not text.endswith(".")


def test_an_amount_below_zero_is_written_with_its_sign() -> None:
    assert format_credits(-1_500_000_000) == "-1.5"


def test_what_64_bits_cannot_hold_is_an_error_and_never_wraps() -> None:
    assert checked(NANOS_MAX) == NANOS_MAX
    assert checked(-NANOS_MAX) == -NANOS_MAX
    for nanos in (NANOS_MAX + 1, -NANOS_MAX - 1):
        with pytest.raises(AmountError, match="beyond what the books can hold"):
            checked(nanos)
    with pytest.raises(AmountError):
        charge_rounded_up([(NANOS_MAX, 1_000_001)])


@pytest.mark.parametrize(("lines", "nanos"), [
    ([],                                       0),
    ([(1_200, 150_000)],                     180),
    ([(1_200, 150_000), (1, 1)],             181),
    ([(1, 1)],                                 1),
    ([(1, 1), (999_999, 1)],                   1),
    ([(1, 1), (1_000_000, 1)],                 2),
])  # fmt: skip
def test_a_charge_is_summed_first_and_rounded_up_once(lines: list[tuple[int, int]], nanos: int) -> None:
    assert charge_rounded_up(lines) == nanos


@given(LINES)
def test_a_charge_is_never_below_what_is_exact_nor_a_whole_nano_above(lines: list[tuple[int, int]]) -> None:
    exact = sum(Fraction(units * nanos_per_million, 1_000_000) for units, nanos_per_million in lines)

    charge = charge_rounded_up(lines)

    assert exact <= charge < exact + 1


@given(LINES.flatmap(lambda lines: st.tuples(st.just(lines), st.permutations(lines))))
def test_the_order_of_the_lines_makes_no_difference(
    two_orders: tuple[list[tuple[int, int]], list[tuple[int, int]]],
) -> None:
    lines, shuffled = two_orders

    assert charge_rounded_up(lines) == charge_rounded_up(shuffled)


@given(LINES, LINES)
def test_rounding_once_is_never_dearer_than_rounding_twice(
    some: list[tuple[int, int]], others: list[tuple[int, int]]
) -> None:
    assert charge_rounded_up(some + others) <= charge_rounded_up(some) + charge_rounded_up(others)


@given(st.integers(0, 10**15), st.integers(1, 10**12))
def test_what_is_affordable_costs_at_most_that_and_one_more_would_not_fit(nanos: int, rate: int) -> None:
    units = units_affordable(nanos, rate)

    assert charge_rounded_up([(units, rate)]) <= nanos < charge_rounded_up([(units + 1, rate)])
