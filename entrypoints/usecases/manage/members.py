"""The members of teams: operators and the admins of a team add, remove, promote and demote them."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from domain.accounts.rows import TEAM_MARK, Member
from domain.books.team_scopes import TeamFacts, TeamScope
from domain.management import teams as rules
from domain.management.changes import Actor, Outcome
from domain.refusals import NotFound
from entrypoints.usecases.manage.teams import MemberView, member_view, standing_members, visible_team
from entrypoints.usecases.manage.users import user_names
from entrypoints.usecases.management_context import ActionContext, Denial, acting, row_of
from entrypoints.usecases.public_types import Moment

Rule: TypeAlias = Callable[[TeamFacts, Actor, str, str], Outcome]

_TEAM = Meta(description="the name of the team")
_USER = Meta(description="the name of the user")


class AddMember(msgspec.Struct, frozen=True, kw_only=True):
    """A user who shall belong to a team."""

    team: Annotated[str, _TEAM]
    user: Annotated[str, _USER]
    admin: Annotated[bool, Meta(description="who manages the team's members and keys, and nothing else")] = False


class NamedMember(msgspec.Struct, frozen=True, kw_only=True):
    """The member that is meant."""

    team: Annotated[str, _TEAM]
    user: Annotated[str, _USER]


class ListMembers(msgspec.Struct, frozen=True, kw_only=True):
    """Whose members to list."""

    team: Annotated[str, _TEAM]


class MemberRemoved(msgspec.Struct, frozen=True, kw_only=True):
    """The user's keys of the team start no call from now on."""

    team: str
    user: str
    removed: bool = True


async def add_member(context: ActionContext, request: AddMember) -> MemberView | Denial:
    """The user belongs to the team."""
    rule = partial(rules.add_member, is_admin=request.admin)
    return await _changed(context, request.team, request.user, rule)


async def list_members(context: ActionContext, request: ListMembers) -> list[MemberView] | Denial:
    """The members of a team, oldest first."""
    members = await standing_members(context)
    team = await visible_team(context, members, request.team)
    if isinstance(team, NotFound):
        return team
    names = await user_names(context.hub.storage)
    return [member_view(one, team, names) for one in members if one.team_id == team.id]


async def remove_member(context: ActionContext, request: NamedMember) -> MemberRemoved | Denial:
    """The user is no member of the team any longer."""
    gone = await _decided(context, request.team, request.user, rules.remove_member)
    return MemberRemoved(team=request.team, user=request.user) if isinstance(gone, Member) else gone


async def promote_member(context: ActionContext, request: NamedMember) -> MemberView | Denial:
    """The member is an admin of the team."""
    return await _changed(context, request.team, request.user, rules.promote_member)


async def demote_member(context: ActionContext, request: NamedMember) -> MemberView | Denial:
    """The member is no admin of the team any longer."""
    return await _changed(context, request.team, request.user, rules.demote_member)


async def _changed(context: ActionContext, team: str, user: str, rule: Rule) -> MemberView | Denial:
    member = await _decided(context, team, user, rule)
    if not isinstance(member, Member):
        return member
    return MemberView(team=team, user=user, admin=member.is_admin, since=Moment(member.created_ms))


async def _decided(context: ActionContext, team: str, user: str, rule: Rule) -> Member | Denial:
    who = acting(context)
    scope = TeamScope(name=TEAM_MARK + team, by=context.user_id, user_name=user)
    return row_of(await context.hub.storage.decide(scope, lambda facts: rule(facts, who, team, user)), Member)
