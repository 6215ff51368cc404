"""The row of a call, what is kept for repeated requests, the audit log, and the union of all rows.

A decision carries `writes`, rows in their new state. `Transfer` and `AuditEntry` rows are only added.
"""

from typing import Literal, Protocol, TypeAlias

import msgspec

from domain.accounts.rows import ApiKey, User
from domain.catalog.aliases import Alias
from domain.catalog.rows import Credential, ProviderRow
from domain.ledger.rows import Adjustment, Grant, HoldLine, Transfer
from domain.model_api.call import AttemptRecord
from domain.pricing.price_book import Price
from domain.pricing.rate import Rate
from domain.usage import Usage

Ending = Literal["completed", "provider_failed", "client_disconnected", "timed_out", "lost"]


UsageSource = Literal["provider", "adjusted", "estimated"]


# How long the answer of a call with an Idempotency-Key can be repeated.
IDEMPOTENCY_KEPT_MS = 24 * 3_600_000


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call, from its hold to its ending: the call log and the hold are one row.

    `ending` is None while the call runs; then its hold is open, and `owner` is the process that runs it.
    `uncollected_nanos` is the price of the usage beyond the hold: never captured, but recorded. `service_tier` is
    reported by the provider; `size` and `quality` are of the images or the video that it made, or as requested.
    `cost_nanos` is what the provider asks, in nano-USD, under the price `price_id` of the book, or as the provider
    reported if that is None; None if any part of it is unknown.
    """

    id: str
    user_id: str
    key_id: str
    dialect: str
    model: str
    stream: bool
    billed: bool
    started_ms: int
    deadline_ms: int
    owner: str
    hold_nanos: int
    hold_lines: tuple[HoldLine, ...]
    idempotency_key: str | None = None
    provider: str | None = None
    provider_model: str | None = None
    credential_id: str | None = None
    rate_id: str | None = None
    attempts: tuple[AttemptRecord, ...] = ()
    ending: Ending | None = None
    complete: bool = False
    ended_ms: int | None = None
    first_byte_ms: int | None = None
    usage: Usage | None = None
    usage_source: UsageSource | None = None
    usage_note: str | None = None
    charge_nanos: int = 0
    uncollected_nanos: int = 0
    error: str | None = None
    service_tier: str | None = None
    cost_nanos: int | None = None
    price_id: str | None = None
    size: str | None = None
    quality: str | None = None


class Idempotency(msgspec.Struct, frozen=True, kw_only=True):
    """The answer that is kept for a user's Idempotency-Key. `digest` is of the route and the body.

    `answer` is encrypted; None while the call runs, or if the answer was too large or not whole.
    """

    user_id: str
    key: str
    digest: str
    call_id: str
    created_ms: int
    status: int = 0
    content_type: str = ""
    answer: bytes | None = None


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One management action: who did what to which thing. It never contains a secret."""

    id: str
    at_ms: int
    actor: str
    action: str
    subject: str
    detail: str = ""


_OfTheMarket: TypeAlias = ProviderRow | Credential | Rate | Alias | Price


Row: TypeAlias = User | ApiKey | _OfTheMarket | Grant | Call | Transfer | Adjustment | Idempotency | AuditEntry


class Decision(Protocol):
    """What a rule returns: an outcome, and the rows that make it true."""

    @property
    def writes(self) -> tuple[Row, ...]:
        """The rows to write, all or none."""
        ...
