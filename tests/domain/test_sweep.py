"""What the dead left open is closed, and expired credit becomes breakage; twice is once."""

from collections import Counter
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.plan import Plan
from domain.billing.sweep import LEASE_MARGIN_MS, Owners, sweep
from domain.billing.verification import Totals
from domain.books.rows import IDEMPOTENCY_KEPT_MS, Idempotency
from domain.books.scopes import SweepFacts, SweepScope
from domain.ledger.ledger import available
from domain.ledger.rows import Transfer
from tests.domain.build import (
    BOUND_NANOS,
    HOUR_MS,
    NOW_MS,
    a_grant,
    a_plan_request,
    an_outcome,
    books_with,
    plan_in,
    proof,
    settle_in,
    started_in,
    sweep_in,
)


def test_the_hold_of_a_dead_process_is_given_back_and_its_call_is_lost() -> None:
    """After the recovery the next affordable call starts. (G2)"""
    books = books_with(a_grant(BOUND_NANOS))
    started_in(books, a_plan_request("call-1", owner="process-1"))

    swept = sweep_in(books, gone=["process-1"])

    assert [(call.id, call.ending, call.charge_nanos) for call in swept.lost] == [("call-1", "lost", 0)]
    assert books.holds == {}
    assert isinstance(plan_in(books, a_plan_request("call-2")), Plan)


GONE, DEADLINE_OVER = "its process is gone", "its deadline has passed, and its process cannot be seen"


@pytest.mark.parametrize(("owners", "after_deadline_ms", "why"), [
    (Owners(),                                 0,                    None),
    (Owners(),                                 1_000 * HOUR_MS,      None),
    (Owners(gone=frozenset(["process-1"])),    -HOUR_MS,             GONE),
    (Owners(gone=frozenset(["process-1"])),    HOUR_MS,              GONE),
    (Owners(gone=frozenset(["process-2"])),    HOUR_MS,              None),
    (Owners(unseen=frozenset(["process-1"])),  LEASE_MARGIN_MS - 1,  None),
    (Owners(unseen=frozenset(["process-1"])),  LEASE_MARGIN_MS,      DEADLINE_OVER),
    (Owners(unseen=frozenset(["process-2"])),  HOUR_MS,              None),
    (Owners(abandoned=frozenset(["call-1"])),  -HOUR_MS,             "its process does not run it"),
    (Owners(abandoned=frozenset(["call-2"])),  HOUR_MS,              None),
])  # fmt: skip
def test_which_calls_are_lost(owners: Owners, after_deadline_ms: int, why: str | None) -> None:
    """No clock ends the call of a living process: it ends it itself. A lease ends only what cannot be seen. (G2)"""
    books = books_with(a_grant())
    started_in(books, a_plan_request("call-1", owner="process-1", deadline_ms=NOW_MS + HOUR_MS))
    now_ms = NOW_MS + HOUR_MS + after_deadline_ms

    swept = sweep(SweepScope(now_ms=now_ms).view(books), owners, now_ms)

    errors = [(call.error or "").partition(";")[0] for call in swept.lost]
    assert errors == ([why] if why else [])


def test_a_call_that_was_lost_is_not_charged_by_a_settlement_that_comes_late() -> None:
    """(G3)"""
    books = books_with(a_grant())
    started_in(books, a_plan_request("call-1"))
    lost = sweep_in(books, gone=["process-1"]).lost[0]

    settlement = settle_in(books, an_outcome("call-1"))

    assert (settlement.call, settlement.already) == (lost, True)
    assert isinstance(proof(books), Totals)


@pytest.mark.parametrize(("expires_in_ms", "broken"), [
    (-1,    100),
    (0,     100),
    (1,     0),
    (None,  0),
])  # fmt: skip
def test_what_is_left_at_the_expiry_is_broken(expires_in_ms: int | None, broken: int) -> None:
    books = books_with(a_grant(100, expires_ms=None if expires_in_ms is None else NOW_MS + expires_in_ms))

    sweep_in(books)

    assert _moved(books.journal.values())["breakage"] == broken


def test_what_a_running_call_holds_of_an_expired_grant_breaks_only_when_it_comes_back() -> None:
    expires_ms = NOW_MS + 1
    books = books_with(a_grant(BOUND_NANOS + 5, expires_ms=expires_ms))
    started_in(books, a_plan_request("call-1"))

    sweep_in(books, expires_ms)
    assert _moved(books.journal.values())["breakage"] == 5

    settle_in(books, an_outcome("call-1"), expires_ms + 1)
    sweep_in(books, expires_ms + 2)
    assert _moved(books.journal.values())["breakage"] == 5 + BOUND_NANOS - 156_000
    assert available(books.wallet("ada"), NOW_MS) == 0


def test_a_grant_may_break_twice_in_one_millisecond() -> None:
    """A sweep broke its rest, a call gave some back, and another sweep came at once: the ledger machine's find."""
    expires_ms = NOW_MS + 1
    books = books_with(a_grant(BOUND_NANOS + 5, expires_ms=expires_ms))
    started_in(books, a_plan_request("call-1"))
    sweep_in(books, expires_ms)
    settle_in(books, an_outcome("call-1"), expires_ms)

    sweep_in(books, expires_ms)

    assert _moved(books.journal.values())["breakage"] == 5 + BOUND_NANOS - 156_000
    assert isinstance(proof(books), Totals)


def test_a_lost_calls_credit_past_its_expiry_goes_back_and_breaks_in_the_same_sweep() -> None:
    books = books_with(a_grant(BOUND_NANOS, expires_ms=NOW_MS + 1))
    started_in(books, a_plan_request("call-1"))

    sweep_in(books, NOW_MS + 1, gone=["process-1"])

    moved = _moved(books.journal.values())
    assert (moved["expire"], moved["breakage"]) == (BOUND_NANOS, BOUND_NANOS)
    assert isinstance(proof(books), Totals)


def test_a_sweep_takes_the_oldest_calls_first_where_there_are_many() -> None:
    books = books_with(a_grant())
    for n in range(3):
        started_in(books, a_plan_request(f"call-{n}"), NOW_MS + n)

    facts = SweepScope(now_ms=NOW_MS, calls_max=2).view(books)

    assert [hold.id for hold in facts.holds] == ["call-0", "call-1"]


OWNERS = st.sampled_from(["process-1", "process-2", "process-3"])
SWEEPS = st.lists(st.tuples(st.sets(OWNERS), st.integers(0, 3 * HOUR_MS)), min_size=1, max_size=4)


@given(st.lists(OWNERS, max_size=6), SWEEPS)
def test_a_sweep_repeated_writes_nothing(owners: list[str], sweeps: list[tuple[set[str], int]]) -> None:
    """Safe to run anywhere and any number of times. (G2, G3)"""
    books = books_with(a_grant(4 * BOUND_NANOS, id="brief", expires_ms=NOW_MS + HOUR_MS), a_grant(4 * BOUND_NANOS))
    for n, owner in enumerate(owners):
        started_in(books, a_plan_request(f"call-{n}", owner=owner))

    now_ms = NOW_MS
    for gone, later_ms in sweeps:
        now_ms += later_ms
        sweep_in(books, now_ms, sorted(gone))
        assert sweep_in(books, now_ms, sorted(gone)).writes == ()

    assert isinstance(proof(books), Totals)


@given(st.lists(OWNERS, max_size=6), st.sets(OWNERS), st.sets(OWNERS))
def test_two_sweeps_find_what_one_would(owners: list[str], gone: set[str], also_gone: set[str]) -> None:
    """So it does not matter which process sweeps, nor in which order. (G2)"""
    one, two = books_with(a_grant(6 * BOUND_NANOS)), books_with(a_grant(6 * BOUND_NANOS))
    for n, owner in enumerate(owners):
        started_in(one, a_plan_request(f"call-{n}", owner=owner))
        started_in(two, a_plan_request(f"call-{n}", owner=owner))

    sweep_in(one, gone=sorted(gone | also_gone))
    sweep_in(two, gone=sorted(gone))
    sweep_in(two, gone=sorted(also_gone))

    assert (one.holds, one.calls, one.grants, one.journal) == (two.holds, two.calls, two.grants, two.journal)


def _moved(transfers: Iterable[Transfer]) -> Counter[str]:
    """How much moved by each kind of transfer."""
    moved: Counter[str] = Counter()
    for transfer in transfers:
        moved[transfer.kind] += transfer.amount_nanos
    return moved


def test_an_answer_is_forgotten_when_its_time_is_over_but_its_call_is_not() -> None:
    kept = Idempotency(user_id="user-1", key="k", digest="d", call_id="call-1", created_ms=NOW_MS, answer=b"sealed")

    swept = sweep(SweepFacts(holds=(), grants=(), stale_answers=(kept,)), Owners(), NOW_MS + IDEMPOTENCY_KEPT_MS)

    assert swept.writes == (msgspec.structs.replace(kept, answer=None),)
