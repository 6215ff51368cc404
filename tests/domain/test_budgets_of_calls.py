"""What a call holds of budgets and purses, what it leaves there, and that the auditor derives the same."""

import msgspec
import pytest

from domain.billing.plan import Plan
from domain.billing.verification import Difference, Totals
from domain.books.rows import Row
from domain.limits.refusals import (
    BudgetExceeded,
    ExposureReached,
    PaidCallsStopped,
    RunPurseSpent,
    RunStopped,
)
from domain.limits.rows import Limit, Run
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
)
from tests.domain.build_limits import DAY_MS, a_budget, a_limit
from tests.domain.test_limits_of_calls import refusal_of

CHARGE_NANOS = 156_000  # of the default outcome: 1,010 tokens
OTHER = a_rate(id="rate-2", provider="bolt", model="large")


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


def test_a_removed_limit_and_a_removed_budget_hold_no_call_up() -> None:
    gone = (a_limit("hub", amount=1, removed_ms=1), a_budget(1, removed_ms=1))
    books = books_with(a_grant(), a_limit("user:ada", amount=9), *gone)

    for n in range(2):
        assert isinstance(plan_in(books, a_plan_request(f"call-{n}")), Plan)


def test_only_the_model_that_has_answered_is_charged_to_its_budget() -> None:
    candidates = candidates_for(an_offer(), an_offer(OTHER, "bolt"))
    books = books_with(a_grant(), *(a_budget(10**9, subject=f"model:{name}") for name in ("acme/small", "bolt/large")))
    plan_in(books, a_plan_request("call-1", a_chat_call(model="fast"), candidates=candidates))
    settle_in(books, an_outcome("call-1"))

    spent = {subject: row.total_nanos for (_, subject), row in books.limiting.spent.items()}
    assert spent == {"model:acme/small": CHARGE_NANOS, "model:bolt/large": 0}


@pytest.mark.parametrize(("row", "changes"), [
    ("spent", {"total_nanos": 1}), ("spent", {"held_nanos": 1}), ("spent", {"month_nanos": 1}),
    ("runs", {"spent_nanos": 1}), ("runs", {"held_nanos": 1}), ("cells", {"value": 3}),
])  # fmt: skip
def test_the_auditor_finds_every_figure_that_no_call_accounts_for(row: str, changes: dict[str, int]) -> None:
    run = Run(user_id="ada", run_id="r1", created_ms=0, purse_nanos=10**9)
    books = books_with(a_grant(), a_budget(10**9, "month"), a_limit(measure="concurrency", amount=9), run)
    plan_in(books, a_plan_request(), run_id="r1")
    settle_in(books, an_outcome())
    assert isinstance(proof(books), Totals)
    rows = getattr(books.limiting, row)
    ((key, booked),) = rows.items()

    rows[key] = msgspec.structs.replace(booked, **{name: getattr(booked, name) + n for name, n in changes.items()})

    assert isinstance(proof(books), Difference)


def test_at_its_cap_a_provider_is_left_out_and_what_is_owed_is_given_back() -> None:
    cap = Limit(
        id="exposure:acme", subject="provider:acme", measure="exposure", amount=BOUND_NANOS, window_ms=0, created_ms=0
    )
    candidates = candidates_for(an_offer(), an_offer(OTHER, "bolt"))
    books = books_with(a_grant(), cap)
    first = plan_in(books, a_plan_request("call-1", a_chat_call(model="fast"), candidates=candidates))
    second = plan_in(books, a_plan_request("call-2", a_chat_call(model="fast"), candidates=candidates))
    alone = refusal_of(plan_in(books, a_plan_request("call-3")))

    assert isinstance(first, Plan)
    assert isinstance(second, Plan)
    assert [entry.candidate.target.provider for entry in first.affordable] == ["acme", "bolt"]
    assert [entry.candidate.target.provider for entry in second.affordable] == ["bolt"]
    assert alone == ExposureReached(provider="acme", cap_nanos=BOUND_NANOS, open_nanos=BOUND_NANOS)
    settle_in(books, an_outcome("call-1"))
    assert books.limiting.cells["exposure:acme", "provider:acme"].value == 0
    assert isinstance(proof(books), Totals)
