"""Who owns which credit: the order in which grants burn down, and where what was held goes."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ledger.ledger import Balance, Moves, add_grant, available, balance, end, hold, resolve, usable
from domain.ledger.rows import Grant, HoldLine, Transfer, TransferKind
from tests.domain.build import NOW_MS, a_grant
from tests.domain.strategies import wallets

SOON, LATER = NOW_MS + 1_000, NOW_MS + 2_000


def test_a_hold_is_captured_and_its_rest_goes_back() -> None:
    """100 granted, 60 held, 25 captured: 75 are available again."""
    held = hold([a_grant(100)], "call-1", 60, NOW_MS)

    settled = resolve(held.grants, held.lines, "call-1", 25, NOW_MS)

    assert (
        Moves(
            grants=(a_grant(100, available_nanos=75, held_nanos=0),),
            transfers=(
                a_transfer("capture", None, 25),
                a_transfer("release", "grant-1", 35),
            ),
        )
        == settled
    )


def test_credit_is_granted_out_of_what_was_issued() -> None:
    moves = add_grant(a_grant(100, created_ms=NOW_MS))

    granted = Transfer(cause="grant-1", kind="grant", grant_id="grant-1", amount_nanos=100, at_ms=NOW_MS)
    assert moves.transfers == (granted,)


@pytest.mark.parametrize(("kind", "source", "target", "call_id"), [
    ("grant",       "issued",        "grant:grant-1",  None),
    ("hold",        "grant:grant-1", "held:the cause", "the cause"),
    ("capture",     "held:the cause","revenue",        "the cause"),
    ("release",     "held:the cause","grant:grant-1",  "the cause"),
    ("expire",      "held:the cause","grant:grant-1",  "the cause"),
    ("breakage",    "grant:grant-1", "breakage",       None),
    ("adjustment",  "grant:grant-1", "revenue",        "the cause"),
    ("refund",      "revenue",       "grant:grant-1",  "the cause"),
    ("forfeit",     "revenue",       "breakage",       "the cause"),
    ("void",        "grant:grant-1", "withdrawn",      None),
    ("deduction",   "grant:grant-1", "withdrawn",      None),
    ("send",        "grant:grant-1", "moving:the cause", None),
    ("receive",     "moving:the cause", "grant:grant-1", None),
])  # fmt: skip
def test_the_accounts_of_a_line_follow_from_its_kind(
    kind: TransferKind, source: str, target: str, call_id: str | None
) -> None:
    line = Transfer(cause="the cause", kind=kind, step=3, grant_id="grant-1", amount_nanos=1, at_ms=NOW_MS)

    assert (line.from_account, line.to_account, line.call_id) == (source, target, call_id)
    assert line.key == ("the cause", kind, 3)


def test_a_balance_is_what_is_posted_less_what_is_held() -> None:
    grants = [a_grant(100, available_nanos=70, held_nanos=30), a_grant(50, id="expired", expires_ms=NOW_MS)]

    now = balance(grants, NOW_MS)

    assert Balance(posted_nanos=100, held_nanos=30) == now
    assert now.available_nanos == 70


# --- burn-down order ------------------------------------------------------------------------------------------

# fmt: off
BURN_DOWN = [  # priority  expires  created   the first to burn first
    ("g",             0,    SOON,       9),
    ("f",             0,    LATER,      0),
    ("e",             0,    None,       1),
    ("b",             0,    None,       2),
    ("c",             0,    None,       2),
    ("d",             1,    SOON,       0),
    ("a",             1,    None,       0),
]
# fmt: on


@given(st.permutations(BURN_DOWN))
def test_grants_burn_by_priority_then_expiry_then_age_then_id(shuffled: list[tuple[str, int, int | None, int]]) -> None:
    grants = [a_grant(id=i, priority=p, expires_ms=expires, created_ms=created) for i, p, expires, created in shuffled]

    assert [grant.id for grant in usable(grants, NOW_MS)] == [row[0] for row in BURN_DOWN]


@pytest.mark.parametrize(("effective_ms", "expires_ms", "spendable"), [
    (NOW_MS - 1,  None,        100),
    (NOW_MS,      None,        100),
    (NOW_MS + 1,  None,          0),
    (0,           NOW_MS + 1,  100),
    (0,           NOW_MS,        0),
    (0,           NOW_MS - 1,    0),
])  # fmt: skip
def test_a_grant_can_be_spent_from_its_first_moment_until_its_expiry(
    effective_ms: int, expires_ms: int | None, spendable: int
) -> None:
    assert available([a_grant(100, effective_ms=effective_ms, expires_ms=expires_ms)], NOW_MS) == spendable


@pytest.mark.parametrize(("held", "captured", "of_first", "of_second", "back_to_first", "back_to_second"), [
    (100,    0,  100,   0,  100,   0),
    (100,  100,  100,   0,    0,   0),
    (150,    0,  100,  50,  100,  50),
    (150,   99,  100,  50,    1,  50),
    (150,  100,  100,  50,    0,  50),
    (150,  101,  100,  50,    0,  49),
    (150,  150,  100,  50,    0,   0),
    (200,  200,  100, 100,    0,   0),
])  # fmt: skip
def test_a_hold_over_two_grants_is_captured_in_the_order_that_it_was_held(
    held: int, captured: int, of_first: int, of_second: int, back_to_first: int, back_to_second: int
) -> None:
    grants = [a_grant(100, id="second", priority=2), a_grant(100, id="first", priority=1)]

    moves = hold(grants, "call-1", held, NOW_MS)
    settled = resolve(moves.grants, moves.lines, "call-1", captured, NOW_MS)

    lines = [HoldLine("first", of_first), *([HoldLine("second", of_second)] if of_second else [])]
    back = {"grant:first": back_to_first, "grant:second": back_to_second}
    assert list(moves.lines) == lines
    transfers = [*moves.transfers, *settled.transfers]
    assert len({transfer.key for transfer in transfers}) == len(transfers)
    assert {t.to_account: t.amount_nanos for t in settled.transfers if t.kind == "release"} == {
        account: nanos for account, nanos in back.items() if nanos
    }


def test_a_hold_of_nothing_moves_nothing() -> None:
    assert Moves(grants=(), transfers=(), lines=()) == hold([a_grant()], "call-1", 0, NOW_MS)


def test_more_than_is_available_is_never_held() -> None:
    with pytest.raises(AssertionError, match="lacks 1"):
        hold([a_grant(100)], "call-1", 101, NOW_MS)


def test_more_than_was_held_is_never_captured() -> None:
    moves = hold([a_grant(100)], "call-1", 60, NOW_MS)

    with pytest.raises(AssertionError, match="more than was held"):
        resolve(moves.grants, moves.lines, "call-1", 61, NOW_MS)


@pytest.mark.parametrize("below_zero", [
    {"available_nanos": -1},
    {"held_nanos":      -1},
])  # fmt: skip
def test_no_grant_is_ever_below_zero(below_zero: dict[str, int]) -> None:
    """(G1)"""
    with pytest.raises(AssertionError, match="is -1"):
        a_grant(100, **below_zero)


def test_no_transfer_moves_nothing() -> None:
    with pytest.raises(AssertionError, match="moves 0"):
        a_transfer("hold", "grant-1", 0)


def test_what_a_running_call_holds_of_an_expired_grant_is_left_to_it() -> None:
    grant = a_grant(100, available_nanos=70, held_nanos=30, expires_ms=NOW_MS)

    broken = end(grant, NOW_MS)

    assert [(t.kind, t.amount_nanos, t.to_account) for t in broken.transfers] == [("breakage", 70, "breakage")]
    assert [(grant.available_nanos, grant.held_nanos) for grant in broken.grants] == [(0, 30)]


# --- laws -----------------------------------------------------------------------------------------------------


@given(wallets(), st.data())
def test_a_hold_takes_its_amount_and_only_from_what_can_be_spent(
    grants: tuple[Grant, ...], data: st.DataObject
) -> None:
    spendable = available(grants, NOW_MS)
    nanos = data.draw(st.integers(0, spendable))

    moves = hold(grants, "call-1", nanos, NOW_MS)

    after = _standing(grants, moves)
    assert available(after, NOW_MS) == spendable - nanos
    assert sum(line.nanos for line in moves.lines) == nanos
    assert sum(t.amount_nanos for t in moves.transfers) == nanos
    assert {line.grant_id for line in moves.lines} <= {grant.id for grant in usable(grants, NOW_MS)}


@given(wallets(), st.data())
def test_a_grant_is_touched_only_when_those_before_it_are_empty(grants: tuple[Grant, ...], data: st.DataObject) -> None:
    moves = hold(grants, "call-1", data.draw(st.integers(0, available(grants, NOW_MS))), NOW_MS)

    left = [grant.available_nanos for grant in usable(_standing(grants, moves), NOW_MS)]
    untouched = [grant.available_nanos for grant in usable(grants, NOW_MS)]
    boundary = next((n for n, nanos in enumerate(left) if nanos), len(left))
    assert left[boundary + 1 :] == untouched[boundary + 1 :]


@given(wallets(), st.data())
def test_what_is_captured_and_what_goes_back_are_what_was_held(grants: tuple[Grant, ...], data: st.DataObject) -> None:
    """(G3)"""
    nanos = data.draw(st.integers(0, available(grants, NOW_MS)))
    captured = data.draw(st.integers(0, nanos))
    moves = hold(grants, "call-1", nanos, NOW_MS)

    settled = resolve(moves.grants, moves.lines, "call-1", captured, NOW_MS)

    moved: Counter[str] = Counter()
    for transfer in settled.transfers:
        moved[transfer.kind] += transfer.amount_nanos
    assert (moved["capture"], moved["release"]) == (captured, nanos - captured)
    after = _standing(_standing(grants, moves), settled)
    assert sum(grant.available_nanos for grant in after) == sum(grant.available_nanos for grant in grants) - captured
    assert {grant.held_nanos for grant in after} <= {0}


@given(wallets())
def test_the_order_in_which_grants_are_read_makes_no_difference(grants: tuple[Grant, ...]) -> None:
    assert usable(grants, NOW_MS) == usable(reversed(grants), NOW_MS)


def a_transfer(kind: TransferKind, grant_id: str | None, nanos: int) -> Transfer:
    return Transfer(cause="call-1", kind=kind, grant_id=grant_id, amount_nanos=nanos, at_ms=NOW_MS)


def _standing(grants: tuple[Grant, ...], moves: Moves) -> tuple[Grant, ...]:
    """The grants as they stand after the moves."""
    moved = {grant.id: grant for grant in moves.grants}
    return tuple(moved.get(grant.id, grant) for grant in grants)
