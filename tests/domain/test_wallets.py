"""Changing credit by hand: voids, adjustments and transfers, each with its reason, and never what an open call holds."""

from collections import Counter
from collections.abc import Sequence

import pytest

from domain.accounts.rows import User
from domain.billing.verification import Totals
from domain.books.management_scopes import GrantScope, TransferScope, UserScope
from domain.books.working_copy import Books
from domain.ledger.ledger import available
from domain.ledger.rows import Grant, Transfer
from domain.management import wallets
from domain.management.changes import Actor, Changed, Denied, Outcome, Unchanged
from domain.management.wallets import WalletTransfer
from domain.refusals import BadRequest, NotFound, Remedy
from tests.domain.build import (
    BOUND_NANOS,
    NOW_MS,
    a_grant,
    a_plan_request,
    a_user,
    an_outcome,
    books_with,
    proof,
    settle_in,
    started_in,
    sweep_in,
    write,
)
from tests.domain.build_teams import a_team

CHARGE_NANOS = 156_000


def test_what_was_spent_of_a_voided_grant_stays_spent_and_the_rest_is_withdrawn() -> None:
    books = books_with(a_grant(2 * BOUND_NANOS))
    started_in(books, a_plan_request("call-1"))
    settle_in(books, an_outcome("call-1"))

    voided = void(books, "grant-1")

    assert isinstance(voided, Changed)
    assert books.grants["grant-1"].available_nanos == 0
    totals = proved(books)
    assert (totals.revenue_nanos, totals.withdrawn_nanos) == (CHARGE_NANOS, 2 * BOUND_NANOS - CHARGE_NANOS)


def test_an_open_call_keeps_what_it_holds_of_a_voided_grant_and_what_it_gives_back_is_withdrawn() -> None:
    books = books_with(a_grant(BOUND_NANOS + 5))
    started_in(books, a_plan_request("call-1"))

    void(books, "grant-1")
    assert books.grants["grant-1"].held_nanos == BOUND_NANOS

    settle_in(books, an_outcome("call-1"))
    assert available(books.wallet("ada"), NOW_MS) == 0, "what is given back cannot be spent before the sweep"
    sweep_in(books)
    totals = proved(books)
    assert (totals.revenue_nanos, totals.withdrawn_nanos) == (CHARGE_NANOS, BOUND_NANOS + 5 - CHARGE_NANOS)
    assert totals.breakage_nanos == 0
    assert sweep_in(books).writes == ()


def test_a_grant_is_voided_once() -> None:
    books = books_with(a_grant(100))
    void(books, "grant-1")

    again = void(books, "grant-1")

    assert isinstance(again, Unchanged)


def test_a_voided_grant_does_not_become_breakage_at_its_expiry() -> None:
    books = books_with(a_grant(100, expires_ms=NOW_MS + 1))
    void(books, "grant-1")

    sweep_in(books, NOW_MS + 2)

    totals = proved(books)
    assert (totals.withdrawn_nanos, totals.breakage_nanos) == (100, 0)


def test_an_expired_grant_is_breakage_and_cannot_be_voided() -> None:
    books = books_with(a_grant(100, expires_ms=NOW_MS))

    denied = void(books, "grant-1")

    assert isinstance(denied, Denied)
    assert isinstance(denied.refusal, BadRequest)
    assert "breakage" in denied.refusal.problem


def test_no_grant_of_that_id_is_voided() -> None:
    denied = void(books_with(), "nowhere")

    assert isinstance(denied, Denied)
    assert isinstance(denied.refusal, NotFound)


def test_credit_is_taken_in_burn_down_order() -> None:
    books = books_with(a_grant(60, id="later", priority=2), a_grant(50, id="first", priority=1))

    take(books, 70)

    assert (books.grants["first"].available_nanos, books.grants["later"].available_nanos) == (0, 40)
    assert [(t.cause, t.step, t.amount_nanos) for t in lines(books, "deduction")] == [
        ("audit-1", 0, 50),
        ("audit-1", 1, 20),
    ]
    assert proved(books).withdrawn_nanos == 70


def test_what_open_calls_hold_is_not_taken() -> None:
    """(G26)"""
    books = books_with(a_grant(BOUND_NANOS + 5))
    started_in(books, a_plan_request("call-1"))

    denied = take(books, 6)

    assert isinstance(denied, Denied)
    assert isinstance(denied.refusal, BadRequest)
    assert denied.refusal.field == "amount"
    assert isinstance(take(books, 5), Changed)
    assert settle_in(books, an_outcome("call-1")).call is not None
    proved(books)


def test_credit_is_added_in_a_grant_of_its_own() -> None:
    books = books_with(a_grant(1))

    added = done(books, wallets.add_credit(UserScope(name="ada").view(books), actor(), "ada", "a gift", a_gift))

    assert isinstance(added, Changed)
    assert available(books.wallet("ada"), NOW_MS) == 31
    assert proved(books).issued_nanos == 31


def test_a_team_without_a_wallet_gets_no_credit_by_hand_and_what_it_has_can_be_taken() -> None:
    books = books_with(a_team(has_wallet=False), a_grant(100), a_grant(7, id="left", user_id="team_red"))
    added = wallets.add_credit(UserScope(name="team:red").view(books), actor(), "team:red", "a gift", a_gift)

    for field, denied in (("user", added), ("receiver", move(books, "ada", "team:red", 1))):
        assert isinstance(denied, Denied)
        assert isinstance(denied.refusal, BadRequest)
        assert (denied.refusal.field, denied.refusal.remedy) == (field, Remedy("team wallet", "red"))
    assert isinstance(move(books, "team:red", "ada", 7), Changed)
    assert available(books.wallet("ada"), NOW_MS) == 107
    proved(books)


def test_what_is_transferred_keeps_its_order_and_its_expiry() -> None:
    books = books_with(
        a_user("bob"),
        a_grant(50, id="first", priority=1, expires_ms=NOW_MS + 9),
        a_grant(60, id="later", priority=2),
    )

    move(books, "ada", "bob", 70)

    arrived = sorted(books.wallet("bob"), key=lambda grant: grant.priority)
    assert [(g.id, g.amount_nanos, g.available_nanos, g.priority, g.expires_ms) for g in arrived] == [
        ("moved", 50, 50, 1, NOW_MS + 9),
        ("moved-1", 20, 20, 2, None),
    ]
    assert Counter(t.to_account for t in lines(books, "send")) == {"moving:audit-1": 2}
    assert available(books.wallet("ada"), NOW_MS) == 40
    proved(books)


@pytest.mark.parametrize(("sender", "receiver", "nanos", "field"), [
    ("ada",   "bob",    101,  "amount"),
    ("ada",   "ada",    1,    "receiver"),
    ("ada",   "nobody", 1,    None),
    ("nobody","bob",    1,    None),
])  # fmt: skip
def test_a_transfer_moves_all_or_nothing(sender: str, receiver: str, nanos: int, field: str | None) -> None:
    books = books_with(a_user("bob"), a_grant(100))

    denied = move(books, sender, receiver, nanos)

    assert isinstance(denied, Denied)
    assert getattr(denied.refusal, "field", None) == field
    assert available(books.wallet("ada"), NOW_MS) == 100


def test_the_audit_log_has_who_did_what_and_why() -> None:
    """(G26)"""
    books = books_with(a_user("bob"), a_grant(100))
    take(books, 3)
    move(books, "ada", "bob", 4, audit_id="audit-2")
    void(books, "grant-1", audit_id="audit-3")

    assert [(e.id, e.actor, e.action, e.subject, e.detail) for e in books.audit] == [
        ("audit-1", "ops", "credit adjust", "ada", "-3 nanocredits: granted twice"),
        ("audit-2", "ops", "credit transfer", "ada", "4 nanocredits to bob: a team"),
        ("audit-3", "ops", "grant void", "grant-1", "93 nanocredits of ada: paid back"),
    ]


def actor(audit_id: str = "audit-1") -> Actor:
    return Actor(name="ops", now_ms=NOW_MS, audit_id=audit_id)


def a_gift(user: User) -> Grant:
    return a_grant(30, id="gift", user_id=user.id, created_ms=NOW_MS)


def void(books: Books, grant_id: str, audit_id: str = "audit-1") -> Outcome:
    facts = GrantScope(grant_id=grant_id).view(books)
    return done(books, wallets.void_grant(facts, actor(audit_id), grant_id, "paid back"))


def take(books: Books, nanos: int) -> Outcome:
    return done(books, wallets.take_credit(UserScope(name="ada").view(books), actor(), "ada", nanos, "granted twice"))


def move(books: Books, sender: str, receiver: str, nanos: int, audit_id: str = "audit-1") -> Outcome:
    order = WalletTransfer(sender=sender, receiver=receiver, nanos=nanos, reason="a team", grant_id="moved")
    facts = TransferScope(sender=sender, receiver=receiver).view(books)
    return done(books, wallets.transfer_credit(facts, actor(audit_id), order))


def done(books: Books, outcome: Outcome) -> Outcome:
    write(books, *outcome.writes)
    return outcome


def lines(books: Books, kind: str) -> Sequence[Transfer]:
    return [line for line in books.journal.values() if line.kind == kind]


def proved(books: Books) -> Totals:
    found = proof(books)
    assert isinstance(found, Totals), found
    return found
