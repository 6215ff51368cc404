"""Credit: grants to a user, and what a wallet is worth."""

from collections.abc import Sequence

import msgspec

from domain.accounts.rows import User
from domain.books.management_scopes import UserScope
from domain.ledger.ledger import Balance, balance
from domain.ledger.rows import Grant
from domain.management.changes import Denied, Outcome, grant_credit
from domain.refusals import BadRequest, NotFound
from entrypoints.usecases.management_context import ManagementContext, actor

GRANT_PRIORITY = 100
GRANT_SOURCE = "operator"


class Wallet(msgspec.Struct, frozen=True, kw_only=True):
    """A user's credit at a moment: the balance, and the grants that it is made of, oldest first."""

    user: User
    balance: Balance
    grants: Sequence[Grant]
    at_ms: int


async def grant(
    desk: ManagementContext,
    by: str,
    user_name: str,
    nanos: int,
    expires_in_ms: int | None = None,
    priority: int = GRANT_PRIORITY,
) -> Outcome:
    """Credit for an existing user; among a wallet's grants, the lower priority number is spent first."""
    if nanos <= 0:
        return Denied(refusal=BadRequest(field="AMOUNT", problem="grant more than nothing, such as 5 or 0.25"))
    who = actor(desk, by)
    grant_id = desk.ids.new("grant")

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

    return await desk.storage.decide(
        UserScope(name=user_name), lambda facts: grant_credit(facts, who, user_name, grant_of)
    )


async def wallet(desk: ManagementContext, user_name: str) -> Wallet | NotFound:
    """What the user can spend now."""
    user = await desk.storage.user_named(user_name)
    if user is None:
        return NotFound(kind="user", name=user_name, remedy="see `aihub user list`")
    grants = await desk.storage.wallet(user.id)
    now_ms = desk.clock.now_ms()
    return Wallet(user=user, balance=balance(grants, now_ms), grants=grants, at_ms=now_ms)
