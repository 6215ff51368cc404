"""The price book: dated prices, the names of models, and what a usage costs the operator."""

from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.pricing.charge import cost
from domain.pricing.price_book import (
    Names,
    Price,
    checked_names,
    matches,
    news,
    price_at,
    price_id,
    provider_prices_of,
    spellings,
    versions,
)
from domain.pricing.tiers import Occasion, Tier, UnitPrices
from domain.usage import PRICE_OF_UNIT, Usage
from tests.domain.strategies import OCCASIONS, RATES_NANOS, TIERS, usages

DOLLAR = 1_000_000_000


def a_price(effective_ms: int = 0, known_ms: int = 0, model: str = "small", **changes: Any) -> Price:
    price = Price(
        id=price_id("acme", model, effective_ms, known_ms),
        provider="acme",
        model=model,
        effective_ms=effective_ms,
        known_ms=known_ms,
        source="test",
        names=(f"={model}",),
        prices=UnitPrices(input_nanos=3 * DOLLAR, output_nanos=15 * DOLLAR),
    )
    return msgspec.structs.replace(price, **changes)


# --- names ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("names", "name", "found"), [
    (("=gpt-4o",),                "gpt-4o",                      True),
    (("=gpt-4o",),                "gpt-4o-mini",                 False),
    (("^claude-3-opus",),         "claude-3-opus-20240229",      True),
    (("$:free",),                 "meta/llama:free",             True),
    (("*nova-lite",),             "eu.amazon.nova-lite-v1:0",    True),
    (("/^claude-5-\\d{8}$",),     "claude-5-20260101",           True),
    (("/^claude-5-\\d{8}$",),     "claude-5-2026",               False),
    ((("*llama", "$:groq"),),     "meta/llama-4:groq",           True),
    ((("*llama", "$:groq"),),     "meta/llama-4:together",       False),
    (("=a", ("*llama", "*b")),    "a",                           True),
    ((),                          "anything",                    False),
])  # fmt: skip
def test_a_name_is_met_exactly_by_its_parts_or_by_a_pattern(names: Names, name: str, found: bool) -> None:
    assert matches(checked_names(names), name) == found


@pytest.mark.parametrize("wrong", ["gpt-4o", "=", "", "/(unclosed"])
def test_what_is_no_name_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"invalid name|invalid regular"):
        checked_names((wrong,))


def test_a_name_is_found_in_any_case_and_with_a_compact_date() -> None:
    provider_prices = provider_prices_of("acme", [a_price(model="gpt-5.2", names=("=gpt-5.2-2025-12-11",))])

    assert spellings("GPT-5.2-20251211") == ("gpt-5.2-20251211", "gpt-5.2-2025-12-11")
    assert price_at(provider_prices, "GPT-5.2-20251211", 0) is not None


def test_provider_prices_lend_what_another_has_not() -> None:
    """Azure sells OpenAI's models under their names; its own prices come first."""
    lender = provider_prices_of("openai", [a_price(model="small"), a_price(model="large")])
    own = provider_prices_of("azure", [a_price(model="large", source="azure")], borrowed=[lender])

    found = [price_at(own, name, 0) for name in ("small", "large", "other")]

    assert [price and price.source for price in found] == ["test", "azure", None]


# --- time -----------------------------------------------------------------------------------------------------


def test_the_price_that_holds_is_the_newest_knowledge_about_the_moment() -> None:
    """Known at 7, a correction of the price from 10 on counts from 10 to 20, when the next one begins."""
    first, next_one, correction = a_price(10, 0), a_price(20, 0), a_price(10, 7)
    provider_prices = provider_prices_of("acme", [next_one, correction, first])

    assert [price_at(provider_prices, "small", at) for at in (9, 10, 19, 20)] == [
        None,
        correction,
        correction,
        next_one,
    ]
    assert versions(provider_prices, "small") == (first, correction, next_one)


def test_only_what_differs_from_what_holds_is_news() -> None:
    cheaper = UnitPrices(input_nanos=DOLLAR)
    held = [a_price(0), a_price(20, prices=cheaper)]

    assert news(held, [a_price(0, 9), a_price(20, 9, prices=cheaper)], 100) == []
    assert news(held, [a_price(0, 9), a_price(30, 9, prices=UnitPrices())], 100) == [
        a_price(30, 9, prices=UnitPrices())
    ]
    assert news([], [a_price(5, 9)], 100) == [a_price(5, 9)]


def test_a_version_that_the_catalogue_takes_back_ends_now_and_stays_for_the_past() -> None:
    held = [a_price(0), a_price(20, prices=UnitPrices(input_nanos=DOLLAR))]

    new = news(held, [a_price(0, 9)], 100)

    assert [(price.effective_ms, price.prices) for price in new] == [(100, a_price(0).prices)]


@example(found=[(3, 1), (4, 2)], now_ms=0)  # the corrected version at 3 ends what held at 4, so 4 is news, too
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 3)), max_size=6), st.integers(0, 5))
def test_what_was_learned_once_is_no_news(found: list[tuple[int, int]], now_ms: int) -> None:
    incoming = [a_price(at, 9, prices=UnitPrices(input_nanos=nanos)) for at, nanos in dict(found).items()]
    held = [a_price(0), a_price(3, prices=UnitPrices(input_nanos=2))]

    learned = [*held, *news(held, incoming, now_ms)]

    assert news(learned, incoming, now_ms) == []
    said, holds = (price_at(provider_prices_of("acme", prices), "small", now_ms) for prices in (incoming, learned))
    assert said is None or (holds is not None and holds.prices == said.prices)


# --- cost -----------------------------------------------------------------------------------------------------

# In dollars per million tokens: 3 in, 0.30 cached, 3.75 and 6 written, 15 out; a thousand searches are 10 dollars.
SONNET = a_price(
    prices=UnitPrices(
        input_nanos=3 * DOLLAR,
        cache_read_nanos=300_000_000,
        cache_write_nanos=3_750_000_000,
        cache_write_1h_nanos=6 * DOLLAR,
        output_nanos=15 * DOLLAR,
        tool_use_nanos=10_000 * DOLLAR,
    )
)


@pytest.mark.parametrize(("usage", "nanos"), [
    (Usage(input_tokens=1_000),                                                   3_000_000),
    (Usage(cache_read_tokens=1_000),                                                300_000),
    (Usage(cache_read_audio_tokens=1_000),                                          300_000),
    (Usage(cache_write_tokens=1_000),                                             3_750_000),
    (Usage(cache_write_1h_tokens=1_000),                                          6_000_000),
    (Usage(output_tokens=1_000),                                                 15_000_000),
    (Usage(reasoning_tokens=1_000),                                              15_000_000),
    (Usage(input_image_tokens=1_000),                                             3_000_000),
    (Usage(tool_uses=2),                                                         20_000_000),
    (Usage(input_tokens=7, cache_read_tokens=11, output_tokens=13, tool_uses=1),  10_219_300),
    (Usage(),                                                                             0),
])  # fmt: skip
def test_each_unit_costs_what_the_price_list_has(usage: Usage, nanos: int) -> None:
    """By hand: 7 at 3,000, 11 at 300, 13 at 15,000 and 10,000,000 nano-dollars."""
    assert cost(usage, SONNET) == nanos


@pytest.mark.parametrize("unit", ["images", "characters", "seconds", "video_seconds", "requests"])
def test_a_unit_without_a_price_makes_the_cost_unknown_and_never_zero(unit: str) -> None:
    assert cost(Usage(input_tokens=1, **{unit: 1}), SONNET) is None


def test_a_model_that_is_priced_by_the_second_has_no_cost_by_the_token() -> None:
    whisper = a_price(prices=UnitPrices(second_nanos=100 * DOLLAR))

    assert cost(Usage(seconds=60), whisper) == 6_000_000
    assert cost(Usage(input_tokens=1), whisper) is None


def test_the_cost_follows_the_providers_answer() -> None:
    priority = Tier(prices=UnitPrices(input_nanos=6 * DOLLAR), service="priority")
    long = Tier(prices=UnitPrices(input_nanos=4 * DOLLAR), above_tokens=1_000)
    price = msgspec.structs.replace(SONNET, tiers=(priority, long))

    costs = [
        cost(Usage(input_tokens=n), price, Occasion(service=s))
        for n, s in ((1_000, None), (1_001, None), (1, "priority"))
    ]

    assert costs == [3_000_000, 4_004_000, 6_000]


@given(
    usages(),
    st.lists(TIERS, max_size=3),
    OCCASIONS,
    st.builds(UnitPrices, input_nanos=RATES_NANOS, output_nanos=RATES_NANOS),
)
def test_a_cost_is_its_leaves_costs_but_for_the_rounding(
    usage: Usage, tiers: list[Tier], occasion: Occasion, prices: UnitPrices
) -> None:
    price = a_price(prices=prices, tiers=tuple(tier for tier in tiers if not tier.above_tokens))
    parts = [Usage(**{unit: getattr(usage, unit)}) for unit in PRICE_OF_UNIT if getattr(usage, unit)]

    apart = [cost(part, price, occasion) for part in parts]
    together = cost(usage, price, occasion)

    assert together is not None
    assert sum(nanos or 0 for nanos in apart) - len(parts) <= together <= sum(nanos or 0 for nanos in apart)
