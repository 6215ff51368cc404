"""What is held is never less than what may be charged: the bound of a call, and how it is lowered."""

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.model_api.call import ModelCall
from domain.pricing.bounds import (
    IMAGE_TOKENS_MAX,
    INPUT_TOKENS_ADDED,
    OUTPUT_TOKENS_DEFAULT,
    OUTPUT_TOKENS_USEFUL,
    USES_DEFAULT,
    Bound,
    bound,
    lowered,
)
from domain.pricing.charge import price
from domain.pricing.money import NANOS_MAX
from domain.pricing.rate import Rate
from domain.refusals import Unbounded, UnpricedFeature, UsageUnavailable
from domain.usage import Usage
from tests.domain.build import a_chat_call, a_rate
from tests.domain.strategies import rates, usages

CALLS = st.builds(
    lambda body, cap, choices, images: a_chat_call(
        body_bytes=body, output_tokens_max=cap, choices=choices, images=images
    ),
    st.integers(0, 5_000),
    st.integers(1, 5_000) | st.none(),
    st.integers(1, 4),
    st.integers(0, 2),
)


def test_a_call_of_500_bytes_and_100_tokens_is_bounded_by_what_both_can_cost() -> None:
    """2,000 tokens in at 150 nanos (500 bytes, and 1,500 that the provider may add) and 100 out at 600."""
    limit = bound(a_chat_call(body_bytes=500, output_tokens_max=100), a_rate())

    assert Bound(nanos=360_000, input_tokens=2_000, output_tokens=100, output_cap=None) == limit


@pytest.mark.parametrize(("cap", "model_max", "context", "choices", "output_tokens", "sent"), [
    (100,   None,   None,  1,    100,  None),   # the caller's own cap
    (100,   None,   None,  3,    300,  None),   # for each choice
    (100,     50,   None,  1,     50,  None),   # the model says no more than this
    (100,    500,     40,  1,     40,  None),   # nor does it remember more
    (None,   500,   None,  1,    500,  None),   # no cap: the model's maximum
    (None,   500,  9_000,  2,  1_000,  None),
    (None,  None,  9_000,  1,  9_000,  None),   # no maximum: the model's context
    (None,  None,   None,  1,  4_096,  4_096),  # nothing known: the hub sends a cap of its own
    (None,  None,   None,  2,  8_192,  4_096),
])  # fmt: skip
def test_what_bounds_the_output(
    cap: int | None, model_max: int | None, context: int | None, choices: int, output_tokens: int, sent: int | None
) -> None:
    call = a_chat_call(output_tokens_max=cap, choices=choices)

    limit = bound(call, a_rate(output_tokens_max=model_max, context_tokens=context))

    assert isinstance(limit, Bound)
    assert (limit.output_tokens, limit.output_cap) == (output_tokens, sent)


@pytest.mark.parametrize(("body_bytes", "opaque", "tools", "context", "input_tokens"), [
    (500,  None,         (),               None,     2_000),   # a token is never less than a byte
    (500,  None,         (),               1_000,    1_000),   # nor is it more than the model remembers
    (500,  "file",       (),               128_000,  128_000), # what does not stand in the body
    (500,  None,         ("web_search",),  128_000,  384_000), # the context again after each of two searches
])  # fmt: skip
def test_what_bounds_the_input(
    body_bytes: int, opaque: str | None, tools: tuple[str, ...], context: int | None, input_tokens: int
) -> None:
    call = a_chat_call(
        body_bytes=body_bytes, opaque_input=opaque, hosted_tools=tools, hosted_uses_max=2 if tools else None
    )

    limit = bound(call, a_rate(context_tokens=context, tool_use_nanos=1))

    assert isinstance(limit, Bound)
    assert limit.input_tokens == input_tokens


@pytest.mark.parametrize(("opaque", "tools", "tool_use_nanos", "refusal"), [
    ("image_url",  (),               None,  Unbounded(model="acme/small", field="image_url", cause="context")),
    (None,         ("web_search",),  1,     Unbounded(model="acme/small", field="web_search", cause="uses")),
    (None,         ("web_search",),  None,  UnpricedFeature(model="acme/small", feature="web_search")),
])  # fmt: skip
def test_a_call_whose_charge_has_no_bound_or_no_price_is_refused(
    opaque: str | None, tools: tuple[str, ...], tool_use_nanos: int | None, refusal: Unbounded | UnpricedFeature
) -> None:
    call = a_chat_call(opaque_input=opaque, hosted_tools=tools)

    assert refusal == bound(call, a_rate(tool_use_nanos=tool_use_nanos, context_tokens=None))


def test_a_call_that_is_answered_before_it_is_counted_is_refused() -> None:
    assert UsageUnavailable(field="background") == bound(a_chat_call(uncounted="background"), a_rate())


@pytest.mark.parametrize(("call", "field"), [
    (a_chat_call(output_tokens_max=10**30),                                  "max_tokens"),
    (a_chat_call(output_tokens_max=10**30, cap_field="max_output_tokens"),   "max_output_tokens"),
    (a_chat_call(output_tokens_max=None, cap_field=None, choices=10**30),    "n"),
])  # fmt: skip
def test_a_call_that_may_cost_more_than_the_books_can_hold_is_refused_and_never_an_error(
    call: ModelCall, field: str
) -> None:
    assert Unbounded(model="acme/small", field=field, cause="amount") == bound(call, a_rate())


def test_hosted_tools_that_nobody_bounded_are_bounded_by_the_hub() -> None:
    call = a_chat_call(hosted_tools=("web_search",), hosted_unbounded=2, hosted_uses_given=3)
    rate = a_rate(context_tokens=1_000, tool_use_nanos=10**9)

    limit = bound(call, rate)

    same = bound(msgspec.structs.replace(call, hosted_uses_max=3 + 2 * USES_DEFAULT), rate)
    assert isinstance(limit, Bound)
    assert limit == msgspec.structs.replace(same, uses_cap=USES_DEFAULT)


@given(st.integers(0, 10**11))
def test_the_hubs_bound_on_hosted_tools_is_what_the_wallet_affords(available_nanos: int) -> None:
    call = a_chat_call(hosted_tools=("web_search",), hosted_unbounded=1, output_tokens_max=100)
    rate = a_rate(context_tokens=1_000, tool_use_nanos=10**15)
    full = bound(call, rate)
    assert isinstance(full, Bound)

    less = lowered(call, rate, full, available_nanos)

    assert less is None or (less.nanos <= available_nanos and less.uses_cap is not None and 1 <= less.uses_cap < 8)
    if less is None and available_nanos < full.nanos:
        least = bound(msgspec.structs.replace(call, hosted_uses_max=1), rate)
        assert isinstance(least, Bound)
        assert available_nanos < least.nanos


def test_an_image_may_cost_more_tokens_than_its_bytes() -> None:
    limit = bound(a_chat_call(body_bytes=500, images=2), a_rate(context_tokens=None))

    assert isinstance(limit, Bound)
    assert limit.input_tokens == 500 + 1_500 + 2 * 49_152


@given(CALLS, rates(), st.data())
def test_no_usage_within_the_call_costs_more_than_its_bound(call: ModelCall, rate: Rate, data: st.DataObject) -> None:
    """Whatever the provider's cache and the model's thinking make of it. (G1, G5)"""
    limit = bound(call, rate)
    assert isinstance(limit, Bound)
    input_limits = [call.body_bytes + INPUT_TOKENS_ADDED + call.images * IMAGE_TOKENS_MAX, rate.context_tokens]
    choice_limits = [call.output_tokens_max, rate.output_tokens_max, rate.context_tokens, limit.output_cap]

    usage = data.draw(usages(_least(input_limits), _least(choice_limits) * call.choices))

    assert price(usage, rate).total_nanos <= limit.nanos


@given(CALLS, rates(context_tokens=3_000), st.data())
def test_an_image_behind_a_url_costs_no_more_than_the_models_whole_context(
    call: ModelCall, rate: Rate, data: st.DataObject
) -> None:
    limit = bound(msgspec.structs.replace(call, opaque_input="image_url"), rate)
    assert isinstance(limit, Bound)

    usage = data.draw(usages(3_000, limit.output_tokens))

    assert price(usage, rate).total_nanos <= limit.nanos


@given(CALLS, rates())
def test_a_bound_is_reached_by_some_usage_so_that_no_credit_is_held_for_nothing(call: ModelCall, rate: Rate) -> None:
    limit = bound(call, rate)
    assert isinstance(limit, Bound)

    dearest = max(
        price(Usage(**{unit_in: limit.input_tokens, unit_out: limit.output_tokens}), rate).total_nanos
        for unit_in in (
            "input_tokens",
            "input_audio_tokens",
            "input_image_tokens",
            "cache_read_tokens",
            "cache_read_audio_tokens",
            "cache_write_tokens",
            "cache_write_1h_tokens",
        )
        for unit_out in ("output_tokens", "output_audio_tokens", "output_image_tokens", "reasoning_tokens")
    )

    assert limit.nanos == dearest


# --- lowering the cap -----------------------------------------------------------------------------------------


def test_a_cap_is_lowered_to_what_the_wallet_affords() -> None:
    """300,000 nanos of input, and 600,000 for output: 1,000 tokens at 600."""
    call = a_chat_call(output_tokens_max=None)

    less = lowered(call, a_rate(), _bound(call, a_rate()), available_nanos=900_500)

    assert Bound(nanos=900_000, input_tokens=2_000, output_tokens=1_000, output_cap=1_000) == less


@pytest.mark.parametrize(("cap", "choices", "available_nanos", "lowered_to"), [
    (None,  1,  300_000 + 256 * 600,      256),   # the least that is worth its question
    (None,  1,  300_000 + 256 * 600 - 1,  None),
    (None,  2,  300_000 + 512 * 600,      256),
    (None,  2,  300_000 + 512 * 600 - 1,  None),
    (None,  1,  0,                        None),
    (400,   1,  300_000 + 256 * 600,      None),  # the caller's own cap is the caller's meaning
])  # fmt: skip
def test_no_cap_is_lowered_below_a_useful_answer_and_no_callers_cap_at_all(
    cap: int | None, choices: int, available_nanos: int, lowered_to: int | None
) -> None:
    call = a_chat_call(output_tokens_max=cap, choices=choices)

    less = lowered(call, a_rate(), _bound(call, a_rate()), available_nanos)

    assert (less.output_cap if less else None) == lowered_to


@given(CALLS, rates(), st.data())
def test_a_lowered_bound_fits_is_useful_and_is_the_bound_of_the_cap_that_is_sent(
    call: ModelCall, rate: Rate, data: st.DataObject
) -> None:
    call = msgspec.structs.replace(call, output_tokens_max=None)
    full = _bound(call, rate)
    assume(full.nanos > 0)
    available_nanos = data.draw(st.integers(0, full.nanos - 1))

    less = lowered(call, rate, full, available_nanos)

    if less is None:
        least = _bound(msgspec.structs.replace(call, output_tokens_max=OUTPUT_TOKENS_USEFUL), rate)
        assert least.nanos >= available_nanos, "a useful answer would have fitted"
    else:
        assert less.nanos <= available_nanos
        assert less.output_cap is not None
        assert less.output_cap >= OUTPUT_TOKENS_USEFUL
        assert less.output_cap * call.choices < full.output_tokens
        sent = _bound(msgspec.structs.replace(call, output_tokens_max=less.output_cap), rate)
        assert sent.nanos == less.nanos


@given(CALLS, rates(), st.integers(0, NANOS_MAX))
def test_a_cap_that_the_caller_gave_is_never_lowered(call: ModelCall, rate: Rate, available_nanos: int) -> None:
    call = msgspec.structs.replace(call, output_tokens_max=call.output_tokens_max or OUTPUT_TOKENS_DEFAULT)
    full = _bound(call, rate)

    assert lowered(call, rate, full, available_nanos) is None
    assert full.output_cap is None


def _bound(call: ModelCall, rate: Rate) -> Bound:
    limit = bound(call, rate)
    assert isinstance(limit, Bound)
    return limit


def _least(limits: list[int | None]) -> int:
    return min(limit for limit in limits if limit is not None)
