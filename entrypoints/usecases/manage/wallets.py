"""Changing credit by hand: void a grant, adjust a wallet, and move credit from one wallet to another."""

from typing import Annotated

import msgspec
from msgspec import Meta

from domain.accounts.rows import User
from domain.books.management_scopes import GrantScope, TransferScope, UserScope
from domain.ledger.rows import Grant
from domain.management import wallets as changes
from domain.management.wallets import WalletTransfer
from domain.refusals import BadRequest, NotFound, Remedy
from entrypoints.usecases.manage.credit import GRANT_PRIORITY, GrantView, WalletView, grant_view, wallet, wallet_view
from entrypoints.usecases.manage.users import user_names
from entrypoints.usecases.management_context import ActionContext, Denial, acting, row_of
from entrypoints.usecases.public_types import Credits, CreditsChange, Duration

ADJUSTMENT_SOURCE = "adjustment"
REASON_CHARACTERS_MAX = 500

_REASON = Meta(description="why, for the audit log")


class NamedGrant(msgspec.Struct, frozen=True, kw_only=True):
    """A grant by its id."""

    id: Annotated[str, Meta(description="the id of the grant")]


class VoidGrant(msgspec.Struct, frozen=True, kw_only=True):
    """The grant to void."""

    id: Annotated[str, Meta(description="the id of the grant")]
    reason: Annotated[str, _REASON]


class OwnedGrant(GrantView, frozen=True, kw_only=True):
    """A grant, and the account whose wallet it is in: a user, or a team as `team:NAME`."""

    user: str


class AdjustCredit(msgspec.Struct, frozen=True, kw_only=True):
    """Credit to add to a wallet, or to take from it if the amount is below zero."""

    user: Annotated[str, Meta(description="the name of the user")]
    amount: Annotated[CreditsChange, Meta(description="credits, such as 5, or -0.25 to take them")]
    reason: Annotated[str, _REASON]
    expires_in: Annotated[Duration | None, Meta(description="of added credit, such as 30d (never)")] = None


class TransferCredit(msgspec.Struct, frozen=True, kw_only=True):
    """Credit to move from one wallet to another."""

    user: Annotated[str, Meta(description="the name of the user whose wallet it leaves")]
    receiver: Annotated[str, Meta(description="the name of the user whose wallet gets it")]
    amount: Annotated[Credits, Meta(description="credits, such as 5 or 0.25")]
    reason: Annotated[str, _REASON]


class SetThreshold(msgspec.Struct, frozen=True, kw_only=True):
    """The balance of a wallet below which a notice is written."""

    user: Annotated[str, Meta(description="the name of the user")]
    amount: Annotated[Credits | None, Meta(description="credits; 0: none, left out: AIHUB_LOW_BALANCE")] = None


class CreditTransferred(msgspec.Struct, frozen=True, kw_only=True):
    """Both wallets after the transfer."""

    sender: WalletView
    receiver: WalletView


async def show_grant(context: ActionContext, request: NamedGrant) -> OwnedGrant | Denial:
    """One grant, as it is now."""
    found = await context.hub.storage.grant(request.id)
    if found is None:
        return NotFound(kind="grant", name=request.id, remedy=Remedy("credit balance"))
    return await _owned(context, found)


async def void_grant(context: ActionContext, request: VoidGrant) -> OwnedGrant | Denial:
    """Nothing of the grant is spent from now on."""
    if (problem := _reason_problem(request.reason)) is not None:
        return problem
    who = acting(context)
    outcome = await context.hub.storage.decide(
        GrantScope(grant_id=request.id),
        lambda facts: changes.void_grant(facts, who, request.id, request.reason, context.policy.low_balance_nanos),
    )
    voided = row_of(outcome, Grant)
    return await _owned(context, voided) if isinstance(voided, Grant) else voided


async def adjust_credit(context: ActionContext, request: AdjustCredit) -> WalletView | Denial:
    """The wallet with more or less credit."""
    if (problem := _reason_problem(request.reason)) is not None:
        return problem
    if request.amount == 0:
        return BadRequest(field="amount", problem="write more than nothing, such as 5, or -5 to take credit")
    if request.amount < 0 and request.expires_in is not None:
        return BadRequest(field="expires_in", problem="only credit that is added can expire")
    hub, who, nanos = context.hub, acting(context), int(request.amount)
    grant_id = hub.ids.new("grant")

    def grant_of(user: User) -> Grant:
        return Grant(
            id=grant_id,
            user_id=user.id,
            amount_nanos=nanos,
            available_nanos=nanos,
            held_nanos=0,
            priority=GRANT_PRIORITY,
            effective_ms=who.now_ms,
            expires_ms=None if request.expires_in is None else who.now_ms + request.expires_in,
            created_ms=who.now_ms,
            source=ADJUSTMENT_SOURCE,
        )

    outcome = await hub.storage.decide(
        UserScope(name=request.user),
        lambda facts: (
            changes.add_credit(facts, who, request.user, request.reason, grant_of)
            if nanos > 0
            else changes.take_credit(facts, who, request.user, -nanos, request.reason, context.policy.low_balance_nanos)
        ),
    )
    return await _after(context, row_of(outcome, User))


async def transfer_credit(context: ActionContext, request: TransferCredit) -> CreditTransferred | Denial:
    """Both wallets after the credit has moved."""
    if (problem := _reason_problem(request.reason)) is not None:
        return problem
    if request.amount <= 0:
        return BadRequest(field="amount", problem="move more than nothing, such as 5 or 0.25")
    who = acting(context)
    order = WalletTransfer(
        sender=request.user,
        receiver=request.receiver,
        nanos=int(request.amount),
        reason=request.reason,
        grant_id=context.hub.ids.new("grant"),
    )
    outcome = await context.hub.storage.decide(
        TransferScope(sender=order.sender, receiver=order.receiver),
        lambda facts: changes.transfer_credit(facts, who, order, context.policy.low_balance_nanos),
    )
    sender = await _after(context, row_of(outcome, User))
    if not isinstance(sender, WalletView):
        return sender
    receiver = await wallet(context.hub, order.receiver)
    return (
        receiver if isinstance(receiver, NotFound) else CreditTransferred(sender=sender, receiver=wallet_view(receiver))
    )


async def set_threshold(context: ActionContext, request: SetThreshold) -> WalletView | Denial:
    """The wallet with its threshold."""
    if request.amount is not None and request.amount < 0:
        return BadRequest(field="amount", problem="write an amount of credits, such as 5, or 0 for no notices")
    who, nanos = acting(context), None if request.amount is None else int(request.amount)
    outcome = await context.hub.storage.decide(
        UserScope(name=request.user), lambda facts: changes.set_threshold(facts, who, request.user, nanos)
    )
    return await _after(context, row_of(outcome, User))


async def _after(context: ActionContext, changed: User | Denial) -> WalletView | Denial:
    """The wallet of the user as it is now."""
    if not isinstance(changed, User):
        return changed
    found = await wallet(context.hub, changed.name)
    return found if isinstance(found, NotFound) else wallet_view(found)


async def _owned(context: ActionContext, grant: Grant) -> OwnedGrant:
    names = await user_names(context.hub.storage)
    shown = msgspec.structs.asdict(grant_view(grant, context.hub.clock.now_ms()))
    return OwnedGrant(user=names.get(grant.user_id, grant.user_id), **shown)


def _reason_problem(reason: str) -> BadRequest | None:
    if not reason.strip() or len(reason) > REASON_CHARACTERS_MAX or not reason.isprintable():
        problem = f"write a reason of 1 to {REASON_CHARACTERS_MAX} printable characters"
        return BadRequest(field="reason", problem=problem)
    return None
