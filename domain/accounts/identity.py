"""Whether a presented key is a caller: the one rule that every way into the hub asks.

What makes a key invalid is decided here and nowhere else, so that a new reason holds for calls, quotes, counts and
reads alike. What a valid key may do is in `key_access`.
"""

from typing import Literal

import msgspec

from domain.accounts.rows import ApiKey, Member, Role, User
from domain.refusals import InvalidKey

Flaw = Literal["revoked", "disabled", "expired"]
TeamFlaw = Literal["no member", "team disabled", "no team wallet"]


class TeamOfKey(msgspec.Struct, frozen=True):
    """What the books have of the team of a key, and of its user's membership; None where that is nothing."""

    team: User | None
    member: Member | None


class Caller(msgspec.Struct, frozen=True):
    """A user with the valid key that was presented, and the team of the key where it has one."""

    user: User
    key: ApiKey
    team: User | None = None

    @property
    def account(self) -> User:
        """Whose account the key may see: the team where that pays, since an admin of the team has made the key."""
        return self.team if self.team is not None and self.key.wallet == "team" else self.user

    @property
    def role(self) -> Role:
        """The role, which `domain.accounts.permissions` checks: that of the user, unless the key is of a team.

        An admin of a team may make a key of the team for any member, and must not become what that member is.
        """
        return self.user.role if self.key.team_id is None else "guest"


def identify(
    key: ApiKey | None, user: User | None, now_ms: int, team_of_key: TeamOfKey | None = None
) -> Caller | InvalidKey:
    """The caller who presents a key now; `key` and `user` are what the books have of it, None where that is nothing.

    `team_of_key` is needed for a key that has a team: without it the key is invalid.
    """
    if key is None or user is None:
        return InvalidKey(reason="unknown")
    if (reason := flaw(key, now_ms)) is not None:
        return InvalidKey(reason=reason)
    if user.disabled_ms is not None:
        return InvalidKey(reason="user disabled")
    if key.team_id is None:
        return Caller(user, key)
    if (lack := _team_flaw(key, team_of_key)) is not None:
        return InvalidKey(reason=lack)
    return Caller(user, key, team_of_key.team if team_of_key is not None else None)


def flaw(key: ApiKey, now_ms: int) -> Flaw | None:
    """Why the key by itself authenticates nothing now; None where it does."""
    if key.revoked_ms is not None:
        return "revoked"
    if key.disabled_ms is not None:
        return "disabled"
    if key.expires_ms is not None and key.expires_ms <= now_ms:
        return "expired"
    return None


def is_member(member: Member | None) -> bool:
    """Whether the membership stands."""
    return member is not None and member.removed_ms is None


def is_team_admin(member: Member | None) -> bool:
    """Whether the membership stands, and is that of an admin."""
    return member is not None and member.removed_ms is None and member.is_admin


def _team_flaw(key: ApiKey, found: TeamOfKey | None) -> TeamFlaw | None:
    """Why the team of a key does not let it authenticate; None where it does."""
    if found is None or found.team is None or not is_member(found.member):
        return "no member"
    if found.team.disabled_ms is not None:
        return "team disabled"
    return "no team wallet" if key.wallet == "team" and not found.team.has_wallet else None
