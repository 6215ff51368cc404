"""Changing the credit of wallets by hand: void a grant, adjust a wallet, move credit to another one.

None of these takes what an open call holds: only what is available moves, and what a call gives back of a voided grant
leaves with the next sweep. Each change has a reason, which is in its audit entry; the lines of the journal that an
adjustment or a transfer makes have the id of that entry as their cause.
"""

from collections.abc import Callable, Sequence

import msgspec

from domain.accounts.rows import User
from domain.books.management_scopes import GrantFacts, TransferFacts, UserFacts
from domain.books.rows import Row
from domain.ledger.ledger import add_grant, available, deduct, end, posted, receive, send
from domain.ledger.rows import Grant
from domain.limits.notices import Notice, crossing, threshold_of
from domain.management.changes import Actor, Denied, Outcome, Unchanged, changed, no_user, no_wallet
from domain.pricing.money import format_credits
from domain.refusals import BadRequest, NotFound, Remedy


def void_grant(
    facts: GrantFacts, actor: Actor, grant_id: str, reason: str, low_balance_nanos: int | None = None
) -> Outcome:  # fmt: skip
    """What is available of the grant is withdrawn, and nothing of it is spent from now on.

    What was spent stays spent. What open calls hold stays held, so each of them can still be charged; what they give
    back is withdrawn as well.
    """
    grant = facts.grant
    if grant is None or facts.user is None:
        return Denied(refusal=NotFound(kind="grant", name=grant_id, remedy=Remedy("credit balance")))
    if grant.voided_ms is not None:
        return Unchanged(row=grant)
    if grant.is_over(actor.now_ms):
        problem = f"{grant_id} has expired: what was left of it is breakage"
        return Denied(refusal=BadRequest(field="id", problem=problem))
    moves = end(msgspec.structs.replace(grant, voided_ms=actor.now_ms), actor.now_ms)
    detail = f"{grant.available_nanos} nanocredits of {facts.user.name}: {reason}"
    low = _low(facts.user, facts.grants, grant.available_nanos, actor, low_balance_nanos)
    return changed(actor, "grant void", grant_id, moves.grants[0], *moves.transfers, *low, detail=detail)


def add_credit(facts: UserFacts, actor: Actor, name: str, reason: str, grant_of: Callable[[User], Grant]) -> Outcome:
    """Credit for the user in a new grant, which `grant_of` makes."""
    if facts.user is None:
        return Denied(refusal=no_user(name))
    if not facts.user.has_wallet:
        return no_wallet(facts.user, "user")
    grant = grant_of(facts.user)
    moves = add_grant(grant)
    detail = f"+{grant.amount_nanos} nanocredits: {reason}"
    return changed(actor, "credit adjust", name, facts.user, grant, *moves.transfers, detail=detail)


def take_credit(
    facts: UserFacts, actor: Actor, name: str, nanos: int, reason: str, low_balance_nanos: int | None = None
) -> Outcome:  # fmt: skip
    """Credit leaves the user's wallet, in burn-down order: all of it, or nothing where less is available."""
    if facts.user is None:
        return Denied(refusal=no_user(name))
    if (denial := _too_much(facts.grants, nanos, actor, name)) is not None:
        return denial
    moves = deduct(facts.grants, actor.audit_id, nanos, actor.now_ms)
    low = _low(facts.user, facts.grants, nanos, actor, low_balance_nanos)
    detail = f"-{nanos} nanocredits: {reason}"
    return changed(actor, "credit adjust", name, facts.user, *moves.grants, *moves.transfers, *low, detail=detail)


class WalletTransfer(msgspec.Struct, frozen=True, kw_only=True):
    """Credit to move from the wallet of one user to that of another, by their names. `grant_id` is for what arrives."""

    sender: str
    receiver: str
    nanos: int
    reason: str
    grant_id: str


def transfer_credit(
    facts: TransferFacts, actor: Actor, order: WalletTransfer, low_balance_nanos: int | None = None
) -> Outcome:  # fmt: skip
    """Credit leaves one wallet for another, in burn-down order, and keeps its priority and expiry there."""
    if facts.sender is None or facts.receiver is None:
        return Denied(refusal=no_user(order.receiver if facts.sender else order.sender))
    if facts.sender.id == facts.receiver.id:
        return Denied(refusal=BadRequest(field="receiver", problem="the credit is in this wallet already"))
    if not facts.receiver.has_wallet:
        return no_wallet(facts.receiver, "receiver")
    if (denial := _too_much(facts.grants, order.nanos, actor, order.sender)) is not None:
        return denial
    sent = send(facts.grants, actor.audit_id, order.nanos, actor.now_ms)
    ids = (order.grant_id, *(f"{order.grant_id}-{n}" for n in range(1, len(sent.lines))))
    arrived = receive(sent, facts.grants, actor.audit_id, facts.receiver.id, ids, actor.now_ms)
    low = _low(facts.sender, facts.grants, order.nanos, actor, low_balance_nanos)
    rows: tuple[Row, ...] = (*sent.grants, *arrived.grants, *sent.transfers, *arrived.transfers, *low)
    detail = f"{order.nanos} nanocredits to {order.receiver}: {order.reason}"
    return changed(actor, "credit transfer", order.sender, facts.sender, *rows, detail=detail)


def set_threshold(facts: UserFacts, actor: Actor, name: str, nanos: int | None) -> Outcome:
    """The balance below which a notice is written, from the next decision on; None: the hub's default, 0: none."""
    if facts.user is None:
        return Denied(refusal=no_user(name))
    user = msgspec.structs.replace(facts.user, low_balance_nanos=nanos)
    if user == facts.user:
        return Unchanged(row=user)
    return changed(actor, "credit threshold", name, user, detail="default" if nanos is None else f"{nanos} nanocredits")


def _low(
    user: User, grants: Sequence[Grant], nanos: int, actor: Actor, low_balance_nanos: int | None
) -> tuple[Notice, ...]:  # fmt: skip
    """The notice of a balance that falls below its threshold when `nanos` leave the wallet."""
    before_nanos = posted(grants)
    threshold = threshold_of(user.low_balance_nanos, low_balance_nanos)
    return crossing(user.id, threshold, before_nanos, before_nanos - nanos, actor.audit_id, actor.now_ms)


def _too_much(grants: Sequence[Grant], nanos: int, actor: Actor, name: str) -> Denied | None:
    """The denial where less is available than is to be taken. What open calls hold is not available."""
    has_nanos = available(grants, actor.now_ms)
    if nanos <= has_nanos:
        return None
    problem = f"{name} has {format_credits(has_nanos)} credits available, which is less than {format_credits(nanos)}"
    return Denied(refusal=BadRequest(field="amount", problem=problem))
