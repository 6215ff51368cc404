"""Who is a caller, and what a caller's role permits."""

from typing import get_args

import pytest

from domain.accounts.identity import Caller, identify
from domain.accounts.permissions import PERMISSIONS, Permission, denied
from domain.accounts.rows import ApiKey, Role, User
from domain.refusals import InvalidKey, NotAllowed
from tests.domain.build import NOW_MS, a_key, a_user


def test_the_holder_of_a_key_is_a_caller_with_the_role_of_the_user() -> None:
    caller = identify(a_key(), a_user(role="admin"))

    assert Caller(a_user(role="admin"), a_key()) == caller
    assert isinstance(caller, Caller)
    assert "admin" == caller.role


@pytest.mark.parametrize(
    ("key", "user", "refusal"),
    [
        (None, None, InvalidKey(revoked=False)),
        (a_key(), None, InvalidKey(revoked=False)),
        (a_key(revoked_ms=NOW_MS), a_user(), InvalidKey(revoked=True)),
        (a_key(revoked_ms=NOW_MS + 1), a_user(), InvalidKey(revoked=True)),
    ],
)
def test_an_unknown_or_revoked_key_is_invalid(key: ApiKey | None, user: User | None, refusal: InvalidKey) -> None:
    assert refusal == identify(key, user)


@pytest.mark.parametrize("permission", get_args(Permission))
@pytest.mark.parametrize("role", get_args(Role))
def test_a_permission_is_denied_to_the_roles_that_its_row_leaves_out(permission: Permission, role: Role) -> None:
    caller = Caller(a_user(role=role), a_key())

    expected = None if role in PERMISSIONS[permission] else NotAllowed(action=permission, role=role)
    assert expected == denied(caller, permission)


def test_every_permission_has_its_row_and_the_owner_may_do_all() -> None:
    assert set(get_args(Permission)) == set(PERMISSIONS)
    assert all("owner" in roles for roles in PERMISSIONS.values())


def test_guests_see_no_routes() -> None:
    assert NotAllowed(action="see routes", role="guest") == denied(Caller(a_user(), a_key()), "see routes")
