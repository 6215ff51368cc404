"""The rows of a call, what is kept for repeated requests, the audit log, and the union of all rows.

A decision carries `writes`, rows in their new state. `Call`, `Transfer` and `AuditEntry` rows are only added.
"""

from typing import Any, Literal, Protocol, TypeAlias, get_args

import msgspec

from domain.accounts.rows import ApiKey, Member, User
from domain.books.statistics.usage_sum import UsageSum
from domain.catalog.aliases import Alias
from domain.catalog.rows import Credential, ProviderRow
from domain.ledger.rows import Adjustment, Grant, HoldLine, Transfer
from domain.limits.notices import Notice, Webhook
from domain.limits.rows import Budget, BudgetSpent, Limit, LimitCell, Reservation, Run
from domain.model_api.call import AttemptRecord
from domain.pricing.price_book import Price
from domain.pricing.rate import Rate
from domain.usage import Usage

Ending = Literal["completed", "provider_failed", "client_disconnected", "timed_out", "lost"]


UsageSource = Literal["provider", "adjusted", "estimated"]


# How long the answer of a call with an Idempotency-Key can be repeated.
IDEMPOTENCY_KEPT_MS = 24 * 3_600_000


# What the row of a call keeps of its hold's, so that budgets and runs can be derived again.
KEPT_RESERVATIONS = frozenset(("budget", "run"))


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A call that runs: the credit that it holds, and what was known of it at its admission.

    It is written once and never changed. The `Call` of the same id takes its place when the call ends. `owner` is the
    process that runs the call, `deadline_ms` the end of its lease. `wallet_id` is the account that pays, where that is
    not `user_id`, and `team_id` the team of the key. `app`, `run_id`, `trace_id` and `client` are what the request says
    about itself (`Origin`); the app of the key stands for one that names none.
    `reserved` is what the call has taken of limits, budgets and its run's purse.
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
    wallet_id: str | None = None
    app: str | None = None
    run_id: str | None = None
    trace_id: str | None = None
    client: str | None = None
    reserved: tuple[Reservation, ...] = ()
    operation: str = "chat"
    team_id: str | None = None

    @property
    def payer_id(self) -> str:
        """The account whose wallet the hold is on."""
        return self.wallet_id or self.user_id


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call in the call log. Its row is written once, when it ends, and in the same write its hold is removed.

    Readers show a call that runs as well, by its hold (`running`): only then `ending` is None. `owner` is the process
    that runs the call or has left it; None after a settlement. `uncollected_nanos` is the price of the usage beyond the
    hold: never captured, but recorded. `service_tier` is reported by the provider; `size` and `quality` are of the
    images or the video that it made, or as requested. `cost_nanos` is what the provider asks, in nano-USD, under the
    price `price_id` of the book, or as the provider reported if that is None; None if any part of it is unknown. The
    other fields of the request are those of `Hold`.
    """

    id: str
    user_id: str
    key_id: str
    dialect: str
    model: str
    stream: bool
    billed: bool
    started_ms: int
    hold_nanos: int
    hold_lines: tuple[HoldLine, ...]
    owner: str | None = None
    idempotency_key: str | None = None
    wallet_id: str | None = None
    app: str | None = None
    run_id: str | None = None
    trace_id: str | None = None
    client: str | None = None
    reserved: tuple[Reservation, ...] = ()
    operation: str = "chat"
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
    team_id: str | None = None

    @property
    def payer_id(self) -> str:
        """The account that has paid for the call."""
        return self.wallet_id or self.user_id


def call_of(hold: Hold, owner: str | None, **ended: Any) -> Call:
    """The call of a hold: with the fields of its ending, or without them as it runs."""
    return Call(
        id=hold.id,
        user_id=hold.user_id,
        key_id=hold.key_id,
        dialect=hold.dialect,
        model=hold.model,
        stream=hold.stream,
        billed=hold.billed,
        started_ms=hold.started_ms,
        hold_nanos=hold.hold_nanos,
        hold_lines=hold.hold_lines,
        owner=owner,
        idempotency_key=hold.idempotency_key,
        wallet_id=hold.wallet_id,
        app=hold.app,
        run_id=hold.run_id,
        trace_id=hold.trace_id,
        client=hold.client,
        reserved=tuple([one for one in hold.reserved if one.kind in KEPT_RESERVATIONS]) if hold.reserved else (),
        operation=hold.operation,
        team_id=hold.team_id,
        **ended,
    )


def running(hold: Hold) -> Call:
    """The call of a hold while it runs, as the call log shows it."""
    return call_of(hold, hold.owner)


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


class ImportedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that another gateway made, as its log has it, for reading alone: no credit of the hub was moved for it.

    `id` begins with the `source`. `caller` is the user there, who has the same name here. `credits_nanos` is what it
    was charged there; None: not known. `status` is the word that the source has for the ending.
    """

    id: str
    source: str
    caller: str
    app: str | None
    provider: str | None
    model: str
    operation: str
    status: str
    started_ms: int
    duration_ms: int | None
    first_byte_ms: int | None
    usage: Usage | None
    credits_nanos: int | None
    error: str | None
    request_id: str | None
    trace_id: str | None


_OfLimits: TypeAlias = Limit | LimitCell | Budget | BudgetSpent | Run


_OfTheMarket: TypeAlias = ProviderRow | Credential | Rate | Alias | Price


_OfACall: TypeAlias = Hold | Call | Adjustment | Idempotency | UsageSum


_OfNotices: TypeAlias = Notice | Webhook


Row: TypeAlias = (
    User
    | Member
    | ApiKey
    | ImportedCall
    | _OfTheMarket
    | Grant
    | Transfer
    | _OfACall
    | _OfLimits
    | _OfNotices
    | AuditEntry
)
ROW_TYPES: frozenset[type[msgspec.Struct]] = frozenset(get_args(Row))


class Decision(Protocol):
    """What a rule returns: an outcome, and the rows that make it true."""

    @property
    def writes(self) -> tuple[Row, ...]:
        """The rows to write, all or none."""
        ...
