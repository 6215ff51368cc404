"""What a call takes of limits, budgets and purses when it is planned, and gives back when it ends."""

import msgspec
import pytest

from domain.billing.plan import Plan, Planned, Refused
from domain.billing.verification import Totals
from domain.books.rows import Row
from domain.limit_refusals import BudgetExceeded, PaidCallsStopped, RateLimited, RunPurseSpent, RunStopped
from domain.limits.reserve import RateStanding
from domain.limits.rows import Run
from domain.refusals import InsufficientCredit
from domain.usage import Usage
from tests.domain.build import (
    BOUND_NANOS,
    NOW_MS,
    a_chat_call,
    a_grant,
    a_plan_request,
    a_rate,
    an_answer,
    an_offer,
    an_outcome,
    books_with,
    candidates_for,
    plan_in,
    proof,
    settle_in,
    sweep_in,
)
from tests.domain.build_limits import DAY_MS, a_budget, a_limit

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


def test_what_is_left_of_the_least_rate_is_told() -> None:
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


# --- money ---


def test_a_budget_holds_and_keeps_the_charge_and_refuses_by_name() -> None:
    budget = a_budget(BOUND_NANOS + CHARGE_NANOS, "month")
    books = books_with(a_grant(), budget)
    assert isinstance(plan_in(books, a_plan_request("call-1")), Plan)

    while_open = refusal_of(plan_in(books, a_plan_request("call-2")))
    settle_in(books, an_outcome("call-1"))
    after = plan_in(books, a_plan_request("call-3"))

    reset_ms = plain_reset_ms(30)
    assert while_open == BudgetExceeded(
        budget=budget.id, subject="user", period="month", amount_nanos=budget.amount_nanos, left_nanos=CHARGE_NANOS,
        bound_nanos=BOUND_NANOS, reset_ms=reset_ms,
    )  # fmt: skip
    assert isinstance(after, Plan)
    assert books.limiting.spent[budget.id, "user:ada"].month_nanos == CHARGE_NANOS
    assert isinstance(proof(books), Totals)


def plain_reset_ms(days: int) -> int:
    return days * DAY_MS - NOW_MS % (days * DAY_MS)


def test_a_budget_lowers_the_output_cap_as_a_wallet_does() -> None:
    books = books_with(a_grant(), a_budget(2 * BOUND_NANOS))
    planned = plan_in(books, a_plan_request(call=a_chat_call(output_tokens_max=None, body_bytes=0)))

    assert isinstance(planned, Plan)
    limit = planned.affordable[0].bound
    assert limit is not None
    assert limit.output_cap is not None
    assert planned.hold.hold_nanos <= 2 * BOUND_NANOS


def test_the_wallet_is_named_where_it_lacks_more_than_the_budget() -> None:
    books = books_with(a_grant(BOUND_NANOS - 2), a_budget(BOUND_NANOS - 1))

    assert isinstance(refusal_of(plan_in(books, a_plan_request())), InsufficientCredit)


def test_a_budget_of_one_model_covers_what_is_held_for_the_dearest() -> None:
    cheap = a_rate(id="rate-3", provider="calm", model="tiny", input_nanos=1_500_000, output_nanos=6_000_000)
    candidates = candidates_for(an_offer(), an_offer(cheap, "calm"))
    requested = a_plan_request(call=a_chat_call(model="fast"), candidates=candidates)
    books = books_with(a_grant(), a_budget(BOUND_NANOS - 1, subject="model:calm/tiny"))

    planned = plan_in(books, requested)

    assert isinstance(planned, Plan)
    assert [entry.candidate.target.provider for entry in planned.affordable] == ["acme"]


def test_an_alert_is_in_the_audit_log_once() -> None:
    books = books_with(a_grant(), a_budget(10 * CHARGE_NANOS, "month", alerts=(20, 100)))
    for n in range(4):
        plan_in(books, a_plan_request(f"call-{n}"))
        settle_in(books, an_outcome(f"call-{n}"))

    (entry,) = books.audit
    assert (entry.action, entry.actor, entry.subject) == ("budget alert", "hub", "month of user:ada")
    assert entry.id == "call-1:alert:month of user:ada:20"


def test_a_stop_refuses_what_costs_and_lets_pass_what_is_free() -> None:
    stop = a_limit("hub", "paid_calls", 0, id="paid_calls")
    free = candidates_for(an_offer(a_rate(input_nanos=0, output_nanos=0)))
    books = books_with(a_grant(), stop)

    assert refusal_of(plan_in(books, a_plan_request("call-1"))) == PaidCallsStopped()
    assert isinstance(plan_in(books, a_plan_request("call-2", candidates=free)), Plan)
    assert refusal_of(plan_in(books, a_plan_request("call-3", billed=False))) == PaidCallsStopped()
    books.apply(msgspec.structs.replace(stop, removed_ms=NOW_MS))
    assert isinstance(plan_in(books, a_plan_request("call-4")), Plan)


# --- runs ---


def test_a_purse_is_shared_by_all_calls_of_a_run() -> None:
    run = Run(user_id="ada", run_id="r1", created_ms=0, purse_nanos=2 * BOUND_NANOS)
    books = books_with(a_grant(), run)
    for n in range(2):
        assert isinstance(plan_in(books, a_plan_request(f"call-{n}"), run_id="r1"), Plan)

    refused = refusal_of(plan_in(books, a_plan_request("call-2"), run_id="r1"))
    elsewhere = plan_in(books, a_plan_request("call-3"), run_id="r2")
    settle_in(books, an_outcome("call-0"))

    assert refused == RunPurseSpent(run="r1", purse_nanos=2 * BOUND_NANOS, left_nanos=0, bound_nanos=BOUND_NANOS)
    assert isinstance(elsewhere, Plan)
    assert books.limiting.runs["ada", "r1"] == msgspec.structs.replace(
        run, spent_nanos=CHARGE_NANOS, held_nanos=BOUND_NANOS
    )
    assert isinstance(proof(books), Totals)


PER_RUN: tuple[Row, ...] = (a_grant(), a_budget(BOUND_NANOS, "run", "key:key of ada"))


def test_a_budget_per_run_gives_each_run_a_purse_and_a_call_without_one_is_a_run_for_itself() -> None:
    books = books_with(*PER_RUN)

    assert isinstance(plan_in(books, a_plan_request("call-1"), run_id="r1"), Plan)
    assert isinstance(refusal_of(plan_in(books, a_plan_request("call-2"), run_id="r1")), RunPurseSpent)
    assert isinstance(plan_in(books, a_plan_request("call-3"), run_id="r2"), Plan)
    assert isinstance(plan_in(books, a_plan_request("call-4")), Plan)
    assert isinstance(refusal_of(plan_in(books, a_plan_request("call-5", a_chat_call(body_bytes=600)))), RunPurseSpent)
    assert books.limiting.runs["ada", "r1"].purse_nanos == BOUND_NANOS
    assert books.limiting.runs["ada", "r1"].held_nanos == BOUND_NANOS
    assert not books.limiting.spent, "a budget per run has no period"


def test_the_purse_of_a_run_itself_comes_first() -> None:
    books = books_with(*PER_RUN, Run(user_id="ada", run_id="r1", created_ms=0, purse_nanos=2 * BOUND_NANOS))

    for n in range(2):
        assert isinstance(plan_in(books, a_plan_request(f"call-{n}"), run_id="r1"), Plan)
    assert isinstance(refusal_of(plan_in(books, a_plan_request("call-2"), run_id="r1")), RunPurseSpent)


def test_a_stopped_run_makes_no_call() -> None:
    books = books_with(a_grant(), Run(user_id="ada", run_id="r1", created_ms=0, stopped_ms=1))

    assert refusal_of(plan_in(books, a_plan_request(), run_id="r1")) == RunStopped(run="r1")


def test_the_charge_of_a_call_is_in_every_count_that_it_was_held_in() -> None:
    budgets = (
        a_budget(BOUND_NANOS, "total"),
        a_budget(BOUND_NANOS, "day", "hub"),
        a_budget(BOUND_NANOS, "week", "model:small"),
    )
    books = books_with(a_grant(), *budgets, Run(user_id="ada", run_id="r1", created_ms=0, purse_nanos=BOUND_NANOS))
    plan_in(books, a_plan_request(), run_id="r1")
    settle_in(books, an_outcome(events=an_answer(usage=Usage(input_tokens=1_000, output_tokens=10))))

    assert {spent.total_nanos for spent in books.limiting.spent.values()} == {CHARGE_NANOS}
    assert {spent.held_nanos for spent in books.limiting.spent.values()} == {0}
    assert [one.kind for one in books.calls["call-1"].reserved] == ["budget", "budget", "budget", "run"]
    assert isinstance(proof(books), Totals)
