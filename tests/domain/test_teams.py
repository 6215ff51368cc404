"""Teams: whose keys are valid, and who may change what."""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import pytest

from domain.accounts.identity import Caller, TeamOfKey, identify
from domain.accounts.rows import Member
from domain.books.management_scopes import KeyFacts, UserFacts
from domain.books.team_scopes import TeamFacts
from domain.management import account_changes, changes, teams
from domain.management.changes import Actor, Changed, Denied, Outcome, Unchanged
from domain.refusals import AlreadyExists, BadRequest, InvalidKey, NotAllowed, NotFound
from tests.domain.build import (
    NOW_MS,
    a_grant,
    a_key,
    a_user,
)
from tests.domain.build_teams import a_member, a_team, a_team_key

# --- identity ---


def test_the_holder_of_a_key_of_a_team_is_a_caller_while_a_member() -> None:
    caller = identify(a_team_key(), a_user(role="owner"), NOW_MS, TeamOfKey(a_team(), a_member()))

    assert isinstance(caller, Caller)
    assert a_team() == caller.team
    assert a_team() == caller.account
    assert "guest" == caller.role


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (None, "no member"),
        (TeamOfKey(None, a_member()), "no member"),
        (TeamOfKey(a_team(), None), "no member"),
        (TeamOfKey(a_team(), a_member(removed_ms=1)), "no member"),
        (TeamOfKey(a_team(disabled_ms=1), a_member()), "team disabled"),
        (TeamOfKey(a_team(has_wallet=False), a_member()), "no team wallet"),
    ],
)
def test_a_key_of_a_team_is_invalid_without_membership_team_or_wallet(found: TeamOfKey | None, reason: Any) -> None:
    assert InvalidKey(reason=reason) == identify(a_team_key(), a_user(), NOW_MS, found)


def test_a_key_of_a_team_that_its_user_pays_for_needs_no_wallet_of_the_team() -> None:
    caller = identify(a_team_key(wallet="user"), a_user(), NOW_MS, TeamOfKey(a_team(has_wallet=False), a_member()))

    assert isinstance(caller, Caller)
    assert a_user() == caller.account


# --- rights ---

OPERATOR = Actor(name="cli", now_ms=NOW_MS, audit_id="audit-1")
GUEST = Actor(name="api:ada", role="guest", user_id="ada", now_ms=NOW_MS, audit_id="audit-1")
RULES: dict[str, Callable[[TeamFacts, Actor], Outcome]] = {
    "add": lambda facts, actor: teams.add_member(facts, actor, "red", "bob", False),
    "remove": lambda facts, actor: teams.remove_member(facts, actor, "red", "bob"),
    "promote": lambda facts, actor: teams.promote_member(facts, actor, "red", "bob"),
    "demote": lambda facts, actor: teams.demote_member(facts, actor, "red", "bob"),
    "key": lambda facts, actor: teams.add_team_key(facts, actor, "red", "bob", lambda *_: a_team_key("bob")),
}
OPERATED: dict[str, Callable[[TeamFacts, Actor], Outcome]] = {
    "rename": lambda facts, actor: teams.rename_team(facts, actor, "red", "blue"),
    "disable": lambda facts, actor: teams.disable_team(facts, actor, "red"),
    "enable": lambda facts, actor: teams.enable_team(facts, actor, "red"),
    "wallet": lambda facts, actor: teams.switch_wallet(facts, actor, "red", "off"),
}


def facts_for(rule: str, acting: Member | None, **changed: Any) -> TeamFacts:
    """What the rule needs so that it has something to change."""
    member = None if rule == "add" else a_member("bob", is_admin=rule == "demote")
    team = a_team(disabled_ms=1 if rule == "enable" else None)
    return TeamFacts(**{"team": team, "acting": acting, "user": a_user("bob"), "member": member, **changed})


@pytest.mark.parametrize("rule", RULES)
def test_operators_and_admins_of_the_team_manage_its_members_and_keys(rule: str) -> None:
    assert isinstance(RULES[rule](facts_for(rule, None), OPERATOR), Changed)
    assert isinstance(RULES[rule](facts_for(rule, a_member(is_admin=True)), GUEST), Changed)


@pytest.mark.parametrize("rule", RULES)
def test_a_member_who_is_no_admin_is_refused_and_a_stranger_does_not_learn_whether_there_is_a_team(rule: str) -> None:
    member, stranger, past = (
        RULES[rule](facts_for(rule, acting), GUEST)
        for acting in (a_member(), None, a_member(is_admin=True, removed_ms=1))
    )
    nowhere = RULES[rule](facts_for(rule, None, team=None), GUEST)

    assert isinstance(member, Denied)
    assert isinstance(member.refusal, NotAllowed)
    assert isinstance(nowhere, Denied)
    assert isinstance(nowhere.refusal, NotFound)
    assert stranger == past == nowhere


@pytest.mark.parametrize("rule", OPERATED)
def test_only_operators_change_the_team_itself(rule: str) -> None:
    assert isinstance(OPERATED[rule](facts_for(rule, None), OPERATOR), Changed)
    for acting in (a_member(is_admin=True), a_member(), None):
        refused = OPERATED[rule](facts_for(rule, acting), GUEST)
        assert Denied(refusal=NotAllowed(action="manage accounts", role="guest")) == refused


def test_an_admin_of_a_team_makes_only_keys_that_the_team_pays_for_and_that_call_models() -> None:
    facts = facts_for("key", a_member(is_admin=True))
    for changed, allowed in (({"wallet": "user"}, {OPERATOR.name}), ({"purpose": "both"}, set())):
        for actor in (OPERATOR, GUEST):
            key = a_team_key("bob", **changed)
            made = teams.add_team_key(facts, actor, "red", "bob", lambda *_, key=key: key)
            assert isinstance(made, Changed) == (actor.name in allowed), (changed, actor.name)


def test_a_key_of_a_team_is_for_members_and_is_paid_only_where_there_is_a_wallet() -> None:
    make = partial(teams.add_team_key, name="red", user_name="bob", key_of=lambda *_: a_team_key("bob"))
    stranger = make(facts_for("key", None, member=None), OPERATOR)
    unpaid = make(facts_for("key", None, team=a_team(has_wallet=False)), OPERATOR)

    assert isinstance(stranger, Denied)
    assert isinstance(stranger.refusal, NotFound)
    assert isinstance(unpaid, Denied)
    assert isinstance(unpaid.refusal, BadRequest)


def test_an_admin_of_a_team_manages_its_keys_and_no_others() -> None:
    of_team, own = a_team_key("bob"), a_key("bob")
    admin = a_member(is_admin=True)
    seen = changes.revoke_key(KeyFacts(key=of_team, user=a_user("bob"), acting=admin), GUEST, of_team.id)
    for facts in (
        KeyFacts(key=own, user=a_user("bob"), acting=admin),
        KeyFacts(key=of_team, user=a_user("bob"), acting=a_member()),
        KeyFacts(key=None, user=None),
    ):
        hidden = changes.revoke_key(facts, GUEST, "key-1")
        assert isinstance(hidden, Denied)
        assert isinstance(hidden.refusal, NotFound)
    assert isinstance(seen, Changed)


def test_an_admin_of_a_team_gets_no_key_in_clear_that_its_user_pays_for() -> None:
    key = a_team_key("bob", wallet="user")
    facts = KeyFacts(key=key, user=a_user("bob"), acting=a_member(is_admin=True))

    refused = account_changes.rotate_key(facts, GUEST, key.id, 0, lambda old: old)

    assert isinstance(refused, Denied)
    assert isinstance(refused.refusal, BadRequest)


@pytest.mark.parametrize("acting", [None, a_member(is_admin=True)])
def test_only_an_owner_gets_a_key_in_clear_that_an_owner_pays_for(acting: Member | None) -> None:
    owner, key = a_user("bob", role="owner"), a_team_key("bob", wallet="user")
    team_facts = facts_for("key", acting, user=owner)
    key_facts = KeyFacts(key=key, user=owner, acting=acting)
    for actor, allowed in ((OPERATOR, True), (msgspec.structs.replace(GUEST, role="admin"), False)):
        made = teams.add_team_key(team_facts, actor, "red", "bob", lambda *_: key)
        rotated = account_changes.rotate_key(key_facts, actor, key.id, 0, lambda old: old)
        assert (allowed, allowed) == (isinstance(made, Changed), isinstance(rotated, Changed))
        if not allowed:
            assert Denied(refusal=NotAllowed(action="manage an owner", role="admin")) == made == rotated


def test_a_team_is_no_user() -> None:
    facts = UserFacts(user=a_team(), grants=())
    for rule in (account_changes.disable_user, account_changes.enable_user):
        refused = rule(facts, OPERATOR, "team:red")
        assert isinstance(refused, Denied)
        assert isinstance(refused.refusal, NotFound)
    no_key = changes.add_key(facts, OPERATOR, "team:red", lambda _: a_key())
    no_name = account_changes.change_user(facts, OPERATOR, "team:red", {"email": None})
    assert isinstance(no_key, Denied)
    assert isinstance(no_name, Denied)


def test_a_team_without_a_wallet_gets_no_credit() -> None:
    facts = UserFacts(user=a_team(has_wallet=False), grants=())

    refused = changes.grant_credit(facts, OPERATOR, "team:red", lambda team: a_grant(user_id=team.id))

    assert isinstance(refused, Denied)
    assert isinstance(refused.refusal, BadRequest)


def test_names_of_teams_are_unique_and_repeating_changes_nothing() -> None:
    taken = teams.add_team(UserFacts(user=a_team(), grants=()), OPERATOR, a_team())
    renamed = teams.rename_team(facts_for("rename", None, is_taken=True), OPERATOR, "red", "blue")
    again = teams.add_member(facts_for("remove", None), OPERATOR, "red", "bob", True)

    assert Denied(refusal=AlreadyExists(kind="team", name="red")) == taken
    assert Denied(refusal=AlreadyExists(kind="team", name="blue")) == renamed
    assert Unchanged(row=a_member("bob")) == again
