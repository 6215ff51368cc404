"""Who is a caller, and what a caller's role permits."""

from typing import get_args

import pytest

from domain.accounts.identity import Caller, identify
from domain.accounts.permissions import PERMISSIONS, Permission, denied
from domain.accounts.rows import ApiKey, Role, User
from domain.refusals import InvalidKey, NotAllowed
from tests.domain.build import NOW_MS, a_key, a_user


def test_the_holder_of_a_key_is_a_caller_with_the_role_of_the_user() -> None:
    caller = identify(a_key(), a_user(role="admin"), NOW_MS)

    assert Caller(a_user(role="admin"), a_key()) == caller
    assert isinstance(caller, Caller)
    assert "admin" == caller.role


@pytest.mark.parametrize(
    ("key", "user", "refusal"),
    [
        (None, None, InvalidKey()),
        (a_key(), None, InvalidKey()),
        (a_key(revoked_ms=NOW_MS), a_user(), InvalidKey(reason="revoked")),
        (a_key(revoked_ms=NOW_MS + 1), a_user(), InvalidKey(reason="revoked")),
        (a_key(disabled_ms=NOW_MS), a_user(), InvalidKey(reason="disabled")),
        (a_key(expires_ms=NOW_MS), a_user(), InvalidKey(reason="expired")),
        (a_key(), a_user(disabled_ms=NOW_MS), InvalidKey(reason="user disabled")),
    ],
)
def test_a_key_that_is_unknown_revoked_disabled_or_expired_is_invalid(
    key: ApiKey | None, user: User | None, refusal: InvalidKey
) -> None:
    assert refusal == identify(key, user, NOW_MS)


def test_a_key_is_valid_until_the_moment_of_its_expiry() -> None:
    assert isinstance(identify(a_key(expires_ms=NOW_MS + 1), a_user(), NOW_MS), Caller)


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
