"""Changing users, keys, providers, credentials, rates and grants: each change with its audit entry, in one decision.

A rule gets the rows it needs as facts, and ids, secrets' fingerprints and the time as values.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from domain.accounts.identity import is_team_admin
from domain.accounts.permissions import MANAGED_WITH, PERMISSIONS
from domain.accounts.rows import ApiKey, Role, User
from domain.books.management_scopes import AliasFacts, KeyFacts, ProviderFacts, UserFacts
from domain.books.rows import AuditEntry, Row
from domain.catalog.aliases import Alias, flaw
from domain.catalog.rows import Credential, ProviderRow
from domain.ledger.ledger import add_grant
from domain.ledger.rows import Grant
from domain.pricing.rate import Rate
from domain.refusals import AlreadyExists, BadRequest, NotAllowed, NotFound, Remedy

STARTER_SOURCE = "starter"


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts, in which role, when, and the id under which the audit log keeps it.

    `user_id` is the user who acts; None for the operator's commands.
    """

    name: str
    role: Role = "owner"
    user_id: str | None = None
    now_ms: int
    audit_id: str


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """The change was made: the row that it is about, and all that is written."""

    row: Row
    writes: tuple[Row, ...]


class Unchanged(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing to do: the state is already as requested. `row` is the row as it is."""

    row: Row
    writes: tuple[Row, ...] = ()


class Denied(msgspec.Struct, frozen=True, kw_only=True):
    """The change was not made."""

    refusal: NotFound | AlreadyExists | BadRequest | NotAllowed
    writes: tuple[Row, ...] = ()


Outcome: TypeAlias = Changed | Unchanged | Denied


def guarded(actor: Actor, user: User) -> Denied | None:
    """The denial of an actor whose role may not manage users of that role; None where it may."""
    permission = MANAGED_WITH[user.role]
    if actor.role in PERMISSIONS[permission]:
        return None
    return Denied(refusal=NotAllowed(action=permission, role=actor.role))


def is_operator(actor: Actor) -> bool:
    """Whether the actor manages every account, but perhaps not those of owners."""
    return actor.role in PERMISSIONS["manage accounts"]


def person(facts: UserFacts) -> User | None:
    """The user of the facts; None where there is none, or a team."""
    return None if facts.user is None or facts.user.is_team else facts.user


def add_user(facts: UserFacts, actor: Actor, user: User) -> Outcome:
    """A new user; AlreadyExists if the name is taken."""
    if (denial := guarded(actor, user)) is not None:
        return denial
    if facts.user is not None:
        return Denied(refusal=AlreadyExists(kind="user", name=user.name))
    return changed(actor, "user add", user.name, user, detail=f"role {user.role}")


def add_key(facts: UserFacts, actor: Actor, user_name: str, key_of: Callable[[User], ApiKey]) -> Outcome:
    """A new API key for an existing user; `key_of` makes its row for that user."""
    if not is_operator(actor):
        return Denied(refusal=NotAllowed(action="manage accounts", role=actor.role))
    user = person(facts)
    if user is None:
        return Denied(refusal=no_user(user_name))
    if (denial := guarded(actor, user)) is not None:
        return denial
    key = key_of(user)
    return changed(actor, "key create", key.id, key, detail=f"{key.prefix}… for {user_name}")


def revoke_key(facts: KeyFacts, actor: Actor, key_id: str) -> Outcome:
    """The key authenticates no later call, in any process; running calls end normally."""
    key = managed_key(facts, actor, key_id)
    if isinstance(key, Denied):
        return key
    if key.revoked_ms is not None:
        return Unchanged(row=key)
    return changed(actor, "key revoke", key.id, msgspec.structs.replace(key, revoked_ms=actor.now_ms))


def managed_key(facts: KeyFacts, actor: Actor, key_id: str) -> ApiKey | Denied:
    """The key, if the actor may manage it: an operator, or for a key of a team an admin of that team.

    Anybody else does not learn whether there is such a key.
    """
    key, user = facts.key, facts.user
    of_own_team = key is not None and key.team_id is not None and is_team_admin(facts.acting)
    if key is None or user is None or not (of_own_team or is_operator(actor)):
        return Denied(refusal=NotFound(kind="key", name=key_id, remedy=Remedy("key list")))
    return key if of_own_team else guarded(actor, user) or key


def add_provider(facts: ProviderFacts, actor: Actor, provider: ProviderRow) -> Outcome:
    """A new provider, a removed one again, or a change of an existing one."""
    had = facts.provider
    if had is not None and had.removed_ms is None:
        kept = provider.display_name or had.display_name
        provider = msgspec.structs.replace(provider, display_name=kept, disabled_ms=had.disabled_ms)
    if had and had.removed_ms is None and msgspec.structs.replace(provider, created_ms=had.created_ms) == had:
        return Unchanged(row=had)
    if facts.alias is not None:
        return Denied(refusal=AlreadyExists(kind="alias", name=provider.name))
    return changed(actor, "provider add", provider.name, provider, detail=f"{provider.dialect} at {provider.base_url}")


def remove_provider(facts: ProviderFacts, actor: Actor, name: str) -> Outcome:
    """The provider is no longer called; its credentials are removed with it, its rates stay for the books."""
    if facts.provider is None or facts.provider.removed_ms is not None:
        return Denied(refusal=NotFound(kind="provider", name=name, remedy=Remedy("provider list")))
    gone = msgspec.structs.replace(facts.provider, removed_ms=actor.now_ms)
    credentials = tuple(
        msgspec.structs.replace(credential, removed_ms=actor.now_ms, active=False)
        for credential in facts.credentials
        if credential.removed_ms is None
    )
    return changed(actor, "provider remove", name, gone, *credentials)


def add_credential(facts: ProviderFacts, actor: Actor, credential: Credential) -> Outcome:
    """A new credential for an existing provider."""
    if facts.provider is None or facts.provider.removed_ms is not None:
        return Denied(refusal=no_provider(credential.provider))
    return changed(
        actor, "credential add", credential.id, credential, detail=f"{credential.masked} for {credential.provider}"
    )


def remove_credential(credential: Credential | None, actor: Actor, credential_id: str) -> Outcome:
    """The credential is no longer used."""
    if credential is None or credential.removed_ms is not None:
        return Denied(refusal=no_credential(credential_id))
    gone = msgspec.structs.replace(credential, removed_ms=actor.now_ms, active=False)
    return changed(actor, "credential remove", credential_id, gone)


def deactivate_credential(credential: Credential | None, actor: Actor, credential_id: str, error: str) -> Outcome:
    """The provider rejected the credential: it is not used until an operator activates or replaces it."""
    if credential is None or credential.removed_ms is not None:
        return Denied(refusal=no_credential(credential_id))
    if not credential.active:
        return Unchanged(row=credential)
    off = msgspec.structs.replace(credential, active=False, error=error, error_ms=actor.now_ms)
    return changed(actor, "credential deactivate", credential_id, off, detail=error)


def activate_credential(credential: Credential | None, actor: Actor, credential_id: str) -> Outcome:
    """The operator has fixed the cause at the provider: the credential is used again."""
    if credential is None or credential.removed_ms is not None:
        return Denied(refusal=no_credential(credential_id))
    if credential.active:
        return Unchanged(row=credential)
    on = msgspec.structs.replace(credential, active=True, error=None, error_ms=None)
    return changed(actor, "credential activate", credential_id, on)


def set_rate(facts: ProviderFacts, actor: Actor, rate: Rate, keeps_listing: bool = True) -> Outcome:
    """A new version of a model's rate; the versions before it stay, for the charges made under them.

    It has the display name and the place in lists of the version before it, if it `keeps_listing`.
    """
    if facts.provider is None or facts.provider.removed_ms is not None:
        return Denied(refusal=no_provider(rate.provider))
    subject = f"{rate.provider}/{rate.model}"
    rate = _after_all_in_force(_listed_as_before(rate, facts.rates) if keeps_listing else rate, facts.rates)
    if rate.removed:
        current = max(
            (r for r in facts.rates if r.model == rate.model), key=lambda r: (r.effective_ms, r.known_ms), default=None
        )
        if current is None or current.removed:
            return Denied(refusal=NotFound(kind="rate", name=subject, remedy=Remedy("rate list")))
        return changed(actor, "rate remove", subject, rate)
    return changed(actor, "rate set", subject, rate, detail=rate.id)


def _listed_as_before(rate: Rate, rates: Sequence[Rate]) -> Rate:
    """The version with the display name and the mark of the version before it, unless it has a name of its own."""
    versions = [one for one in rates if one.model == rate.model]
    if rate.removed or rate.display_name is not None or rate.hidden or not versions:
        return rate
    before = max(versions, key=lambda one: (one.effective_ms, one.known_ms))
    if before.removed:
        return rate
    return msgspec.structs.replace(rate, display_name=before.display_name, hidden=before.hidden)


def _after_all_in_force(rate: Rate, rates: Sequence[Rate]) -> Rate:
    """The version begins after those in force, also in their millisecond and after the clock has gone back."""
    in_force = [one.effective_ms for one in rates if one.model == rate.model and one.effective_ms <= one.known_ms]
    newest_ms = max(in_force, default=0)
    if rate.effective_ms != rate.known_ms or rate.effective_ms > newest_ms:
        return rate
    return msgspec.structs.replace(rate, effective_ms=newest_ms + 1, known_ms=newest_ms + 1)


def set_alias(facts: AliasFacts, actor: Actor, alias: Alias) -> Outcome:
    """A new alias, or a new version of one; never a provider's name, and never a cycle."""
    if alias.name in facts.providers:
        return Denied(refusal=AlreadyExists(kind="provider", name=alias.name))
    for model in alias.models:
        provider, _, rest = model.partition("/")
        if rest and provider not in facts.providers:
            return Denied(refusal=no_provider(provider))
    new = {alias.name: alias}
    problem = flaw(new | facts.aliases | new)  # the new one first, so that a flaw is reported from it
    if problem is not None:
        return Denied(refusal=BadRequest(field="targets", problem=problem))
    had = facts.aliases.get(alias.name)
    if had is not None and msgspec.structs.replace(alias, id=had.id, known_ms=had.known_ms) == had:
        return Unchanged(row=had)
    return changed(actor, "alias set", alias.name, alias, detail=f"{alias.strategy}: {', '.join(alias.models)}")


def remove_alias(facts: AliasFacts, actor: Actor, name: str, alias_id: str) -> Outcome:
    """The name leads nowhere from now on; earlier versions stay, for the calls made under them."""
    had = facts.aliases.get(name)
    if had is None:
        return Denied(refusal=NotFound(kind="alias", name=name, remedy=Remedy("alias list")))
    gone = msgspec.structs.replace(had, id=alias_id, known_ms=actor.now_ms, removed=True)
    return changed(actor, "alias remove", name, gone)


def grant_credit(facts: UserFacts, actor: Actor, user_name: str, grant_of: Callable[[User], Grant]) -> Outcome:
    """Credit for an existing user; `grant_of` makes the grant for that user."""
    if facts.user is None:
        return Denied(refusal=no_user(user_name))
    if not facts.user.has_wallet:
        return no_wallet(facts.user, "user")
    grant = grant_of(facts.user)
    moves = add_grant(grant)
    return changed(
        actor, "credit grant", user_name, grant, *moves.transfers, detail=f"{grant.amount_nanos} nanocredits"
    )


def changed(actor: Actor, action: str, subject: str, row: Row, *more: Row, detail: str = "") -> Changed:
    """The change of `row` and of `more`, with its audit entry."""
    entry = AuditEntry(
        id=actor.audit_id, at_ms=actor.now_ms, actor=actor.name, action=action, subject=subject, detail=detail
    )
    return Changed(row=row, writes=(row, *more, entry))


def no_wallet(team: User, field: str) -> Denied:
    """The denial of credit for a team without a wallet, where nobody could spend it; `field` names the team."""
    problem = f"{team.name} has no wallet: give the team one first"
    return Denied(refusal=BadRequest(field=field, problem=problem, remedy=Remedy("team wallet", team.team_name)))


def no_credential(credential_id: str) -> NotFound:
    """The refusal for a credential that does not exist."""
    return NotFound(kind="credential", name=credential_id, remedy=Remedy("credential list"))


def no_user(name: str) -> NotFound:
    """The refusal for a user who does not exist."""
    return NotFound(kind="user", name=name, remedy=Remedy("user add", name))


def no_provider(name: str) -> NotFound:
    """The refusal for a provider that does not exist."""
    return NotFound(kind="provider", name=name, remedy=Remedy("provider add", name))
