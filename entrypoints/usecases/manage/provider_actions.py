"""The actions on providers and their credentials: their requests, replies and use cases."""

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from domain.books.statistics.summary import UsageQuery
from domain.books.statistics.usage_sum import SLOT_MS
from domain.catalog.rows import Credential, ProviderRow
from domain.catalog.vendors import VENDORS
from domain.management.changes import Denied, Unchanged
from entrypoints.usecases.manage import providers
from entrypoints.usecases.manage.rates_from_prices import sell_by_rule
from entrypoints.usecases.management_context import ActionContext, Denial, ManagementContext, NoFields, row_of
from entrypoints.usecases.public_types import Moment, moment

DAY_MS = 86_400_000
_RECENT_MS = 31 * DAY_MS


class AddProvider(msgspec.Struct, frozen=True, kw_only=True):
    """A provider to be, or to be changed; a known name brings its dialect and URL."""

    name: Annotated[str, Meta(description="of a vendor, such as openai or anthropic, or one of your own")]
    dialect: Annotated[str | None, Meta(description="the dialect of its chat, such as openai, anthropic or ollama")] = (
        None
    )
    base_url: Annotated[str | None, Meta(description="what the paths of the dialect are appended to")] = None
    display_name: Annotated[str | None, Meta(description="what people see (the name)")] = None
    region: Annotated[str | None, Meta(description="of the vendor's servers, such as eu-central-1 for bedrock")] = None
    priority: Annotated[int, Meta(description="providers of a lower number are tried first for a bare model")] = 0
    weight: Annotated[int, Meta(description="its share of the calls among providers of one priority")] = 1


class ProviderView(msgspec.Struct, frozen=True, kw_only=True):
    """A provider, as a list shows it."""

    name: str
    dialect: str
    base_url: str
    priority: int
    weight: int
    created: Moment
    display_name: str
    enabled: bool
    region: str | None


class ProviderAdded(ProviderView, frozen=True, kw_only=True):
    """The provider as it is now, the change, and whether it needs a credential and has none."""

    done: Literal["added", "changed", "unchanged"]
    needs_credential: bool


class NamedProvider(msgspec.Struct, frozen=True, kw_only=True):
    """A provider by its name."""

    name: Annotated[str, Meta(description="the name of the provider")]


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """The removed provider, by its name."""

    name: str
    removed: bool = True


class AddCredential(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's secret; of several, each is used in proportion to its weight."""

    provider: Annotated[str, Meta(description="the name of the provider")]
    secret: Annotated[str, Meta(description="the secret itself, such as an API key")]
    name: Annotated[str, Meta(description="what to call it")] = ""
    weight: Annotated[int, Meta(description="its share of the calls")] = providers.WEIGHT


class CredentialView(msgspec.Struct, frozen=True, kw_only=True):
    """A credential, with its secret masked. `error`: why its provider rejected it, or its last check failed."""

    id: str
    provider: str
    name: str
    secret: str
    weight: int
    active: bool
    error: str | None
    error_at: Moment | None
    created: Moment
    uses: Annotated[int, Meta(description="the calls that it answered")] = 0
    last_used: Annotated[Moment | None, Meta(description="to a quarter of an hour; null before a month")] = None


class NamedCredential(msgspec.Struct, frozen=True, kw_only=True):
    """A credential by its id."""

    id: Annotated[str, Meta(description="the id of the credential")]


class CredentialActivated(msgspec.Struct, frozen=True, kw_only=True):
    """The credential is used again."""

    id: str
    active: bool = True


class CredentialRemoved(msgspec.Struct, frozen=True, kw_only=True):
    """The credential is used no more."""

    id: str
    removed: bool = True


async def add_provider(context: ActionContext, request: AddProvider) -> ProviderAdded | Denial:
    """A provider; adding one again with another URL moves it."""
    hub = context.hub
    known = {row.name for row in await providers.providers(hub.storage)}
    outcome = await providers.create_provider(
        hub,
        context.by,
        request.name,
        request.dialect,
        request.base_url,
        request.priority,
        request.weight,
        request.display_name,
        request.region,
    )
    row = row_of(outcome, ProviderRow)
    if not isinstance(row, ProviderRow):
        return row
    await sell_by_rule(hub, context.policy.terms, row.name)
    vendor = VENDORS.get(row.name)
    has = any(credential.provider == row.name for credential in await providers.credentials(hub.storage))
    return ProviderAdded(
        **msgspec.structs.asdict(provider_view(row)),
        done="unchanged" if isinstance(outcome, Unchanged) else "changed" if row.name in known else "added",
        needs_credential=vendor is not None and vendor.needs_credential and not has,
    )


async def list_providers(context: ActionContext, request: NoFields) -> list[ProviderView] | Denial:
    """All providers that are not removed."""
    return [*map(provider_view, await providers.providers(context.hub.storage))]


async def remove_provider(context: ActionContext, request: NamedProvider) -> Removed | Denial:
    """The provider and its credentials are used no more."""
    outcome = await providers.delete_provider(context.hub, context.by, request.name)
    return outcome.refusal if isinstance(outcome, Denied) else Removed(name=request.name)


async def add_credential(context: ActionContext, request: AddCredential) -> CredentialView | Denial:
    """A secret for an existing provider."""
    outcome = await providers.create_credential(
        context.hub, context.by, request.provider, request.secret, request.name, request.weight
    )
    row = row_of(outcome, Credential)
    return credential_view(row) if isinstance(row, Credential) else row


async def list_credentials(context: ActionContext, request: NoFields) -> list[CredentialView] | Denial:
    """All credentials that are not removed, also those that their provider rejected."""
    storage = context.hub.storage
    used = await credential_usage(context.hub)
    rows = await providers.credentials(storage)
    return [credential_view(row, used.get(row.id, NEVER_USED)) for row in rows]


class CredentialUsage(msgspec.Struct, frozen=True):
    """How many calls a credential answered, and the quarter of an hour of its last one, within a month."""

    uses: int = 0
    last_ms: int | None = None


NEVER_USED = CredentialUsage()


async def credential_usage(hub: ManagementContext) -> dict[str, CredentialUsage]:
    """The usage of every credential that was used, by its id."""
    now_ms = hub.clock.now_ms()
    query = UsageQuery(from_ms=0, to_ms=now_ms + SLOT_MS, by=("credential_id",), by_slot=True)
    uses: dict[str, int] = {}
    days: dict[str, int] = {}
    past = hub.usage_past
    for one in await (hub.storage.usage(query) if past is None else past.usage(hub, "UTC", query)):
        uses[one.credential_id] = uses.get(one.credential_id, 0) + one.calls
        days[one.credential_id] = max(one.slot_ms, days.get(one.credential_id, 0))
    recent = {at_ms - at_ms % DAY_MS for at_ms in days.values() if at_ms > now_ms - _RECENT_MS}
    last = await _last_used(hub, recent)
    return {name: CredentialUsage(count, last.get(name)) for name, count in uses.items()}


async def _last_used(hub: ManagementContext, starts_ms: Iterable[int]) -> dict[str, int]:
    """The last quarter of an hour of each credential, of those in the days that begin then."""
    last: dict[str, int] = {}
    for start_ms in starts_ms:
        day = UsageQuery(from_ms=start_ms, to_ms=start_ms + DAY_MS, by=("credential_id",), by_slot=True)
        for one in await hub.storage.usage(day):
            last[one.credential_id] = max(one.slot_ms, last.get(one.credential_id, 0))
    return last


async def activate_credential(context: ActionContext, request: NamedCredential) -> CredentialActivated | Denial:
    """The credential is used again, although its provider rejected it; one that is active is no error."""
    outcome = await providers.reactivate(context.hub, context.by, request.id)
    return outcome.refusal if isinstance(outcome, Denied) else CredentialActivated(id=request.id)


async def remove_credential(context: ActionContext, request: NamedCredential) -> CredentialRemoved | Denial:
    """The credential is used no more."""
    outcome = await providers.delete_credential(context.hub, context.by, request.id)
    return outcome.refusal if isinstance(outcome, Denied) else CredentialRemoved(id=request.id)


def provider_view(row: ProviderRow) -> ProviderView:
    """A provider, to show it."""
    return ProviderView(
        name=row.name,
        dialect=row.dialect,
        base_url=row.base_url,
        priority=row.priority,
        weight=row.weight,
        created=Moment(row.created_ms),
        display_name=row.shown_name,
        enabled=row.disabled_ms is None,
        region=providers.region_of(row),
    )


def credential_view(row: Credential, used: CredentialUsage = NEVER_USED) -> CredentialView:
    """A credential, to show it; its secret is masked."""
    return CredentialView(
        id=row.id,
        provider=row.provider,
        name=row.name,
        secret=row.masked,
        weight=row.weight,
        active=row.active,
        error=row.error,
        error_at=moment(row.error_ms),
        uses=used.uses,
        last_used=moment(used.last_ms),
        created=Moment(row.created_ms),
    )
