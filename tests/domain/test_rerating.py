"""Past calls under a corrected rate: only the differences move, once, in both directions, and the books add up."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain.billing.rerating import Rerated, rerate
from domain.billing.verification import Totals
from domain.books.scopes import RerateScope
from domain.books.working_copy import Books
from domain.ledger.rows import Adjustment
from domain.pricing.rate import Rate
from domain.usage import Usage
from tests.domain.build import (
    HOUR_MS,
    NOW_MS,
    a_chat_call,
    a_grant,
    a_plan_request,
    a_rate,
    an_answer,
    an_outcome,
    books_with,
    decided,
    proof,
    settle_in,
    started_in,
    sweep_in,
    write,
)

# The default call: 1,000 tokens in at 150 nanos and 10 out at 600, held for 360,000.
CHARGE = 156_000


def charged_books(**grant: Any) -> Books:
    books = books_with(a_grant(1_000_000, **grant))
    started_in(books, a_plan_request())
    settle_in(books, an_outcome())
    return books


def rerate_in(books: Books, rate: Rate, call_id: str = "call-1", now_ms: int = NOW_MS) -> Rerated:
    if rate.id not in {known.id for versions in books.rates.values() for known in versions}:
        write(books, rate)
    rerated = rerate(RerateScope(call_id=call_id).view(books), rate, now_ms)
    decided(books, rerated)
    return rerated


def corrected(version: int, input_nanos: int) -> Rate:
    return a_rate(id=f"rate-{version}", known_ms=version, input_nanos=input_nanos)


@pytest.mark.parametrize(("input_nanos", "moved"), [
    (100_000_000,    -50_000),   # too much was charged
    (200_000_000,     50_000),   # too little
    (150_000_000,          0),
    (0,             -150_000),
    (900_000_000,    204_000),   # no charge rises above the 360,000 that were held
])  # fmt: skip
def test_only_the_difference_moves(input_nanos: int, moved: int) -> None:
    books = charged_books()

    rerated = rerate_in(books, corrected(2, input_nanos))

    assert (rerated.adjustment.amount_nanos if rerated.adjustment else 0) == moved
    assert books.grants["grant-1"].available_nanos == 1_000_000 - CHARGE - moved
    assert books.calls["call-1"].charge_nanos == CHARGE, "the call stays as it was settled"
    totals = proof(books)
    assert isinstance(totals, Totals), totals
    assert totals.revenue_nanos == CHARGE + moved


def test_what_was_charged_again_once_is_not_charged_again_again() -> None:
    books = charged_books()
    rate = corrected(2, 200_000_000)

    first, again = rerate_in(books, rate), rerate_in(books, rate)

    assert first.adjustment is not None
    assert (again.adjustment, again.writes) == (None, ())
    assert [line.key for line in books.journal.values() if line.kind == "adjustment"] == [("call-1", "adjustment", 0)]


def test_corrections_follow_each_other_and_each_moves_its_own_difference() -> None:
    books = charged_books()

    moves = [rerate_in(books, corrected(version, nanos)).adjustment for version, nanos in
             ((2, 200_000_000), (3, 100_000_000), (4, 150_000_000))]  # fmt: skip

    assert [move.amount_nanos for move in moves if move] == [50_000, -100_000, 50_000]
    assert [key for key in books.journal if key[1] in ("adjustment", "refund")] == [
        ("call-1", "adjustment", 0),
        ("call-1", "refund", 1),
        ("call-1", "adjustment", 2),
    ]
    assert isinstance(proof(books), Totals)


def test_a_wallet_that_lacks_the_difference_gives_what_it_has_and_owes_the_rest() -> None:
    books = charged_books()
    grant = books.grants["grant-1"]
    spent = a_plan_request("call-2", call=a_chat_call(body_bytes=0, output_tokens_max=956))
    held = started_in(books, spent).hold_nanos

    rerated = rerate_in(books, corrected(2, 300_000_000))

    left = grant.available_nanos - held
    assert 0 < left < 150_000
    assert rerated.adjustment is not None
    assert (rerated.adjustment.amount_nanos, rerated.adjustment.owed_nanos) == (left, 150_000 - left)
    assert isinstance(proof(books), Totals)


def test_a_wallet_that_is_empty_owes_and_a_later_cut_gives_back_what_was_paid() -> None:
    books = books_with(a_grant(400_000, expires_ms=NOW_MS + HOUR_MS))
    started_in(books, a_plan_request())
    settle_in(books, an_outcome())
    later = NOW_MS + HOUR_MS
    sweep_in(books, later)

    dearer = rerate_in(books, corrected(2, 200_000_000), now_ms=later)
    cheaper = rerate_in(books, corrected(3, 100_000_000), now_ms=later)

    assert dearer.adjustment is not None
    assert (dearer.adjustment.amount_nanos, dearer.adjustment.owed_nanos) == (0, 50_000)
    assert cheaper.adjustment is not None
    assert (cheaper.adjustment.amount_nanos, cheaper.adjustment.owed_nanos) == (-50_000, 0)
    assert books.journal["call-1", "forfeit", 0].grant_id == "grant-1", "the grant is past its expiry"
    assert isinstance(proof(books), Totals)


def test_what_is_given_back_goes_to_the_grants_that_paid_the_last_first() -> None:
    books = books_with(a_grant(100_000), a_grant(500_000, id="grant-2", priority=1))
    started_in(books, a_plan_request())
    settle_in(books, an_outcome())

    rerate_in(books, corrected(2, 50_000_000))

    assert {grant.id: grant.available_nanos for grant in books.grants.values()} == {
        "grant-1": 44_000,
        "grant-2": 500_000,
    }
    assert isinstance(proof(books), Totals)


@pytest.mark.parametrize("why", ["running", "lost", "free"])
def test_a_call_that_was_charged_nothing_by_a_rate_is_left_alone(why: str) -> None:
    books = books_with(a_grant(1_000_000))
    started_in(books, a_plan_request(billed=why != "free"))
    if why == "lost":
        sweep_in(books, NOW_MS + 2 * HOUR_MS, gone=("process-1",))
    if why == "free":
        settle_in(books, an_outcome())

    assert rerate_in(books, corrected(2, 0)).writes == ()
    assert rerate_in(books, corrected(2, 0), "nobody").writes == ()


def test_an_adjustment_that_does_not_follow_from_the_quantities_is_found() -> None:
    books = charged_books()
    rerated = rerate_in(books, corrected(2, 200_000_000))
    assert rerated.adjustment is not None

    for wrong in ({"owed_nanos": 1}, {"amount_nanos": 49_999}, {"rate_id": "rate-1"}):
        books.adjustments["call-1"] = [msgspec.structs.replace(rerated.adjustment, **wrong)]
        assert not isinstance(proof(books), Totals), wrong
    books.adjustments.clear()
    assert not isinstance(proof(books), Totals), "a line of the journal that no adjustment explains"


class Corrections(RuleBasedStateMachine):
    """Calls, corrections of the rate, and calls charged again, in any order: the books add up all the time."""

    def __init__(self) -> None:
        super().__init__()
        self.books = books_with(
            a_grant(900_000), a_grant(500_000, id="grant-2", priority=1, expires_ms=NOW_MS + 3 * HOUR_MS)
        )
        self.now_ms = NOW_MS
        self.calls: list[str] = []
        self.rates = [a_rate()]

    @rule(input_tokens=st.integers(0, 2_000), output_tokens=st.integers(1, 100))
    def call(self, input_tokens: int, output_tokens: int) -> None:
        call_id = f"call-{len(self.calls) + 1}"
        usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
        if sum(grant.available_nanos for grant in self.books.grants.values()) < 900_000:
            return
        started_in(self.books, a_plan_request(call_id, version=self.books.version), self.now_ms)
        settle_in(self.books, an_outcome(call_id, an_answer(usage=usage)), self.now_ms)
        self.calls.append(call_id)

    @rule(input_nanos=st.integers(0, 400_000_000), output_nanos=st.integers(0, 2_000_000_000))
    def correct(self, input_nanos: int, output_nanos: int) -> None:
        version = len(self.rates) + 1
        rate = a_rate(id=f"rate-{version}", known_ms=version, input_nanos=input_nanos, output_nanos=output_nanos)
        write(self.books, rate)
        self.rates.append(rate)

    @rule(data=st.data())
    def charge_again(self, data: st.DataObject) -> None:
        if not self.calls:
            return
        call_id = data.draw(st.sampled_from(self.calls))
        first = rerate_in(self.books, self.rates[-1], call_id, self.now_ms)
        lines = len(self.books.journal)

        again = rerate_in(self.books, self.rates[-1], call_id, self.now_ms)

        assert again.adjustment is None
        assert len(self.books.journal) == lines
        if first.adjustment is not None:
            assert isinstance(first.adjustment, Adjustment)
            call = self.books.calls[call_id]
            paid = call.charge_nanos + sum(one.amount_nanos for one in self.books.adjustments[call_id])
            assert 0 <= paid <= call.hold_nanos

    @rule()
    def an_hour_passes(self) -> None:
        self.now_ms += HOUR_MS
        sweep_in(self.books, self.now_ms)

    @invariant()
    def the_books_add_up(self) -> None:
        totals = proof(self.books)
        assert isinstance(totals, Totals), totals
        assert all(grant.available_nanos >= 0 for grant in self.books.grants.values())


TestCorrections = Corrections.TestCase
TestCorrections.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_charging_again_by_two_corrections_comes_to_what_the_last_alone_does(first: int, last: int) -> None:
    both, alone = charged_books(), charged_books()
    rerate_in(both, corrected(2, first))
    rerate_in(both, corrected(3, last))
    rerate_in(alone, corrected(3, last))

    assert both.grants == alone.grants
