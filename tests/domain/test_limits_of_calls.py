"""What a call takes of limits, budgets and purses when it is planned, and gives back when it ends."""

import msgspec
import pytest

from domain.billing.plan import Plan, Planned, Refused
from domain.limits.refusals import (
    RateLimited,
)
from domain.limits.reserve import RateStanding
from tests.domain.build import (
    NOW_MS,
    a_chat_call,
    a_grant,
    a_plan_request,
    a_rate,
    an_offer,
    an_outcome,
    books_with,
    candidates_for,
    plan_in,
    settle_in,
    sweep_in,
)
from tests.domain.build_limits import a_budget, a_limit

CHARGE_NANOS = 156_000  # of the default outcome: 1,010 tokens
OTHER = a_rate(id="rate-2", provider="bolt", model="large")


def refusal_of(planned: Planned) -> object:
    assert isinstance(planned, Refused), planned
    return planned.refusal


def test_a_call_without_limits_takes_and_writes_nothing_more() -> None:
    planned = plan_in(books_with(a_grant(), a_limit("user:bob"), a_budget(subject="user:bob")), a_plan_request())

    assert isinstance(planned, Plan)
    assert (planned.hold.reserved, planned.rates) == ((), ())
    assert len(planned.writes) == 3, "a grant, a transfer and the call"


# --- rates ---


@pytest.mark.parametrize(
    "subject", ["hub", "key:key of ada", "user:ada", "key:*", "user:*", "model:acme/small", "model:small"]
)
def test_a_limit_holds_for_what_it_is_for(subject: str) -> None:
    books = books_with(a_grant(), a_limit(subject, amount=2))
    for n in range(2):
        assert isinstance(plan_in(books, a_plan_request(f"call-{n}")), Plan)
    before = msgspec.json.encode([*books.holds.values(), *books.limiting.cells.values()])

    refused = refusal_of(plan_in(books, a_plan_request("call-3")))

    assert isinstance(refused, RateLimited)
    kind = subject.partition(":")[0]
    assert (refused.limit, refused.subject, refused.wait_ms) == (f"requests of {subject}", kind, 30_000)
    assert before == msgspec.json.encode([*books.holds.values(), *books.limiting.cells.values()]), "nothing is taken"
    assert isinstance(plan_in(books, a_plan_request("call-4"), NOW_MS + 30_000), Plan)


def test_all_limits_must_allow_a_call_and_none_is_taken_where_one_does_not() -> None:
    books = books_with(a_grant(), a_limit("hub", amount=9), a_limit("user:ada", amount=1))
    plan_in(books, a_plan_request("call-1"))
    hub_cell = books.limiting.cells["requests of hub", "hub"]

    assert isinstance(refusal_of(plan_in(books, a_plan_request("call-2"))), RateLimited)

    assert books.limiting.cells["requests of hub", "hub"] == hub_cell


def test_what_is_left_of_the_least_rate_is_reported() -> None:
    books = books_with(
        a_grant(), a_limit("hub", amount=9), a_limit("user:ada", amount=2), a_limit(measure="tokens", amount=6_000)
    )

    planned = plan_in(books, a_plan_request())

    assert isinstance(planned, Plan)
    tokens = planned.hold.reserved[0].amount
    assert planned.rates == (
        RateStanding(measure="requests", amount=2, remaining=1, reset_ms=30_000),
        RateStanding(measure="tokens", amount=6_000, remaining=6_000 - tokens, reset_ms=tokens * 10),
    )


def test_tokens_take_the_estimate_and_then_the_difference() -> None:
    limit = a_limit(measure="tokens", amount=60_000)
    books = books_with(a_grant(), limit)
    planned = plan_in(books, a_plan_request())
    assert isinstance(planned, Plan)
    reserved = planned.hold.reserved[0]
    cell = books.limiting.cells[limit.id, "user:ada"]
    assert cell.value == NOW_MS * limit.per_ms + reserved.amount * limit.per_unit

    settle_in(books, an_outcome())

    cell = books.limiting.cells[limit.id, "user:ada"]
    assert cell.value == NOW_MS * limit.per_ms + 1_010 * limit.per_unit
    assert books.calls["call-1"].reserved == ()


def test_a_call_that_used_nothing_gives_its_tokens_back_and_a_lost_one_does_not() -> None:
    limit = a_limit(measure="tokens", amount=60_000)
    for lost in (False, True):
        books = books_with(a_grant(), limit)
        planned = plan_in(books, a_plan_request())
        assert isinstance(planned, Plan)
        if lost:
            sweep_in(books, gone=["process-1"])
        else:
            settle_in(books, an_outcome(events=(), ending="provider_failed", served=None))
        taken = planned.hold.reserved[0].amount if lost else 0
        assert books.limiting.cells[limit.id, "user:ada"].value == NOW_MS * limit.per_ms + taken * limit.per_unit


@pytest.mark.parametrize("ends", ["settled", "swept"])
def test_open_calls_are_counted_until_they_end(ends: str) -> None:
    books = books_with(a_grant(), a_limit(measure="concurrency", amount=1))
    assert isinstance(plan_in(books, a_plan_request("call-1")), Plan)

    refused = refusal_of(plan_in(books, a_plan_request("call-2")))
    assert isinstance(refused, RateLimited)
    assert (refused.measure, refused.wait_ms) == ("concurrency", 1_000)
    if ends == "settled":
        settle_in(books, an_outcome("call-1"))
    else:
        sweep_in(books, gone=["process-1"])

    assert isinstance(plan_in(books, a_plan_request("call-3")), Plan)


def test_a_candidate_whose_model_is_at_its_limit_is_left_out() -> None:
    books = books_with(a_grant(), a_limit("model:acme/small", amount=1))
    requested = a_plan_request(
        "call-1", a_chat_call(model="fast"), candidates=candidates_for(an_offer(), an_offer(OTHER, "bolt"))
    )
    first = plan_in(books, requested)
    second = plan_in(books, msgspec.structs.replace(requested, call_id="call-2"))

    assert isinstance(first, Plan)
    assert isinstance(second, Plan)
    assert [entry.candidate.target.provider for entry in first.affordable] == ["acme", "bolt"]
    assert [entry.candidate.target.provider for entry in second.affordable] == ["bolt"]


def test_a_request_of_a_model_is_given_back_where_another_has_answered() -> None:
    books = books_with(a_grant(), a_limit("model:bolt/large", amount=1))
    candidates = candidates_for(an_offer(), an_offer(OTHER, "bolt"))
    plan_in(books, a_plan_request("call-1", a_chat_call(model="fast"), candidates=candidates))
    settle_in(books, an_outcome("call-1"))

    again = plan_in(books, a_plan_request("call-2", a_chat_call(model="fast"), candidates=candidates))
    assert isinstance(again, Plan)
    assert [entry.candidate.target.provider for entry in again.affordable] == ["acme", "bolt"]
    settle_in(books, an_outcome("call-2", served=candidates[1].target, rate=OTHER))
    third = plan_in(books, a_plan_request("call-3", a_chat_call(model="fast"), candidates=candidates))
    assert isinstance(third, Plan)
    assert [entry.candidate.target.provider for entry in third.affordable] == ["acme"]
