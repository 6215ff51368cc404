"""Teams, their members and their keys: each change with its audit entry.

Operators manage every team. An admin of a team manages its members and its keys, and nothing else. A member may see the
team. For anybody else the team does not exist.
"""

from collections.abc import Callable

import msgspec

from domain.accounts.identity import is_member, is_team_admin
from domain.accounts.permissions import PERMISSIONS
from domain.accounts.rows import TEAM_MARK, ApiKey, Member, User
from domain.books.management_scopes import UserFacts
from domain.books.team_scopes import TeamFacts
from domain.management.account_changes import in_clear, same_or_changed
from domain.management.changes import Actor, Denied, Outcome, Unchanged, changed, is_operator, no_user, no_wallet
from domain.refusals import AlreadyExists, BadRequest, NotAllowed, NotFound, Remedy


def add_team(facts: UserFacts, actor: Actor, team: User) -> Outcome:
    """A new team without members; AlreadyExists if there is a team of that name."""
    if not is_operator(actor):
        return Denied(refusal=NotAllowed(action="manage accounts", role=actor.role))
    if facts.user is not None:
        return Denied(refusal=AlreadyExists(kind="team", name=team.team_name))
    wallet = "a wallet of its own" if team.has_wallet else "no wallet"
    return changed(actor, "team add", team.name, team, detail=wallet)


def rename_team(facts: TeamFacts, actor: Actor, name: str, new_name: str) -> Outcome:
    """The team under another name; AlreadyExists if that is taken."""
    team = _operated(facts, actor, name)
    if isinstance(team, Denied):
        return team
    if facts.is_taken and team.name != TEAM_MARK + new_name:
        return Denied(refusal=AlreadyExists(kind="team", name=new_name))
    return same_or_changed(
        actor, "team rename", team.name, team, msgspec.structs.replace(team, name=TEAM_MARK + new_name)
    )


def disable_team(facts: TeamFacts, actor: Actor, name: str) -> Outcome:
    """No key of the team starts a call from now on; running calls end normally."""
    team = _operated(facts, actor, name)
    if isinstance(team, Denied):
        return team
    off = msgspec.structs.replace(team, disabled_ms=team.disabled_ms or actor.now_ms)
    return same_or_changed(actor, "team disable", team.name, team, off)


def enable_team(facts: TeamFacts, actor: Actor, name: str) -> Outcome:
    """The team's keys are valid again, as far as they are by themselves."""
    team = _operated(facts, actor, name)
    if isinstance(team, Denied):
        return team
    return same_or_changed(actor, "team enable", team.name, team, msgspec.structs.replace(team, disabled_ms=None))


def switch_wallet(facts: TeamFacts, actor: Actor, name: str, state: str) -> Outcome:
    """Whether the team has a wallet. Without one its keys that it pays for are invalid; its credit stays."""
    team = _operated(facts, actor, name)
    if isinstance(team, Denied):
        return team
    return same_or_changed(
        actor, "team wallet", team.name, team, msgspec.structs.replace(team, has_wallet=state == "on")
    )


def add_member(facts: TeamFacts, actor: Actor, name: str, user_name: str, is_admin: bool) -> Outcome:
    """The user belongs to the team, again if they were removed; one who is a member stays as they are."""
    team = managed(facts, actor, name)
    if isinstance(team, Denied):
        return team
    user, had = facts.user, facts.member
    if user is None or user.is_team:
        return Denied(refusal=no_user(user_name))
    if had is not None and is_member(had):
        return Unchanged(row=had)
    new = Member(team_id=team.id, user_id=user.id, is_admin=is_admin, created_ms=actor.now_ms)
    return changed(actor, "member add", team.name, new, detail=f"{user_name} as {word_of(new)}")


def remove_member(facts: TeamFacts, actor: Actor, name: str, user_name: str) -> Outcome:
    """The user's keys of the team start no call from now on; running calls end normally."""
    had = _member(facts, actor, name, user_name)
    if isinstance(had, Denied):
        return had
    gone = msgspec.structs.replace(had, removed_ms=actor.now_ms)
    return changed(actor, "member remove", TEAM_MARK + name, gone, detail=user_name)


def promote_member(facts: TeamFacts, actor: Actor, name: str, user_name: str) -> Outcome:
    """The member is an admin of the team."""
    had = _member(facts, actor, name, user_name)
    if isinstance(had, Denied) or had.is_admin:
        return had if isinstance(had, Denied) else Unchanged(row=had)
    new = msgspec.structs.replace(had, is_admin=True)
    return changed(actor, "member promote", TEAM_MARK + name, new, detail=user_name)


def demote_member(facts: TeamFacts, actor: Actor, name: str, user_name: str) -> Outcome:
    """The member is no admin of the team any longer."""
    had = _member(facts, actor, name, user_name)
    if isinstance(had, Denied) or not had.is_admin:
        return had if isinstance(had, Denied) else Unchanged(row=had)
    new = msgspec.structs.replace(had, is_admin=False)
    return changed(actor, "member demote", TEAM_MARK + name, new, detail=user_name)


def word_of(member: Member) -> str:
    """What the member is in the team: admin or member."""
    return "admin" if member.is_admin else "member"


def add_team_key(
    facts: TeamFacts, actor: Actor, name: str, user_name: str, key_of: Callable[[User, User], ApiKey]
) -> Outcome:
    """A new key of the team for one of its members; `key_of` makes its row for the user and the team.

    It calls models, whatever its user may do besides. Only an operator who manages the user lets the user pay.
    """
    team = managed(facts, actor, name)
    if isinstance(team, Denied):
        return team
    user = facts.user
    if user is None or not is_member(facts.member):
        return Denied(refusal=_no_member(name, user_name))
    key = key_of(user, team)
    if key.purpose != "models":
        return Denied(refusal=BadRequest(field="purpose", problem="a key of a team is for calling models"))
    if key.wallet == "user" and (denial := in_clear(actor, user, "wallet")) is not None:
        return denial
    if key.wallet == "team" and not team.has_wallet:
        return no_wallet(team, "wallet")
    return changed(actor, "key create", key.id, key, detail=f"{key.prefix}… for {user_name} of {team.name}")


def may_see(actor: Actor, acting: Member | None) -> bool:
    """Whether the actor sees the team: an operator or one of its members."""
    return actor.role in PERMISSIONS["see accounts"] or is_member(acting)


def managed(facts: TeamFacts, actor: Actor, name: str) -> User | Denied:
    """The team, if the actor manages its members and keys. A stranger does not learn whether there is such a team."""
    if facts.team is None or not may_see(actor, facts.acting):
        return Denied(refusal=no_team(name))
    if is_operator(actor) or is_team_admin(facts.acting):
        return facts.team
    return Denied(refusal=NotAllowed(action=f"manage the team {name}", role="member"))


def no_team(name: str) -> NotFound:
    """The refusal for a team that does not exist, or not for who asks."""
    return NotFound(kind="team", name=name, remedy=Remedy("team list"))


def _operated(facts: TeamFacts, actor: Actor, name: str) -> User | Denied:
    """The team, if the actor is an operator."""
    if not is_operator(actor):
        return Denied(refusal=NotAllowed(action="manage accounts", role=actor.role))
    return facts.team or Denied(refusal=no_team(name))


def _member(facts: TeamFacts, actor: Actor, name: str, user_name: str) -> Member | Denied:
    """The membership that stands, if the actor may change it."""
    team = managed(facts, actor, name)
    if isinstance(team, Denied):
        return team
    if facts.member is None or not is_member(facts.member):
        return Denied(refusal=_no_member(name, user_name))
    return facts.member


def _no_member(name: str, user_name: str) -> NotFound:
    return NotFound(kind="member", name=user_name, remedy=Remedy("member list", name))
