"""Grants, holds, journal lines and adjustments, as rows of the books."""

from typing import Literal, TypeAlias

import msgspec

from domain.usage import Usage

TransferKind = Literal[
    "grant", "hold", "capture", "release", "expire", "breakage", "adjustment", "refund", "forfeit",
    "void", "deduction", "send", "receive",
]  # fmt: skip
LineKey: TypeAlias = tuple[str, TransferKind, int]

ISSUED, REVENUE, BREAKAGE, WITHDRAWN = "issued", "revenue", "breakage", "withdrawn"
GRANT, HELD, MOVING = "grant", "held", "moving"  # with the id of the grant, of the call, or of the audit entry

# Where each kind of line moves credit from, and where to.
ACCOUNTS: dict[TransferKind, tuple[str, str]] = {
    "grant": (ISSUED, GRANT),
    "hold": (GRANT, HELD),
    "capture": (HELD, REVENUE),
    "release": (HELD, GRANT),
    "expire": (HELD, GRANT),
    "breakage": (GRANT, BREAKAGE),
    "adjustment": (GRANT, REVENUE),
    "refund": (REVENUE, GRANT),
    "forfeit": (REVENUE, BREAKAGE),
    "void": (GRANT, WITHDRAWN),
    "deduction": (GRANT, WITHDRAWN),
    "send": (GRANT, MOVING),
    "receive": (MOVING, GRANT),
}
# Whose id the cause of a line is: a grant's, or that of the audit entry of the operator's action; else a call's.
OF_GRANT: frozenset[TransferKind] = frozenset(("grant", "breakage", "void"))
OF_ACTION: frozenset[TransferKind] = frozenset(("deduction", "send", "receive"))


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """One grant and what is left of it. Posted is `available_nanos + held_nanos`.

    Nothing of a voided grant can be spent; what open calls hold of it stays held, and leaves if it is released.
    """

    id: str
    user_id: str
    amount_nanos: int
    available_nanos: int
    held_nanos: int
    priority: int
    effective_ms: int
    expires_ms: int | None
    created_ms: int
    source: str
    voided_ms: int | None = None

    def is_over(self, now_ms: int) -> bool:
        """Whether it was voided, or is past its expiry."""
        return self.voided_ms is not None or (self.expires_ms is not None and self.expires_ms <= now_ms)

    def __post_init__(self) -> None:
        """Refuse a grant below zero."""
        assert self.available_nanos >= 0, f"grant {self.id} available is {self.available_nanos}"
        assert self.held_nanos >= 0, f"grant {self.id} held is {self.held_nanos}"


class HoldLine(msgspec.Struct, frozen=True, array_like=True):
    """A part of a hold: an amount of one grant."""

    grant_id: str
    nanos: int


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the journal: `amount_nanos` moves from one account to another, so every line sums to zero.

    Accounts: `issued`, `grant:<id>`, `held:<call id>`, `revenue`, `breakage`, `withdrawn`, and `moving:<cause>` between
    two wallets; the kind says which. `cause` is the id of the call, of the grant, or of the audit entry of an
    operator's action. `step` counts the lines of the same cause and kind; that of a breakage or a void is what the
    grant was worth before. So the key derives from the cause, and a repeated step cannot be written twice. `grant_id`
    is None for a capture, which names no grant.
    """

    cause: str
    kind: TransferKind
    step: int = 0
    grant_id: str | None
    amount_nanos: int
    at_ms: int

    def __post_init__(self) -> None:
        """Refuse a transfer of nothing or less."""
        assert self.amount_nanos > 0, f"{self.kind} {self.step} of {self.cause} moves {self.amount_nanos}"

    @property
    def key(self) -> LineKey:
        """What no two lines of the journal share."""
        return self.cause, self.kind, self.step

    @property
    def call_id(self) -> str | None:
        """The call that the line belongs to; None for the lines of a grant or of an operator's action."""
        return None if self.kind in OF_GRANT or self.kind in OF_ACTION else self.cause

    @property
    def from_account(self) -> str:
        """The account that has less after it."""
        return self._account(ACCOUNTS[self.kind][0])

    @property
    def to_account(self) -> str:
        """The account that has more after it."""
        return self._account(ACCOUNTS[self.kind][1])

    def _account(self, name: str) -> str:
        if name == GRANT:
            return f"{GRANT}:{self.grant_id}"
        return f"{name}:{self.cause}" if name in (HELD, MOVING) else name


class LateUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What a call had delivered that was ended as lost although its process lived, and how it was served."""

    usage: Usage
    source: str
    service_tier: str | None = None
    size: str | None = None
    quality: str | None = None


class Adjustment(msgspec.Struct, frozen=True, kw_only=True):
    """A past call, charged again under another version of its rate; the call itself stays as it was settled.

    `amount_nanos` was charged in addition, or given back if it is below zero; `lines` name the grants. `owed_nanos` is
    what should have been charged and the wallet did not have. The id derives from call and rate. `counted_nanos` is the
    part of the amount that budgets and runs count. With `late` it is the
    charge of a call that was ended as lost, for what its process reports that it had delivered.
    """

    id: str
    call_id: str
    rate_id: str
    amount_nanos: int
    owed_nanos: int
    at_ms: int
    lines: tuple[HoldLine, ...]
    late: LateUsage | None = None
    counted_nanos: int = 0
