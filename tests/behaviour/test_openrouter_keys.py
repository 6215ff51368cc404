"""OpenRouter's API of keys, as a tool that rotates its keys uses it; and that the two kinds of keys do not mix."""

from decimal import Decimal
from typing import Any

import pytest

from tests.behaviour.conftest import People
from tests.behaviour.plain_calls import CHAT, Response, ask, openai_body
from tests.support.hub import HubProcess

KEYS, KEY = "/openrouter/api/v1/keys", "/openrouter/api/v1/key"
# What OpenRouter's reference lists for a key.
FIELDS = {
    *("hash", "name", "label", "disabled", "limit", "limit_remaining", "limit_reset", "include_byok_in_limit"),
    *("usage", "usage_daily", "usage_weekly", "usage_monthly", "created_at", "updated_at", "expires_at"),
    *("byok_usage", "byok_usage_daily", "byok_usage_weekly", "byok_usage_monthly", "creator_user_id", "workspace_id"),
}


@pytest.fixture(scope="module")
def managing(served: HubProcess) -> str:
    """A management key of an admin who has credit."""
    name = f"rotator-{served.interface}"
    ask(served, "/api/v1/users", {"name": name, "role": "admin"})
    ask(served, f"/api/v1/credit/{name}/grant", {"amount": "5"})
    return str(ask(served, "/api/v1/keys", {"user": name, "purpose": "management"}).json()["key"])


def refused(answer: Response, status: int) -> str:
    """The message of an error in OpenRouter's shape."""
    assert status == answer.status, answer.body
    error = answer.json()["error"]
    assert status == error["code"]
    return str(error["message"])


def listed(hub: HubProcess, managing: str, query: str = "") -> dict[str, Any]:
    return {row["hash"]: row for row in ask(hub, KEYS + query, key=managing).json()["data"]}


def test_a_key_is_made_spent_from_rotated_and_deleted(hub: HubProcess, managing: str) -> None:
    terms = {"name": "app", "limit": 0.5, "limit_reset": "monthly", "expires_at": "2099-12-31T23:59:59Z"}
    made = ask(hub, KEYS, {**terms, "include_byok_in_limit": False}, key=managing)
    key, view = made.json()["key"], made.json()["data"]
    path = f"{KEYS}/{view['hash']}"

    assert 201 == made.status
    assert FIELDS == set(view)
    assert ("app", 0.5, 0.5, "monthly", 0, False) == tuple(
        view[name] for name in ("name", "limit", "limit_remaining", "limit_reset", "usage", "disabled")
    )
    assert str(view["expires_at"]).startswith("2099-12-31T23:59:59")
    charged = ask(hub, CHAT, openai_body("echo"), key=key).header("x-aihub-charge")
    used = ask(hub, path, key=managing).json()["data"]
    spans = {used[f"usage{span}"] for span in ("", "_daily", "_weekly", "_monthly")}
    assert {Decimal(str(charged))} == {Decimal(str(one)) for one in spans}
    assert Decimal("0.5") - Decimal(str(charged)) == Decimal(str(used["limit_remaining"]))
    assert used == listed(hub, managing)[view["hash"]]

    assert {"deleted": True} == ask(hub, path, key=managing, method="DELETE").json()
    assert 401 == ask(hub, CHAT, openai_body("echo"), key=key).status
    assert view["hash"] not in listed(hub, managing)
    assert "no key" in refused(ask(hub, path, key=managing), 404)
    assert "no key" in refused(ask(hub, path, key=managing, method="DELETE"), 404)


def test_a_limit_holds_and_is_changed_lifted_and_set_again(hub: HubProcess, managing: str) -> None:
    made = ask(hub, KEYS, {"name": "tight", "limit": 0}, key=managing).json()
    path, key = f"{KEYS}/{made['data']['hash']}", made["key"]

    def change(**body: Any) -> dict[str, Any]:
        answer = ask(hub, path, body, key=managing, method="PATCH")
        assert 200 == answer.status, answer.body
        return {name: answer.json()["data"][name] for name in ("limit", "limit_reset", "name", "disabled")}

    assert 402 == ask(hub, CHAT, openai_body("echo"), key=key).status
    assert {"limit": 1, "limit_reset": None, "name": "tight", "disabled": False} == change(limit=1)
    assert 200 == ask(hub, CHAT, openai_body("echo"), key=key).status
    assert {"limit": 1, "limit_reset": "weekly", "name": "wide", "disabled": True} == change(
        limit_reset="weekly", name="wide", disabled=True
    )
    assert 401 == ask(hub, CHAT, openai_body("echo"), key=key).status
    assert made["data"]["hash"] not in listed(hub, managing, "?include_disabled=false")
    assert {"limit": None, "limit_reset": None, "name": "wide", "disabled": False} == change(limit=None, disabled=False)
    assert {"limit": 2, "limit_reset": "daily", "name": "wide", "disabled": False} == change(
        limit=2, limit_reset="daily"
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "a", "limit": "much"}, "limit"),
        ({"name": "a", "limit": -1}, "limit"),
        ({"name": "a", "limit_reset": "yearly"}, "limit_reset"),
        ({"name": "a", "expires_at": "soon"}, "expires_at"),
        ({"name": "a", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        (b"{", "JSON"),
    ],
)
def test_a_wrong_field_is_named_and_no_key_is_made(hub: HubProcess, managing: str, body: Any, field: str) -> None:
    before = listed(hub, managing)

    assert field in refused(ask(hub, KEYS, body, key=managing), 400)
    assert before == listed(hub, managing)


def test_a_page_has_an_offset(hub: HubProcess, managing: str) -> None:
    for n in range(2):
        ask(hub, KEYS, {"name": f"page {n}"}, key=managing)
    whole, later = ([*listed(hub, managing, query)] for query in ("", "?offset=1"))

    assert later == whole[1:]
    assert "offset" in refused(ask(hub, f"{KEYS}?offset=-1", key=managing), 400)


def test_a_key_for_models_manages_nothing_and_one_that_manages_calls_nothing(
    hub: HubProcess, people: People, managing: str
) -> None:
    made = ask(hub, KEYS, {"name": "plain"}, key=managing).json()
    for key in (made["key"], people.guest):
        for method, path in (("GET", KEYS), ("POST", KEYS), ("DELETE", f"{KEYS}/{made['data']['hash']}")):
            refused(ask(hub, path, {"name": "x"} if method == "POST" else None, key=key, method=method), 403)
    assert 403 == ask(hub, CHAT, openai_body("echo"), key=managing).status
    refused(ask(hub, KEYS, key=""), 401)


def test_every_key_sees_itself(hub: HubProcess, people: People, managing: str) -> None:
    for path in (KEY, "/api/v1/key"):
        own = ask(hub, path, key=people.guest).json()["data"]
        assert (None, False, False) == (own["limit"], own["is_management_key"], own["is_free_tier"])
        assert own["usage"] >= 0
        assert ask(hub, path, key=managing).json()["data"]["is_management_key"]
        refused(ask(hub, path, key="ahk_wrong"), 401)


def test_the_hub_and_openrouter_show_the_same_keys(hub: HubProcess, managing: str) -> None:
    made = ask(hub, KEYS, {"name": "shared"}, key=managing).json()["data"]
    ours = ask(hub, f"/api/v1/keys/{made['hash']}", key=managing).json()

    assert ("shared", "models", "valid") == (ours["name"], ours["purpose"], ours["state"])
    assert 200 == ask(hub, "/openrouter/api/v1/models", key=managing).status
