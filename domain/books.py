"""The rows of the books. `working_copy` holds some of them, and `scopes` says what a rule may see of it.

A decision carries `writes`: each a row as it shall stand from now on. `Transfer` and `AuditEntry` rows are only
ever added.
"""

from typing import Literal, Protocol, TypeAlias

import msgspec

from domain.aliases import Alias
from domain.calls import AttemptRecord, Capability
from domain.pricebook import Names, Price
from domain.tiers import Tier
from domain.usage import Usage
from domain.variants import VARIED, Variant, distinct

Role = Literal["owner", "admin", "guest"]
Ending = Literal["completed", "provider failed", "caller left", "timed out", "lost"]
UsageSource = Literal["provider", "adjusted", "estimated"]
"""The provider's own count, its count where something of it was odd, or an estimate of what it did not count."""
TransferKind = Literal["grant", "hold", "capture", "release", "expire", "breakage", "adjustment"]

# 10,000 credits for a million tokens; 10 credits for a piece, such as one picture.
RATE_NANOS_MAX = 10**13
PIECE_NANOS_MAX = 10**16
PIECE_RATES = frozenset(
    ("tool_use_nanos", "image_nanos", "second_nanos", "video_second_nanos", "request_nanos", "search_unit_nanos")
)

# How long the answer of a call with an Idempotency-Key can be given again.
IDEMPOTENCY_KEPT_MS = 24 * 3_600_000


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody with a wallet. `name` is unique."""

    id: str
    name: str
    role: Role
    created_ms: int


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key, stored as its keyed hash; `prefix` is the part that may be shown."""

    id: str
    user_id: str
    name: str
    fingerprint: str
    prefix: str
    created_ms: int
    revoked_ms: int | None = None


class ProviderRow(msgspec.Struct, frozen=True, kw_only=True):
    """A provider by its `name`, speaking `dialect` at `base_url`.

    For a bare model the providers of the lowest `priority` number are tried first and share the calls by `weight`.
    """

    name: str
    dialect: str
    base_url: str
    created_ms: int
    priority: int = 0
    weight: int = 1
    removed_ms: int | None = None


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's secret, sealed; `masked` shows its first and last four. Inactive with its `error`."""

    id: str
    provider: str
    name: str
    sealed: bytes
    masked: str
    weight: int
    created_ms: int
    active: bool = True
    error: str | None = None
    removed_ms: int | None = None


class Rate(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """One version of what a model's units are sold for, in nanocredits per million; versions are never changed.

    A leaf of None is sold at its parent's rate: reasoning, audio and pictures out as output; cache, audio and pictures
    in as input; an hour's cache write as a five minutes' one, cached audio as cached text. Hosted tools, pictures by
    the piece, characters, search units and seconds, of sound and of film, have no parent. `removed` ends the sale.
    `capabilities` are all that the model is able to of what `Capability` names; None: not known. `tiers` replace some
    of the prices for some requests, `variants` some for one size or quality. A rate made from the price book holds for
    all `names` that the provider has for the model; one that an operator set, for the model's own name.
    """

    id: str
    provider: str
    model: str
    effective_ms: int
    known_ms: int
    source: str
    input_nanos: int = 0
    output_nanos: int = 0
    cache_read_nanos: int | None = None
    cache_write_nanos: int | None = None
    cache_write_1h_nanos: int | None = None
    input_audio_nanos: int | None = None
    output_audio_nanos: int | None = None
    reasoning_nanos: int | None = None
    input_image_nanos: int | None = None
    cache_read_audio_nanos: int | None = None
    output_image_nanos: int | None = None
    tool_use_nanos: int | None = None
    image_nanos: int | None = None
    character_nanos: int | None = None
    second_nanos: int | None = None
    video_second_nanos: int | None = None
    request_nanos: int | None = None
    search_unit_nanos: int | None = None
    context_tokens: int | None = None
    output_tokens_max: int | None = None
    removed: bool = False
    capabilities: tuple[Capability, ...] | None = None
    tiers: tuple[Tier, ...] = ()
    variants: tuple[Variant, ...] = ()
    names: Names = ()

    def __post_init__(self) -> None:
        """Refuse a price so high that a charge could go beyond what 64 bits hold."""
        for name in self.__struct_fields__:
            nanos_max = PIECE_NANOS_MAX if name in PIECE_RATES else RATE_NANOS_MAX
            if name.endswith("_nanos") and not 0 <= (getattr(self, name) or 0) <= nanos_max:
                raise ValueError(f"a rate is from 0 to {nanos_max} nanocredits per million: {name}")
            if any((getattr(tier.prices, name, None) or 0) > nanos_max for tier in self.tiers):
                raise ValueError(f"a rate is from 0 to {nanos_max} nanocredits per million: {name} of a tier")
        for variant in distinct(self.variants):
            if any((getattr(variant.prices, name) or 0) > PIECE_NANOS_MAX for name in VARIED):
                raise ValueError(f"a rate is from 0 to {PIECE_NANOS_MAX} nanocredits per million: that of a variant")


class Lot(msgspec.Struct, frozen=True, kw_only=True):
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
        """Refuse a lot below zero: credit that nobody granted."""
        assert self.available_nanos >= 0, f"lot {self.id} available is {self.available_nanos}"
        assert self.held_nanos >= 0, f"lot {self.id} held is {self.held_nanos}"


class HoldLine(msgspec.Struct, frozen=True, array_like=True):
    """A part of a hold: so much of that lot."""

    lot_id: str
    nanos: int


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call, from its hold to its ending: the call log and the hold are one row.

    `ending` is None while the call runs; then its hold is open, and `owner` is the process that runs it.
    `uncollected_nanos` is what the usage came to beyond the hold: never captured, but never hidden. `service_tier`
    is the one that the provider said it served, `size` and `quality` are of the pictures or the film that it made, or
    as they were asked for. `cost_nanos` is what the provider asks, in nano-USD, under the price
    `price_id` of the book, or as the provider told where that is None; None where anything of it is unknown.
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


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the journal: `amount_nanos` moves from one account to another, so every line sums to zero.

    Accounts: `issued`, `lot:<id>`, `held:<call id>`, `revenue`, `breakage`, `adjustments`. The id derives from
    what caused it (`<call>:hold`), so a step repeated cannot be written twice.
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
    """A past call charged anew under another version of its rate; the call itself stays as it was settled.

    `amount_nanos` was charged in addition, or given back where it is below zero, by `lines` from and to which lots.
    `owed_nanos` is what should have been charged and the wallet did not have. The id derives from call and rate.
    """

    id: str
    call_id: str
    rate_id: str
    amount_nanos: int
    owed_nanos: int
    at_ms: int
    lines: tuple[HoldLine, ...]


class Idempotency(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to remember for a user's Idempotency-Key. `digest` is of the route and the body.

    `answer` is sealed; None while the call runs, or where the answer was too large or never came whole.
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
    """One management action: who did what to which thing. Never holds a secret."""

    id: str
    at_ms: int
    actor: str
    action: str
    subject: str
    detail: str = ""


_OfTheMarket: TypeAlias = ProviderRow | Credential | Rate | Alias | Price
Row: TypeAlias = User | ApiKey | _OfTheMarket | Lot | Call | Transfer | Adjustment | Idempotency | AuditEntry


class Decision(Protocol):
    """What a rule returns: some outcome, and the rows that make it true."""

    @property
    def writes(self) -> tuple[Row, ...]:
        """The rows to write, all or none."""
        ...
