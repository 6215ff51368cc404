"""The sums of usage: what a call adds to them, how they are read, and the proof that they equal the calls."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.books.rows import Call
from domain.books.statistics.proof import SumProof
from domain.books.statistics.summary import by_period, merged, net_nanos, nothing, slots_of, total
from domain.books.statistics.sums import sum_of_adjustment, sum_of_call
from domain.books.statistics.usage_sum import ADDED, KEY, SLOT_MS, UsageSum, added
from domain.usage import Usage
from tests.domain.build import NOW_MS, a_chat_call, a_grant, a_plan_request, books_with
from tests.domain.build import plan_in as plan

SLOT = NOW_MS - NOW_MS % SLOT_MS


def a_call(**fields: Any) -> Call:
    call = Call(
        id="call-1",
        user_id="ada",
        key_id="key-1",
        dialect="openai",
        model="fast",
        stream=False,
        billed=True,
        started_ms=NOW_MS,
        hold_nanos=100,
        hold_lines=(),
        provider="acme",
        provider_model="small",
        ending="completed",
        complete=True,
        ended_ms=NOW_MS + 1_500,
        first_byte_ms=200,
        usage=Usage(input_tokens=3, cache_read_tokens=2, output_tokens=5, reasoning_tokens=7, images=1, requests=1),
        usage_source="provider",
        charge_nanos=40,
        uncollected_nanos=1,
        cost_nanos=20,
    )
    return msgspec.structs.replace(call, **fields)


def a_sum(**fields: Any) -> UsageSum:
    return msgspec.structs.replace(sum_of_call(a_call(), "process-1"), **fields)


def test_a_call_is_filed_under_the_quarter_of_an_hour_in_which_it_began() -> None:
    one = sum_of_call(a_call(), "process-1")

    assert (SLOT, "acme", "small", "chat", "completed") == (
        one.slot_ms, one.provider, one.model, one.operation, one.ending,
    )  # fmt: skip
    assert (1, 1, 40, 1, 20, 0) == (
        one.calls, one.completed, one.charge_nanos, one.uncollected_nanos, one.cost_nanos, one.cost_unknown,
    )  # fmt: skip
    assert (5, 2, 0, 12, 7, 1) == (
        one.input_tokens, one.cache_read_tokens, one.cache_write_tokens, one.output_tokens, one.reasoning_tokens,
        one.pieces,
    )  # fmt: skip
    assert (1_500, 200, 1) == (one.duration_ms, one.first_byte_ms, one.first_bytes)


def test_a_call_that_ends_in_another_quarter_stays_in_the_one_of_its_start() -> None:
    assert SLOT == sum_of_call(a_call(ended_ms=SLOT + 3 * SLOT_MS), "process-1").slot_ms


def test_a_call_that_failed_counts_as_a_call_and_not_in_the_averages() -> None:
    failed = a_call(
        ending="provider_failed",
        complete=False,
        provider=None,
        provider_model=None,
        usage=None,
        charge_nanos=0,
        cost_nanos=None,
    )

    one = sum_of_call(failed, "process-1")

    assert ("", "fast", 1, 0, 1) == (one.provider, one.model, one.calls, one.completed, one.cost_unknown)
    assert (0, 0, 0) == (one.duration_ms, one.first_byte_ms, one.first_bytes)


def test_an_adjustment_changes_the_quarter_of_its_call() -> None:
    from domain.ledger.rows import Adjustment

    adjustment = Adjustment(
        id="a", call_id="call-1", rate_id="r", amount_nanos=-7, owed_nanos=0, at_ms=NOW_MS * 2, lines=()
    )

    one = sum_of_adjustment(a_call(), adjustment, "rerate")

    assert (SLOT, 0, -7) == (one.slot_ms, one.calls, one.adjusted_nanos)
    assert 33 == net_nanos(total([a_sum(), one]))


def test_a_time_is_widened_to_whole_quarters() -> None:
    assert (SLOT, SLOT + SLOT_MS) == slots_of(SLOT + 1, SLOT + 2)
    assert (SLOT, SLOT + SLOT_MS) == slots_of(SLOT, SLOT + SLOT_MS)


def test_sums_are_grouped_by_period_and_subject() -> None:
    day = 96 * SLOT_MS
    edges = (SLOT, SLOT + day, SLOT + 2 * day, SLOT + 3 * day)
    sums = (
        a_sum(),
        a_sum(slot_ms=SLOT + day - SLOT_MS, writer="process-2"),
        a_sum(model="large"),
        a_sum(slot_ms=SLOT + day),
    )

    periods = by_period(sums, edges)

    assert [[("small", 80), ("large", 40)], [("small", 40)], []] == [
        [(one.model, one.charge_nanos) for one in period.sums] for period in periods
    ]


a_part = st.builds(
    a_sum,
    user_id=st.sampled_from(["ada", "bob"]),
    slot_ms=st.sampled_from([SLOT, SLOT + SLOT_MS]),
    model=st.sampled_from(["small", "large"]),
    writer=st.sampled_from(["one", "two"]),
    charge_nanos=st.integers(0, 10),
    calls=st.integers(0, 3),
)


@given(st.lists(a_part, max_size=8))
def test_what_is_grouped_adds_up_to_the_total(sums: list[UsageSum]) -> None:
    assert [getattr(total(sums), name) for name in ADDED] == [getattr(total(merged(sums)), name) for name in ADDED]


@given(st.lists(a_part, max_size=8), st.data())
def test_the_proof_finds_every_sum_that_is_not_that_of_its_calls(parts: list[UsageSum], data: st.DataObject) -> None:
    books: dict[tuple[str | int, ...], UsageSum] = {}
    proof = SumProof()
    for part in parts:
        proof.derived(msgspec.structs.replace(part, writer=""))
        books[part.key] = added(books[part.key], part) if part.key in books else part
    for one in books.values():
        proof.booked(one)

    assert proof.first_difference() is None
    if parts:
        wrong = data.draw(st.sampled_from(parts))
        field = data.draw(st.sampled_from(ADDED))
        proof.booked(msgspec.structs.replace(nothing(), **{field: 1}, slot_ms=wrong.slot_ms, user_id=wrong.user_id))
        assert wrong.slot_ms == proof.first_difference()


@pytest.mark.parametrize("field", [name for name in KEY if name not in ("slot_ms", "writer")])
def test_a_sum_under_another_key_is_found_although_the_totals_agree(field: str) -> None:
    proof = SumProof()

    proof.derived(a_sum())
    proof.booked(a_sum(**{field: "other"}))

    assert SLOT == proof.first_difference()


def test_an_amount_in_another_field_is_found() -> None:
    proof = SumProof()

    proof.derived(a_sum(charge_nanos=40, cost_nanos=20))
    proof.booked(a_sum(charge_nanos=20, cost_nanos=40))

    assert SLOT == proof.first_difference()


def test_the_hold_and_its_call_know_their_operation() -> None:
    planned: Any = plan(
        books_with(a_grant()), a_plan_request(call=msgspec.structs.replace(a_chat_call(), operation="chat"))
    )

    assert "chat" == planned.hold.operation
