"""Notices for operators: a wallet's balance fell below its threshold, or a budget has reached one of its percentages.

A crossing is a fact of the decision that moved the credit: the balance was at the threshold or above it before, and is
below it afterwards. Decisions about one wallet come one after the other, so each crossing is found by one decision,
which writes its notice with the same transaction. Nothing is kept to know that a wallet is low.

The balance of a crossing is what the books have of a wallet: what is available and held of all its grants. So what has
expired counts until a sweep has ended it, and that sweep finds the crossing.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from domain.limits.budgets import Alert
from domain.limits.rows import Reservation

NoticeKind = Literal["balance.low", "budget.reached"]


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One crossing, and how far its delivery is.

    `user_id` is the wallet. `limit_nanos` is the threshold or the budget's amount, and `value_nanos` the balance after
    the crossing, or what was spent. `budget_id`, `subject` and `percent` are those of a budget. It is to be sent at
    `due_ms`; None: it was delivered, or given up with the last `error`.
    """

    id: str
    user_id: str
    kind: NoticeKind
    limit_nanos: int
    value_nanos: int
    at_ms: int
    budget_id: str | None = None
    subject: str | None = None
    percent: int | None = None
    attempts: int = 0
    due_ms: int | None = None
    delivered_ms: int | None = None
    error: str | None = None


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """Where notices are sent. The secret that signs them derives from `salt` and the hub's own key."""

    id: str
    url: str
    salt: str
    created_ms: int
    removed_ms: int | None = None


def watched(
    reserved: tuple[Reservation, ...], wallet_id: str, own_nanos: int | None, default_nanos: int | None
) -> tuple[Reservation, ...]:
    """The reservations of a call, with the threshold of the wallet that pays: its own, or else the default."""
    threshold = threshold_of(own_nanos, default_nanos)
    return (*reserved, Reservation("balance", wallet_id, "", threshold)) if threshold else reserved


def threshold_of(own_nanos: int | None, default_nanos: int | None) -> int:
    """The threshold that holds for a wallet; 0: none."""
    return (default_nanos if own_nanos is None else own_nanos) or 0


def threshold_in(reserved: Sequence[Reservation]) -> int:
    """The threshold that held for the wallet when a call was held; 0: none."""
    return next((one.amount for one in reserved if one.kind == "balance"), 0)


def crossing(
    wallet_id: str, threshold_nanos: int, before_nanos: int, after_nanos: int, cause: str, at_ms: int
) -> tuple[Notice, ...]:
    """The notice of a balance that has fallen below the threshold by this decision, which `cause` names."""
    if not after_nanos < threshold_nanos <= before_nanos:
        return ()
    return (
        Notice(
            id=f"{cause}:low",
            user_id=wallet_id,
            kind="balance.low",
            limit_nanos=threshold_nanos,
            value_nanos=after_nanos,
            at_ms=at_ms,
            due_ms=at_ms,
        ),
    )


def reached(alert: Alert, cause: str, wallet_id: str, at_ms: int) -> Notice:
    """The notice of a budget that has reached a percentage of its amount."""
    return Notice(
        id=f"{cause}:alert:{alert.budget_id}:{alert.percent}",
        user_id=wallet_id,
        kind="budget.reached",
        limit_nanos=alert.amount_nanos,
        value_nanos=alert.spent_nanos,
        at_ms=at_ms,
        budget_id=alert.budget_id,
        subject=alert.subject,
        percent=alert.percent,
        due_ms=at_ms,
    )
