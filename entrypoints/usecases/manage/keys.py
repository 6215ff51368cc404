"""The API keys of users.

An API key exists in clear only in the reply of the action that makes it; the books keep its fingerprint and its prefix.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from domain.accounts.rows import TEAM_MARK, ApiKey, Payer, Purpose, User
from domain.books.management_scopes import KeyFacts, KeyScope, UserScope
from domain.books.team_scopes import TeamScope
from domain.management import account_changes, changes, teams
from domain.management.changes import Actor, Outcome, is_operator
from domain.refusals import BadRequest, NotFound, Remedy
from entrypoints.usecases.manage.key_terms import KeyTerms, KeyView, label_problem, terms_problem, view_of
from entrypoints.usecases.manage.teams import managed_teams
from entrypoints.usecases.manage.users import user_names
from entrypoints.usecases.management_context import (
    ActionContext,
    Denial,
    ManagementContext,
    NoFields,
    acting,
    actor,
    row_of,
)
from entrypoints.usecases.public_types import Duration
from ports.readers.accounts import AccountReader

KEY_MARK = "ahk_"
DAY_MS = 86_400_000


class Minted(msgspec.Struct, frozen=True, kw_only=True):
    """A new key: `text` is the key itself, seen here and never again."""

    key: ApiKey
    text: str


Creation: TypeAlias = Minted | Denial
Rule: TypeAlias = Callable[[KeyFacts, Actor, str], Outcome]

_ID = Meta(description="the id of the key")
_PATTERNS = Meta(description="models it may call, such as openai/* or gpt-5; all if none is named")
_OPERATIONS = Meta(description="operations it may call models for, such as chat; all if none is named")
_APP = Meta(description="the app that it stands for, where a request names none")
_PURPOSE = Meta(description="what it is for: calling models, managing the hub, or both")


class CreateKey(msgspec.Struct, frozen=True, kw_only=True):
    """An API key to create."""

    user: Annotated[str, Meta(description="who calls with it")]
    name: Annotated[str, Meta(description="what to call it")] = ""
    expires_in: Annotated[Duration | None, Meta(description="such as 30d, 12h or 45m")] = None
    models: Annotated[tuple[str, ...], _PATTERNS] = ()
    operations: Annotated[tuple[str, ...], _OPERATIONS] = ()
    purpose: Annotated[Purpose, _PURPOSE] = "models"
    team: Annotated[str | None, Meta(description="the team that it belongs to, while the user is a member")] = None
    wallet: Annotated[Payer | None, Meta(description="whose wallet pays (that of the team, where one is named)")] = None
    app: Annotated[str, _APP] = ""


class KeyCreated(msgspec.Struct, frozen=True, kw_only=True):
    """A new API key: `key` is the key itself, shown here and never again."""

    id: str
    key: str
    user: str
    name: str
    prefix: str


class NamedKey(msgspec.Struct, frozen=True, kw_only=True):
    """The API key that is meant."""

    id: Annotated[str, _ID]


class KeyRevoked(msgspec.Struct, frozen=True, kw_only=True):
    """The key authenticates no later call."""

    id: str
    revoked: bool = True


class ChangeKey(msgspec.Struct, frozen=True, kw_only=True):
    """The API key to change; what is left out stays as it is."""

    id: Annotated[str, _ID]
    name: Annotated[str | None, Meta(description="what to call it")] = None
    expires_in: Annotated[Duration | None, Meta(description="from now, such as 30d")] = None
    models: Annotated[tuple[str, ...], Meta(description="models it may call from now on; * for all")] = ()
    operations: Annotated[tuple[str, ...], Meta(description="operations from now on; * for all")] = ()
    app: Annotated[str | None, Meta(description="the app that it stands for; an empty text is none")] = None


class RotateKey(msgspec.Struct, frozen=True, kw_only=True):
    """The API key to replace by a new one that may do the same."""

    id: Annotated[str, _ID]
    keep: Annotated[Duration | None, Meta(description="how long the old key stays valid (1d)")] = None


async def issue_key(context: ActionContext, request: CreateKey) -> KeyCreated | Denial:
    """A new API key for an existing user: the only reply that has the key itself."""
    terms = KeyTerms(
        expires_in_ms=request.expires_in,
        models=request.models,
        operations=request.operations,
        purpose=request.purpose,
        app=request.app,
    )
    if request.team is None:
        if request.wallet == "team":
            return BadRequest(field="wallet", problem="name the `team` that pays")
        minted = await mint(context.hub, acting(context), request.user, request.name, terms)
    else:
        minted = await _mint_for_team(context, request, request.team, terms)
    return _created(minted, request.user) if isinstance(minted, Minted) else minted


async def list_keys(context: ActionContext, request: NoFields) -> list[KeyView] | Denial:
    """All API keys for operators, oldest first; for others their own, and those of the teams that they manage."""
    return await _visible_keys(context)


async def show_key(context: ActionContext, request: NamedKey) -> KeyView | Denial:
    """One API key."""
    found = next((key for key in await _visible_keys(context) if key.id == request.id), None)
    return NotFound(kind="key", name=request.id, remedy=Remedy("key list")) if found is None else found


async def change_key(context: ActionContext, request: ChangeKey) -> KeyView | Denial:
    """The key with a new name, expiry, or limits to models and operations."""
    terms = KeyTerms(
        expires_in_ms=request.expires_in, models=request.models, operations=request.operations, app=request.app
    )
    if problem := label_problem(request.name or "") or terms_problem(terms):
        return problem
    new: dict[str, Any] = {} if request.name is None else {"name": request.name}
    new |= {"app": None} if request.app == "" else {}
    new |= {name: value for name, value in terms.fields(context.hub.clock.now_ms()).items() if value}
    return await _changed(context, request.id, partial(account_changes.change_key, new=new))


async def set_terms(context: ActionContext, key_id: str, terms: KeyTerms) -> KeyView | Denial:
    """The key under these terms: nothing of the ones before is kept."""
    if problem := terms_problem(terms):
        return problem
    new = {**terms.fields(context.hub.clock.now_ms()), "purpose": terms.purpose}
    return await _changed(context, key_id, partial(account_changes.change_key, new=new))


async def disable_key(context: ActionContext, request: NamedKey) -> KeyView | Denial:
    """The key authenticates nothing until it is enabled."""
    return await _changed(context, request.id, account_changes.disable_key)


async def enable_key(context: ActionContext, request: NamedKey) -> KeyView | Denial:
    """The key authenticates again."""
    return await _changed(context, request.id, account_changes.enable_key)


async def rotate_key(context: ActionContext, request: RotateKey) -> KeyCreated | Denial:
    """A new key that may do the same; the old one stays valid for a while."""
    hub, who, text = context.hub, acting(context), KEY_MARK + context.hub.ids.secret()
    successor = partial(_successor, hub, text, who.now_ms)
    rule = partial(
        account_changes.rotate_key, keep_ms=DAY_MS if request.keep is None else request.keep, successor_of=successor
    )
    scope = KeyScope(key_id=request.id, by=who.user_id)
    outcome = await hub.storage.decide(scope, lambda facts: rule(facts, who, request.id))
    key = row_of(outcome, ApiKey)
    if not isinstance(key, ApiKey):
        return key
    return _created(Minted(key=key, text=text), (await user_names(hub.storage))[key.user_id])


async def revoke_key(context: ActionContext, request: NamedKey) -> KeyRevoked | Denial:
    """The key authenticates no later call; revoking it twice is no error."""
    outcome = await _decided(context.hub, acting(context), request.id, changes.revoke_key)
    key = row_of(outcome, ApiKey)
    return KeyRevoked(id=key.id) if isinstance(key, ApiKey) else key


async def create_key(context: ManagementContext, by: str, user_name: str, label: str) -> Creation:
    """A new API key for an existing user, without limits."""
    return await mint(context, actor(context, by), user_name, label, KeyTerms())


async def revoke(context: ManagementContext, by: str, key_id: str) -> Outcome:
    """The key authenticates no later call."""
    return await _decided(context, actor(context, by), key_id, changes.revoke_key)


def key_row(
    context: ManagementContext, key_id: str, user: User, label: str, text: str, now_ms: int, terms: KeyTerms
) -> ApiKey:
    """The row of a key: its keyed hash, and its first twelve characters or less of a short one."""
    return ApiKey(
        id=key_id,
        user_id=user.id,
        name=label,
        fingerprint=context.vault.fingerprint(text),
        prefix=_prefix(text),
        created_ms=now_ms,
        purpose=terms.purpose,
        **terms.fields(now_ms),
    )


async def keys_with_users(storage: AccountReader) -> list[tuple[ApiKey, str]]:
    """All keys, oldest first, each with its user's name."""
    names = await user_names(storage)
    return [(key, names.get(key.user_id, key.user_id)) for key in await storage.keys()]


async def mint(context: ManagementContext, who: Actor, user_name: str, label: str, terms: KeyTerms) -> Creation:
    """A new API key of a user, under these terms."""
    if problem := label_problem(label) or terms_problem(terms):
        return problem
    text, key_id = KEY_MARK + context.ids.secret(), context.ids.new("key")
    outcome = await context.storage.decide(
        UserScope(name=user_name),
        lambda facts: changes.add_key(
            facts, who, user_name, lambda user: key_row(context, key_id, user, label, text, who.now_ms, terms)
        ),
    )
    key = row_of(outcome, ApiKey)
    return Minted(key=key, text=text) if isinstance(key, ApiKey) else key


async def _mint_for_team(context: ActionContext, request: CreateKey, team: str, terms: KeyTerms) -> Creation:
    """A new key of a team for one of its members."""
    if problem := label_problem(request.name) or terms_problem(terms):
        return problem
    hub, who = context.hub, acting(context)
    text, key_id, wallet = KEY_MARK + hub.ids.secret(), hub.ids.new("key"), request.wallet or "team"

    def key_of(user: User, of: User) -> ApiKey:
        key = key_row(hub, key_id, user, request.name, text, who.now_ms, terms)
        return msgspec.structs.replace(key, team_id=of.id, wallet=wallet)

    scope = TeamScope(name=TEAM_MARK + team, by=who.user_id, user_name=request.user)
    outcome = await hub.storage.decide(scope, lambda facts: teams.add_team_key(facts, who, team, request.user, key_of))
    key = row_of(outcome, ApiKey)
    return Minted(key=key, text=text) if isinstance(key, ApiKey) else key


async def _visible_keys(context: ActionContext) -> list[KeyView]:
    hub, now_ms = context.hub, context.hub.clock.now_ms()
    names, keys = await user_names(hub.storage), await hub.storage.keys()
    if not is_operator(acting(context)):
        managed = await managed_teams(context)
        keys = [key for key in keys if key.user_id == context.user_id or key.team_id in managed]
    return [view_of(key, names, now_ms) for key in keys]


def _successor(context: ManagementContext, text: str, now_ms: int, old: ApiKey) -> ApiKey:
    """A key that may do what the old one may, under a new secret; it does not expire unless the old one did."""
    return msgspec.structs.replace(
        old,
        id=context.ids.new("key"),
        fingerprint=context.vault.fingerprint(text),
        prefix=_prefix(text),
        created_ms=now_ms,
    )


def _prefix(text: str) -> str:
    return text[: min(12, len(text) // 3)]


async def _changed(context: ActionContext, key_id: str, rule: Rule) -> KeyView | Denial:
    """The key as it is after the change."""
    key = row_of(await _decided(context.hub, acting(context), key_id, rule), ApiKey)
    if not isinstance(key, ApiKey):
        return key
    names = await user_names(context.hub.storage)
    return view_of(key, names, context.hub.clock.now_ms())


async def _decided(context: ManagementContext, who: Actor, key_id: str, rule: Rule) -> Outcome:
    scope = KeyScope(key_id=key_id, by=who.user_id)
    return await context.storage.decide(scope, lambda facts: rule(facts, who, key_id))


def _created(minted: Minted, user: str) -> KeyCreated:
    key = minted.key
    return KeyCreated(id=key.id, key=minted.text, user=user, name=key.name, prefix=key.prefix)
