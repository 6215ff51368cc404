"""Credit: grants to a user, and the balance of a wallet."""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from domain.accounts.rows import User
from domain.books.management_scopes import UserScope
from domain.ledger.ledger import Balance, balance, is_effective
from domain.ledger.rows import Grant
from domain.management import changes
from domain.management.changes import Denied, Outcome
from domain.refusals import BadRequest, NotFound, Remedy
from entrypoints.usecases.management_context import ActionContext, Denial, ManagementContext, actor, row_of
from entrypoints.usecases.public_types import Credits, Duration, Moment, moment

GRANT_PRIORITY = 100
GRANT_SOURCE = "operator"


class Wallet(msgspec.Struct, frozen=True, kw_only=True):
    """A user's credit at a moment: the balance, and the grants that it is made of, oldest first."""

    user: User
    balance: Balance
    grants: Sequence[Grant]
    at_ms: int


class GrantCredit(msgspec.Struct, frozen=True, kw_only=True):
    """Credit to grant to a user."""

    user: Annotated[str, Meta(description="the name of the user")]
    amount: Annotated[Credits, Meta(description="credits, such as 5 or 0.25")]
    expires_in: Annotated[Duration | None, Meta(description="such as 30d, 12h or 45m (never)")] = None
    priority: Annotated[int, Meta(description="lower is spent first")] = GRANT_PRIORITY


GrantState = Literal["active", "later", "spent", "expired", "voided"]


class GrantView(msgspec.Struct, frozen=True, kw_only=True):
    """A grant at a moment. Its `state`: spent from now, spent later, nothing left, past its expiry, or voided."""

    id: str
    amount: Credits
    available: Credits
    held: Credits
    priority: int
    effective: Moment
    expires: Moment | None
    created: Moment
    source: str
    voided: Moment | None
    state: GrantState


class CreditGranted(GrantView, frozen=True, kw_only=True):
    """The grant that was made, and its user."""

    user: str


class ShowBalance(msgspec.Struct, frozen=True, kw_only=True):
    """The user whose wallet to show."""

    user: Annotated[str, Meta(description="the name of the user")]


class WalletView(msgspec.Struct, frozen=True, kw_only=True):
    """The credit that a user can spend, its own threshold if it has one, and its grants, oldest first."""

    user: str
    posted: Credits
    held: Credits
    available: Credits
    threshold: Credits | None
    grants: list[GrantView]


async def grant_credit(context: ActionContext, request: GrantCredit) -> CreditGranted | Denial:
    """Credit for an existing user."""
    outcome = await grant(context.hub, context.by, request.user, request.amount, request.expires_in, request.priority)
    made = row_of(outcome, Grant)
    if not isinstance(made, Grant):
        return made
    return CreditGranted(user=request.user, **msgspec.structs.asdict(grant_view(made, made.created_ms)))


async def show_balance(context: ActionContext, request: ShowBalance) -> WalletView | Denial:
    """What the user can spend now."""
    found = await wallet(context.hub, request.user)
    return found if isinstance(found, NotFound) else wallet_view(found)


def wallet_view(found: Wallet) -> WalletView:
    """A wallet as it is shown."""
    return WalletView(
        user=found.user.name,
        posted=Credits(found.balance.posted_nanos),
        held=Credits(found.balance.held_nanos),
        available=Credits(found.balance.available_nanos),
        threshold=None if found.user.low_balance_nanos is None else Credits(found.user.low_balance_nanos),
        grants=[grant_view(one, found.at_ms) for one in found.grants],
    )


def grant_view(row: Grant, now_ms: int) -> GrantView:
    """A grant as it is at that moment."""
    return GrantView(
        id=row.id,
        amount=Credits(row.amount_nanos),
        available=Credits(row.available_nanos),
        held=Credits(row.held_nanos),
        priority=row.priority,
        effective=Moment(row.effective_ms),
        expires=moment(row.expires_ms),
        created=Moment(row.created_ms),
        source=row.source,
        voided=moment(row.voided_ms),
        state=_state(row, now_ms),
    )


def _state(row: Grant, now_ms: int) -> GrantState:
    if row.is_over(now_ms):
        return "expired" if row.voided_ms is None else "voided"
    if row.available_nanos == 0 and row.held_nanos == 0:
        return "spent"
    return "active" if is_effective(row, now_ms) else "later"


async def grant(
    context: ManagementContext,
    by: str,
    user_name: str,
    nanos: int,
    expires_in_ms: int | None = None,
    priority: int = GRANT_PRIORITY,
) -> Outcome:
    """Credit for an existing user; among a wallet's grants, the lower priority number is spent first."""
    if nanos <= 0:
        return Denied(refusal=BadRequest(field="amount", problem="grant more than nothing, such as 5 or 0.25"))
    who = actor(context, by)
    grant_id = context.ids.new("grant")

    def grant_of(user: User) -> Grant:
        return Grant(
            id=grant_id,
            user_id=user.id,
            amount_nanos=nanos,
            available_nanos=nanos,
            held_nanos=0,
            priority=priority,
            effective_ms=who.now_ms,
            expires_ms=None if expires_in_ms is None else who.now_ms + expires_in_ms,
            created_ms=who.now_ms,
            source=GRANT_SOURCE,
        )

    return await context.storage.decide(
        UserScope(name=user_name), lambda facts: changes.grant_credit(facts, who, user_name, grant_of)
    )


async def wallet(context: ManagementContext, user_name: str) -> Wallet | NotFound:
    """What the user can spend now."""
    user = await context.storage.account_named(user_name)
    if user is None:
        return NotFound(kind="user", name=user_name, remedy=Remedy("user list"))
    grants = await context.storage.wallet(user.id)
    now_ms = context.clock.now_ms()
    return Wallet(user=user, balance=balance(grants, now_ms), grants=grants, at_ms=now_ms)
