"""What a call is likely to come to, which chooses among providers and stands in quotes."""

from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.quotes import offer
from domain.model_api.operations import OperationName
from domain.pricing.bounds import Bound, bound
from domain.pricing.cost_estimate import expected_nanos
from domain.pricing.tiers import Tier, UnitPrices
from domain.usage import Usage
from tests.domain.build import a_chat_call, a_rate, an_offer, with_prices

MILLION = 1_000_000
RATE = a_rate()  # 150 nanos a token in and 600 out
PRIORITY = Tier(prices=UnitPrices(output_nanos=1_200 * MILLION), service="priority")
LARGE = Tier(prices=UnitPrices(input_nanos=300 * MILLION), above_tokens=900)


@pytest.mark.parametrize(("requested", "rate", "nanos"), [
    ({},                                                            {},                            150_000 + 300_000),
    ({"output_tokens_max": 10},                                     {},                            150_000 + 6_000),
    ({"output_tokens_max": 9_999},                                  {},                            150_000 + 300_000),
    ({},                                                            {"output_tokens_max": 100},    150_000 + 60_000),
    ({"choices": 3},                                                {},                            150_000 + 900_000),
    ({},                                                            {"context_tokens": 500},       75_000 + 300_000),
    ({},                                                            {"request_nanos": 7 * MILLION}, 150_007 + 300_000),
    ({},                                                            {"tiers": (PRIORITY,)},        150_000 + 300_000),
    ({"fields": {"service_tier": msgspec.Raw(b'"priority"')}},      {"tiers": (PRIORITY,)},        150_000 + 600_000),
    ({},                                                            {"tiers": (LARGE,)},           300_000 + 300_000),
    ({"operation": "embeddings"},                                   {},                            150_000),
    ({"operation": "images", "pieces": Usage(images=2)},            {"image_nanos": 5 * MILLION},  150_010),
])  # fmt: skip
def test_a_call_is_taken_to_be_ordinary(requested: dict[str, Any], rate: dict[str, Any], nanos: int) -> None:
    text = {"prompt": msgspec.Raw(msgspec.json.encode("x" * 4_000))}
    call = a_chat_call(**{"output_tokens_max": None, **requested, "fields": text | requested.get("fields", {})})

    assert nanos == expected_nanos(call, with_prices(RATE, **rate))


@given(
    st.sampled_from(get_args(OperationName)),
    st.integers(0, 10**6),
    st.integers(1, 4),
    st.none() | st.integers(1, 10**6),
    st.none() | st.integers(1, 10**6),
)
def test_a_quote_expects_what_least_cost_compares_and_no_more_than_it_holds(
    operation: OperationName, body_bytes: int, choices: int, cap: int | None, context: int | None
) -> None:
    call = a_chat_call(operation=operation, body_bytes=body_bytes, choices=choices, output_tokens_max=cap)
    rate = msgspec.structs.replace(RATE, context_tokens=context)
    made = offer(call, an_offer(rate))

    limit = bound(call, rate)
    if not isinstance(limit, Bound):
        assert made is None
        return
    assert made is not None
    assert made.expected_nanos == min(limit.nanos, expected_nanos(call, rate))
