"""The rows of the books, and what a rule may see and write.

A decision carries `writes`: each a row as it shall stand from now on. `Transfer` and `AuditEntry` rows are only
ever added. `Books` is a working copy of some rows, owned by the storage adapter that folds decisions over it: the
in-memory adapter's holds everything, the SQL adapters' hold what one batch needs.
"""

from typing import Literal, Protocol, TypeAlias, TypeVar

import msgspec

from domain.calls import AttemptRecord
from domain.chat import Usage

Role = Literal["owner", "admin", "guest"]
Ending = Literal["completed", "provider failed", "caller left", "timed out", "lost"]
UsageSource = Literal["provider", "estimated"]
TransferKind = Literal["grant", "hold", "capture", "release", "expire", "breakage", "adjustment"]


# 10,000 credits for a million tokens, or a cent for one use of a hosted tool.
RATE_NANOS_MAX = 10**13


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
    """A provider by its `name`, speaking `dialect` at `base_url`."""

    name: str
    dialect: str
    base_url: str
    created_ms: int
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


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """One version of what a model's units are sold for, in nanocredits per million; versions are never changed.

    A leaf of None is sold at its parent's rate: reasoning and audio out as output; cache and audio in as input;
    an hour's cache write as a five minutes' one. Hosted tools have no parent. `removed` ends the model's sale.
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
    tool_use_nanos: int | None = None
    context_tokens: int | None = None
    output_tokens_max: int | None = None
    removed: bool = False

    def __post_init__(self) -> None:
        """Refuse a price so high that a charge could go beyond what 64 bits hold."""
        for name in self.__struct_fields__:
            if name.endswith("_nanos") and not 0 <= (getattr(self, name) or 0) <= RATE_NANOS_MAX:
                raise ValueError(f"a rate is from 0 to {RATE_NANOS_MAX} nanocredits per million: {name}")


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
    `uncollected_nanos` is what the usage came to beyond the hold: never captured, but never hidden.
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
    charge_nanos: int = 0
    uncollected_nanos: int = 0
    error: str | None = None


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


Row: TypeAlias = User | ApiKey | ProviderRow | Credential | Rate | Lot | Call | Transfer | Idempotency | AuditEntry


class Decision(Protocol):
    """What a rule returns: some outcome, and the rows that make it true."""

    @property
    def writes(self) -> tuple[Row, ...]:
        """The rows to write, all or none."""
        ...


class Books:
    """A working copy of some rows. Not shared: its owner folds one batch of decisions over it."""

    def __init__(self, version: int = 0) -> None:
        """An empty copy at catalogue version `version`."""
        self.version = version
        self.users: dict[str, User] = {}
        self.users_by_name: dict[str, str] = {}
        self.keys: dict[str, ApiKey] = {}
        self.keys_by_fingerprint: dict[str, str] = {}
        self.providers: dict[str, ProviderRow] = {}
        self.credentials: dict[str, Credential] = {}
        self.rates: dict[tuple[str, str], list[Rate]] = {}
        self.lots: dict[str, Lot] = {}
        self.lots_by_user: dict[str, set[str]] = {}
        self.calls: dict[str, Call] = {}
        self.open_calls: set[str] = set()
        self.idempotency: dict[tuple[str, str], Idempotency] = {}
        self.journal: dict[str, Transfer] = {}
        self.audit: list[AuditEntry] = []

    def apply(self, row: Row) -> None:
        """Let `row` stand. A change of the catalogue (provider, credential, rate) makes a new version."""
        match row:
            case Call():
                self.calls[row.id] = row
                (self.open_calls.add if row.ending is None else self.open_calls.discard)(row.id)
            case Lot():
                self.lots[row.id] = row
                self.lots_by_user.setdefault(row.user_id, set()).add(row.id)
            case Transfer():
                assert row.id not in self.journal, f"{row.id} is in the journal already"
                self.journal[row.id] = row
            case Idempotency():
                self.idempotency[row.user_id, row.key] = row
            case ApiKey():
                self.keys[row.id] = row
                self.keys_by_fingerprint[row.fingerprint] = row.id
            case User():
                self.users[row.id] = row
                self.users_by_name[row.name] = row.id
            case ProviderRow():
                self.providers[row.name] = row
                self.version += 1
            case Credential():
                self.credentials[row.id] = row
                self.version += 1
            case Rate():
                self.rates.setdefault((row.provider, row.model), []).append(row)
                self.version += 1
            case AuditEntry():
                self.audit.append(row)

    def wallet(self, user_id: str) -> tuple[Lot, ...]:
        """The user's lots, in no particular order."""
        return tuple(self.lots[lot_id] for lot_id in self.lots_by_user.get(user_id, ()))


# --- scopes: what a rule asks to see ----------------------------------------------------------------------

F_co = TypeVar("F_co", covariant=True)


class View(Protocol[F_co]):
    """A scope names the rows that a rule needs (its fields) and shows them as facts (`view`)."""

    def view(self, books: Books) -> F_co:
        """The facts, from a working copy that holds at least the rows this scope names."""
        ...


class CallFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What `plan_call` sees. `twin` is an earlier call with the same Idempotency-Key, `twin_call` its row."""

    version: int
    key: ApiKey | None
    user: User | None
    lots: tuple[Lot, ...]
    twin: Idempotency | None
    twin_call: Call | None


class CallScope(msgspec.Struct, frozen=True, kw_only=True):
    """The key of that fingerprint, its user's wallet, and the Idempotency-Key where one was sent."""

    fingerprint: str
    idempotency_key: str | None = None

    def view(self, books: Books) -> CallFacts:
        """The caller as the books know it now."""
        key = books.keys.get(books.keys_by_fingerprint.get(self.fingerprint, ""))
        if key is None:
            return CallFacts(version=books.version, key=None, user=None, lots=(), twin=None, twin_call=None)
        twin = books.idempotency.get((key.user_id, self.idempotency_key)) if self.idempotency_key else None
        return CallFacts(
            version=books.version,
            key=key,
            user=books.users.get(key.user_id),
            lots=books.wallet(key.user_id),
            twin=twin,
            twin_call=books.calls.get(twin.call_id) if twin else None,
        )


class SettleFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What `settle` sees: the call, the lots it holds from, and its Idempotency-Key's row."""

    call: Call | None
    lots: tuple[Lot, ...]
    twin: Idempotency | None


class SettleScope(msgspec.Struct, frozen=True, kw_only=True):
    """One call and the lots that it holds from."""

    call_id: str

    def view(self, books: Books) -> SettleFacts:
        """The call as the books know it now."""
        call = books.calls.get(self.call_id)
        if call is None:
            return SettleFacts(call=None, lots=(), twin=None)
        lots = tuple(books.lots[line.lot_id] for line in call.hold_lines)
        twin = books.idempotency.get((call.user_id, call.idempotency_key)) if call.idempotency_key else None
        return SettleFacts(call=call, lots=lots, twin=twin)


class SweepFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What `sweep` sees: open calls, the lots they hold from, lots past their expiry, answers kept too long."""

    open_calls: tuple[Call, ...]
    lots: tuple[Lot, ...]
    stale_answers: tuple[Idempotency, ...] = ()


class SweepScope(msgspec.Struct, frozen=True, kw_only=True):
    """What may need closing at `now_ms`.

    All open calls (at most `calls_max`, the oldest) with their lots, expired lots with credit left, and kept answers
    whose time is over.
    """

    now_ms: int
    calls_max: int = 500

    @property
    def answers_until_ms(self) -> int:
        """Answers kept since this moment or longer are not to be given again."""
        return self.now_ms - IDEMPOTENCY_KEPT_MS

    def view(self, books: Books) -> SweepFacts:
        """What may need closing."""
        open_calls = sorted((books.calls[i] for i in books.open_calls), key=lambda call: (call.started_ms, call.id))
        chosen = tuple(open_calls[: self.calls_max])
        wanted = {line.lot_id for call in chosen for line in call.hold_lines}
        wanted |= {
            lot.id
            for lot in books.lots.values()
            if lot.expires_ms is not None and lot.expires_ms <= self.now_ms and lot.available_nanos
        }
        stale = (
            kept
            for kept in books.idempotency.values()
            if kept.answer is not None and kept.created_ms <= self.answers_until_ms
        )
        return SweepFacts(
            open_calls=chosen,
            lots=tuple(books.lots[i] for i in sorted(wanted)),
            stale_answers=tuple(sorted(stale, key=lambda kept: (kept.user_id, kept.key))),
        )


class UserFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule about a user sees. `users` counts all, so that the first can be told."""

    user: User | None
    lots: tuple[Lot, ...]


class UserScope(msgspec.Struct, frozen=True, kw_only=True):
    """The user of that name, and the wallet."""

    name: str

    def view(self, books: Books) -> UserFacts:
        """The user as the books know it now."""
        user = books.users.get(books.users_by_name.get(self.name, ""))
        return UserFacts(user=user, lots=books.wallet(user.id) if user else ())


class KeyScope(msgspec.Struct, frozen=True, kw_only=True):
    """The API key of that id."""

    key_id: str

    def view(self, books: Books) -> ApiKey | None:
        """The key, revoked or not."""
        return books.keys.get(self.key_id)


class ProviderFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule about a provider sees: its row, its credentials and its rates, removed ones too."""

    provider: ProviderRow | None
    credentials: tuple[Credential, ...]
    rates: tuple[Rate, ...]


class ProviderScope(msgspec.Struct, frozen=True, kw_only=True):
    """The provider of that name with all that hangs on it."""

    name: str

    def view(self, books: Books) -> ProviderFacts:
        """The provider as the books know it now."""
        return ProviderFacts(
            provider=books.providers.get(self.name),
            credentials=tuple(c for c in books.credentials.values() if c.provider == self.name),
            rates=tuple(
                rate for (provider, _), versions in books.rates.items() if provider == self.name for rate in versions
            ),
        )


class CredentialScope(msgspec.Struct, frozen=True, kw_only=True):
    """The credential of that id."""

    credential_id: str

    def view(self, books: Books) -> Credential | None:
        """The credential, active or not."""
        return books.credentials.get(self.credential_id)


Scope: TypeAlias = CallScope | SettleScope | SweepScope | UserScope | KeyScope | ProviderScope | CredentialScope
