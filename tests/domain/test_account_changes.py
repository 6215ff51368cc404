"""Changes of users and keys: what they do, who may make them, and what a key may do afterwards."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.accounts.key_access import calling_refusal, management_refusal, matches, may_call
from domain.accounts.rows import ApiKey, User
from domain.billing.plan import Plan, Refused
from domain.books.management_scopes import KeyFacts, UserFacts
from domain.books.rows import AuditEntry
from domain.management import account_changes as changes
from domain.management.changes import Actor, Changed, Denied, Outcome, Unchanged, add_key, add_user, revoke_key
from domain.refusals import InvalidKey, KeyNotAllowed, NotAllowed
from tests.domain.build import NOW_MS, a_grant, a_key, a_plan_request, a_user, books_with, plan_in

OWNER = Actor(name="api:olga", role="owner", now_ms=NOW_MS, audit_id="audit-1")
ADMIN = Actor(name="api:adam", role="admin", now_ms=NOW_MS, audit_id="audit-1")
DAY_MS = 86_400_000


def of_user(**fields: Any) -> UserFacts:
    return UserFacts(user=a_user(**fields), grants=())


def of_key(role: str = "guest", **fields: Any) -> KeyFacts:
    return KeyFacts(key=a_key(**fields), user=a_user(role=role))


def successor(old: ApiKey) -> ApiKey:
    return a_key(id="key-2", fingerprint="new", prefix="new", models=old.models, expires_ms=old.expires_ms)


def row(outcome: Outcome) -> Any:
    assert isinstance(outcome, Changed)
    assert isinstance(outcome.writes[-1], AuditEntry)
    return outcome.row


def test_a_change_of_a_user_names_the_fields_in_the_audit_log() -> None:
    outcome = changes.change_user(of_user(), OWNER, "ada", {"role": "admin", "email": "ada@example.com"})

    user = row(outcome)
    assert ("admin", "ada@example.com") == (user.role, user.email)
    entry = outcome.writes[-1]
    assert isinstance(entry, AuditEntry)
    assert "role 'guest' → 'admin'; email None → 'ada@example.com'" == entry.detail


def test_an_admin_manages_neither_owners_nor_their_keys() -> None:
    denied = Denied(refusal=NotAllowed(action="manage an owner", role="admin"))
    owner = of_user(role="owner")

    assert denied == add_user(UserFacts(user=None, grants=()), ADMIN, a_user(role="owner"))
    assert denied == add_key(owner, ADMIN, "ada", lambda user: a_key(user.id))
    assert denied == changes.change_user(owner, ADMIN, "ada", {"email": "a@b"})
    assert denied == changes.change_user(of_user(), ADMIN, "ada", {"role": "owner"})
    assert denied == changes.disable_user(owner, ADMIN, "ada")
    assert denied == changes.enable_user(owner, ADMIN, "ada")
    for rule in (changes.disable_key, changes.enable_key, revoke_key):
        assert denied == rule(of_key("owner"), ADMIN, "key of ada")
    assert denied == changes.change_key(of_key("owner"), ADMIN, "key of ada", {"name": "x"})
    assert denied == changes.rotate_key(of_key("owner"), ADMIN, "key of ada", 0, successor)
    assert isinstance(changes.disable_user(owner, OWNER, "ada"), Changed)


def test_a_key_is_disabled_and_enabled_again_but_a_revoked_one_stays_revoked() -> None:
    off = row(changes.disable_key(of_key(), ADMIN, "key of ada"))
    on = row(changes.enable_key(KeyFacts(key=off, user=a_user()), ADMIN, "key of ada"))
    revoked = of_key(revoked_ms=NOW_MS)

    assert (NOW_MS, None) == (off.disabled_ms, on.disabled_ms)
    assert isinstance(changes.disable_key(KeyFacts(key=off, user=a_user()), ADMIN, "key of ada"), Unchanged)
    for outcome in (
        changes.enable_key(revoked, ADMIN, "key of ada"),
        changes.disable_key(revoked, ADMIN, "key of ada"),
        changes.change_key(revoked, ADMIN, "key of ada", {"name": "x"}),
        changes.rotate_key(revoked, ADMIN, "key of ada", 0, successor),
    ):
        assert isinstance(outcome, Denied)


@pytest.mark.parametrize(("expires_ms", "kept_ms"), [(None, DAY_MS), (NOW_MS + 5, 5), (NOW_MS + 2 * DAY_MS, DAY_MS)])
def test_a_rotated_key_stays_valid_for_a_while_and_its_successor_may_do_the_same(
    expires_ms: int | None, kept_ms: int
) -> None:
    facts = of_key(models=("acme/*",), expires_ms=expires_ms)

    outcome = changes.rotate_key(facts, ADMIN, "key of ada", DAY_MS, successor)

    new, old, _ = outcome.writes
    assert isinstance(new, ApiKey)
    assert isinstance(old, ApiKey)
    assert ("key of ada", NOW_MS + kept_ms) == (old.id, old.expires_ms)
    assert ("key-2", ("acme/*",), expires_ms) == (new.id, new.models, new.expires_ms)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (a_key(disabled_ms=NOW_MS), "disabled"),
        (a_key(expires_ms=NOW_MS), "expired"),
        (a_user(disabled_ms=NOW_MS), "user disabled"),
    ],
)
def test_no_call_starts_with_a_key_that_is_no_longer_valid(changed: ApiKey | User, reason: Any) -> None:
    books = books_with(a_grant(), changed)

    assert Refused(refusal=InvalidKey(reason=reason)) == plan_in(books, a_plan_request())


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"models": ("other/*",)}, "call the model `acme/small`"),
        ({"operations": ("embeddings",)}, "call models for chat"),
        ({"purpose": "management"}, "call models"),
    ],
)
def test_a_key_calls_only_what_it_may(fields: dict[str, Any], what: str) -> None:
    books = books_with(a_grant(), a_key(**fields))

    assert Refused(refusal=KeyNotAllowed(what=what)) == plan_in(books, a_plan_request())


@pytest.mark.parametrize(
    "fields",
    [{"models": ("acme/*",)}, {"models": ("x", "small")}, {"operations": ("chat",)}, {"purpose": "both"}, {}],
)
def test_a_key_calls_what_it_may(fields: dict[str, Any]) -> None:
    assert isinstance(plan_in(books_with(a_grant(), a_key(**fields)), a_plan_request()), Plan)


def test_only_a_key_for_management_manages() -> None:
    assert KeyNotAllowed(what="manage the hub") == management_refusal(a_key())
    assert management_refusal(a_key(purpose="management")) is None
    assert management_refusal(a_key(purpose="both")) is None
    assert calling_refusal(a_key(operations=("*",)), "chat") is None


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("*", "anything/at-all", True),
        ("openai/*", "openai/gpt-5", True),
        ("openai/*", "openai", False),
        ("*-mini", "openai/gpt-5-mini", True),
        ("*-mini", "openai/gpt-5-mini-2", False),
        ("a*b*c", "a-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("ab*ba", "aba", False),
        ("gpt-5", "gpt-5-mini", False),
        ("gpt.5", "gpt-5", False),
    ],
)
def test_a_star_stands_for_any_text(pattern: str, name: str, expected: bool) -> None:
    assert expected == matches(pattern, name)


@given(st.lists(st.text("ab/", max_size=4), min_size=2, max_size=4), st.lists(st.text("abc", max_size=3), max_size=3))
def test_a_pattern_matches_every_name_that_is_made_by_filling_its_stars(parts: list[str], fills: list[str]) -> None:
    fills = (fills + [""] * 3)[: len(parts) - 1]
    name = "".join(part + fill for part, fill in zip(parts, [*fills, ""], strict=True))

    assert matches("*".join(parts), name)
    assert may_call(a_key(models=("zzz", "*".join(parts))), name)
