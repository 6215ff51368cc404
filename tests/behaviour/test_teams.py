"""Teams over HTTP: a wallet that members share, and what members, admins and strangers may do with it."""

from decimal import Decimal
from functools import partial
from typing import Any

import msgspec
import pytest

from tests.behaviour.conftest import People
from tests.behaviour.error_shape import check_error
from tests.behaviour.plain_calls import BALANCE, CHAT, Response, ask, openai_body
from tests.support.hub import HubProcess

KEYS, MEMBERS, TEAMS = "/api/v1/keys", "/api/v1/members", "/api/v1/teams"
CALLS, STATS = "/api/v1/calls", "/api/v1/stats"
CALLED = openai_body("echo/echo", max_tokens=50)


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """A team with a wallet, and keys: of its admin, its member and a stranger to manage with, and one it pays for."""

    hub: HubProcess
    name: str
    admin: str
    member: str
    stranger: str
    paid: str

    def ask(self, key: str, path: str, body: Any = None, method: str | None = None) -> Response:
        return ask(self.hub, path, body, key=key, method=method)

    def available(self) -> str:
        shown: str = self.hub.cli("team", "show", self.name)["available"]
        return shown


def managing(hub: HubProcess, user: str) -> str:
    hub.cli("user", "add", user)
    key: str = ask(hub, KEYS, {"user": user, "purpose": "management"}).json()["key"]
    return key


@pytest.fixture(scope="module")
def team(served: HubProcess) -> Team:
    hub = served
    name = f"red-{hub.interface}"
    hub.cli("team", "add", name, "--wallet", "on")
    hub.cli("credit", "grant", f"team:{name}", "2")
    keys = {who: managing(hub, f"{who}-{hub.interface}") for who in ("admin", "member", "stranger")}
    hub.cli("member", "add", name, f"admin-{hub.interface}", "--admin")
    hub.cli("member", "add", name, f"member-{hub.interface}")
    made = ask(hub, KEYS, {"user": f"member-{hub.interface}", "team": name, "app": "did:abt:z1"}, key=keys["admin"])
    assert 201 == made.status, made.body
    return Team(hub=hub, name=name, paid=made.json()["key"], **keys)


def test_the_team_pays_for_the_calls_of_its_keys(team: Team) -> None:
    before = team.available()

    answered = team.ask(team.paid, CHAT, CALLED)

    assert 200 == answered.status, answered.body
    call = team.hub.cli("call", "show", answered.header("x-request-id") or "")
    assert (team.name, "did:abt:z1") == (call["team"], call["app"])
    assert Decimal(before) - Decimal(call["charge"]) == Decimal(team.available())
    assert Decimal(call["charge"]) > 0
    assert "0" == team.hub.cli("credit", "balance", f"member-{team.hub.interface}")["available"]


def test_the_balance_of_a_key_that_a_team_pays_for_is_that_of_the_team(team: Team) -> None:
    shown = team.ask(team.paid, BALANCE).json()

    assert (f"team:{team.name}", team.available()) == (shown["user"], shown["available"])
    profile = team.ask(team.paid, "/api/user/info").json()["user"]
    assert f"team:{team.name}" == profile["fullName"]


@pytest.mark.parametrize("path", [CALLS, f"{CALLS}/export", STATS])
def test_no_filter_reveals_to_a_stranger_whether_there_is_a_team(team: Team, path: str) -> None:
    hidden, nowhere = (team.ask(team.stranger, f"{path}?team={name}") for name in (team.name, "nowhere"))

    assert 404 == hidden.status == nowhere.status
    assert hidden.json()["error"]["message"].replace(team.name, "nowhere") == nowhere.json()["error"]["message"]
    assert 200 == team.ask(team.member, f"{path}?team={team.name}").status


def test_members_see_the_team_and_for_strangers_there_is_none(team: Team) -> None:
    seen = team.ask(team.member, f"{TEAMS}/{team.name}")
    hidden, nowhere = (team.ask(team.stranger, f"{TEAMS}/{name}") for name in (team.name, "nowhere"))
    listed = {key: team.ask(key, TEAMS).json()["data"] for key in (team.member, team.stranger)}

    assert team.available() == seen.json()["available"]
    assert [True, False] == [one["admin"] for one in seen.json()["members"]]
    assert ([team.name], []) == tuple([one["name"] for one in listed[key]] for key in (team.member, team.stranger))
    assert 404 == hidden.status == nowhere.status
    assert hidden.json()["error"]["message"].replace(team.name, "nowhere") == nowhere.json()["error"]["message"]


@pytest.mark.parametrize(("who", "status"), [("member", 403), ("stranger", 404)])
def test_only_admins_and_operators_manage_members_and_keys(team: Team, who: str, status: int) -> None:
    user = f"stranger-{team.hub.interface}"
    key: str = getattr(team, who)
    for path, body, method in (
        (MEMBERS, {"team": team.name, "user": user}, "POST"),
        (f"{MEMBERS}/{team.name}?user={user}", None, "DELETE"),
        (f"{MEMBERS}/{team.name}/promote", {"user": user}, "POST"),
        (KEYS, {"user": user, "team": team.name}, "POST"),
    ):
        check_error(team.ask(key, path, body, method), path, status)


def test_an_admin_manages_the_team_and_nothing_else(team: Team, people: People) -> None:
    stranger, of_team = f"stranger-{team.hub.interface}", {"user": f"admin-{team.hub.interface}", "team": team.name}
    added = team.ask(team.admin, MEMBERS, {"team": team.name, "user": stranger})
    made = team.ask(team.admin, KEYS, of_team).json()
    rotated = team.ask(team.admin, f"{KEYS}/{made['id']}/rotate", {})
    removed = team.ask(team.admin, f"{MEMBERS}/{team.name}?user={stranger}", method="DELETE")
    others = [key["id"] for key in team.hub.cli("key", "list") if key["team"] is None and key["user"] == "guest"]
    seen = {key["team"] or key["user"] for key in team.ask(team.admin, KEYS).json()["data"]}

    assert (201, 200, 200) == (added.status, rotated.status, removed.status)
    assert {team.name, f"admin-{team.hub.interface}"} == seen
    check_error(team.ask(team.admin, f"{KEYS}/{others[0]}", method="DELETE"), KEYS, 404)
    check_error(team.ask(team.admin, KEYS, {"user": stranger}), KEYS, 403)
    check_error(team.ask(team.admin, KEYS, of_team | {"purpose": "both"}), KEYS, 400)
    check_error(team.ask(team.admin, KEYS, of_team | {"wallet": "user"}), KEYS, 400)
    for path, body in ((f"{TEAMS}/{team.name}/rename", {"new_name": "x"}), (f"{TEAMS}/{team.name}/disable", {})):
        check_error(team.ask(team.admin, path, body), path, 403)
    check_error(team.ask(team.admin, f"/api/v1/credit/team:{team.name}/grant", {"amount": "1"}), TEAMS, 403)


def test_a_member_who_is_removed_is_shut_out_at_once_and_comes_back(team: Team) -> None:
    member = f"member-{team.hub.interface}"
    team.hub.cli("member", "remove", team.name, member)
    refused = team.ask(team.paid, CHAT, CALLED)
    team.hub.cli("member", "add", team.name, member)

    assert "team" in check_error(refused, CHAT, 401)["message"]
    assert 200 == team.ask(team.paid, CHAT, CALLED).status


def test_a_team_that_is_disabled_or_without_a_wallet_pays_for_nothing(team: Team) -> None:
    for off, on in ((("disable", team.name), ("enable", team.name)),
                    (("wallet", team.name, "off"), ("wallet", team.name, "on"))):  # fmt: skip
        team.hub.cli("team", *off)
        refused = team.ask(team.paid, CHAT, CALLED)
        team.hub.cli("team", *on)
        check_error(refused, CHAT, 401)
    assert 200 == team.ask(team.paid, CHAT, CALLED).status


def test_a_budget_of_the_team_is_named_in_the_refusal(team: Team) -> None:
    budget = team.hub.cli("budget", "set", "--amount", "0", "--team", team.name, "--period", "total")
    refused = team.ask(team.paid, CHAT, CALLED)
    team.hub.cli("budget", "remove", budget["id"])

    assert f"team:{team.name}" == budget["subject"]
    assert "team" in check_error(refused, CHAT, 402)["message"]


def test_usage_is_summed_by_team_and_by_run_and_equals_the_ledger(team: Team) -> None:
    for run in ("nightly-1", "nightly-2", "nightly-1"):
        assert 200 == ask(team.hub, CHAT, CALLED, key=team.paid, headers={"x-aihub-run": f"{team.name}-{run}"}).status
    show = partial(team.hub.cli, "stats", "show", "--since", "1h")

    whole = show("--team", team.name)["total"]
    by_team = {row["team"]: row["figures"] for row in show("--by", "team")["rows"]}
    by_run = {
        row["run"]: row["figures"] for row in show("--by", "run", "--user", f"member-{team.hub.interface}")["rows"]
    }
    one_run = show("--run", f"{team.name}-nightly-1", "--compare")
    listed = team.hub.cli("call", "list", "--team", team.name, "--run", f"{team.name}-nightly-1")

    assert whole == by_team[team.name]
    assert set(by_team) <= {"", team.name}
    assert (2, 1) == tuple(by_run[f"{team.name}-nightly-{n}"]["calls"] for n in (1, 2))
    assert whole["calls"] == sum(figures["calls"] for figures in by_run.values())
    assert Decimal(whole["charge"]) == sum(Decimal(figures["charge"]) for figures in by_run.values())
    assert (by_run[f"{team.name}-nightly-1"], 0) == (one_run["total"], one_run["before"]["calls"])
    assert Decimal(one_run["total"]["charge"]) == sum(Decimal(call["charge"]) for call in listed)
    team.hub.cli("ledger", "verify")
    team.hub.cli("stats", "verify")


def test_a_key_that_a_team_pays_for_sees_its_own_calls_and_no_others(team: Team) -> None:
    member, body = f"member-{team.hub.interface}", {"team": team.name}
    other = team.ask(team.admin, KEYS, body | {"user": f"admin-{team.hub.interface}"}).json()
    mine, others = (team.ask(key, CHAT, CALLED).header("x-request-id") for key in (team.paid, other["key"]))

    listed = team.ask(team.paid, CALLS).json()["data"]
    shown = team.ask(team.paid, f"{CALLS}/{mine}").json()
    sums = team.ask(team.paid, f"{STATS}?since=1h&by=user").json()

    assert {member} == {call["user"] for call in listed}
    assert (mine, {team.name}) == (listed[0]["id"], {call["team"] for call in listed})
    assert (mine, None) == (shown["id"], shown["cost_usd"])
    assert [(member, len(listed))] == [(row["user"], row["figures"]["calls"]) for row in sums["rows"]]
    for path in (
        f"{CALLS}/{others}",
        f"{CALLS}?before={others}",
        f"{CALLS}?key={other['id']}",
        f"{STATS}?key={other['id']}",
        f"{CALLS}?user={member}",
    ):
        check_error(team.ask(team.paid, path), CALLS, 404)
