"""The parts of journal lines and calls that a proof of the books reads, and nothing else of them.

Books have millions of calls, so a proof reads them in portions and decodes no field that it does not compare. Ids stay
as the storage keeps them, texts or 16 bytes; only a difference that is reported needs the text (`text_of`).
"""

from typing import TypeAlias

import msgspec

from domain.ledger.rows import HoldLine, TransferKind
from domain.limits.rows import Reservation
from domain.usage import Usage

KeptId: TypeAlias = bytes | str


class AuditedLine(msgspec.Struct, frozen=True, gc=False):
    """A part of `Transfer`."""

    cause: KeptId
    kind: TransferKind
    grant_id: KeptId | None
    amount_nanos: int


class AuditedCall(msgspec.Struct, frozen=True):
    """A part of `Call`."""

    id: KeptId
    model: str
    billed: bool
    started_ms: int
    provider: str | None
    provider_model: str | None
    rate_id: str | None
    ending: str | None
    first_byte_ms: int | None
    charge_nanos: int
    uncollected_nanos: int
    service_tier: str | None
    size: str | None
    quality: str | None
    hold_nanos: int
    hold_lines: tuple[HoldLine, ...]
    reserved: tuple[Reservation, ...]
    usage: Usage | None
