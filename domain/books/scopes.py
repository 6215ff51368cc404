"""What the rules of a call ask to see: a scope names the rows, the storage loads them, and `view` shows them as facts.

The rows are named in steps. A step looks rows up by the scope's fields, or by rows that an earlier step has loaded.
"""

from typing import Any, ClassVar, TypeAlias

import msgspec

from domain.accounts.rows import ApiKey, User
from domain.books.lookups import (
    ADJUSTMENTS_OF_CALL,
    ANSWER_BY_KEY,
    CALL_BY_ID,
    EXPIRED_GRANTS,
    GRANT_BY_ID,
    GRANTS_OF_USER,
    GRANTS_WITH_CREDIT,
    KEY_BY_FINGERPRINT,
    OPEN_CALLS,
    STALE_ANSWERS,
    USER_BY_ID,
)
from domain.books.management_scopes import AliasScope, CredentialScope, KeyScope, PriceScope, ProviderScope, UserScope
from domain.books.rows import IDEMPOTENCY_KEPT_MS, Call, Idempotency
from domain.books.view import Steps
from domain.books.working_copy import Books
from domain.ledger.rows import Adjustment, Grant


def _caller(scope: Any, books: Books) -> tuple[str, ...]:
    key_id = books.keys_by_fingerprint.get(scope.fingerprint)
    return () if key_id is None else (books.keys[key_id].user_id,)


def _answer_of_caller(scope: Any, books: Books) -> tuple[tuple[str, str], ...]:
    if not scope.idempotency_key:
        return ()
    return tuple((user_id, scope.idempotency_key) for user_id in _caller(scope, books))


def _duplicate(scope: Any, books: Books) -> tuple[str, ...]:
    if not scope.idempotency_key:
        return ()
    kept = (books.idempotency.get(pair) for pair in _answer_of_caller(scope, books))
    return tuple(row.call_id for row in kept if row is not None)


def _answer_of_call(scope: Any, books: Books) -> tuple[tuple[str, str], ...]:
    call = books.calls.get(scope.call_id)
    return () if call is None or not call.idempotency_key else ((call.user_id, call.idempotency_key),)


def _held_by_call(scope: Any, books: Books) -> list[str]:
    call = books.calls.get(scope.call_id)
    return [] if call is None else [line.grant_id for line in call.hold_lines]


def _held_by_open_calls(_: Any, books: Books) -> set[str]:
    return {line.grant_id for call_id in books.open_calls for line in books.calls[call_id].hold_lines}


def _payer(scope: Any, books: Books) -> tuple[str, ...]:
    call = books.calls.get(scope.call_id)
    return () if call is None else (call.user_id,)


class CallFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What `plan_call` sees. `duplicate` is an earlier call with the same Idempotency-Key, `duplicate_call` its row."""

    version: int
    key: ApiKey | None
    user: User | None
    grants: tuple[Grant, ...]
    duplicate: Idempotency | None
    duplicate_call: Call | None


class CallScope(msgspec.Struct, frozen=True, kw_only=True):
    """The key of that fingerprint, its user's wallet, and the Idempotency-Key where one was sent."""

    fingerprint: str
    idempotency_key: str | None = None

    steps: ClassVar[Steps] = (
        ((KEY_BY_FINGERPRINT, lambda scope, _: (scope.fingerprint,)),),
        (
            (USER_BY_ID, _caller),
            (GRANTS_WITH_CREDIT, _caller),
            (ANSWER_BY_KEY, _answer_of_caller),
        ),
        ((CALL_BY_ID, _duplicate),),
    )

    def view(self, books: Books) -> CallFacts:
        """The caller as the books know it now."""
        key = books.keys.get(books.keys_by_fingerprint.get(self.fingerprint, ""))
        if key is None:
            return CallFacts(version=books.version, key=None, user=None, grants=(), duplicate=None, duplicate_call=None)
        duplicate = books.idempotency.get((key.user_id, self.idempotency_key)) if self.idempotency_key else None
        return CallFacts(
            version=books.version,
            key=key,
            user=books.users.get(key.user_id),
            grants=books.wallet(key.user_id),
            duplicate=duplicate,
            duplicate_call=books.calls.get(duplicate.call_id) if duplicate else None,
        )


class SettleFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What `settle` sees: the call, the grants it holds from, and its Idempotency-Key's row."""

    call: Call | None
    grants: tuple[Grant, ...]
    duplicate: Idempotency | None


class SettleScope(msgspec.Struct, frozen=True, kw_only=True):
    """One call and the grants that it holds from."""

    call_id: str

    steps: ClassVar[Steps] = (
        ((CALL_BY_ID, lambda scope, _: (scope.call_id,)),),
        (
            (GRANT_BY_ID, _held_by_call),
            (ANSWER_BY_KEY, _answer_of_call),
        ),
    )

    def view(self, books: Books) -> SettleFacts:
        """The call as the books know it now."""
        call = books.calls.get(self.call_id)
        if call is None:
            return SettleFacts(call=None, grants=(), duplicate=None)
        grants = tuple(books.grants[line.grant_id] for line in call.hold_lines)
        duplicate = books.idempotency.get((call.user_id, call.idempotency_key)) if call.idempotency_key else None
        return SettleFacts(call=call, grants=grants, duplicate=duplicate)


class SweepFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What `sweep` sees: open calls, the grants they hold from, grants past their expiry, answers kept too long."""

    open_calls: tuple[Call, ...]
    grants: tuple[Grant, ...]
    stale_answers: tuple[Idempotency, ...] = ()


class SweepScope(msgspec.Struct, frozen=True, kw_only=True):
    """What may need closing at `now_ms`.

    All open calls (at most `calls_max`, the oldest) with their grants, expired grants with credit left, and kept
    answers whose time is over.
    """

    now_ms: int
    calls_max: int = 500

    # The last step is behind those of all other scopes: it needs the grants of every open call in the copy.
    steps: ClassVar[Steps] = (
        (
            (OPEN_CALLS, lambda scope, _: (scope.calls_max,)),
            (EXPIRED_GRANTS, lambda scope, _: (scope.now_ms,)),
            (STALE_ANSWERS, lambda scope, _: (scope.answers_until_ms,)),
        ),
        (),
        (),
        ((GRANT_BY_ID, _held_by_open_calls),),
    )

    @property
    def answers_until_ms(self) -> int:
        """Answers kept since this moment or longer are not to be given again."""
        return self.now_ms - IDEMPOTENCY_KEPT_MS

    def view(self, books: Books) -> SweepFacts:
        """What may need closing."""
        open_calls = sorted((books.calls[i] for i in books.open_calls), key=lambda call: (call.started_ms, call.id))
        chosen = tuple(open_calls[: self.calls_max])
        wanted = {line.grant_id for call in chosen for line in call.hold_lines}
        wanted |= {
            grant.id
            for grant in books.grants.values()
            if grant.expires_ms is not None and grant.expires_ms <= self.now_ms and grant.available_nanos
        }
        stale = (
            kept
            for kept in books.idempotency.values()
            if kept.answer is not None and kept.created_ms <= self.answers_until_ms
        )
        return SweepFacts(
            open_calls=chosen,
            grants=tuple(books.grants[i] for i in sorted(wanted)),
            stale_answers=tuple(sorted(stale, key=lambda kept: (kept.user_id, kept.key))),
        )


class RerateFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What `rerate` sees: the call, all grants of its user, and how it was adjusted so far, oldest first."""

    call: Call | None
    grants: tuple[Grant, ...]
    adjustments: tuple[Adjustment, ...]


class RerateScope(msgspec.Struct, frozen=True, kw_only=True):
    """One call, the whole wallet that paid for it, and its adjustments."""

    call_id: str

    # All grants of the user, spent ones too: what is given back goes where it came from.
    steps: ClassVar[Steps] = (
        (
            (CALL_BY_ID, lambda scope, _: (scope.call_id,)),
            (ADJUSTMENTS_OF_CALL, lambda scope, _: (scope.call_id,)),
        ),
        ((GRANTS_OF_USER, _payer),),
    )

    def view(self, books: Books) -> RerateFacts:
        """The call as the books know it now."""
        call = books.calls.get(self.call_id)
        return RerateFacts(
            call=call,
            grants=books.wallet(call.user_id) if call else (),
            adjustments=tuple(books.adjustments.get(self.call_id, ())),
        )


Scope: TypeAlias = (
    CallScope
    | SettleScope
    | SweepScope
    | UserScope
    | KeyScope
    | ProviderScope
    | CredentialScope
    | AliasScope
    | PriceScope
    | RerateScope
)
