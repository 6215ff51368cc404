"""Books that add up are proved, and whatever is changed in them behind the rules' back is found."""

from collections.abc import Callable

import msgspec
import pytest

from domain.billing.verification import Auditor, Difference, Totals
from domain.books.working_copy import Books
from domain.ledger.rows import HoldLine, Transfer, TransferKind
from domain.usage import Usage
from tests.domain.build import (
    BOUND_NANOS,
    HOUR_MS,
    NOW_MS,
    a_grant,
    a_plan_request,
    a_rate,
    an_answer,
    an_outcome,
    books_with,
    proof,
    settle_in,
    started_in,
    sweep_in,
    write,
)

HUGE = an_answer(usage=Usage(input_tokens=2_000, output_tokens=1_000))


def some_books() -> Books:
    """A paid call, one that came to more than its hold, a lost one and a running one; and a grant that has expired."""
    books = books_with(a_grant(4 * BOUND_NANOS), a_grant(77, id="stale", expires_ms=NOW_MS))
    for call_id in ("paid", "dear", "lost", "open"):
        started_in(books, a_plan_request(call_id, owner=f"process of {call_id}"))
    settle_in(books, an_outcome("paid"))
    settle_in(books, an_outcome("dear", HUGE))
    sweep_in(books, gone=["process of lost"])
    return books


def test_the_auditor_proves_that_what_was_issued_is_all_somewhere() -> None:
    totals = Totals(
        transfers=11,
        grants=2,
        calls=4,
        open_holds=1,
        issued_nanos=4 * BOUND_NANOS + 77,
        revenue_nanos=156_000 + BOUND_NANOS,
        breakage_nanos=77,
        withdrawn_nanos=0,
        available_nanos=4 * BOUND_NANOS - 156_000 - 2 * BOUND_NANOS,
        held_nanos=BOUND_NANOS,
    )
    assert totals == proof(some_books())


def test_empty_books_add_up() -> None:
    nothing = Totals(
        transfers=0,
        grants=0,
        calls=0,
        open_holds=0,
        issued_nanos=0,
        revenue_nanos=0,
        breakage_nanos=0,
        withdrawn_nanos=0,
        available_nanos=0,
        held_nanos=0,
    )
    assert nothing == Auditor().conclude()


def test_a_difference_names_the_thing_and_both_figures() -> None:
    books = some_books()
    books.calls["paid"] = msgspec.structs.replace(books.calls["paid"], charge_nanos=156_001)

    difference = Difference(subject="paid", claim="the charge is what was captured", booked="156001", derived="156000")
    assert difference == proof(books)


# --- tampering ------------------------------------------------------------------------------------------------

Tamper = Callable[[Books], None]


def _grant(**changes: object) -> Tamper:
    return lambda books: books.apply(msgspec.structs.replace(books.grants["grant-1"], **changes))


def _call(call_id: str, **changes: object) -> Tamper:
    def change(books: Books) -> None:
        books.calls[call_id] = msgspec.structs.replace(books.calls[call_id], **changes)

    return change


def _hold(call_id: str, **changes: object) -> Tamper:
    return lambda books: books.apply(msgspec.structs.replace(books.holds[call_id], **changes))


def _transfer(cause: str, kind: TransferKind, /, **changes: object) -> Tamper:
    def change(books: Books) -> None:
        books.journal[cause, kind, 0] = msgspec.structs.replace(books.journal[cause, kind, 0], **changes)

    return change


def _missing(cause: str, kind: TransferKind, step: int = 0) -> Tamper:
    def remove(books: Books) -> None:
        del books.journal[cause, kind, step]

    return remove


def _extra(kind: TransferKind, cause: str, grant_id: str | None = None) -> Tamper:
    forged = Transfer(cause=cause, kind=kind, step=9, grant_id=grant_id, amount_nanos=1, at_ms=NOW_MS)
    return lambda books: write(books, forged)


def _stray_hold(cause: str) -> Tamper:
    """Lines of no call, which leave every balance as it is."""

    def add(books: Books) -> None:
        _extra("hold", cause, "grant-1")(books)
        _extra("release", cause, "grant-1")(books)

    return add


def _without_grant(grant_id: str) -> Tamper:
    def remove(books: Books) -> None:
        del books.grants[grant_id]

    return remove


def _without_call(call_id: str) -> Tamper:
    def remove(books: Books) -> None:
        del books.calls[call_id]

    return remove


def _without_hold(call_id: str) -> Tamper:
    def remove(books: Books) -> None:
        del books.holds[call_id]

    return remove


def _running_still(call_id: str) -> Tamper:
    def add(books: Books) -> None:
        books.holds[call_id] = msgspec.structs.replace(books.holds["open"], id=call_id)

    return add


def _rate(**changes: object) -> Tamper:
    def change(books: Books) -> None:
        books.rates["acme", "small"] = [a_rate(**changes)]

    return change


@pytest.mark.parametrize(("subject", "tamper"), [
    # a grant's figures
    ("grant-1",       _grant(available_nanos=1_000_000_000)),
    ("grant-1",       _grant(held_nanos=0)),
    ("grant-1",       _grant(amount_nanos=9)),
    ("grant:grant-1",   _without_grant("grant-1")),
    ("grant-2",       lambda books: books.apply(a_grant(5, id="grant-2"))),
    # a call's
    ("paid",        _call("paid", charge_nanos=1)),
    ("paid",        _call("paid", usage=Usage(input_tokens=1_000, output_tokens=11))),
    ("paid",        _call("paid", usage=None)),
    ("paid",        _call("paid", rate_id=None)),
    ("paid",        _call("paid", rate_id="another")),
    ("paid",        _call("paid", billed=False)),
    ("paid",        _call("paid", hold_nanos=BOUND_NANOS - 1)),
    ("paid",        _call("paid", hold_nanos=BOUND_NANOS - 1, hold_lines=(HoldLine("grant-1", BOUND_NANOS - 1),))),
    ("paid",        _call("paid", uncollected_nanos=1)),
    ("dear",        _call("dear", usage=Usage(input_tokens=2_000, output_tokens=2_000))),
    ("dear",        _call("dear", uncollected_nanos=0)),
    ("open",        _hold("open", hold_lines=())),
    ("open",        _hold("open", hold_nanos=1)),
    ("grant-1",     _hold("open", hold_lines=(HoldLine("stale", BOUND_NANOS),))),
    ("paid",        _running_still("paid")),
    ("never",       _running_still("never")),
    ("lost",        _call("lost", usage=Usage(input_tokens=1), rate_id="rate-1")),
    ("revenue",     _without_call("paid")),
    ("grant-1",       _without_hold("open")),
    # a line of the journal that is missing
    ("grant-1",       _missing("grant-1", "grant")),
    ("stale",       _missing("stale", "breakage", 77)),
    ("paid",        _missing("paid", "hold")),
    ("paid",        _missing("paid", "capture")),
    ("paid",        _missing("paid", "release")),
    ("lost",        _missing("lost", "expire")),
    ("open",        _missing("open", "hold")),
    # one that is changed
    ("grant-1",     _transfer("grant-1", "grant", amount_nanos=9)),
    ("paid",        _transfer("paid", "capture", amount_nanos=155_999)),
    ("paid",        _transfer("paid", "capture", cause="open")),
    ("paid",        _transfer("paid", "capture", kind="release", grant_id="stale")),
    ("grant-1",     _transfer("paid", "release", grant_id="stale")),
    # one that is added
    ("grant-1",     _extra("grant", "grant-1", "grant-1")),
    ("grant-1",     _extra("adjustment", "never", "grant-1")),
    ("grant-1",     _extra("breakage", "grant-1", "grant-1")),
    ("grant-1",     _extra("void", "grant-1", "grant-1")),
    ("grant-1",     _extra("deduction", "audit-1", "grant-1")),
    ("grant-1",     _extra("send", "audit-1", "grant-1")),
    ("grant-1",     _extra("receive", "audit-1", "grant-1")),
    ("grant:nobody", _extra("receive", "audit-1", "nobody")),
    ("paid",        _extra("adjustment", "paid", "grant-1")),
    ("paid",        _extra("refund", "paid", "grant-1")),
    ("paid",        _extra("forfeit", "paid", "stale")),
    ("paid",        _extra("capture", "paid")),
    ("open",        _extra("capture", "open")),
    ("journal",     _stray_hold("never")),
    ("grant:nobody", _extra("grant", "nobody", "nobody")),
    ("grant:nobody", _extra("hold", "never", "nobody")),
    ("revenue",     _extra("capture", "never")),
    ("revenue",     _extra("forfeit", "never", "stale")),
    ("revenue",     _extra("refund", "never", "nobody")),
    # and a rate that is not what it was
    ("paid",        _rate(output_nanos=600_000_001_000)),
    ("paid",        _rate(id="another")),
])  # fmt: skip
def test_whatever_is_changed_is_found(subject: str, tamper: Tamper) -> None:
    books = some_books()

    tamper(books)

    found = proof(books)
    assert isinstance(found, Difference)
    assert found.subject == subject


def test_only_the_first_difference_is_kept() -> None:
    books = some_books()
    _call("paid", charge_nanos=1)(books)
    _grant(available_nanos=1)(books)

    found = proof(books)

    assert isinstance(found, Difference)
    assert found.subject == "paid"


def test_a_call_that_crosses_an_expiry_adds_up() -> None:
    books = books_with(a_grant(BOUND_NANOS, expires_ms=NOW_MS + 1))
    started_in(books, a_plan_request("call-1"))
    settle_in(books, an_outcome("call-1"), NOW_MS + HOUR_MS)
    sweep_in(books, NOW_MS + HOUR_MS)

    found = proof(books)

    assert isinstance(found, Totals)
    assert (found.revenue_nanos, found.breakage_nanos) == (156_000, BOUND_NANOS - 156_000)


def test_a_lost_call_whose_caller_was_given_something_is_counted() -> None:
    """The books add up without its charge, so no difference shows it."""
    books = some_books()
    lost = books.calls["lost"]
    assert isinstance(totals := proof(books), Totals)
    assert totals.given_away == 0

    books.calls["lost"] = msgspec.structs.replace(lost, first_byte_ms=5, provider="acme")
    assert isinstance(totals := proof(books), Totals)
    assert totals.given_away == 1
    books.calls["lost"] = msgspec.structs.replace(lost, first_byte_ms=5)  # an answer that was not given out
    assert isinstance(totals := proof(books), Totals)
    assert totals.given_away == 0
