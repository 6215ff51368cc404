"""Builders of teams, members and their keys."""

from typing import Any

from domain.accounts.rows import ApiKey, Member, User
from tests.domain.build import a_key, a_user


def a_team(name: str = "red", **changed: Any) -> User:
    return a_user(f"team_{name}", **{"name": f"team:{name}", "kind": "team", **changed})


def a_member(user_id: str = "ada", team: str = "red", **changed: Any) -> Member:
    fields: dict[str, Any] = {"team_id": f"team_{team}", "user_id": user_id, "is_admin": False, "created_ms": 0}
    return Member(**fields | changed)


def a_team_key(user_id: str = "ada", team: str = "red", **changed: Any) -> ApiKey:
    name = f"{user_id} in {team}"
    fields = {"id": f"key of {name}", "fingerprint": name, "team_id": f"team_{team}", "wallet": "team", **changed}
    return a_key(user_id, **fields)
