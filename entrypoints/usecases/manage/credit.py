"""Credit: grants to a user, and what a wallet is worth."""

from collections.abc import Sequence

import msgspec

from domain.accounts.rows import User
from domain.books.scopes import UserScope
from domain.ledger.ledger import Balance, balance
from domain.ledger.rows import Lot
from domain.management.changes import Denied, Outcome, grant_credit
from domain.refusals import BadRequest, Missing
from entrypoints.usecases.management_context import Desk, actor

GRANT_PRIORITY = 100
GRANT_SOURCE = "operator"


class Wallet(msgspec.Struct, frozen=True, kw_only=True):
    """A user's credit at a moment: the balance, and the lots that it is made of, oldest first."""

    user: User
    balance: Balance
    lots: Sequence[Lot]
    at_ms: int


async def grant(
    desk: Desk, by: str, user_name: str, nanos: int, expires_in_ms: int | None = None, priority: int = GRANT_PRIORITY
) -> Outcome:
    """Credit for an existing user; among a wallet's grants, the lower priority number is spent first."""
    if nanos <= 0:
        return Denied(refusal=BadRequest(field="AMOUNT", problem="grant more than nothing, such as 5 or 0.25"))
    who = actor(desk, by)
    lot_id = desk.ids.new("lot")

    def lot_of(user: User) -> Lot:
        return Lot(
            id=lot_id,
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
        UserScope(name=user_name), lambda facts: grant_credit(facts, who, user_name, lot_of)
    )


async def wallet(desk: Desk, user_name: str) -> Wallet | Missing:
    """What the user can spend now."""
    user = await desk.storage.user_named(user_name)
    if user is None:
        return Missing(kind="user", name=user_name, remedy="see `aihub user list`")
    lots = await desk.storage.wallet(user.id)
    now_ms = desk.clock.now_ms()
    return Wallet(user=user, balance=balance(lots, now_ms), lots=lots, at_ms=now_ms)
