"""What a usage costs: disjoint units times their rates, summed and rounded once."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.pricing.charge import Charge, ChargeLine, price, total_of, unit_rates
from domain.pricing.money import NANOS_PER_CREDIT as CREDIT
from domain.pricing.rate import Rate
from domain.pricing.tiers import Occasion
from domain.usage import Usage
from tests.domain.build import a_rate, with_prices
from tests.domain.strategies import OCCASIONS, rates, usages

UNITS = Usage.__struct_fields__

# Every unit at a price of its own, in credits per million; a hosted tool is 0.01 credits a use.
EACH_ITS_OWN = a_rate(
    input_nanos=3 * CREDIT,
    output_nanos=15 * CREDIT,
    cache_read_nanos=CREDIT // 4,
    cache_write_nanos=4 * CREDIT,
    cache_write_1h_nanos=6 * CREDIT,
    input_audio_nanos=10 * CREDIT,
    output_audio_nanos=20 * CREDIT,
    reasoning_nanos=12 * CREDIT,
    tool_use_nanos=10_000 * CREDIT,
)


def test_twelve_hundred_tokens_at_150_000_nanos_per_million_are_180_nanos() -> None:
    charge = price(Usage(input_tokens=1_200), a_rate(input_nanos=150_000))

    line = ChargeLine(unit="input_tokens", units=1_200, nanos_per_million=150_000)
    assert Charge(rate_id="rate-1", lines=(line,), total_nanos=180) == charge


@given(usages(), rates(), OCCASIONS)
def test_a_total_is_the_same_without_its_lines(usage: Usage, rate: Rate, occasion: Occasion) -> None:
    assert total_of(usage, rate, occasion) == price(usage, rate, occasion).total_nanos


@pytest.mark.parametrize(("unit", "units", "nanos"), [
    ("input_tokens",           1_000,   3_000_000),
    ("input_audio_tokens",     1_000,  10_000_000),
    ("cache_read_tokens",      1_000,     250_000),
    ("cache_write_tokens",     1_000,   4_000_000),
    ("cache_write_1h_tokens",  1_000,   6_000_000),
    ("output_tokens",          1_000,  15_000_000),
    ("output_audio_tokens",    1_000,  20_000_000),
    ("reasoning_tokens",       1_000,  12_000_000),
    ("tool_uses",                  2,  20_000_000),
])  # fmt: skip
def test_each_unit_has_a_price_of_its_own(unit: str, units: int, nanos: int) -> None:
    """Audio, thinking and the cache are never sold as text by mistake. (G8)"""
    charge = price(Usage(**{unit: units}), EACH_ITS_OWN)

    assert charge.total_nanos == nanos


@pytest.mark.parametrize(("unit", "parent"), [
    ("input_audio_nanos",     "input_tokens"),
    ("cache_read_nanos",      "input_tokens"),
    ("cache_write_nanos",     "input_tokens"),
    ("cache_write_1h_nanos",  "cache_write_tokens"),
    ("output_audio_nanos",    "output_tokens"),
    ("reasoning_nanos",       "output_tokens"),
])  # fmt: skip
def test_a_unit_without_a_price_is_sold_as_its_parent(unit: str, parent: str) -> None:
    filled = unit_rates(with_prices(EACH_ITS_OWN, **{unit: None}))

    name = unit.replace("_nanos", "_tokens")
    assert filled[name] == unit_rates(EACH_ITS_OWN)[parent]


def test_an_hours_cache_write_is_sold_as_input_where_no_cache_write_has_a_price() -> None:
    filled = unit_rates(a_rate(input_nanos=7))

    assert filled["cache_write_1h_tokens"] == 7


def test_a_unit_that_is_priced_at_zero_is_free_and_not_sold_as_its_parent() -> None:
    charge = price(Usage(cache_read_tokens=1_000), a_rate(cache_read_nanos=0))

    assert charge.total_nanos == 0


def test_cached_input_is_charged_once_and_at_its_own_price() -> None:
    """1,000 fresh tokens at 3,000 nanos and 9,000 cached at 250. (G7)"""
    charge = price(Usage(input_tokens=1_000, cache_read_tokens=9_000), EACH_ITS_OWN)

    assert charge.total_nanos == 3_000_000 + 2_250_000


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_below_zero_is_no_usage(unit: str) -> None:
    """It would be a discount that nobody gave. (G7)"""
    with pytest.raises(ValueError, match=f"{unit} is -1"):
        Usage(**{unit: -1})


@pytest.mark.parametrize("unit", UNITS)
def test_every_unit_of_a_usage_has_a_price(unit: str) -> None:
    assert unit in unit_rates(a_rate())


@given(usages(), rates())
def test_a_charge_is_its_lines_summed_exactly_and_rounded_up_once(usage: Usage, rate: Rate) -> None:
    charge = price(usage, rate)

    exact = sum((Fraction(line.units * line.nanos_per_million, 1_000_000) for line in charge.lines), Fraction(0))
    assert exact <= charge.total_nanos < exact + 1
    assert {line.unit: line.units for line in charge.lines} == {
        unit: units for unit in UNITS if (units := getattr(usage, unit))
    }


@given(usages(), usages(), rates())
def test_two_usages_cost_what_they_cost_together_but_for_the_rounding(one: Usage, other: Usage, rate: Rate) -> None:
    together = price(_sum(one, other), rate).total_nanos
    apart = price(one, rate).total_nanos + price(other, rate).total_nanos

    assert together <= apart <= together + 1


@given(usages(), rates(), st.sampled_from(UNITS), st.integers(1, 1_000))
def test_more_usage_is_never_cheaper(usage: Usage, rate: Rate, unit: str, more: int) -> None:
    assert price(usage, rate).total_nanos <= price(_sum(usage, Usage(**{unit: more})), rate).total_nanos


@given(usages(), rates())
def test_usage_is_free_only_where_each_unit_of_it_is_priced_at_zero(usage: Usage, rate: Rate) -> None:
    """(G6)"""
    sold = {unit_rates(rate)[unit] for unit in UNITS if getattr(usage, unit)}

    assert (price(usage, rate).total_nanos == 0) == (sold <= {0})


def _sum(one: Usage, other: Usage) -> Usage:
    return Usage(**{unit: getattr(one, unit) + getattr(other, unit) for unit in UNITS})
