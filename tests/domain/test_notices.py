"""A balance that falls below its threshold is a fact of one decision, which writes the notice of it. (G27)"""

from functools import partial

import msgspec
import pytest

from domain.billing.rerating import rerate
from domain.books.management_scopes import GrantScope, TransferScope, UserScope
from domain.books.scopes import RerateScope
from domain.books.working_copy import Books
from domain.limits.notices import Notice, Webhook
from domain.limits.rows import Budget
from domain.management import wallets
from domain.management.changes import Actor, Changed, Denied, Unchanged
from domain.management.wallets import WalletTransfer
from domain.management.webhooks import (
    ATTEMPTS_MAX,
    CLAIM_MS,
    PAUSES_MS,
    claim,
    record,
    remove_webhook,
    set_webhook,
)
from tests.domain.build import (
    BOUND_NANOS,
    NOW_MS,
    a_grant,
    a_plan_request,
    a_rate,
    a_user,
    an_outcome,
    books_with,
    decided,
    settle_in,
    started_in,
    sweep_in,
    write,
)

CHARGE_NANOS = 156_000
ACTOR = Actor(name="ops", now_ms=NOW_MS, audit_id="audit-1")


def test_the_call_that_takes_a_balance_below_its_threshold_writes_one_notice() -> None:
    """1,000,000 above the threshold by less than one charge: the first call crosses it, the second does not."""
    threshold = 5 * BOUND_NANOS
    books = watched_books(threshold, a_grant(threshold + CHARGE_NANOS - 1))
    for call_id in ("call-1", "call-2"):
        started_in(books, a_plan_request(call_id))

    settle_in(books, an_outcome("call-1"))
    settle_in(books, an_outcome("call-2"))
    settle_in(books, an_outcome("call-1"))

    (notice,) = notices(books)
    assert (notice.id, notice.user_id, notice.kind) == ("call-1:low", "ada", "balance.low")
    assert (notice.limit_nanos, notice.value_nanos, notice.due_ms) == (threshold, threshold - 1, NOW_MS)


@pytest.mark.parametrize(("above_nanos", "crosses"), [(-1, False), (0, True), (CHARGE_NANOS - 1, True),
                                                     (CHARGE_NANOS, False), (CHARGE_NANOS + 1, False)])  # fmt: skip
def test_a_balance_crosses_from_the_threshold_or_above_to_below_it(above_nanos: int, crosses: bool) -> None:
    threshold = 5 * BOUND_NANOS
    books = watched_books(threshold, a_grant(threshold + above_nanos))
    started_in(books, a_plan_request("call-1"))

    settle_in(books, an_outcome("call-1"))

    assert len(notices(books)) == crosses


def test_the_default_holds_for_wallets_without_a_threshold_of_their_own() -> None:
    for own, expected in ((None, 1), (0, 0), (1, 0)):
        books = watched_books(own, a_grant(5 * BOUND_NANOS))
        requested = a_plan_request("call-1", low_balance_nanos=5 * BOUND_NANOS)
        started_in(books, requested)

        settle_in(books, an_outcome("call-1"))

        assert len(notices(books)) == expected


def test_a_call_of_a_wallet_without_a_threshold_reserves_nothing() -> None:
    books = books_with(a_grant())

    assert started_in(books, a_plan_request("call-1")).reserved == ()


def test_a_balance_that_rises_and_falls_again_is_crossed_again() -> None:
    books = watched_books(100, a_grant(120))
    take(books, 30, "audit-1")
    write(books, *wallets.add_credit(wallet_of(books), ACTOR, "ada", "more", lambda _: a_grant(50, id="more")).writes)

    take(books, 60, "audit-2")

    assert [(notice.id, notice.value_nanos) for notice in notices(books)] == [
        ("audit-1:low", 90),
        ("audit-2:low", 80),
    ]


def test_a_void_and_a_transfer_cross_a_threshold_too() -> None:
    books = watched_books(100, a_grant(60), a_grant(50, id="grant-2"), a_user("bob"))
    order = WalletTransfer(sender="ada", receiver="bob", nanos=20, reason="a test", grant_id="moved")

    moved = wallets.transfer_credit(TransferScope(sender="ada", receiver="bob").view(books), ACTOR, order)
    voided = wallets.void_grant(GrantScope(grant_id="grant-1").view(books), ACTOR, "grant-1", "a test")

    assert [len([row for row in done.writes if isinstance(row, Notice)]) for done in (moved, voided)] == [1, 1]


def test_credit_that_expires_crosses_the_threshold_when_a_sweep_ends_it() -> None:
    expires_ms = NOW_MS + 1
    books = watched_books(100, a_grant(60), a_grant(50, id="stale", expires_ms=expires_ms))

    sweep_in(books, expires_ms)
    sweep_in(books, expires_ms)

    assert [(notice.id, notice.value_nanos) for notice in notices(books)] == [("stale:50:low", 60)]


def test_a_call_that_is_charged_again_crosses_the_threshold_and_counts_in_budgets_and_runs() -> None:
    """The corrected rate is twice as dear, then half as dear: budgets follow in both directions, and the proof agrees."""
    budget = Budget(id="budget-1", subject="user:ada", amount_nanos=10 * BOUND_NANOS, period="month", time_zone="UTC",
                    created_ms=0, alerts=(1, 3))  # fmt: skip
    books = watched_books(5 * BOUND_NANOS, a_grant(5 * BOUND_NANOS + CHARGE_NANOS), budget)
    started_in(books, a_plan_request("call-1"))
    settle_in(books, an_outcome("call-1"))
    assert spent(books) == CHARGE_NANOS

    dearer = a_rate(id="rate-2", input_nanos=2 * a_rate().input_nanos, output_nanos=2 * a_rate().output_nanos)
    write(books, dearer)
    again = rerate(RerateScope(call_id="call-1").view(books), dearer, NOW_MS)
    decided(books, again)

    assert again.adjustment is not None
    charged = CHARGE_NANOS + again.adjustment.amount_nanos
    assert spent(books) == charged > CHARGE_NANOS
    assert [notice.kind for notice in notices(books)].count("balance.low") == 1

    cheaper = a_rate(id="rate-3", input_nanos=a_rate().input_nanos // 2, output_nanos=a_rate().output_nanos // 2)
    write(books, cheaper)
    decided(books, rerate(RerateScope(call_id="call-1").view(books), cheaper, NOW_MS))
    assert spent(books) < CHARGE_NANOS


def test_an_alert_of_a_budget_is_a_notice_once() -> None:
    budget = Budget(id="budget-1", subject="user:ada", amount_nanos=2 * CHARGE_NANOS + BOUND_NANOS, period="month",
                    time_zone="UTC", created_ms=0, alerts=(1, 90))  # fmt: skip
    books = books_with(a_grant(9 * BOUND_NANOS), budget)
    for call_id in ("call-1", "call-2"):
        started_in(books, a_plan_request(call_id))
        settle_in(books, an_outcome(call_id))

    (notice,) = notices(books)
    assert (notice.kind, notice.budget_id, notice.subject, notice.percent) == (
        "budget.reached", "budget-1", "user:ada", 1,
    )  # fmt: skip
    assert [entry.action for entry in books.audit] == ["budget alert"]


def test_a_threshold_is_set_and_kept() -> None:
    books = watched_books(None)

    made = wallets.set_threshold(wallet_of(books), ACTOR, "ada", 5)
    write(books, *made.writes)

    assert books.users["ada"].low_balance_nanos == 5
    assert isinstance(wallets.set_threshold(wallet_of(books), ACTOR, "ada", 5), Unchanged)
    assert isinstance(wallets.set_threshold(UserScope(name="eve").view(books), ACTOR, "eve", 5), Denied)


# --- delivery -------------------------------------------------------------------------------------------------


def test_a_claim_takes_what_is_due_and_nobody_else_takes_it_meanwhile() -> None:
    due, later = a_notice(due_ms=NOW_MS), a_notice(id="later", due_ms=NOW_MS + 1)

    claimed = claim([due, later], NOW_MS)

    (taken,) = claimed.notices
    assert (taken.id, taken.attempts, taken.due_ms) == (due.id, 1, NOW_MS + CLAIM_MS)
    assert claim([taken], NOW_MS).notices == ()
    assert len(claim([taken], NOW_MS + CLAIM_MS).notices) == 1


def test_a_notice_is_tried_again_after_longer_and_longer_pauses_and_then_given_up() -> None:
    notice, now_ms, pauses = a_notice(), NOW_MS, []
    while notice.due_ms is not None:
        now_ms = notice.due_ms
        (notice,) = claim([notice], now_ms).notices
        (notice,) = record([notice], "it answered 500", False, now_ms).writes
        pauses += [] if notice.due_ms is None else [notice.due_ms - now_ms]

    assert notice.attempts == ATTEMPTS_MAX
    assert pauses == list(PAUSES_MS) == sorted(PAUSES_MS)
    assert (notice.error, notice.delivered_ms) == ("it answered 500", None)


def test_what_was_delivered_stays_delivered() -> None:
    (notice,) = record([a_notice(attempts=1)], None, False, NOW_MS).writes

    assert (notice.due_ms, notice.delivered_ms) == (None, NOW_MS)
    assert record([notice], "it answered 500", False, NOW_MS + 1).writes == ()


def test_a_receiver_that_wants_no_more_gets_no_more() -> None:
    (notice,) = record([a_notice(attempts=1)], "it answered 410", True, NOW_MS).writes

    assert (notice.due_ms, notice.delivered_ms) == (None, None)


def test_a_webhook_that_is_set_again_gets_the_notices_that_the_earlier_one_waited_for() -> None:
    first = Webhook(id="webhook", url="https://a.test/", salt="1", created_ms=1)
    second = msgspec.structs.replace(first, url="https://b.test/", salt="2", created_ms=2)
    removed = msgspec.structs.replace(first, removed_ms=1)

    kept, begun = (set_webhook(had, ACTOR, second) for had in (first, removed))

    assert isinstance(kept, Changed)
    assert isinstance(begun, Changed)
    assert (kept.row, begun.row) == (msgspec.structs.replace(second, created_ms=1), second)
    assert isinstance(remove_webhook(None, ACTOR), Denied)
    assert isinstance(remove_webhook(removed, ACTOR), Unchanged)
    assert isinstance(remove_webhook(first, ACTOR), Changed)


def a_notice(**changes: object) -> Notice:
    notice = Notice(
        id="call-1:low", user_id="ada", kind="balance.low", limit_nanos=5, value_nanos=4, at_ms=NOW_MS, due_ms=NOW_MS
    )
    return msgspec.structs.replace(notice, **changes)


def watched_books(threshold: int | None, *rows: object) -> Books:
    """Books in which Ada's wallet has a threshold."""
    return books_with(a_user(low_balance_nanos=threshold), *rows)  # type: ignore[arg-type]


def take(books: Books, nanos: int, audit_id: str) -> None:
    who = msgspec.structs.replace(ACTOR, audit_id=audit_id)
    outcome = wallets.take_credit(wallet_of(books), who, "ada", nanos, "a test")
    assert isinstance(outcome, Changed)
    write(books, *outcome.writes)


wallet_of = partial(UserScope(name="ada").view)


def notices(books: Books) -> list[Notice]:
    return [*books.others.get(Notice, {}).values()]


def spent(books: Books) -> int:
    return books.limiting.spent["budget-1", "user:ada"].total_nanos
