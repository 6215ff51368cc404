"""Grants, holds, journal lines and adjustments, as rows of the books."""

from typing import Literal

import msgspec

TransferKind = Literal["grant", "hold", "capture", "release", "expire", "breakage", "adjustment"]


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """One grant and what is left of it. Posted is `available_nanos + held_nanos`."""

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

    Accounts: `issued`, `grant:<id>`, `held:<call id>`, `revenue`, `breakage`. The id derives from the cause
    (`<call>:hold`), so a repeated step cannot be written twice.
    """

    id: str
    kind: TransferKind
    from_account: str
    to_account: str
    amount_nanos: int
    at_ms: int
    call_id: str | None = None

    def __post_init__(self) -> None:
        """Refuse a transfer of nothing or less."""
        assert self.amount_nanos > 0, f"transfer {self.id} moves {self.amount_nanos}"


class Adjustment(msgspec.Struct, frozen=True, kw_only=True):
    """A past call, charged again under another version of its rate; the call itself stays as it was settled.

    `amount_nanos` was charged in addition, or given back if it is below zero; `lines` name the grants. `owed_nanos` is
    what should have been charged and the wallet did not have. The id derives from call and rate.
    """

    id: str
    call_id: str
    rate_id: str
    amount_nanos: int
    owed_nanos: int
    at_ms: int
    lines: tuple[HoldLine, ...]
