"""Rates made from the price book: cost with a margin, in credits, each unit and each tier rounded up once."""

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.books.management_scopes import ProviderFacts
from domain.management.changes import Actor, Changed, Denied, Unchanged
from domain.management.rates_from_prices import Terms, rate_of, sell, terms_of
from domain.pricing.charge import cost, price
from domain.pricing.money import NANOS_PER_CREDIT as CREDIT
from domain.pricing.money import rate_from_cost, thousandths_moved
from domain.pricing.rate import Rate
from domain.pricing.tiers import Occasion, Tier, UnitPrices
from domain.refusals import BadRequest
from domain.usage import Usage
from tests.domain.build import NOW_MS, a_provider, a_rate
from tests.domain.strategies import OCCASIONS, RATES_NANOS, TIERS, usages
from tests.domain.test_price_book import DOLLAR, a_price

ACTOR = Actor(name="test", now_ms=NOW_MS, audit_id="audit-1")
TWENTY_PERCENT = Terms(margin_nanos=20 * CREDIT, credit_price_nanos=DOLLAR)


@pytest.mark.parametrize(("cost_nanos", "margin", "credit_price_nanos", "rate_nanos"), [
    (150_000_000,   20,  DOLLAR,          180_000_000),
    (150_000_000,    0,  DOLLAR,          150_000_000),
    (150_000_000,   20,  DOLLAR // 100,   18_000_000_000),  # a credit of a cent: a hundred times as many
    (1,             20,  DOLLAR,          2),               # rounded up, once
    (3,            100,  4 * DOLLAR,      2),
    (0,            500,  DOLLAR,          0),
])  # fmt: skip
def test_a_rate_is_the_cost_with_its_margin_in_credits(
    cost_nanos: int, margin: int, credit_price_nanos: int, rate_nanos: int
) -> None:
    assert rate_from_cost(cost_nanos, margin * CREDIT, credit_price_nanos) == rate_nanos


@given(st.integers(0, 10**13), st.integers(0, 1_000 * CREDIT), st.integers(1, 1_000 * DOLLAR))
def test_a_rate_is_rounded_up_once(cost_nanos: int, margin_nanos: int, credit_price_nanos: int) -> None:
    exact = Fraction(cost_nanos) * (1 + Fraction(margin_nanos, 100 * CREDIT)) / Fraction(credit_price_nanos, DOLLAR)
    if exact < 2**62:
        assert exact <= rate_from_cost(cost_nanos, margin_nanos, credit_price_nanos) < exact + 1


@pytest.mark.parametrize(("before", "after", "moved"), [
    (100, 110, 100), (100, 111, 110), (1_000, 1_101, 101), (100, 90, -100), (100, 100, 0), (0, 0, 0), (0, 1, None), (3, 0, -1_000),
])  # fmt: skip
def test_how_far_a_price_moves(before: int, after: int, moved: int | None) -> None:
    assert thousandths_moved(before, after) == moved


@given(
    usages(),
    st.lists(TIERS, max_size=3),
    OCCASIONS,
    st.builds(UnitPrices, input_nanos=RATES_NANOS, output_nanos=RATES_NANOS, cache_read_nanos=RATES_NANOS | st.none()),
)
def test_what_is_sold_by_the_book_is_never_sold_below_its_cost(
    usage: Usage, tiers: list[Tier], occasion: Occasion, prices: UnitPrices
) -> None:
    """On every occasion: the charge, in credits of a dollar, is at least the cost and its margin."""
    requested = a_price(prices=prices, tiers=tuple(tiers))
    rate = rate_of(requested, TWENTY_PERCENT, "acme", "rate-9", NOW_MS)

    cost_nanos = cost(usage, requested, occasion)
    charge_nanos = price(usage, rate, occasion).total_nanos

    assert cost_nanos is not None
    lines = sum(1 for unit in usage.__struct_fields__ if getattr(usage, unit))
    assert (cost_nanos - 1) * 6 <= charge_nanos * 5 <= (cost_nanos + 2 + lines * 100) * 6


def test_a_model_is_sold_with_its_tiers_its_names_and_its_limits() -> None:
    tier = Tier(prices=UnitPrices(input_nanos=6 * DOLLAR), service="priority", above_tokens=7)
    requested = a_price(tiers=(tier,), context_tokens=1_000, output_tokens_max=100, names=("=small", "^small-2025"))

    rate = rate_of(requested, TWENTY_PERCENT, "other", "rate-9", NOW_MS)

    assert (rate.provider, rate.model, rate.names) == ("other", "small", requested.names)
    assert (rate.context_tokens, rate.output_tokens_max) == (1_000, 100)
    assert (rate.input_nanos, rate.output_nanos, rate.prices.cache_read_nanos) == (3_600_000_000, 18_000_000_000, None)
    assert rate.tiers == (msgspec.structs.replace(tier, prices=UnitPrices(input_nanos=7_200_000_000)),)


def test_a_rate_of_the_operators_own_stays_as_it_is() -> None:
    own = a_rate(model="small", source="operator")
    gone = a_rate(id="rate-2", model="large", removed=True, source="operator")
    facts = ProviderFacts(provider=a_provider(), credentials=(), rates=(own, gone))
    prices = [a_price(), a_price(model="large"), a_price(model="new")]

    sold, outcome = sell(facts, ACTOR, prices, TWENTY_PERCENT, ["a", "b", "c"], named=False)
    named, _ = sell(facts, ACTOR, prices[1:2], TWENTY_PERCENT, ["b"], named=True)

    assert isinstance(outcome, Changed)
    assert (sold.kept, [rate.model for rate in sold.rates]) == (("small", "large"), ["new"])
    assert [rate.model for rate in named.rates] == ["large"]


def test_selling_twice_changes_nothing_and_a_new_price_makes_a_new_version() -> None:
    first, _ = sell(_facts(), ACTOR, [a_price()], TWENTY_PERCENT, ["a"], named=False)
    facts = _facts(*first.rates)

    again, nothing = sell(facts, ACTOR, [a_price()], TWENTY_PERCENT, ["b"], named=False)
    dearer = a_price(5, prices=UnitPrices(input_nanos=4 * DOLLAR))
    newer, outcome = sell(facts, ACTOR, [dearer], TWENTY_PERCENT, ["c"], named=False)

    assert isinstance(nothing, Unchanged)
    assert (again.unchanged, again.rates) == (("small",), ())
    assert isinstance(outcome, Changed)
    assert newer.rates[0].effective_ms == NOW_MS + 1, "after the version before, also within a millisecond"


def test_a_price_that_cannot_be_charged_is_reported_and_not_sold() -> None:
    absurd = a_price(prices=UnitPrices(input_nanos=10**13))

    sold, outcome = sell(_facts(), ACTOR, [absurd], TWENTY_PERCENT, ["a"], named=False)

    assert sold.impossible == ("small",)
    assert isinstance(outcome, Unchanged)


def test_nothing_is_sold_for_a_provider_that_is_not_there_nor_for_a_credit_of_nothing() -> None:
    nobody = ProviderFacts(provider=None, credentials=(), rates=())

    assert isinstance(sell(nobody, ACTOR, [], TWENTY_PERCENT, [], named=False)[1], Denied)
    assert isinstance(terms_of(0, 0), BadRequest)


def _facts(*rates: Rate) -> ProviderFacts:
    return ProviderFacts(provider=a_provider(), credentials=(), rates=rates)
