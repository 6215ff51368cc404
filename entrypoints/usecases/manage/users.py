"""Users and their API keys.

An API key exists in clear only in the reply of `create_key`; the books keep its fingerprint and its prefix.
"""

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from domain.accounts.rows import ApiKey, Role, User
from domain.books.management_scopes import KeyScope, UserFacts, UserScope
from domain.ledger.rows import Grant
from domain.management import changes
from domain.management.changes import STARTER_SOURCE, Actor, Changed, Denied, Outcome
from domain.refusals import BadRequest
from entrypoints.usecases.management_context import (
    ActionContext,
    Denial,
    ManagementContext,
    NoFields,
    Starter,
    actor,
    row_of,
)
from entrypoints.usecases.public_types import Credits, Moment, moment
from ports.readers.accounts import AccountReader

KEY_MARK = "ahk_"
DAY_MS = 86_400_000
STARTER_PRIORITY = 100
NAME_CHARACTERS_MAX = 200


class Minted(msgspec.Struct, frozen=True, kw_only=True):
    """A new key: `text` is the key itself, seen here and never again."""

    key: ApiKey
    text: str


Creation: TypeAlias = Minted | Denial


class AddUser(msgspec.Struct, frozen=True, kw_only=True):
    """A user to add."""

    name: Annotated[str, Meta(description="a name that no other user has")]
    role: Annotated[Role, Meta(description="guests call, and see their own")] = "guest"


class UserAdded(msgspec.Struct, frozen=True, kw_only=True):
    """A new user, and the starter credit that was granted."""

    id: str
    name: str
    role: Role
    granted: Credits


class UserView(msgspec.Struct, frozen=True, kw_only=True):
    """A user, as a list shows it."""

    id: str
    name: str
    role: Role
    created: Moment


class CreateKey(msgspec.Struct, frozen=True, kw_only=True):
    """An API key to create."""

    user: Annotated[str, Meta(description="who calls with it")]
    name: Annotated[str, Meta(description="what to call it")] = ""


class KeyCreated(msgspec.Struct, frozen=True, kw_only=True):
    """A new API key: `key` is the key itself, shown here and never again."""

    id: str
    key: str
    user: str
    name: str
    prefix: str


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """An API key without its secret part."""

    id: str
    user: str
    name: str
    prefix: str
    created: Moment
    revoked: Moment | None


class RevokeKey(msgspec.Struct, frozen=True, kw_only=True):
    """The API key to revoke."""

    id: Annotated[str, Meta(description="the id of the key")]


class KeyRevoked(msgspec.Struct, frozen=True, kw_only=True):
    """The key authenticates no later call."""

    id: str
    revoked: bool = True


async def add_user(context: ActionContext, request: AddUser) -> UserAdded | Denial:
    """A new user, with starter credit if new users get some."""
    starter = context.policy.starter
    outcome = await create_user(context.hub, context.by, request.name, request.role, starter)
    user = row_of(outcome, User)
    if not isinstance(user, User):
        return user
    granted = Credits(starter.nanos if starter else 0)
    return UserAdded(id=user.id, name=user.name, role=user.role, granted=granted)


async def list_users(context: ActionContext, request: NoFields) -> list[UserView] | Denial:
    """All users."""
    return [
        UserView(id=user.id, name=user.name, role=user.role, created=Moment(user.created_ms))
        for user in await context.hub.storage.users()
    ]


async def issue_key(context: ActionContext, request: CreateKey) -> KeyCreated | Denial:
    """A new API key for an existing user: the only reply that has the key itself."""
    minted = await create_key(context.hub, context.by, request.user, request.name)
    if not isinstance(minted, Minted):
        return minted
    key = minted.key
    return KeyCreated(id=key.id, key=minted.text, user=request.user, name=key.name, prefix=key.prefix)


async def list_keys(context: ActionContext, request: NoFields) -> list[KeyView] | Denial:
    """All API keys, oldest first."""
    return [
        KeyView(
            id=key.id,
            user=user,
            name=key.name,
            prefix=key.prefix,
            created=Moment(key.created_ms),
            revoked=moment(key.revoked_ms),
        )
        for key, user in await keys_with_users(context.hub.storage)
    ]


async def revoke_key(context: ActionContext, request: RevokeKey) -> KeyRevoked | Denial:
    """The key authenticates no later call; revoking it twice is no error."""
    key = row_of(await revoke(context.hub, context.by, request.id), ApiKey)
    return KeyRevoked(id=key.id) if isinstance(key, ApiKey) else key


async def create_user(
    context: ManagementContext, by: str, name: str, role: Role, starter: Starter | None = None
) -> Outcome:
    """A new user, with starter credit if there is any, in one decision; AlreadyExists if the name is taken."""
    if problem := _name_problem(name):
        return Denied(refusal=BadRequest(field="name", problem=problem))
    who = actor(context, by)
    user = User(id=context.ids.new("user"), name=name, role=role, created_ms=who.now_ms)
    grant = starter_grant(context, user, starter, who.now_ms) if starter else None
    grant_id = context.ids.new("audit")
    return await context.storage.decide(
        UserScope(name=name), lambda facts: add_user_with_credit(facts, who, user, grant, grant_id)
    )


def add_user_with_credit(facts: UserFacts, who: Actor, user: User, grant: Grant | None, grant_id: str) -> Outcome:
    """The rule: a new user whose wallet begins with `grant`, each with its audit entry."""
    added = changes.add_user(facts, who, user)
    if grant is None or not isinstance(added, Changed):
        return added
    giver = msgspec.structs.replace(who, audit_id=grant_id)
    given = changes.grant_credit(UserFacts(user=user, grants=()), giver, user.name, lambda _: grant)
    return Changed(row=user, writes=added.writes + given.writes)


def starter_grant(context: ManagementContext, user: User, starter: Starter, now_ms: int) -> Grant:
    """The grant that a new user's wallet begins with."""
    return Grant(
        id=context.ids.new("grant"),
        user_id=user.id,
        amount_nanos=starter.nanos,
        available_nanos=starter.nanos,
        held_nanos=0,
        priority=STARTER_PRIORITY,
        effective_ms=now_ms,
        expires_ms=now_ms + starter.days * DAY_MS if starter.days else None,
        created_ms=now_ms,
        source=STARTER_SOURCE,
    )


async def create_key(context: ManagementContext, by: str, user_name: str, label: str) -> Creation:
    """A new API key for an existing user."""
    if problem := _label_problem(label):
        return BadRequest(field="name", problem=problem)
    text = KEY_MARK + context.ids.secret()
    who = actor(context, by)
    key_id = context.ids.new("key")
    outcome = await context.storage.decide(
        UserScope(name=user_name),
        lambda facts: changes.add_key(
            facts, who, user_name, lambda user: key_row(context, key_id, user, label, text, who.now_ms)
        ),
    )
    if isinstance(outcome, Denied):
        return outcome.refusal
    assert isinstance(outcome.row, ApiKey)
    return Minted(key=outcome.row, text=text)


def key_row(context: ManagementContext, key_id: str, user: User, label: str, text: str, now_ms: int) -> ApiKey:
    """The row of a key: its keyed hash, and its first twelve characters or less of a short one."""
    return ApiKey(
        id=key_id,
        user_id=user.id,
        name=label,
        fingerprint=context.vault.fingerprint(text),
        prefix=text[: min(12, len(text) // 3)],
        created_ms=now_ms,
    )


async def revoke(context: ManagementContext, by: str, key_id: str) -> Outcome:
    """The key authenticates no later call."""
    who = actor(context, by)
    return await context.storage.decide(KeyScope(key_id=key_id), lambda key: changes.revoke_key(key, who, key_id))


async def keys_with_users(storage: AccountReader) -> list[tuple[ApiKey, str]]:
    """All keys, oldest first, each with its user's name."""
    names = await user_names(storage)
    return [(key, names.get(key.user_id, key.user_id)) for key in await storage.keys()]


async def user_names(storage: AccountReader) -> dict[str, str]:
    """The users' names by their ids."""
    return {user.id: user.name for user in await storage.users()}


def _name_problem(name: str) -> str | None:
    if not 0 < len(name) <= NAME_CHARACTERS_MAX or not name.isprintable() or name != name.strip():
        return f"{name!r} is no user name: write 1 to {NAME_CHARACTERS_MAX} printable characters"
    return None


def _label_problem(label: str) -> str | None:
    if len(label) > NAME_CHARACTERS_MAX or not label.isprintable():
        return f"write at most {NAME_CHARACTERS_MAX} printable characters"
    return None
