"""Users, teams, their members, and API keys, as rows of the books."""

from typing import Literal

import msgspec

Role = Literal["owner", "admin", "guest"]

# What a key is for: calling models, managing the hub, or both.
Purpose = Literal["models", "management", "both"]


AccountKind = Literal["user", "team"]
# Which wallet pays for the calls of a key: that of its user, or that of its team.
Payer = Literal["user", "team"]
# The name of a team's account is the team's name behind this mark, which no user's name begins with.
TEAM_MARK = "team:"


class User(msgspec.Struct, frozen=True, kw_only=True):
    """An account with a wallet: a person or program, or a team.

    `name` is unique; the keys of a disabled user, and those of a disabled team, authenticate nothing. Only a team may
    be without a wallet, and a team has no keys of its own: its keys are those of its members. `low_balance_nanos` is
    the balance below which a notice is written; None: the hub's default, 0: none.
    """

    id: str
    name: str
    role: Role
    created_ms: int
    display_name: str | None = None
    email: str | None = None
    disabled_ms: int | None = None
    kind: AccountKind = "user"
    has_wallet: bool = True
    low_balance_nanos: int | None = None

    @property
    def is_team(self) -> bool:
        """Whether the account is that of a team."""
        return self.kind == "team"

    @property
    def team_name(self) -> str:
        """The name of the team, without the mark."""
        return self.name.removeprefix(TEAM_MARK)


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """The membership of a user in a team. An admin manages the members and the keys of the team."""

    team_id: str
    user_id: str
    is_admin: bool
    created_ms: int
    removed_ms: int | None = None


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key, stored as its keyed hash; `prefix` is the part that may be shown.

    `models` are patterns of the models that it may call, and `operations` the operations; empty means all. A key that
    is disabled may be enabled again; one that is revoked or has expired stays invalid. A key with a `team_id` is valid
    only while its user is a member of that team; it stays the team's. `wallet` says who pays, and `app` which app the
    key stands for, where a request names none.
    """

    id: str
    user_id: str
    name: str
    fingerprint: str
    prefix: str
    created_ms: int
    revoked_ms: int | None = None
    expires_ms: int | None = None
    disabled_ms: int | None = None
    purpose: Purpose = "models"
    models: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    team_id: str | None = None
    wallet: Payer = "user"
    app: str | None = None

    @property
    def payer_id(self) -> str:
        """The account whose wallet pays for the calls of the key."""
        return self.team_id if self.wallet == "team" and self.team_id is not None else self.user_id

    @property
    def account_ids(self) -> tuple[str, ...]:
        """The accounts on which it depends whether the key is valid: its user, and its team where it has one."""
        return (self.user_id,) if self.team_id is None else (self.user_id, self.team_id)
