"""Tiers: one request is priced at one of them, by the service that the provider reported, its size and the hour."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.model_api.call import ModelCall
from domain.pricing.bounds import INPUT_TOKENS_ADDED, Bound, bound, lowered
from domain.pricing.charge import ORDINARY, dearest, price, unit_rates
from domain.pricing.money import NANOS_PER_CREDIT as CREDIT
from domain.pricing.rate import PIECE_NANOS_MAX, Rate
from domain.pricing.tiers import Occasion, Tier, UnitPrices, reachable, tier_of
from domain.usage import PRICE_OF_UNIT, UNITS, Usage
from tests.domain.build import a_chat_call, a_rate
from tests.domain.strategies import OCCASIONS, TIERS, rates, tiered_rates, usages

LONG = Tier(prices=UnitPrices(input_nanos=4 * CREDIT, output_nanos=18 * CREDIT), above_tokens=200_000)
PRIORITY = Tier(prices=UnitPrices(input_nanos=6 * CREDIT), service="priority")
PRIORITY_LONG = Tier(prices=UnitPrices(input_nanos=8 * CREDIT), service="priority", above_tokens=200_000)
NIGHT = Tier(prices=UnitPrices(input_nanos=CREDIT), from_minute=990, until_minute=30)
TIERED = a_rate(input_nanos=2 * CREDIT, output_nanos=12 * CREDIT, tiers=(LONG, PRIORITY, PRIORITY_LONG))


@pytest.mark.parametrize(("usage", "nanos"), [
    (Usage(input_tokens=199_999),                                400_000_000 - 2_000),
    (Usage(input_tokens=200_000),                                400_000_000),
    (Usage(input_tokens=200_001),                                800_004_000),  # every token, not only the last
    (Usage(input_tokens=1, cache_read_tokens=200_000),           800_004_000),  # the whole input decides
    (Usage(cache_write_1h_tokens=1, input_audio_tokens=200_000), 800_004_000),
    (Usage(input_tokens=1, output_tokens=200_000),               2_400_002_000),  # and the input alone
])  # fmt: skip
def test_a_long_request_is_dearer_from_the_first_token_past_the_threshold(usage: Usage, nanos: int) -> None:
    """(G11)"""
    assert price(usage, TIERED).total_nanos == nanos


@pytest.mark.parametrize(("service", "tokens", "expected"), [
    (None,        1,        None),
    ("default",   1,        None),           # a word that has no prices is the standard service
    ("default",   200_001,  LONG),
    ("priority",  1,        PRIORITY),
    ("priority",  200_001,  PRIORITY_LONG),
])  # fmt: skip
def test_the_service_that_the_provider_reported_decides(
    service: str | None, tokens: int, expected: Tier | None
) -> None:
    """(G11)"""
    assert tier_of(TIERED.tiers, Occasion(service=service), tokens) == expected


@pytest.mark.parametrize(
    ("minute", "at_night"), [(989, False), (990, True), (1_439, True), (0, True), (29, True), (30, False)]
)
def test_hours_may_go_over_midnight(minute: int, at_night: bool) -> None:
    occasion = Occasion(at_ms=86_400_000 * 20_000 + minute * 60_000)

    assert tier_of((NIGHT,), occasion, 1) == (NIGHT if at_night else None)


def test_a_tier_replaces_what_it_names_and_children_follow_their_parent() -> None:
    rate = a_rate(input_nanos=1, cache_read_nanos=2, output_nanos=3)

    filled = unit_rates(rate, Tier(prices=UnitPrices(input_nanos=10)))

    assert (filled["input_tokens"], filled["input_audio_tokens"]) == (10, 10)
    assert (filled["cache_read_tokens"], filled["output_tokens"]) == (2, 3)


@pytest.mark.parametrize(("fields", "input_nanos"), [
    ({},                                           4 * CREDIT),
    ({"service_tier": msgspec.Raw(b'"auto"')},      4 * CREDIT),
    ({"service_tier": msgspec.Raw(b'"priority"')},  8 * CREDIT),
    ({"speed": msgspec.Raw(b'"priority"')},         8 * CREDIT),
    ({"service_tier": msgspec.Raw(b'["priority"]')}, 4 * CREDIT),
    ({"serviceTier": msgspec.Raw(b'{"type": "priority"}')}, 8 * CREDIT),
    ({"performanceConfig": msgspec.Raw(b'{"latency": "priority"}')}, 8 * CREDIT),
    ({"performanceConfig": msgspec.Raw(b'{"latency": 7}')}, 4 * CREDIT),
])  # fmt: skip
def test_what_a_call_requests_is_held_for(fields: dict[str, msgspec.Raw], input_nanos: int) -> None:
    """200,001 tokens may be reached, so the dearest of what they can come to counts."""
    call = a_chat_call(body_bytes=200_001 - INPUT_TOKENS_ADDED, output_tokens_max=0, fields=fields)

    limit = bound(call, TIERED)

    assert isinstance(limit, Bound)
    assert limit.nanos == 200_001 * input_nanos // 1_000_000


def test_a_request_that_cannot_pass_the_threshold_is_not_held_for_it() -> None:
    call = a_chat_call(body_bytes=200_000 - INPUT_TOKENS_ADDED, output_tokens_max=0)

    limit = bound(call, TIERED)

    assert isinstance(limit, Bound)
    assert limit.nanos == 400_000_000


@given(
    st.builds(a_chat_call, body_bytes=st.integers(0, 4_000)), tiered_rates(context_tokens=5_000), OCCASIONS, st.data()
)
def test_no_usage_within_the_call_costs_more_than_its_bound_on_any_occasion(
    call: ModelCall, rate: Rate, occasion: Occasion, data: st.DataObject
) -> None:
    requested = msgspec.structs.replace(
        call, fields={"service_tier": msgspec.Raw(msgspec.json.encode(occasion.service))}
    )
    limit = bound(requested, rate)
    assert isinstance(limit, Bound)

    usage = data.draw(usages(limit.input_tokens, limit.output_tokens))

    assert price(usage, rate, occasion).total_nanos <= limit.nanos


@given(tiered_rates(context_tokens=5_000), st.integers(1, 10**9))
def test_a_lowered_bound_is_that_of_the_cap_which_is_sent(rate: Rate, available_nanos: int) -> None:
    call = a_chat_call(output_tokens_max=None)
    full = bound(call, rate)
    assert isinstance(full, Bound)

    less = lowered(call, rate, full, available_nanos)

    if less is not None:
        assert less.nanos <= available_nanos
        assert less.output_cap is not None
        sent = bound(msgspec.structs.replace(call, output_tokens_max=less.output_cap), rate)
        assert isinstance(sent, Bound)
        assert sent.nanos <= less.nanos


@given(usages(), rates(), OCCASIONS)
def test_without_tiers_no_occasion_changes_a_charge(usage: Usage, rate: Rate, occasion: Occasion) -> None:
    assert price(usage, rate, occasion) == price(usage, rate, ORDINARY)


@given(usages(), tiered_rates(), OCCASIONS)
def test_a_charge_is_that_of_its_tier_alone(usage: Usage, rate: Rate, occasion: Occasion) -> None:
    """What a tier leaves out is the ordinary price; so each charge is that of a rate without tiers."""
    tier = tier_of(rate.tiers, occasion, sum(getattr(usage, unit) for unit in INPUT))
    changed = {} if tier is None else {k: v for k, v in msgspec.structs.asdict(tier.prices).items() if v is not None}
    flat = msgspec.structs.replace(rate, tiers=(), prices=msgspec.structs.replace(rate.prices, **changed))

    assert price(usage, rate, occasion).total_nanos == price(usage, flat).total_nanos


@given(st.lists(TIERS, max_size=5), OCCASIONS, st.integers(0, 5_000), st.integers(0, 5_000))
def test_what_a_request_falls_under_was_reachable(
    tiers: list[Tier], occasion: Occasion, tokens: int, more: int
) -> None:
    tier = tier_of(tiers, occasion, tokens)

    assert tier is None or tier in reachable(tiers, {occasion.service or ""}, tokens + more)


@given(tiered_rates())
def test_the_dearest_is_dearer_than_every_tier(rate: Rate) -> None:
    dear = dearest(rate, rate.tiers)

    for tier in (None, *rate.tiers):
        assert all(nanos <= dear.units[unit] for unit, nanos in unit_rates(rate, tier).items())


def test_a_price_that_could_not_be_booked_is_refused_in_a_tier_too() -> None:
    with pytest.raises(ValueError, match="input_nanos of a tier"):
        a_rate_with(Tier(prices=UnitPrices(input_nanos=10**13 + 1)))
    assert a_rate_with(Tier(prices=UnitPrices(tool_use_nanos=PIECE_NANOS_MAX))).tiers


@pytest.mark.parametrize("wrong", [{"from_minute": 1_440}, {"until_minute": 1_441}, {"above_tokens": -1}])
def test_hours_that_no_day_has_and_thresholds_below_zero_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        Tier(prices=UnitPrices(), **wrong)  # type: ignore[arg-type]


def test_every_unit_of_usage_has_a_price_and_every_price_a_unit() -> None:
    """The table of units is the one list; both structs have its fields, and a parent is before its children."""
    names = [unit.name for unit in UNITS]

    assert names == [*Usage.__struct_fields__]
    assert [unit.price for unit in UNITS] == [*UnitPrices.__struct_fields__]
    assert all(unit.parent is None or unit.parent in names[: names.index(unit.name)] for unit in UNITS)
    assert all(unit.parent is None or unit.side is not None for unit in UNITS)


def a_rate_with(tier: Tier) -> Rate:
    whole = msgspec.structs.asdict(a_rate())
    return Rate(**{**whole, "tiers": (tier,)})


INPUT = [unit for unit in PRICE_OF_UNIT if unit.startswith(("input_", "cache_"))]
