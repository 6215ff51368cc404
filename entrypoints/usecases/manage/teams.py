"""Teams: users who share keys, limits and, if wanted, a wallet."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from domain.accounts.identity import is_member
from domain.accounts.rows import TEAM_MARK, Member, User
from domain.books.management_scopes import UserScope
from domain.books.team_scopes import TeamFacts, TeamScope
from domain.ledger.ledger import balance
from domain.management import teams as rules
from domain.management.changes import Actor, Outcome, is_operator
from domain.refusals import BadRequest, NotFound
from entrypoints.usecases.manage.users import user_names
from entrypoints.usecases.management_context import ActionContext, Denial, NoFields, acting, row_of
from entrypoints.usecases.public_types import Credits, Moment

TEAM_NAME_MAX = 100
Switch: TypeAlias = Literal["on", "off"]
Rule: TypeAlias = Callable[[TeamFacts, Actor, str], Outcome]

_NAME = Meta(description="the name of the team")
_WALLET = Meta(description="whether it has a wallet of its own, from which its keys are paid")


class AddTeam(msgspec.Struct, frozen=True, kw_only=True):
    """A team to add."""

    name: Annotated[str, Meta(description="a name that no other team has")]
    wallet: Annotated[Switch, _WALLET] = "off"


class NamedTeam(msgspec.Struct, frozen=True, kw_only=True):
    """The team that is meant."""

    name: Annotated[str, _NAME]


class RenameTeam(msgspec.Struct, frozen=True, kw_only=True):
    """The team to rename."""

    name: Annotated[str, _NAME]
    new_name: Annotated[str, Meta(description="a name that no other team has")]


class SwitchWallet(msgspec.Struct, frozen=True, kw_only=True):
    """The team whose wallet is switched; its credit stays."""

    name: Annotated[str, _NAME]
    wallet: Annotated[Switch, _WALLET]


class TeamView(msgspec.Struct, frozen=True, kw_only=True):
    """A team, as a list shows it. `account` is the name under which credit is granted to it."""

    id: str
    name: str
    account: str
    created: Moment
    enabled: bool
    wallet: bool
    members: int


class MemberView(msgspec.Struct, frozen=True, kw_only=True):
    """A member of a team."""

    team: str
    user: str
    admin: bool
    since: Moment


class TeamShown(msgspec.Struct, frozen=True, kw_only=True):
    """A team with its members, and what its wallet can spend; null without a wallet."""

    id: str
    name: str
    account: str
    created: Moment
    enabled: bool
    wallet: bool
    available: Credits | None
    held: Credits | None
    members: list[MemberView]


async def add_team(context: ActionContext, request: AddTeam) -> TeamView | Denial:
    """A new team without members."""
    if (problem := _name_problem("name", request.name)) is not None:
        return problem
    who = acting(context)
    team = User(
        id=context.hub.ids.new("team"),
        name=TEAM_MARK + request.name,
        role="guest",
        created_ms=who.now_ms,
        kind="team",
        has_wallet=request.wallet == "on",
    )
    outcome = await context.hub.storage.decide(
        UserScope(name=team.name), lambda facts: rules.add_team(facts, who, team)
    )
    made = row_of(outcome, User)
    return _view(made, ()) if isinstance(made, User) else made


async def list_teams(context: ActionContext, request: NoFields) -> list[TeamView] | Denial:
    """All teams for operators; for others those that they are members of."""
    members = await standing_members(context)
    return [_view(team, members) for team in await visible_teams(context, members)]


async def show_team(context: ActionContext, request: NamedTeam) -> TeamShown | Denial:
    """One team, for operators and its members; for others it does not exist."""
    members = await standing_members(context)
    team = await visible_team(context, members, request.name)
    if isinstance(team, NotFound):
        return team
    names = await user_names(context.hub.storage)
    now = None
    if team.has_wallet:
        now = balance(await context.hub.storage.wallet(team.id), context.hub.clock.now_ms())
    return TeamShown(
        id=team.id,
        name=team.team_name,
        account=team.name,
        created=Moment(team.created_ms),
        enabled=team.disabled_ms is None,
        wallet=team.has_wallet,
        available=Credits(now.available_nanos) if now is not None else None,
        held=Credits(now.held_nanos) if now is not None else None,
        members=[member_view(one, team, names) for one in members if one.team_id == team.id],
    )


async def rename_team(context: ActionContext, request: RenameTeam) -> TeamView | Denial:
    """The team under another name."""
    if (problem := _name_problem("new_name", request.new_name)) is not None:
        return problem
    rule = partial(rules.rename_team, new_name=request.new_name)
    return await _changed(context, request.name, rule, new_name=TEAM_MARK + request.new_name)


async def disable_team(context: ActionContext, request: NamedTeam) -> TeamView | Denial:
    """No key of the team starts a call from now on."""
    return await _changed(context, request.name, rules.disable_team)


async def enable_team(context: ActionContext, request: NamedTeam) -> TeamView | Denial:
    """The keys of the team are valid again."""
    return await _changed(context, request.name, rules.enable_team)


async def switch_wallet(context: ActionContext, request: SwitchWallet) -> TeamView | Denial:
    """The team with a wallet of its own, or without one."""
    return await _changed(context, request.name, partial(rules.switch_wallet, state=request.wallet))


async def standing_members(context: ActionContext) -> list[Member]:
    """The memberships that stand, oldest first."""
    return [member for member in await context.hub.storage.members() if is_member(member)]


async def visible_teams(context: ActionContext, members: list[Member]) -> list[User]:
    """The teams that the actor may see, by name."""
    own = {member.team_id: member for member in members if member.user_id == context.user_id}
    who = acting(context)
    return [team for team in await context.hub.storage.teams() if rules.may_see(who, own.get(team.id))]


async def visible_team(context: ActionContext, members: list[Member], name: str) -> User | NotFound:
    """The team of that name; one that the actor may not see does not exist."""
    teams = await visible_teams(context, members)
    return next((one for one in teams if one.team_name == name), None) or rules.no_team(name)


async def managed_teams(context: ActionContext) -> frozenset[str]:
    """The ids of the teams whose keys and members the actor manages without being an operator."""
    if is_operator(acting(context)) or context.user_id is None:
        return frozenset()
    members = await standing_members(context)
    return frozenset(one.team_id for one in members if one.user_id == context.user_id and one.is_admin)


def member_view(member: Member, team: User, names: dict[str, str]) -> MemberView:
    """A member, to show it."""
    return MemberView(
        team=team.team_name,
        user=names.get(member.user_id, member.user_id),
        admin=member.is_admin,
        since=Moment(member.created_ms),
    )


async def _changed(context: ActionContext, name: str, rule: Rule, new_name: str | None = None) -> TeamView | Denial:
    """The team as it is after the change."""
    who = acting(context)
    scope = TeamScope(name=TEAM_MARK + name, by=context.user_id, new_name=new_name)
    team = row_of(await context.hub.storage.decide(scope, lambda facts: rule(facts, who, name)), User)
    return _view(team, await standing_members(context)) if isinstance(team, User) else team


def _view(team: User, members: list[Member] | tuple[()]) -> TeamView:
    return TeamView(
        id=team.id,
        name=team.team_name,
        account=team.name,
        created=Moment(team.created_ms),
        enabled=team.disabled_ms is None,
        wallet=team.has_wallet,
        members=sum(member.team_id == team.id for member in members),
    )


def _name_problem(field: str, name: str) -> BadRequest | None:
    if not 0 < len(name) <= TEAM_NAME_MAX or not name.isprintable() or name != name.strip() or "/" in name:
        problem = f"{name[:80]!r} is no team name: write 1 to {TEAM_NAME_MAX} printable characters without /"
        return BadRequest(field=field, problem=problem)
    return None
