"""What the rules of a call ask to see: a scope names the rows, the storage loads them, and `view` shows them as facts.

The rows are named in steps. A step looks rows up by the scope's fields, or by rows that an earlier step has loaded.
"""

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from domain.accounts.identity import TeamOfKey
from domain.accounts.rows import ApiKey, User
from domain.books import call_steps
from domain.books.call_steps import (
    ARE_THERE_LIMITS,
    COUNTED,
    COUNTS_OF_CALL,
    LIMITS_OF_CALL,
    RESERVED,
    counts_of,
    limits_of_call,
)
from domain.books.lookups import (
    ADJUSTMENTS_OF_CALL,
    ANSWER_BY_KEY,
    CALL_BY_ID,
    EXPIRED_GRANTS,
    GRANT_BY_ID,
    GRANTS_OF_USER,
    GRANTS_WITH_CREDIT,
    HOLD_BY_ID,
    KEY_BY_FINGERPRINT,
    MEMBER_BY_IDS,
    OPEN_HOLDS,
    STALE_ANSWERS,
    USER_BY_ID,
    VOIDED_GRANTS,
)
from domain.books.rows import IDEMPOTENCY_KEPT_MS, Call, Hold, Idempotency
from domain.books.scope_protocol import Steps
from domain.books.working_copy import Books
from domain.ledger.ledger import posted
from domain.ledger.rows import Adjustment, Grant
from domain.limits.notices import threshold_in
from domain.limits.reserve import CallLimits
from domain.limits.settle import Counts


class CallFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What `plan_call` sees. `grants` are those of the wallet that pays, and `team` is that of the key, if it has one.

    `duplicate` is what is kept of an earlier call with the same Idempotency-Key; `duplicate_hold` its hold while it
    runs, `duplicate_call` its row when it has ended.
    """

    version: int
    key: ApiKey | None
    user: User | None
    grants: tuple[Grant, ...]
    duplicate: Idempotency | None = None
    duplicate_hold: Hold | None = None
    duplicate_call: Call | None = None
    limits: CallLimits | None = None
    team: TeamOfKey | None = None


class CallScope(msgspec.Struct, frozen=True, kw_only=True):
    """The key of that fingerprint, its user and team, the wallet that pays, its limits, and its Idempotency-Key.

    `models` are all names of the models that may serve the call, `providers` those that may, and `run_id` is its run.
    """

    fingerprint: str
    idempotency_key: str | None = None
    models: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    run_id: str | None = None

    steps: ClassVar[Steps] = (
        ((KEY_BY_FINGERPRINT, lambda scope, _: (scope.fingerprint,)), *ARE_THERE_LIMITS),
        (
            (USER_BY_ID, call_steps.accounts_of_key),
            (MEMBER_BY_IDS, call_steps.membership_of_key),
            (GRANTS_WITH_CREDIT, call_steps.payer_of_key),
            (ANSWER_BY_KEY, call_steps.answer_of_caller),
            *LIMITS_OF_CALL,
        ),
        ((HOLD_BY_ID, call_steps.duplicate), (CALL_BY_ID, call_steps.duplicate), COUNTS_OF_CALL),
    )

    def view(self, books: Books) -> CallFacts:
        """The caller as the books know it now."""
        key = books.keys.get(books.keys_by_fingerprint.get(self.fingerprint, ""))
        if key is None:
            return CallFacts(version=books.version, key=None, user=None, grants=())
        duplicate = books.idempotency.get((key.user_id, self.idempotency_key)) if self.idempotency_key else None
        return CallFacts(
            version=books.version,
            key=key,
            user=books.users.get(key.user_id),
            grants=books.wallet(key.payer_id),
            duplicate=duplicate,
            duplicate_hold=books.holds.get(duplicate.call_id) if duplicate else None,
            duplicate_call=books.calls.get(duplicate.call_id) if duplicate else None,
            limits=limits_of_call(self, books),
            team=team_of_key(key, books),
        )


def team_of_key(key: ApiKey, books: Books) -> TeamOfKey | None:
    """What the books have of the team of a key; None where it has none."""
    if key.team_id is None:
        return None
    return TeamOfKey(books.users.get(key.team_id), books.members.get((key.team_id, key.user_id)))


class SettleFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What `settle` sees: the hold with its grants and its Idempotency-Key's row, or the call that has ended.

    `counts` is what counts against the call's limits. `wallet_nanos` is the balance of the wallet that pays, if that
    has a threshold. If the call was ended as lost, `grants` are the wallet that may still pay for it, `payer` its
    account, and `adjustments` what it has paid.
    """

    hold: Hold | None
    call: Call | None = None
    grants: tuple[Grant, ...] = ()
    duplicate: Idempotency | None = None
    counts: Counts = Counts()
    adjustments: tuple[Adjustment, ...] = ()
    wallet_nanos: int | None = None
    payer: User | None = None


class SettleScope(msgspec.Struct, frozen=True, kw_only=True):
    """One call and the grants that it holds from. `user_id` is the account that pays: an engine may lock it first.

    `caller_id` is the user who calls, where that is another account.
    """

    call_id: str
    user_id: str
    caller_id: str | None = None

    steps: ClassVar[Steps] = (
        ((HOLD_BY_ID, lambda scope, _: (scope.call_id,)),),
        (
            (CALL_BY_ID, call_steps.ended_call),
            (GRANT_BY_ID, call_steps.held_by_call),
            (ANSWER_BY_KEY, call_steps.answer_of_call),
            RESERVED,
        ),
        (
            (GRANTS_WITH_CREDIT, call_steps.wallet_of_payer),
            (USER_BY_ID, call_steps.payer_of_lost),
            (ADJUSTMENTS_OF_CALL, call_steps.lost_call),
            COUNTED,
        ),
    )

    def view(self, books: Books) -> SettleFacts:
        """The call as the books know it now."""
        hold = books.holds.get(self.call_id)
        if hold is None:
            call = books.calls.get(self.call_id)
            if call is None or call.ending != "lost":
                return SettleFacts(hold=None, call=call)
            adjustments = tuple(books.adjustments.get(self.call_id, ()))
            return SettleFacts(
                hold=None,
                call=call,
                grants=books.wallet(self.user_id),
                adjustments=adjustments,
                payer=books.users.get(self.user_id),
                counts=counts_of(call.reserved, books),
            )
        grants = tuple([books.grants[line.grant_id] for line in hold.hold_lines])
        duplicate = books.idempotency.get((hold.user_id, hold.idempotency_key)) if hold.idempotency_key else None
        return SettleFacts(
            hold=hold,
            grants=grants,
            duplicate=duplicate,
            counts=counts_of(hold.reserved, books),
            wallet_nanos=posted(books.wallet(hold.payer_id)) if hold.reserved and threshold_in(hold.reserved) else None,
        )


class WalletBalance(msgspec.Struct, frozen=True):
    """What the books have of a wallet, and the wallet's own threshold."""

    nanos: int
    low_balance_nanos: int | None


class SweepFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What `sweep` sees: open holds, the grants they take from, grants that are over, answers kept too long.

    `wallets` are those of grants that are over, by account.
    """

    holds: tuple[Hold, ...]
    grants: tuple[Grant, ...]
    stale_answers: tuple[Idempotency, ...] = ()
    counts: Counts = Counts()
    wallets: Mapping[str, WalletBalance] = {}


class SweepScope(msgspec.Struct, frozen=True, kw_only=True):
    """What may need closing at `now_ms`.

    All open holds (at most `calls_max`, the oldest) with their grants, grants with credit left that have expired
    or were voided, and kept answers whose time is over.
    """

    now_ms: int
    calls_max: int = 500

    # The last steps are behind those of all other scopes: they need the grants of every hold in the copy.
    steps: ClassVar[Steps] = (
        (
            (OPEN_HOLDS, lambda scope, _: (scope.calls_max,)),
            (EXPIRED_GRANTS, lambda scope, _: (scope.now_ms,)),
            (VOIDED_GRANTS, lambda *_: (None,)),
            (STALE_ANSWERS, lambda scope, _: (scope.answers_until_ms,)),
        ),
        (),
        (),
        ((GRANT_BY_ID, call_steps.held_by_all), RESERVED),
        ((USER_BY_ID, call_steps.owners_of_ended), (GRANTS_WITH_CREDIT, call_steps.owners_of_ended)),
    )

    @property
    def answers_until_ms(self) -> int:
        """Answers kept since this moment or longer are not to be given again."""
        return self.now_ms - IDEMPOTENCY_KEPT_MS

    def view(self, books: Books) -> SweepFacts:
        """What may need closing."""
        chosen = tuple(books.holds[call_id] for call_id in sorted(books.holds)[: self.calls_max])
        wanted = {line.grant_id for hold in chosen for line in hold.hold_lines}
        wanted |= {grant.id for grant in books.grants.values() if grant.available_nanos and grant.is_over(self.now_ms)}
        stale = (
            kept
            for kept in books.idempotency.values()
            if kept.answer is not None and kept.created_ms <= self.answers_until_ms
        )
        return SweepFacts(
            holds=chosen,
            grants=tuple(books.grants[i] for i in sorted(wanted)),
            stale_answers=tuple(sorted(stale, key=lambda kept: (kept.user_id, kept.key))),
            counts=counts_of([one for hold in chosen for one in hold.reserved], books),
            wallets={
                user_id: WalletBalance(posted(books.wallet(user_id)), user.low_balance_nanos)
                for user_id in call_steps.owners_of_ended(self, books)
                if (user := books.users.get(user_id)) is not None
            },
        )


class RerateFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What `rerate` sees: the call once it has ended, the account that paid and all its grants, and its adjustments.

    The oldest adjustment comes first. `counts` are the budgets and the run that its charge counts against.
    """

    call: Call | None
    grants: tuple[Grant, ...]
    adjustments: tuple[Adjustment, ...]
    payer: User | None = None
    counts: Counts = Counts()


class RerateScope(msgspec.Struct, frozen=True, kw_only=True):
    """One call, the whole wallet that paid for it, and its adjustments."""

    call_id: str

    # All grants of the user, spent ones too: what is given back goes where it came from.
    steps: ClassVar[Steps] = (
        (
            (CALL_BY_ID, lambda scope, _: (scope.call_id,)),
            (ADJUSTMENTS_OF_CALL, lambda scope, _: (scope.call_id,)),
        ),
        ((GRANTS_OF_USER, call_steps.payer), (USER_BY_ID, call_steps.payer), COUNTED),
    )

    def view(self, books: Books) -> RerateFacts:
        """The call as the books know it now."""
        call = books.calls.get(self.call_id)
        return RerateFacts(
            call=call,
            grants=books.wallet(call.payer_id) if call else (),
            adjustments=tuple(books.adjustments.get(self.call_id, ())),
            payer=books.users.get(call.payer_id) if call else None,
            counts=counts_of(call.reserved, books) if call else Counts(),
        )
