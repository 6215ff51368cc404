"""Users: who may call, and who may manage."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from domain.accounts.rows import TEAM_MARK, Role, User
from domain.books.management_scopes import UserFacts, UserScope
from domain.ledger.rows import Grant
from domain.management import account_changes, changes
from domain.management.changes import STARTER_SOURCE, Actor, Changed, Denied, Outcome
from domain.refusals import BadRequest, NotFound, Remedy
from entrypoints.usecases.management_context import (
    ActionContext,
    Denial,
    ManagementContext,
    NoFields,
    Starter,
    acting,
    actor,
    row_of,
)
from entrypoints.usecases.public_types import Credits, Moment
from ports.readers.accounts import AccountReader

DAY_MS = 86_400_000
STARTER_PRIORITY = 100
NAME_CHARACTERS_MAX = 200
EMAIL_CHARACTERS_MAX = 254  # RFC 5321, 4.5.3.1.3

Rule: TypeAlias = Callable[[UserFacts, Actor, str], Outcome]

_NAME = Meta(description="the name of the user")
_EMAIL = Meta(description="the e-mail address")
_DISPLAY_NAME = Meta(description="the name that people see")


class AddUser(msgspec.Struct, frozen=True, kw_only=True):
    """A user to add."""

    name: Annotated[str, Meta(description="a name that no other user has")]
    role: Annotated[Role, Meta(description="guests call, and see their own")] = "guest"
    email: Annotated[str | None, _EMAIL] = None
    display_name: Annotated[str | None, _DISPLAY_NAME] = None


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
    display_name: str | None
    email: str | None
    enabled: bool


class NamedUser(msgspec.Struct, frozen=True, kw_only=True):
    """The user that is meant."""

    name: Annotated[str, _NAME]


class ChangeUser(msgspec.Struct, frozen=True, kw_only=True):
    """The user to change; what is left out stays as it is, and an empty text removes the value."""

    name: Annotated[str, _NAME]
    role: Annotated[Role | None, Meta(description="guests call, and see their own")] = None
    email: Annotated[str | None, _EMAIL] = None
    display_name: Annotated[str | None, _DISPLAY_NAME] = None


async def add_user(context: ActionContext, request: AddUser) -> UserAdded | Denial:
    """A new user, with starter credit if new users get some."""
    starter, who = context.policy.starter, acting(context)
    user = User(
        id=context.hub.ids.new("user"),
        name=request.name,
        role=request.role,
        created_ms=who.now_ms,
        email=request.email or None,
        display_name=request.display_name or None,
    )
    added = row_of(await _add(context.hub, who, user, starter), User)
    if not isinstance(added, User):
        return added
    granted = Credits(starter.nanos if starter else 0)
    return UserAdded(id=added.id, name=added.name, role=added.role, granted=granted)


async def list_users(context: ActionContext, request: NoFields) -> list[UserView] | Denial:
    """All users."""
    return [_view(user) for user in await context.hub.storage.users()]


async def show_user(context: ActionContext, request: NamedUser) -> UserView | Denial:
    """One user."""
    user = await context.hub.storage.user_named(request.name)
    return _view(user) if user else NotFound(kind="user", name=request.name, remedy=Remedy("user list"))


async def change_user(context: ActionContext, request: ChangeUser) -> UserView | Denial:
    """The user with another role, e-mail address or display name."""
    if problem := _text_problem(request.email, request.display_name):
        return problem
    new: dict[str, Any] = {} if request.role is None else {"role": request.role}
    new |= _texts(request.email, request.display_name)
    return await _changed(context, request.name, partial(account_changes.change_user, new=new))


async def disable_user(context: ActionContext, request: NamedUser) -> UserView | Denial:
    """No key of the user starts a call from now on."""
    return await _changed(context, request.name, account_changes.disable_user)


async def enable_user(context: ActionContext, request: NamedUser) -> UserView | Denial:
    """The user's keys are valid again."""
    return await _changed(context, request.name, account_changes.enable_user)


async def create_user(
    context: ManagementContext, by: str, name: str, role: Role, starter: Starter | None = None
) -> Outcome:
    """A new user, with starter credit if there is any, in one decision; AlreadyExists if the name is taken."""
    who = actor(context, by)
    user = User(id=context.ids.new("user"), name=name, role=role, created_ms=who.now_ms)
    return await _add(context, who, user, starter)


async def _add(context: ManagementContext, who: Actor, user: User, starter: Starter | None) -> Outcome:
    if problem := _name_problem(user.name) or _text_problem(user.email, user.display_name):
        return Denied(refusal=problem)
    grant = starter_grant(context, user, starter, who.now_ms) if starter else None
    grant_id = context.ids.new("audit")
    return await context.storage.decide(
        UserScope(name=user.name), lambda facts: add_user_with_credit(facts, who, user, grant, grant_id)
    )


async def _changed(context: ActionContext, name: str, rule: Rule) -> UserView | Denial:
    """The user as it is after the change."""
    who = acting(context)
    outcome = await context.hub.storage.decide(UserScope(name=name), lambda facts: rule(facts, who, name))
    user = row_of(outcome, User)
    return _view(user) if isinstance(user, User) else user


def _view(user: User) -> UserView:
    return UserView(
        id=user.id,
        name=user.name,
        role=user.role,
        created=Moment(user.created_ms),
        display_name=user.display_name,
        email=user.email,
        enabled=user.disabled_ms is None,
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


async def user_names(storage: AccountReader) -> dict[str, str]:
    """The names of users and of teams' accounts by their ids."""
    return {account.id: account.name for account in (*await storage.users(), *await storage.teams())}


def _name_problem(name: str) -> BadRequest | None:
    if name.startswith(TEAM_MARK):
        return BadRequest(field="name", problem=f"names that begin with {TEAM_MARK} are those of teams")
    if not 0 < len(name) <= NAME_CHARACTERS_MAX or not name.isprintable() or name != name.strip():
        problem = f"{name!r} is no user name: write 1 to {NAME_CHARACTERS_MAX} printable characters"
        return BadRequest(field="name", problem=problem)
    return None


def _text_problem(email: str | None, display_name: str | None) -> BadRequest | None:
    """The refusal of an address without an @ between two parts, or of texts that are too long."""
    if email:
        local, _, host = email.rpartition("@")
        if not (local and host) or len(email) > EMAIL_CHARACTERS_MAX or not email.isprintable() or " " in email:
            return BadRequest(field="email", problem=f"{email[:80]!r} is no e-mail address")
    if display_name and (len(display_name) > NAME_CHARACTERS_MAX or not display_name.isprintable()):
        return BadRequest(field="display_name", problem=f"write at most {NAME_CHARACTERS_MAX} printable characters")
    return None


def _texts(email: str | None, display_name: str | None) -> dict[str, str | None]:
    """The fields that were given; an empty text is no value."""
    given = {"email": email, "display_name": display_name}
    return {name: text or None for name, text in given.items() if text is not None}
