"""Close calls whose process is gone, and end credit that has expired or was voided.

The process that runs a call ends it, at its deadline, by its own clock. So a sweep closes no call of a process that
lives, however late the call is: only those whose process is gone, those that their process does not run (`abandoned`),
and, where it cannot be seen whether a process lives, those whose lease (the call's deadline) is over.

Answers that were kept for their Idempotency-Key are forgotten when their time is over.

It can run anywhere and any number of times: it reads only what is open now.
"""

import msgspec

from domain.billing.limits_of_call import Resolved
from domain.books.rows import Call, Hold, Row, call_of
from domain.books.scopes import SweepFacts
from domain.books.statistics.sums import sum_of_call
from domain.ledger.ledger import end, resolve
from domain.ledger.rows import Grant
from domain.limits.notices import crossing, threshold_of
from domain.limits.settle import Ended

# A process that cannot be checked settles its calls at their deadline, and may take this long. The allowance covers a
# difference between its clock and the storage's.
LEASE_MARGIN_MS = 120_000
# What a lost call used is unknown, so the estimate of its tokens stands.
_LOST = Ended(charge_nanos=0, tokens=None)
# In the sums of usage: what sweeps add is in rows of their own.
WRITER = "sweep"


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """The lost calls, and the grants whose rest became breakage."""

    lost: tuple[Call, ...]
    expired_grants: tuple[Grant, ...]
    writes: tuple[Row, ...]


class Owners(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about the owners of open calls: `gone` and `unseen` are processes, `abandoned` are calls.

    An `unseen` process cannot be checked; an `abandoned` call is open in the books, but the living process that made it
    does not run it.
    """

    gone: frozenset[str] = frozenset()
    unseen: frozenset[str] = frozenset()
    abandoned: frozenset[str] = frozenset()


def why_lost(hold: Hold, owners: Owners, now_ms: int) -> str | None:
    """Why the open call will not be settled; None if it will be."""
    if hold.owner in owners.gone:
        return "its process is gone"
    if hold.id in owners.abandoned:
        return "its process does not run it"
    if hold.owner in owners.unseen and now_ms >= hold.deadline_ms + LEASE_MARGIN_MS:
        return "its deadline has passed, and its process cannot be seen"
    return None


def sweep(facts: SweepFacts, owners: Owners, now_ms: int, low_balance_nanos: int | None = None) -> Swept:
    """Release every hold that will not be settled, and end what is left of grants that have expired or were voided.

    `low_balance_nanos` is the threshold of wallets that have none of their own.
    """
    grants = {grant.id: grant for grant in facts.grants}
    writes: list[Row] = []
    lost: list[Call] = []
    resolved = Resolved(facts.counts)
    for hold in facts.holds:
        why = why_lost(hold, owners, now_ms)
        if why is None:
            continue
        held_from = [grants[line.grant_id] for line in hold.hold_lines]
        moves = resolve(held_from, hold.hold_lines, hold.id, 0, now_ms, "expire")
        grants.update((grant.id, grant) for grant in moves.grants)
        ended = call_of(
            hold,
            owner=hold.owner,
            ending="lost",
            ended_ms=max(now_ms, hold.started_ms),
            error=f"{why}; the provider may have charged the operator for it",
        )
        resolved.end(hold.id, hold.payer_id, hold.reserved, _LOST, now_ms)
        lost.append(ended)
        writes += [*moves.transfers, ended, sum_of_call(ended, WRITER)]
    expired: list[Grant] = []
    left_nanos = {wallet_id: wallet.nanos for wallet_id, wallet in facts.wallets.items()}
    for grant in grants.values():
        if grant.is_over(now_ms) and grant.available_nanos:
            moves = end(grant, now_ms)
            if grant.voided_ms is None:
                expired.append(grant)
            grants[grant.id] = moves.grants[0]
            writes += moves.transfers
            if (wallet := facts.wallets.get(grant.user_id)) is not None:
                before = left_nanos[grant.user_id]
                after = left_nanos[grant.user_id] = before - grant.available_nanos
                threshold = threshold_of(wallet.low_balance_nanos, low_balance_nanos)
                writes += crossing(grant.user_id, threshold, before, after, _cause(grant), now_ms)
    changed = [grant for grant in facts.grants if grants[grant.id] != grant]
    writes += [grants[grant.id] for grant in changed]
    writes += [msgspec.structs.replace(kept, status=0, content_type="", answer=None) for kept in facts.stale_answers]
    writes += resolved.rows
    return Swept(lost=tuple(lost), expired_grants=tuple(expired), writes=tuple(writes))


def _cause(grant: Grant) -> str:
    """What names the step that ends a part of a grant: its line of the journal has the same worth before."""
    return f"{grant.id}:{grant.available_nanos + grant.held_nanos}"
