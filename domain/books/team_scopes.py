"""What the rules that change teams and their members ask to see."""

from typing import Any, ClassVar

import msgspec

from domain.accounts.rows import Member, User
from domain.books.lookups import MEMBER_BY_IDS, USER_BY_NAME
from domain.books.scope_protocol import Steps
from domain.books.working_copy import Books


class TeamFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule about a team sees: its account, the membership of who acts, and a user with their membership.

    `is_taken` is whether there is an account of the new name.
    """

    team: User | None
    acting: Member | None = None
    user: User | None = None
    member: Member | None = None
    is_taken: bool = False


def _names_of_team(scope: Any, _: Books) -> tuple[str, ...]:
    return tuple(name for name in (scope.name, scope.user_name, scope.new_name) if name is not None)


def accounts_of_team(scope: "TeamScope", books: Books) -> tuple[str, ...]:
    """The accounts that a scope of a team is about: the team, who acts, and the user who is named."""
    ids = (books.users_by_name.get(name) for name in (scope.name, scope.user_name) if name is not None)
    return tuple(found for found in (*ids, scope.by) if found is not None)


def _memberships(scope: Any, books: Books) -> list[tuple[str, str]]:
    team_id, user_id = books.users_by_name.get(scope.name), books.users_by_name.get(scope.user_name or "")
    return [] if team_id is None else [(team_id, one) for one in (scope.by, user_id) if one is not None]


class TeamScope(msgspec.Struct, frozen=True, kw_only=True):
    """The team whose account has that name; `by` is the id of the user who acts, None for the operator's commands."""

    name: str
    by: str | None = None
    user_name: str | None = None
    new_name: str | None = None

    steps: ClassVar[Steps] = (
        ((USER_BY_NAME, _names_of_team),),
        ((MEMBER_BY_IDS, _memberships),),
    )

    def view(self, books: Books) -> TeamFacts:
        """The team as the books know it now."""
        team = books.users.get(books.users_by_name.get(self.name, ""))
        user = books.users.get(books.users_by_name.get(self.user_name or "", ""))
        is_taken = self.new_name is not None and self.new_name in books.users_by_name
        if team is None or not team.is_team:
            return TeamFacts(team=None, user=user, is_taken=is_taken)
        return TeamFacts(
            team=team,
            acting=books.members.get((team.id, self.by or "")),
            user=user,
            member=books.members.get((team.id, user.id)) if user is not None else None,
            is_taken=is_taken,
        )
