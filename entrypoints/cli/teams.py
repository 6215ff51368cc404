"""The views of the actions on teams and their members."""

from typing import Any

import msgspec

from entrypoints.cli.output import Output, Views, fields, table
from entrypoints.usecases.manage import members, teams
from entrypoints.usecases.management_context import NoFields


def team_list(request: NoFields, reply: list[teams.TeamView]) -> Output:
    """`team list`."""
    rows = [
        (one.name, "" if one.enabled else "disabled", "own" if one.wallet else "", one.members, one.created, one.id)
        for one in reply
    ]
    heads = ("NAME", "STATE", "WALLET", "MEMBERS", "CREATED", "ID")
    return Output(text=table(heads, rows, "There are no teams yet; add one with `aihub team add`."))


def team_changed(request: Any, reply: teams.TeamView) -> Output:
    """`team add`, and every change of a team."""
    return Output(text=fields(msgspec.structs.asdict(reply)))


def team_shown(request: teams.NamedTeam, reply: teams.TeamShown) -> Output:
    """`team show`: the team, and a table of its members."""
    shown = msgspec.structs.asdict(reply)
    del shown["members"]
    return Output(text=f"{fields(shown)}\n\n{_members(reply.members)}")


def member_list(request: members.ListMembers, reply: list[teams.MemberView]) -> Output:
    """`member list`."""
    return Output(text=_members(reply))


def member_shown(request: Any, reply: teams.MemberView) -> Output:
    """`member add`, `promote` and `demote`."""
    word = "an admin" if reply.admin else "a member"
    return Output(text=f"{reply.user} is {word} of {reply.team}")


def member_removed(request: members.NamedMember, reply: members.MemberRemoved) -> Output:
    """`member remove`."""
    return Output(text=f"removed {reply.user} from {reply.team}")


def _members(reply: list[teams.MemberView]) -> str:
    rows = [(one.user, "admin" if one.admin else "member", one.since) for one in reply]
    return table(("USER", "ROLE", "SINCE"), rows, "The team has no members yet.")


VIEWS: Views = {
    "team add": team_changed,
    "team list": team_list,
    "team show": team_shown,
    "team rename": team_changed,
    "team disable": team_changed,
    "team enable": team_changed,
    "team wallet": team_changed,
    "member add": member_shown,
    "member list": member_list,
    "member remove": member_removed,
    "member promote": member_shown,
    "member demote": member_shown,
}
