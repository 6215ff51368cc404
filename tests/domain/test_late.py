"""A call that was ended as lost although its process lived: what its stream delivered is charged, as far as can be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.settlement import Settlement
from domain.billing.verification import Totals
from domain.books.working_copy import Books
from domain.ledger.ledger import available
from domain.usage import Usage
from tests.domain.build import (
    BOUND_NANOS,
    NOW_MS,
    a_chat_call,
    a_grant,
    a_plan_request,
    an_answer,
    an_outcome,
    books_with,
    proof,
    settle_in,
    started_in,
    sweep_in,
)

STREAM = a_chat_call(stream=True)
CHARGE_NANOS = 156_000  # 1,000 tokens in and 10 out at the default rate


def lost_in(books: Books, call_id: str = "call-1") -> None:
    """A stream that was swept while its process stood still."""
    started_in(books, a_plan_request(call_id, STREAM, owner="process-1"))
    sweep_in(books, gone=["process-1"])


def test_a_stream_that_was_swept_while_its_process_lived_is_charged_when_it_comes_back() -> None:
    """(G14)"""
    books = books_with(a_grant(BOUND_NANOS))
    lost_in(books)

    settlement = settle_in(books, an_outcome())

    assert settlement.adjustment is not None
    assert (settlement.adjustment.amount_nanos, settlement.adjustment.owed_nanos) == (CHARGE_NANOS, 0)
    assert (settlement.already, settlement.call) == (False, books.calls["call-1"])
    assert books.calls["call-1"].ending == "lost"
    assert sum(one.adjusted_nanos for one in books.usage_sums.values()) == CHARGE_NANOS
    assert available(books.wallet("ada"), NOW_MS) == BOUND_NANOS - CHARGE_NANOS
    assert isinstance(proof(books), Totals)


def test_what_the_wallet_cannot_pay_any_more_is_recorded_as_owed() -> None:
    books = books_with(a_grant(BOUND_NANOS))
    lost_in(books)
    started_in(books, a_plan_request("call-2"))

    settlement = settle_in(books, an_outcome())

    assert settlement.adjustment is not None
    assert (settlement.adjustment.amount_nanos, settlement.adjustment.owed_nanos) == (0, CHARGE_NANOS)
    assert settlement.already, "so that the end of the stream is withheld"
    assert isinstance(proof(books), Totals)


@pytest.mark.parametrize(("stream", "events", "billed"), [
    (False, None,  True),
    (True,  (),    True),
    (True,  None,  False),
])  # fmt: skip
def test_what_was_not_delivered_or_is_free_stays_so(stream: bool, events: tuple[()] | None, billed: bool) -> None:
    """A whole answer is not sent before its settlement."""
    books = books_with(a_grant(BOUND_NANOS))
    call = a_chat_call(stream=stream)
    started_in(books, a_plan_request("call-1", call, owner="process-1", billed=billed))
    sweep_in(books, gone=["process-1"])
    before = {**books.grants}

    settlement = settle_in(books, an_outcome(events=events))

    assert settlement == Settlement(call=books.calls["call-1"], already=True)
    assert books.grants == before


@given(
    spare=st.integers(0, 3 * BOUND_NANOS),
    others=st.integers(0, 3),
    tokens=st.integers(0, 100_000),
    repeats=st.integers(1, 3),
)
def test_a_late_charge_is_the_price_the_hold_or_what_is_available_and_the_rest_is_owed(
    spare: int, others: int, tokens: int, repeats: int
) -> None:
    """No credit is spent that is not there, however much was spent since, and repeating changes nothing. (G1, G3)"""
    books = books_with(a_grant(BOUND_NANOS + spare))
    lost_in(books)
    for n in range(others):
        if available(books.wallet("ada"), NOW_MS) >= BOUND_NANOS:
            started_in(books, a_plan_request(f"call-{n + 2}"))
    before = available(books.wallet("ada"), NOW_MS)
    outcome = an_outcome(events=an_answer(usage=Usage(input_tokens=tokens, output_tokens=10)))
    on_time = books_with(a_grant(BOUND_NANOS + spare))
    started_in(on_time, a_plan_request("call-1", STREAM))
    settled = settle_in(on_time, outcome)
    assert settled.call is not None

    for _ in range(repeats):
        settle_in(books, outcome)

    (adjustment,) = books.adjustments["call-1"]
    assert adjustment.amount_nanos == min(settled.call.charge_nanos, before)
    assert adjustment.amount_nanos + adjustment.owed_nanos == settled.call.charge_nanos
    assert available(books.wallet("ada"), NOW_MS) == before - adjustment.amount_nanos
    assert isinstance(proof(books), Totals)
