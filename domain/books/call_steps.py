"""Which rows the scopes of a call name, from their fields and from the rows that are loaded already.

Limits, budgets and runs are named by the subjects of a call when it is planned, and later by its reservations.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeAlias

from domain.books.lookups import (
    ANY_BUDGET,
    ANY_LIMIT,
    BUDGET_BY_ID,
    BUDGETS_OF_SUBJECT,
    CELL_OF_LIMIT,
    LIMITS_OF_SUBJECT,
    RUN_BY_ID,
    SPENT_OF_BUDGET,
)
from domain.books.scope_protocol import Want
from domain.books.working_copy import Books
from domain.limits import subjects
from domain.limits.notices import threshold_in
from domain.limits.reserve import CallLimits
from domain.limits.rows import Reservation
from domain.limits.settle import Counts


def accounts_of_key(scope: Any, books: Books) -> tuple[str, ...]:
    """The user of the key, and its team where it has one."""
    key_id = books.keys_by_fingerprint.get(scope.fingerprint)
    if key_id is None:
        return ()
    key = books.keys[key_id]
    return (key.user_id,) if key.team_id is None else (key.user_id, key.team_id)


def caller_of_key(scope: Any, books: Books) -> tuple[str, ...]:
    """The user of the key."""
    return accounts_of_key(scope, books)[:1]


def payer_of_key(scope: Any, books: Books) -> tuple[str, ...]:
    """The account whose wallet pays for the key."""
    key_id = books.keys_by_fingerprint.get(scope.fingerprint)
    if key_id is None:
        return ()
    key = books.keys[key_id]
    return (key.user_id,) if key.team_id is None else (key.payer_id,)


def membership_of_key(scope: Any, books: Books) -> tuple[tuple[str, str], ...]:
    """The membership of the key's user in its team; nothing where it has no team."""
    key_id = books.keys_by_fingerprint.get(scope.fingerprint)
    if key_id is None or (team_id := books.keys[key_id].team_id) is None:
        return ()
    return ((team_id, books.keys[key_id].user_id),)


def answer_of_caller(scope: Any, books: Books) -> tuple[tuple[str, str], ...]:
    """The key of the answer that is kept for the Idempotency-Key of the scope."""
    if not scope.idempotency_key:
        return ()
    return tuple((user_id, scope.idempotency_key) for user_id in caller_of_key(scope, books))


def duplicate(scope: Any, books: Books) -> tuple[str, ...]:
    """The call whose answer that is."""
    if not scope.idempotency_key:
        return ()
    kept = (books.idempotency.get(pair) for pair in answer_of_caller(scope, books))
    return tuple(row.call_id for row in kept if row is not None)


def ended_call(scope: Any, books: Books) -> tuple[str, ...]:
    """The call, unless it runs: its row need not be looked for then."""
    return () if scope.call_id in books.holds else (scope.call_id,)


def lost_call(scope: Any, books: Books) -> tuple[str, ...]:
    """The call, if it was ended as lost: its process may have lived."""
    call = books.calls.get(scope.call_id)
    return () if call is None or call.ending != "lost" else (call.id,)


def payer_of_lost(scope: Any, books: Books) -> tuple[str, ...]:
    """The account that may still pay for a call that was ended as lost."""
    return (scope.user_id,) if lost_call(scope, books) else ()


def wallet_of_payer(scope: Any, books: Books) -> tuple[str, ...]:
    """The payer, if all of the wallet is needed: it has a threshold, or may still pay for a call that was lost."""
    hold = books.holds.get(scope.call_id)
    if hold is None:
        return payer_of_lost(scope, books)
    return (hold.payer_id,) if hold.reserved and threshold_in(hold.reserved) else ()


def owners_of_ended(scope: Any, books: Books) -> set[str]:
    """The accounts with grants that are over, and of which something is left."""
    grants = books.grants.values()
    return {
        grant.user_id for grant in grants if grant.is_over(scope.now_ms) and (grant.available_nanos or grant.held_nanos)
    }


def answer_of_call(scope: Any, books: Books) -> tuple[tuple[str, str], ...]:
    """The key of the answer that is kept for the hold's Idempotency-Key."""
    hold = books.holds.get(scope.call_id)
    return () if hold is None or not hold.idempotency_key else ((hold.user_id, hold.idempotency_key),)


def held_by_call(scope: Any, books: Books) -> list[str]:
    """The grants that the call holds from."""
    hold = books.holds.get(scope.call_id)
    return [] if hold is None else [line.grant_id for line in hold.hold_lines]


def held_by_all(_: Any, books: Books) -> set[str]:
    """The grants that any call holds from."""
    return {line.grant_id for hold in books.holds.values() for line in hold.hold_lines}


def payer(scope: Any, books: Books) -> tuple[str, ...]:
    """The account that has paid for the call."""
    call = books.calls.get(scope.call_id)
    return () if call is None else (call.payer_id,)


_Keys: TypeAlias = tuple[tuple[str, str], ...]

_CELLS = frozenset(("requests", "tokens", "concurrency", "exposure"))
_NOTHING = Counts()


def limits_of_call(scope: Any, books: Books) -> CallLimits | None:
    """The limits that the caller's call is under; None if there are none."""
    limiting = books.limiting
    if limiting.is_empty:
        return None
    key = books.keys[books.keys_by_fingerprint[scope.fingerprint]]
    return limiting.of_call(_subjects(scope, books), key.user_id, scope.run_id)


def counts_of(reserved: Iterable[Reservation], books: Books) -> Counts:
    """The rows that reservations count against. Those of a provider without a cap have none."""
    keys = [(one.kind, one.id, one.subject) for one in reserved]
    if not keys:
        return _NOTHING
    limiting = books.limiting
    cells = ((i, s) for kind, i, s in keys if kind in _CELLS)
    spent = [(i, s) for kind, i, s in keys if kind == "budget"]
    return Counts(
        cells={key: limiting.cells[key] for key in cells if key in limiting.cells},
        spent={key: limiting.spent[key] for key in spent},
        runs={(s, i): limiting.runs[s, i] for kind, i, s in keys if kind == "run"},
        budgets={budget_id: limiting.budgets[budget_id] for budget_id, _ in spent},
    )


def _subjects(scope: Any, books: Books) -> tuple[str, ...]:
    """What the call may be limited by; nothing where there are neither limits nor budgets."""
    key_id = books.keys_by_fingerprint.get(scope.fingerprint)
    if key_id is None or not (books.limiting.limits or books.limiting.budgets):
        return ()
    key = books.keys[key_id]
    teams = () if key.team_id is None else (key.team_id,)
    return subjects.of_call(key_id, key.user_id, teams, scope.models, scope.providers)


def _run(scope: Any, books: Books) -> _Keys:
    key_id = books.keys_by_fingerprint.get(scope.fingerprint)
    return () if key_id is None or scope.run_id is None else ((books.keys[key_id].user_id, scope.run_id),)


def _subjects_twice(scope: Any, books: Books) -> tuple[tuple[str, ...], ...]:
    """The subjects, for limits and for budgets."""
    of_call = _subjects(scope, books)
    return (of_call, of_call) if of_call else ()


def _counts(scope: Any, books: Books) -> tuple[_Keys, ...]:
    """What counts against the limits of the call, and against its budgets."""
    of_call = _subjects(scope, books)
    limiting = books.limiting
    return (_keys(limiting.limits_of, of_call), _keys(limiting.budgets_of, of_call)) if of_call else ()


def _keys(by_subject: Mapping[str, Collection[str]], of_call: tuple[str, ...]) -> _Keys:
    """The keys of what counts against the limits or budgets of a call."""
    return tuple(
        (one_id, one)
        for subject in of_call
        for one_id in by_subject.get(subject, ())
        for one in subjects.concrete(subject, of_call)
    )


def _reserved(scope: Any, books: Books) -> Collection[Reservation]:
    """What the call of a scope, or else every open call, has reserved."""
    if (call_id := getattr(scope, "call_id", None)) is not None:
        hold = books.holds.get(call_id)
        return hold.reserved if hold is not None else ()
    return [one for hold in books.holds.values() for one in hold.reserved]


def _reserved_rows(scope: Any, books: Books) -> tuple[Collection[Any], ...]:
    """What the reservations of the scope count against: cells, what was spent, budgets, runs."""
    return _rows_of(_reserved(scope, books))


def _counted_rows(scope: Any, books: Books) -> tuple[Collection[Any], ...]:
    """The same for a call that has ended, where its charge may change: its cells count no more."""
    call = books.calls.get(scope.call_id)
    return () if call is None else _rows_of(call.reserved)[1:]


def _rows_of(reserved: Collection[Reservation]) -> tuple[Collection[Any], ...]:
    if not reserved:
        return ()
    budgets = [one for one in reserved if one.kind == "budget"]
    return (
        [(one.id, one.subject) for one in reserved if one.kind in _CELLS],
        [(one.id, one.subject) for one in budgets],
        [one.id for one in budgets],
        [(one.subject, one.id) for one in reserved if one.kind == "run"],
    )


ARE_THERE_LIMITS: tuple[Want, ...] = ((ANY_LIMIT, lambda *_: (1,)), (ANY_BUDGET, lambda *_: (1,)))
LIMITS_OF_CALL: tuple[Want, ...] = (
    ((LIMITS_OF_SUBJECT, BUDGETS_OF_SUBJECT), _subjects_twice),
    (RUN_BY_ID, _run),
)
COUNTS_OF_CALL: Want = ((CELL_OF_LIMIT, SPENT_OF_BUDGET), _counts)
RESERVED: Want = ((CELL_OF_LIMIT, SPENT_OF_BUDGET, BUDGET_BY_ID, RUN_BY_ID), _reserved_rows)
COUNTED: Want = ((SPENT_OF_BUDGET, BUDGET_BY_ID, RUN_BY_ID), _counted_rows)
