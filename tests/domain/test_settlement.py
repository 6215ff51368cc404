"""How a call ends, row by row of the table in `domain/billing/settlement.py`, and the laws of every ending."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.billing.metering import Meter, observe
from domain.billing.settlement import Settlement
from domain.billing.verification import Totals
from domain.books.rows import Call, Ending, UsageSource
from domain.ledger.ledger import available
from domain.model_api.events import Ended, Event, Finished, ReasoningDelta, TextDelta, UsageReported
from domain.pricing.rate import Rate
from domain.pricing.tiers import Tier, UnitPrices
from domain.usage import Usage
from tests.domain.build import (
    BOUND_NANOS,
    NOW_MS,
    a_candidate,
    a_grant,
    a_meter,
    a_plan_request,
    a_rate,
    an_answer,
    an_outcome,
    books_with,
    proof,
    settle_in,
    started_in,
)
from tests.domain.strategies import ANSWERS, rates

ENDINGS: tuple[Ending, ...] = ("completed", "provider_failed", "client_disconnected", "timed_out")

# What the provider may have said before the ending. 12 bytes of text are estimated at 3 tokens; the request's
# 500 bytes at 125. Sold at 150 nanos a token in and 600 out.
NOTHING: Sequence[Event] = ()
TEXT = (TextDelta(text="Hello, world"),)
REPORTED = UsageReported(usage=Usage(input_tokens=1_000, output_tokens=10))
REPORTED_EARLY = UsageReported(usage=Usage(input_tokens=1_000, output_tokens=1))
DONE = (Finished(reason="stop"), Ended())


def test_a_call_pays_for_what_was_used_and_gets_the_rest_of_its_hold_back() -> None:
    """1,000 tokens in at 150 nanos and 10 out at 600."""
    books = books_with(a_grant(1_000_000))
    started_in(books, a_plan_request("call-1"))

    settlement = settle_in(books, an_outcome("call-1"))

    call = settlement.call
    assert call is not None
    assert (call.charge_nanos, call.usage_source, call.complete) == (156_000, "provider", True)
    assert available(books.wallet("ada"), NOW_MS) == 1_000_000 - 156_000


@pytest.mark.parametrize(("ending", "said", "charge_nanos", "source"), [
    ("completed",        (*TEXT, REPORTED, *DONE),   156_000,  "provider"),
    ("completed",        (*TEXT, *DONE),          20_550,  "estimated"),
    ("completed",        (REPORTED, *DONE),          156_000,  "provider"),
    ("provider_failed",  NOTHING,                      0,  None),
    ("provider_failed",  (REPORTED_EARLY,),                0,  None),
    ("provider_failed",  TEXT,                    20_550,  "estimated"),
    ("provider_failed",  (REPORTED_EARLY, *TEXT),    151_800,  "estimated"),
    ("provider_failed",  (*TEXT, REPORTED),          156_000,  "provider"),
    ("timed_out",        NOTHING,                      0,  None),
    ("timed_out",        TEXT,                    20_550,  "estimated"),
    ("client_disconnected",      NOTHING,                 18_750,  "estimated"),
    ("client_disconnected",      (REPORTED_EARLY,),          150_600,  "provider"),
    ("client_disconnected",      TEXT,                    20_550,  "estimated"),
    ("client_disconnected",      (REPORTED_EARLY, *TEXT),    151_800,  "estimated"),
    ("client_disconnected",      (*TEXT, REPORTED, *DONE),   156_000,  "provider"),
    ("lost",             NOTHING,                      0,  None),
])  # fmt: skip
def test_each_ending_has_its_charge(
    ending: Ending, said: Sequence[Event], charge_nanos: int, source: UsageSource | None
) -> None:
    """(G4, G5, G6)"""
    call = _settled(ending, a_meter(said))

    assert (call.charge_nanos, call.usage_source) == (charge_nanos, source)
    assert (call.ending, call.complete) == (ending, ending == "completed")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_call_that_no_provider_accepted_is_free_however_it_ends(ending: Ending) -> None:
    """(G5)"""
    books = books_with(a_grant())
    started_in(books, a_plan_request("call-1"))

    settlement = settle_in(books, an_outcome("call-1", events=(), ending=ending, served=None, rate=None))

    call = settlement.call
    assert call is not None
    assert (call.charge_nanos, call.usage, call.provider, call.rate_id) == (0, None, None, None)


def test_reasoning_that_is_sealed_was_delivered_and_owes_its_input_though_the_provider_failed() -> None:
    """125 tokens in at 150 nanos; nobody can say how many tokens a seal is, so it counts none. (G4, G5)"""
    call = _settled("provider_failed", a_meter([ReasoningDelta(redacted="c2VhbGVk" * 99)]))

    assert (call.charge_nanos, call.usage_source) == (18_750, "estimated")


def test_a_provider_that_counts_nothing_of_what_it_delivered_is_not_believed() -> None:
    """125 tokens reported at 150 nanos, and three that were delivered at 600. (G6)"""
    reported_none = UsageReported(usage=Usage(input_tokens=125))

    call = _settled("completed", a_meter((*TEXT, reported_none, *DONE)))

    assert (call.charge_nanos, call.usage_source) == (20_550, "estimated")


def test_what_a_usage_comes_to_beyond_the_hold_is_not_collected_but_not_hidden() -> None:
    usage = Usage(input_tokens=2_000, output_tokens=1_000)

    call = _settled("completed", a_meter(an_answer(usage=usage)))

    assert (call.charge_nanos, call.uncollected_nanos) == (BOUND_NANOS, 900_000 - BOUND_NANOS)


def test_the_hour_that_a_call_began_in_prices_it() -> None:
    """Begun at 22:13 and settled at 23:43: the tier from 22 to 23 o'clock holds, and the proof says the same."""
    late = Tier(prices=UnitPrices(input_nanos=300_000_000), from_minute=1_320, until_minute=1_380)
    rate = a_rate(tiers=(late,))
    books = books_with(a_grant(2_000_000), rate)
    started_in(books, a_plan_request("call-1", candidates=(a_candidate(rate),)))

    call = settle_in(books, an_outcome("call-1", rate=rate), NOW_MS + 90 * 60_000).call

    assert call is not None
    assert call.charge_nanos == 1_000 * 300 + 10 * 600
    assert isinstance(proof(books), Totals)


def test_a_call_without_billing_is_metered_and_not_charged() -> None:
    books = books_with()
    started_in(books, a_plan_request("call-1", billed=False))

    settlement = settle_in(books, an_outcome("call-1"))

    call = settlement.call
    assert call is not None
    assert call.usage == Usage(input_tokens=1_000, output_tokens=10)
    assert (call.charge_nanos, call.uncollected_nanos) == (0, 0)


def test_a_call_that_nobody_knows_is_settled_by_writing_nothing() -> None:
    settlement = settle_in(books_with(), an_outcome("never"))

    assert Settlement(call=None, writes=(), already=True) == settlement


def test_the_answer_is_kept_for_its_own_idempotency_key_only() -> None:
    books = books_with(a_grant())
    started_in(books, a_plan_request("call-1", idempotency_key="key", digest="digest"))
    books.apply(msgspec.structs.replace(books.idempotency["ada", "key"], call_id="a later call"))

    settle_in(books, an_outcome("call-1", answer=b"sealed"))

    assert books.idempotency["ada", "key"].answer is None


# --- laws -----------------------------------------------------------------------------------------------------


@given(ANSWERS, rates(), st.sampled_from(ENDINGS), st.booleans(), st.integers(1, 10**7))
def test_a_charge_is_never_below_zero_nor_above_the_hold(
    answer: list[Event], rate: Rate, ending: Ending, accepted: bool, balance: int
) -> None:
    books = books_with(a_grant(balance), rate)
    started_in(books, a_plan_request("call-1", candidates=(a_candidate(a_rate(input_nanos=1, output_nanos=1)),)))
    served = a_candidate(rate).target if accepted else None

    settlement = settle_in(books, an_outcome("call-1", answer, ending=ending, served=served, rate=rate))

    call = settlement.call
    assert call is not None
    assert 0 <= call.charge_nanos <= call.hold_nanos
    assert call.uncollected_nanos == 0 or call.charge_nanos == call.hold_nanos
    assert available(books.wallet("ada"), NOW_MS) == balance - call.charge_nanos


@given(ANSWERS, st.sampled_from(ENDINGS), st.lists(st.sampled_from(ENDINGS), min_size=1, max_size=3), ANSWERS)
def test_a_settlement_repeated_changes_nothing(
    answer: list[Event], ending: Ending, later: list[Ending], other_answer: list[Event]
) -> None:
    """Not even by another story of how the call went. (G3, G10)"""
    books = books_with(a_grant())
    started_in(books, a_plan_request("call-1"))
    first = settle_in(books, an_outcome("call-1", answer, ending=ending))
    journal, grants = dict(books.journal), dict(books.grants)

    for again in later:
        repeated = settle_in(books, an_outcome("call-1", other_answer, ending=again), NOW_MS + 1)
        assert Settlement(call=first.call, writes=(), already=True) == repeated

    assert (books.journal, books.grants) == (journal, grants)
    assert isinstance(proof(books), Totals)


@given(ANSWERS, st.sampled_from(ENDINGS), st.lists(st.integers(0, 12), max_size=4))
def test_an_answer_costs_the_same_whole_or_streamed_in_any_pieces(
    answer: list[Event], ending: Ending, cuts: list[int]
) -> None:
    """(G6)"""
    streamed = Meter()
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(answer)], strict=True):
        streamed = observe(streamed, answer[start:end])

    assert _settled(ending, a_meter(answer)) == _settled(ending, streamed)


@given(ANSWERS, st.sampled_from(ENDINGS))
def test_output_that_was_delivered_is_never_free_where_output_has_a_price(answer: list[Event], ending: Ending) -> None:
    """A caller who leaves pays for what was sent, and so does everybody else. (G4, G6)"""
    meter = a_meter(answer)
    assume(meter.output_bytes > 0)

    call = _settled(ending, meter, a_rate(input_nanos=0, output_nanos=1))

    assert call.charge_nanos > 0
    assert call.usage_source in ("provider", "estimated")


@given(ANSWERS, st.sampled_from(["provider_failed", "timed_out"]))
def test_a_provider_that_fails_before_any_output_is_free(answer: list[Event], ending: Ending) -> None:
    """Whatever it reported of its input. (G5)"""
    meter = a_meter(answer)
    assume(not meter.delivered)

    assert _settled(ending, meter).charge_nanos == 0


def _settled(ending: Ending, meter: Meter, rate: Rate | None = None) -> Call:
    """The call after this ending, at the default rate."""
    rate = a_rate() if rate is None else rate
    books = books_with(a_grant(), rate)
    started_in(books, a_plan_request("call-1", candidates=(a_candidate(rate),)))
    settlement = settle_in(books, an_outcome("call-1", ending=ending, meter=meter, rate=rate))
    assert settlement.call is not None
    return settlement.call
