"""The action table over HTTP: what the command line does, with a key, a role, and JSON."""

import re
from typing import Any

import pytest

from domain.accounts.permissions import PERMISSIONS, Permission
from entrypoints.actions.action import every_action
from entrypoints.actions.paths import ONLY_COMMANDS, Place, places
from tests.behaviour.conftest import People
from tests.behaviour.error_shape import check_error
from tests.behaviour.plain_calls import CHAT, ask, openai_body
from tests.behaviour.stub import Stub
from tests.support.hub import HubProcess

USERS, KEYS = "/api/v1/users", "/api/v1/keys"
COUNT = "/v1/messages/count_tokens"


def path_of(place: Place) -> str:
    return re.sub(r"\{[\w:]+\}", "anything", place.template)


def name_of(place: Place) -> str:
    return f"{place.method} {place.template}"


def test_every_action_is_served_at_a_place_of_its_own_or_is_a_command_alone() -> None:
    served = places()

    assert set(every_action()) - ONLY_COMMANDS == {place.action.name for place in served}
    assert len({(place.method, place.template) for place in served}) == len(served)


def test_a_user_gets_a_key_and_credit_calls_and_is_shut_out_by_the_revocation(hub: HubProcess) -> None:
    name = f"ann-{hub.interface}"
    added = ask(hub, USERS, {"name": name})
    made = ask(hub, KEYS, {"user": name, "name": "laptop"})
    granted = ask(hub, f"/api/v1/credit/{name}/grant", {"amount": "5", "expires_in": "30d"})
    key = made.json()["key"]
    answered = ask(hub, CHAT, openai_body("echo"), key=key)
    balance = ask(hub, f"/api/v1/credit/{name}/balance").json()
    listed = {row["id"]: row for row in ask(hub, KEYS).json()["data"]}
    revoked = ask(hub, f"{KEYS}/{made.json()['id']}", method="DELETE")

    assert (201, 201, 200, 200) == (added.status, made.status, granted.status, answered.status)
    assert "no-store" == made.header("cache-control")
    assert (name, "guest") == (added.json()["name"], added.json()["role"])
    assert (name, "laptop") == (listed[made.json()["id"]]["user"], listed[made.json()["id"]]["name"])
    assert key not in str(listed)
    assert "5" == granted.json()["amount"]
    assert balance == hub.cli("credit", "balance", name)
    assert {"id": made.json()["id"], "revoked": True} == revoked.json()
    check_error(ask(hub, CHAT, openai_body("echo"), key=key), CHAT, 401)


def test_each_reply_equals_the_output_of_the_command(hub: HubProcess) -> None:
    for path, command in (
        (USERS, ("user", "list")),
        ("/api/v1/providers", ("provider", "list")),
        ("/api/v1/credentials", ("credential", "list")),
        ("/api/v1/aliases", ("alias", "list")),
        ("/api/v1/rates", ("rate", "list")),
        ("/api/v1/rates/echo/echo", ("rate", "show", "echo/echo")),
        ("/api/v1/prices?provider=deepseek", ("price", "list", "--provider", "deepseek")),
        ("/api/v1/calls?limit=2", ("call", "list", "--limit", "2")),
    ):
        assert {"data": hub.cli(*command)} == ask(hub, path).json()


def test_a_rate_is_set_by_size_and_quoted_and_ended(hub: HubProcess) -> None:
    model = f"echo/art-{hub.interface}"
    variants = [{"size": "1024x1536", "quality": None, "image": "0.25"}]
    put = ask(hub, f"/api/v1/rates/{model}", {"input": "1", "output": 2, "variants": variants}, method="PUT")
    request = {"body": openai_body(model, max_tokens=5), "route": CHAT}
    quoted = ask(hub, "/api/v1/quote", request)
    removed = ask(hub, f"/api/v1/rates/{model}", method="DELETE")

    assert 200 == put.status, put.body
    assert ("1", "2", variants) == (put.json()["input"], put.json()["output"], put.json()["variants"])
    assert (200, model) == (quoted.status, "/".join(quoted.json()["offers"][0][name] for name in ("provider", "model")))
    assert {"model": model, "removed": True} == removed.json()


def test_a_price_list_is_compared_as_json(hub: HubProcess) -> None:
    prices = {"acme": [{"model": "m", "prices": {"input": "1.5"}}]}
    changed = ask(hub, "/api/v1/prices/diff", {"prices": prices})
    wrong = ask(hub, "/api/v1/prices/diff", {"prices": {"acme": [{"model": "m", "prices": {"tokens": "1"}}]}})

    assert [("acme", 1, ["m"])] == [
        (each["provider"], each["prices"], each["new_models"]) for each in changed.json()["data"]
    ]
    assert "prices" == check_error(wrong, "/api/v1/prices/diff", 400)["param"]


@pytest.mark.usefixtures("nothing_moves")
@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("POST", USERS, {"name": "guest"}, 409, None),
        ("POST", USERS, {}, 400, "name"),
        ("POST", USERS, {"name": 1}, 400, "name"),
        ("POST", USERS, {"name": "bo", "role": "king"}, 400, "role"),
        ("POST", USERS, {"name": "bo", "rôle": "guest"}, 400, "rôle"),
        ("POST", USERS, [], 400, None),
        ("POST", KEYS, {"user": "nobody"}, 404, None),
        ("POST", "/api/v1/credit/guest/grant", {"amount": "much"}, 400, "amount"),
        ("POST", "/api/v1/credit/guest/grant", {"amount": True}, 400, "amount"),
        ("POST", "/api/v1/credit/guest/grant", {"amount": "1", "expires_in": "soon"}, 400, "expires_in"),
        ("POST", "/api/v1/credit/guest/grant", {"amount": "1", "user": "owner"}, 400, "user"),
        ("POST", USERS, b" ", 400, None),
        ("POST", USERS, b'{"name": 0.5}', 400, "name"),
        ("POST", "/api/v1/credit/guest/grant", b'{"amount": "1", "priority": 0.5}', 400, "priority"),
        ("PUT", "/api/v1/rates/echo/echo", b'{"input": 1, "output": 1, "context": 1e3}', 400, "context"),
        ("GET", "/api/v1/stats?every=0.5", None, 400, "every"),
        ("GET", "/api/v1/calls?user=guest&user=owner", None, 400, "user"),
        ("GET", f"{USERS}?page=1", None, 400, "page"),
        ("GET", "/api/v1/calls?limit=0", None, 400, "limit"),
        ("PUT", "/api/v1/rates/echo/echo", {"input": "1"}, 400, "output"),
        ("PUT", "/api/v1/rates/echo/echo", {}, 400, None),
        ("PUT", "/api/v1/rates/echo/echo", {"input": "1", "output": "1", "context": 0}, 400, "context"),
        ("POST", "/api/v1/rates/bulk", {"margin": "1", "credit_price": "0"}, 400, "credit_price"),
        ("POST", "/api/v1/quote", {"body": {"model": "echo"}}, 400, "route"),
        ("DELETE", f"{KEYS}/key_none", None, 404, None),
    ],
)
def test_a_wrong_request_names_its_field_and_changes_nothing(
    hub: HubProcess, method: str, path: str, body: Any, status: int, field: str | None
) -> None:
    before = ask(hub, USERS).json(), ask(hub, KEYS).json(), hub.cli("credit", "balance", "guest")

    error = check_error(ask(hub, path, body, method=method), path, status)

    assert field == error.get("param")
    assert before == (ask(hub, USERS).json(), ask(hub, KEYS).json(), hub.cli("credit", "balance", "guest"))


@pytest.mark.parametrize("place", [place for place in places() if not place.action.own], ids=name_of)
def test_a_guest_manages_nothing_and_learns_nothing_of_what_exists(
    hub: HubProcess, people: People, place: Place
) -> None:
    permission = place.action.permission
    # What members of teams may do, they do with a key that manages.
    code, why = ("key_not_allowed", "manage the hub") if _is_open(permission) else ("not_allowed", permission)
    for path in (path_of(place), path_of(place).replace("anything", "guest")):
        error = check_error(ask(hub, path, key=people.guest, method=place.method), path, 403, code)

        assert why in error["message"]


def _is_open(permission: Permission) -> bool:
    return "guest" in PERMISSIONS[permission]


def test_the_document_describes_every_place_and_its_references_resolve(hub: HubProcess) -> None:
    document = ask(hub, "/openapi.json", key="").json()

    described = {
        (method.upper(), path): operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert {(place.method, place.template.replace(":path", "")) for place in places()} == set(described)
    assert len({operation["operationId"] for operation in described.values()}) == len(described)
    for reference in re.findall(r'"#/([\w/]+)"', str(document).replace("'", '"')):
        node: Any = document
        for step in reference.split("/"):
            node = node[step]


def test_a_key_is_limited_to_models_and_to_calling_and_these_limits_are_changed(hub: HubProcess) -> None:
    name = f"lea-{hub.interface}"
    ask(hub, USERS, {"name": name, "role": "admin", "email": "lea@example.com"})
    ask(hub, f"/api/v1/credit/{name}/grant", {"amount": "5"})
    made = ask(hub, KEYS, {"user": name, "models": ["echo/*"], "expires_in": "1d"}).json()
    key, of_key = made["key"], f"{KEYS}/{made['id']}"

    assert 200 == ask(hub, CHAT, openai_body("echo"), key=key).status
    check_error(ask(hub, CHAT, openai_body("oai/m"), key=key), CHAT, 403, "key_not_allowed")
    assert {"echo"} == {model["id"].partition("/")[0] for model in ask(hub, "/v1/models", key=key).json()["data"]}
    check_error(ask(hub, USERS, key=key), USERS, 403, "key_not_allowed")
    changed = ask(hub, of_key, {"models": ["oai/*"]}, method="PATCH")
    assert (200, ["oai/*"]) == (changed.status, changed.json()["models"])
    check_error(ask(hub, CHAT, openai_body("echo"), key=key), CHAT, 403, "key_not_allowed")
    assert "disabled" == ask(hub, f"{of_key}/disable", {}).json()["state"]
    check_error(ask(hub, CHAT, openai_body("oai/m"), key=key), CHAT, 401)
    ask(hub, f"{of_key}/enable", {})
    rotated = ask(hub, f"{of_key}/rotate", {"keep": "1h"}).json()
    for valid in (key, rotated["key"]):
        assert 200 == ask(hub, "/v1/models", key=valid).status
    ask(hub, f"{USERS}/{name}/disable", {})
    for shut in (key, rotated["key"]):
        check_error(ask(hub, "/v1/models", key=shut), "/v1/models", 401)


def test_an_admin_gets_no_key_of_an_owner(hub: HubProcess) -> None:
    name = f"adam-{hub.interface}"
    ask(hub, USERS, {"name": name, "role": "admin"})
    admin = ask(hub, KEYS, {"user": name, "purpose": "management"}).json()["key"]

    for path, body in (
        (KEYS, {"user": "owner"}),
        (USERS, {"name": "eve", "role": "owner"}),
        (f"{USERS}/owner/disable", {}),
    ):
        check_error(ask(hub, path, body, key=admin), path, 403, "not_allowed")
    check_error(ask(hub, CHAT, openai_body("echo"), key=admin), CHAT, 403, "key_not_allowed")


def test_a_limited_key_counts_no_tokens_at_a_provider_that_it_may_not_call(hub: HubProcess, stub: Stub) -> None:
    limited = ask(hub, KEYS, {"user": "guest", "models": ["echo/*"]}).json()["key"]
    managing = ask(hub, KEYS, {"user": "owner", "purpose": "management"}).json()["key"]
    body = {"model": "ant/m", "messages": [{"role": "user", "content": "Hello"}]}

    for key in (limited, managing):
        check_error(ask(hub, COUNT, body, key=key), COUNT, 403)

    assert [] == stub.requests
