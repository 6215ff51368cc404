"""The context of management: it needs less than serving, so a command starts without an HTTP client.

A use case of the action table takes an `ActionContext` and its request struct, and returns its reply or a `Denial`. It
knows no entrypoint: a refusal names a field of the request, and a remedy names another action.
"""

from collections.abc import Callable
from typing import Protocol, TypeAlias, TypeVar

import msgspec

from domain.accounts.rows import Role
from domain.books.rows import Row
from domain.catalog.aliases import Strategy
from domain.management.changes import Actor, Changed, Denied, Outcome, Unchanged
from domain.management.rates_from_prices import Terms
from domain.refusals import AlreadyExists, BadRequest, NotAllowed, NotFound, UnknownModel, UnpricedModel
from entrypoints.usecases.manage.usage_past import UsagePast
from ports.aigne import AigneOpener
from ports.books import Storage
from ports.environment import Calendar, Clock, Ids, Liveness
from ports.price_book import PriceBook
from ports.sealing import MasterKeys, SealedBooks
from ports.vault import Vault

Denial: TypeAlias = NotFound | AlreadyExists | BadRequest | NotAllowed | UnknownModel | UnpricedModel
Done: TypeAlias = Changed | Unchanged
Kind = TypeVar("Kind", bound=Row)


class ManagementContext(Protocol):
    """The ports that management needs: `ManagementPorts`, or the whole `CallContext`."""

    @property
    def storage(self) -> Storage: ...
    @property
    def book(self) -> PriceBook: ...
    @property
    def vault(self) -> Vault: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def calendar(self) -> Calendar: ...
    @property
    def ids(self) -> Ids: ...
    @property
    def liveness(self) -> Liveness: ...
    @property
    def sealing(self) -> "Sealing | None": ...
    @property
    def usage_past(self) -> UsagePast | None: ...


class Starter(msgspec.Struct, frozen=True, kw_only=True):
    """The credit that a new user gets: an amount in nanocredits and its lifetime in days (0: no expiry)."""

    nanos: int
    days: int = 0


class ActionPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator's settings decide about actions.

    starter     the credit that a new user gets; None: none
    terms       the terms by which the price book's models are sold; None: only models with a rate are sold
    billed      whether calls are charged
    strategy    how a model that several providers serve is routed
    time_zone   whose days and months statistics have, unless a request names another
    low_balance_nanos  the threshold of wallets that have none of their own; None: none
    private_webhooks   whether the webhook may be at a loopback or private address, over HTTP too
    """

    starter: Starter | None = None
    terms: Terms | None = None
    billed: bool = False
    strategy: Strategy = "round-robin"
    time_zone: str = "UTC"
    low_balance_nanos: int | None = None
    private_webhooks: bool = False


def _ignore(progress: str) -> None:
    """Discard the progress."""


class ActionContext(msgspec.Struct, frozen=True, kw_only=True):
    """The context of an action: the hub, the name of the actor for the audit log with the role, and the policy.

    `user_id` is the user who acts, None for the operator's commands. `report` receives the progress of a long action.
    `own` is the name of the account whose things alone the action is about, where a user asks who may see no others;
    None for operators. `own_key` is the id of the key whose calls alone that is, where a team pays for it.
    """

    hub: ManagementContext
    by: str
    role: Role = "owner"
    user_id: str | None = None
    policy: ActionPolicy = ActionPolicy()
    report: Callable[[str], None] = _ignore
    open_aigne: AigneOpener | None = None
    own: str | None = None
    own_key: str | None = None


class NoFields(msgspec.Struct, frozen=True):
    """The request of an action that needs no fields."""


class Sealing(msgspec.Struct, frozen=True, kw_only=True):
    """The master keys, and the books that are sealed under them."""

    keys: MasterKeys
    books: SealedBooks


class ManagementPorts(msgspec.Struct, frozen=True, kw_only=True):
    """The hub without its providers, for the command line and for the time before serving starts."""

    storage: Storage
    book: PriceBook
    vault: Vault
    clock: Clock
    calendar: Calendar
    ids: Ids
    liveness: Liveness
    sealing: Sealing | None = None
    usage_past: UsagePast | None = None


def actor(context: ManagementContext, name: str, role: Role = "owner", user_id: str | None = None) -> Actor:
    """The actor of that name, acting now. The command line acts as an owner."""
    now_ms, audit_id = context.clock.now_ms(), context.ids.new("audit")
    return Actor(name=name, role=role, user_id=user_id, now_ms=now_ms, audit_id=audit_id)


def acting(context: ActionContext) -> Actor:
    """The actor of an action, acting now."""
    return actor(context.hub, context.by, context.role, context.user_id)


def row_of(outcome: Outcome, row: type[Kind]) -> Kind | Denial:
    """The row that was changed, or the reason why it was not."""
    if isinstance(outcome, Denied):
        return outcome.refusal
    assert isinstance(outcome.row, row)
    return outcome.row
