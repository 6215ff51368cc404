"""The same Idempotency-Key and body runs upstream once and is charged once, also for concurrent duplicates."""

import msgspec
import pytest

from domain.billing.plan import Duplicate, Plan, PlanRequest, Refused, Replay
from domain.books.rows import IDEMPOTENCY_KEPT_MS, Idempotency
from domain.refusals import IdempotencyConflict, IdempotencyUnavailable
from tests.domain.build import (
    BOUND_NANOS,
    NOW_MS,
    a_grant,
    a_meter,
    a_plan_request,
    an_outcome,
    books_with,
    plan_in,
    settle_in,
    started_in,
    sweep_in,
)

FIRST = a_plan_request("call-1", idempotency_key="key", digest="digest")
AGAIN = a_plan_request("call-2", idempotency_key="key", digest="digest")
OTHER = a_plan_request("call-2", idempotency_key="key", digest="another body")


def test_a_duplicate_of_a_running_call_waits_for_it() -> None:
    books = books_with(a_grant())
    first = started_in(books, FIRST)

    assert Duplicate(hold=first) == plan_in(books, AGAIN)


def test_a_call_that_was_answered_is_answered_again_without_a_charge() -> None:
    books = books_with(a_grant())
    started_in(books, FIRST)
    settle_in(books, an_outcome("call-1", answer=b"sealed", status=200, content_type="application/json"))

    planned = plan_in(books, AGAIN)

    kept = Idempotency(
        user_id="ada",
        key="key",
        digest="digest",
        call_id="call-1",
        created_ms=NOW_MS,
        status=200,
        content_type="application/json",
        answer=b"sealed",
    )
    assert Replay(kept=kept, charge_nanos=156_000) == planned
    assert set(books.calls) == {"call-1"}


@pytest.mark.parametrize("settled", [False, True])
def test_the_same_key_with_another_body_is_a_conflict(settled: bool) -> None:
    books = books_with(a_grant())
    started_in(books, FIRST)
    if settled:
        settle_in(books, an_outcome("call-1", answer=b"sealed"))

    assert Refused(refusal=IdempotencyConflict(key="key")) == plan_in(books, OTHER)


@pytest.mark.parametrize(("ending", "delivered", "reason"), [
    ("completed",        True,   "its answer was too large to keep"),
    ("client_disconnected",      True,   "it ended early (client_disconnected)"),
    ("provider_failed",  True,   "it ended early (provider_failed)"),
    ("timed_out",        True,   "it ended early (timed_out)"),
    ("provider_failed",  False,  None),
    ("timed_out",        False,  None),
])  # fmt: skip
def test_what_was_charged_without_leaving_its_answer_is_not_run_again(
    ending: str, delivered: bool, reason: str | None
) -> None:
    """The same key is never charged twice; what gave nothing and cost nothing may be tried again. (G3)"""
    books = books_with(a_grant())
    started_in(books, FIRST)
    meter = an_outcome().meter if delivered else a_meter()
    settle_in(books, an_outcome("call-1", ending=ending, meter=meter))

    planned = plan_in(books, AGAIN)

    if reason is None:
        assert isinstance(planned, Plan)
        assert books.idempotency["ada", "key"].call_id == "call-2"
    else:
        assert Refused(refusal=IdempotencyUnavailable(key="key", call_id="call-1", reason=reason)) == planned


def test_a_free_call_that_was_answered_is_not_run_again_either() -> None:
    """What came whole came once, whatever it cost."""
    books = books_with()
    started_in(books, msgspec.structs.replace(FIRST, billed=False))
    settle_in(books, an_outcome("call-1"))

    planned = plan_in(books, msgspec.structs.replace(AGAIN, billed=False))

    reason = "its answer was too large to keep"
    assert Refused(refusal=IdempotencyUnavailable(key="key", call_id="call-1", reason=reason)) == planned


def test_a_call_that_was_lost_may_be_run_again() -> None:
    """(G2)"""
    books = books_with(a_grant(BOUND_NANOS))
    started_in(books, FIRST)
    sweep_in(books, gone=["process-1"])

    assert isinstance(plan_in(books, AGAIN), Plan)


@pytest.mark.parametrize(("requested", "after_ms", "settled", "outcome"), [
    (AGAIN,  IDEMPOTENCY_KEPT_MS - 1,  True,   Replay),
    (AGAIN,  IDEMPOTENCY_KEPT_MS,      True,   Plan),
    (OTHER,  IDEMPOTENCY_KEPT_MS - 1,  True,   Refused),
    (OTHER,  IDEMPOTENCY_KEPT_MS,      True,   Plan),
    (AGAIN,  IDEMPOTENCY_KEPT_MS,      False,  Duplicate),
])  # fmt: skip
def test_a_key_is_remembered_for_a_day_and_as_long_as_its_call_runs(
    requested: PlanRequest, after_ms: int, settled: bool, outcome: type
) -> None:
    books = books_with(a_grant())
    started_in(books, FIRST)
    if settled:
        settle_in(books, an_outcome("call-1", answer=b"sealed"))

    assert isinstance(plan_in(books, requested, NOW_MS + after_ms), outcome)


def test_a_replay_needs_no_credit_and_no_current_catalogue() -> None:
    books = books_with(a_grant(BOUND_NANOS))
    started_in(books, FIRST)
    settle_in(books, an_outcome("call-1", answer=b"sealed"))
    books.version = 9

    assert isinstance(plan_in(books, AGAIN), Replay)
