"""AIGNE Hub's management routes, in its shapes: what its scripts send is understood, and its defects are absent."""

import re
from typing import Any

import pytest

from entrypoints.http.aigne_management.routes import FOR_ADMINS, FOR_USERS
from tests.behaviour.conftest import People
from tests.behaviour.plain_calls import CHAT, Response, ask, openai_body
from tests.behaviour.stub import Stub, credential_of
from tests.behaviour.test_provider_changes import rejected
from tests.support.hub import HubProcess

PROVIDERS = "/api/ai-providers"
SECRET = "sk-script-canary-0123456789-wxyz"
REFUSED = {"code": "forbidden"}


def filled(template: str) -> str:
    return PROVIDERS + re.sub(r"\{\w+\}", "oai", template)


def error_of(received: Response, status: int) -> str:
    """The text of an error of these routes."""
    assert status == received.status, received.body
    reported = received.json()
    assert isinstance(reported["error"], str)
    assert received.header("x-request-id")
    text: str = reported["error"]
    return text


@pytest.mark.parametrize(("method", "template"), [(row[0], row[1]) for row in FOR_ADMINS])
def test_a_route_for_admins_is_closed_to_others_whether_the_thing_exists_or_not(
    hub: HubProcess, people: People, method: str, template: str
) -> None:
    for path in (
        filled(template),
        filled(template).replace("oai", "none"),
        "/api/ai" + filled(template)[len(PROVIDERS) :],
    ):
        body: dict[str, Any] | None = {} if method in ("POST", "PUT") else None
        guest = ask(hub, path, body, key=people.guest, method=method)
        nobody = ask(hub, path, body, key="", method=method)
        revoked = ask(hub, path, body, key=people.revoked, method=method)

        assert {**REFUSED, "error": "no permission"} == guest.json()
        assert {**REFUSED, "error": "not authorized"} == nobody.json() == revoked.json()
        assert (403, 401, 401) == (guest.status, nobody.status, revoked.status)


@pytest.mark.parametrize(("method", "template"), [(row[0], row[1]) for row in FOR_USERS])
def test_a_route_for_users_wants_a_key(hub: HubProcess, method: str, template: str) -> None:
    assert "Unauthorized" == error_of(ask(hub, filled(template), key="", method=method), 401)


def test_a_user_sees_what_a_provider_is_called_and_no_cost_and_nothing_else(hub: HubProcess, people: People) -> None:
    listed = ask(hub, PROVIDERS, key=people.guest).json()
    rates = ask(hub, f"{PROVIDERS}/oai/model-rates", key=people.guest).json()
    page = ask(hub, f"{PROVIDERS}/model-rates", key=people.guest).json()

    assert {("displayName", "enabled", "id", "name")} == {tuple(sorted(row)) for row in listed}
    assert all("unitCosts" not in row for row in (*rates, *page["list"]))
    assert all("baseUrl" not in row["provider"] for row in page["list"])


def test_an_admin_sees_masks_and_no_secret_in_any_form(hub: HubProcess) -> None:
    listed = {row["name"]: row for row in ask(hub, PROVIDERS).json()}

    (credential,) = listed["left"]["credentials"]
    assert {} == credential["credentialValue"]
    assert credential["maskedValue"]["api_key"] == credential["displayText"]
    assert credential["displayText"].startswith("sk-l")
    assert (100, True, "api_key") == (credential["weight"], credential["active"], credential["credentialType"])
    assert ["oai"] == [row["name"] for row in ask(hub, f"{PROVIDERS}?name=oai").json()]
    assert "modelRates" in ask(hub, f"{PROVIDERS}?name=oai&includeModelRates=1").json()[0]


def test_a_provider_lives_and_leaves_nothing_behind(hub: HubProcess, stub: Stub) -> None:
    name = f"acme-{hub.interface}"
    stub.knows("left", SECRET)
    at, new = f"{PROVIDERS}/{name}", {"name": name, "displayName": "Acme", "baseUrl": stub.url("left")}

    made = ask(hub, PROVIDERS, new)
    again = ask(hub, PROVIDERS, new)
    off = ask(hub, at, {"enabled": False}, method="PUT")
    renamed = ask(hub, at, {"enabled": True, "displayName": "Acme AI"}, method="PUT")
    credential = ask(hub, f"{at}/credentials", {"name": "team", "value": SECRET, "testModel": "m", "weight": 7})
    rate = ask(hub, f"{at}/model-rates", {"model": "m", "type": "chatCompletion", "inputRate": 0, "outputRate": 0})
    called = ask(hub, CHAT, openai_body(f"{name}/m"))
    health = ask(hub, f"{PROVIDERS}/health").json()["providers"]
    removed = ask(hub, at, method="DELETE")

    assert ("1", "Acme", True) == ("1", made.json()["displayName"], made.json()["enabled"])
    assert "Provider with this name already exists" == error_of(again, 409)
    assert (False, "Acme") == (off.json()["enabled"], off.json()["displayName"])
    assert (True, "Acme AI") == (renamed.json()["enabled"], renamed.json()["displayName"])
    assert ("team", 7) == (credential.json()["name"], credential.json()["weight"])
    assert (200, 200) == (rate.status, called.status)
    assert {"team": {"running": True}} == health[name]
    assert {"message": "Provider deleted successfully"} == removed.json()
    assert name not in ask(hub, f"{PROVIDERS}/health").json()["providers"]
    assert name not in str(ask(hub, f"{PROVIDERS}/model-rates?pageSize=100").json())
    assert "Provider not found" == error_of(ask(hub, at, {"enabled": True}, method="PUT"), 404)


def test_a_credential_is_checked_and_the_outcome_is_kept(hub: HubProcess, stub: Stub) -> None:
    of = f"{PROVIDERS}/right/credentials"
    (row,) = ask(hub, f"{PROVIDERS}?name=right").json()[0]["credentials"]
    at = f"{of}/{row['id']}"

    def state() -> tuple[bool, str | None]:
        (now,) = ask(hub, f"{PROVIDERS}?name=right").json()[0]["credentials"]
        return now["active"], now["error"]

    stub.will(rejected)
    failed = ask(hub, f"{at}/check")
    assert "Invalid credentials" == error_of(failed, 400)
    assert "No such key" in failed.json()["detail"]
    assert (False, "No such key") == state()
    assert ask(hub, f"{at}/check", {}).json()["active"]
    assert (True, None) == state()
    renamed = ask(hub, at, {"name": "renamed"}, method="PUT")
    assert "renamed" == renamed.json()["name"]
    elsewhere = ask(hub, f"{PROVIDERS}/left/credentials/{row['id']}/check", {})
    assert "Credential not found" == error_of(elsewhere, 404)


def test_a_rejected_secret_is_the_requests_fault_and_is_not_saved(hub: HubProcess, stub: Stub) -> None:
    of = f"{PROVIDERS}/right/credentials"
    stub.knows("right", SECRET)
    before = len(ask(hub, f"{PROVIDERS}?name=right").json()[0]["credentials"])

    stub.will(rejected, rejected)
    created = ask(hub, of, {"name": "new", "value": {"api_key": SECRET}})
    tested = ask(hub, f"{of}/test", {"value": SECRET})

    assert "No such key" in error_of(created, 400)
    assert "Invalid credentials" == error_of(tested, 400)
    assert [SECRET, SECRET] == [credential_of(request) for request in stub.requests]
    assert {"success": True} == ask(hub, f"{of}/test", {"value": SECRET}).json()
    assert before == len(ask(hub, f"{PROVIDERS}?name=right").json()[0]["credentials"])


def test_a_rate_is_made_changed_and_ended_and_every_version_is_in_its_history(hub: HubProcess) -> None:
    model, of = f"priced-{hub.interface}", f"{PROVIDERS}/oai/model-rates"
    body: dict[str, Any] = {
        "model": model,
        "type": "chatCompletion",
        "inputRate": 0.0000015,
        "outputRate": "0.000012",
        "caching": {"readRate": "0.00000015"},
        "unitCosts": {"input": "0.00000125", "output": 0.00001},
        "modelMetadata": {"maxTokens": 400000, "features": ["tools", "vision"]},
    }

    made = ask(hub, of, body).json()
    again = ask(hub, of, body)
    changed = ask(hub, f"{of}/{made['id']}", {"inputRate": "0.000002"}, method="PUT").json()
    history = ask(hub, f"{of}/{made['id']}/history").json()
    made_image = ask(hub, of, {"model": model, "type": "imageGeneration", "inputRate": 0, "outputRate": 0.04}).json()
    known = hub.cli("rate", "show", f"oai/{model}")[-1]
    removed = [ask(hub, f"{of}/{one}", method="DELETE").json() for one in (made_image["id"], made["id"])]

    assert ("0.0000015", "0.000012") == (made["inputRate"], made["outputRate"])
    assert {"readRate": "0.00000015"} == made["caching"]
    assert {"input": "0.00000125", "output": "0.00001"} == made["unitCosts"]
    assert {"maxTokens": 400000, "features": ["tools", "vision"]} == made["modelMetadata"]
    assert "Rate already exists for this provider-model-type combination" == error_of(again, 409)
    assert (made["id"], "0.000002", "0.000012") == (changed["id"], changed["inputRate"], changed["outputRate"])
    assert [
        {"inputRate": "0.000002", "outputRate": "0.000012"},
        {"inputRate": "0.0000015", "outputRate": "0.000012"},
    ] == [row["currentRates"] for row in history["list"]]
    assert "0.04" == made_image["outputRate"]
    assert ("2", "12", "0.04") == (known["input"], known["output"], known["image"])
    assert [{"message": "Model rate deleted successfully"}] * 2 == removed
    assert "Model rate not found" == error_of(ask(hub, f"{of}/{made['id']}", {}, method="PUT"), 404)


def test_rates_of_several_providers_are_made_together_or_not_at_all(hub: HubProcess) -> None:
    model, at = f"several-{hub.interface}", f"{PROVIDERS}/model-rates"
    body = {"model": model, "type": "chatCompletion", "inputRate": 0, "outputRate": 0}

    missing = ask(hub, at, {**body, "providers": ["left", "nobody"]})
    made = ask(hub, at, {**body, "providers": ["left", "right"]}).json()
    again = ask(hub, at, {**body, "providers": ["right", "ant"]})
    pages = [ask(hub, f"{at}?model={model.upper()}&pageSize=1&page={page}").json() for page in (1, 2)]
    for provider in ("left", "right"):
        hub.cli("rate", "remove", f"{provider}/{model}")

    assert "Providers not found: nobody" == error_of(missing, 400)
    assert (2, 2) == (len(made["data"]), made["summary"]["total"])
    assert "in providers: right" in error_of(again, 409)
    assert [2, 2] == [page["count"] for page in pages]
    assert {"left", "right"} == {page["list"][0]["providerId"] for page in pages}


def test_a_margin_is_applied_to_every_rate_with_a_known_price_and_hidden_models_keep_theirs(hub: HubProcess) -> None:
    of, bulk = f"{PROVIDERS}/left/model-rates", f"{PROVIDERS}/bulk-rate-update"
    names = [f"{word}-{hub.interface}" for word in ("shown", "hidden")]
    for name in names:
        costs = {"input": "0.000001", "output": "0.000002"}
        ask(
            hub,
            of,
            {"model": name, "type": "chatCompletion", "inputRate": 0.001, "outputRate": 0.001, "unitCosts": costs},
        )
    hub.cli("rate", "change", f"left/{names[1]}", "--listing", "hidden")
    terms = {"profitMargin": 50, "creditPrice": 0.5}

    dry = ask(hub, bulk, {**terms, "dryRun": True}).json()
    after_dry = hub.cli("rate", "show", f"left/{names[0]}")[-1]["input"]
    done = ask(hub, bulk, terms).json()
    rates = [hub.cli("rate", "show", f"left/{name}")[-1] for name in names]
    for name in names:
        hub.cli("rate", "remove", f"left/{name}")

    assert dry["summary"] == done["summary"]
    assert "1000" == after_dry
    assert ("3", "6") == (rates[0]["input"], rates[0]["output"])
    assert "1000" == rates[1]["input"]
    (row,) = [row for row in done["summary"] if row["model"] == names[0]]
    assert ("0.001", 0.000003, "0.001", 0.000006) == tuple(
        row[name] for name in ("oldInputRate", "newInputRate", "oldOutputRate", "newOutputRate")
    )


def test_the_catalogues_are_open_and_say_what_the_published_client_reads(hub: HubProcess) -> None:
    for path in ("/api/ai/models", f"{PROVIDERS}/models"):
        listed = {row["key"]: row for row in ask(hub, path, key="").json()}
        assert {"oai/m", "oai/dall", "oai/video"} <= set(listed)
        assert ("chat", "image_generation", "video") == tuple(
            listed[key]["type"] for key in ("oai/m", "oai/dall", "oai/video")
        )
        assert "0.04" == listed["oai/dall"]["output_credits_per_token"]
        assert isinstance(listed["oai/m"]["input_credits_per_token"], str)
        assert ("oai", "oai") == (listed["oai/m"]["providerId"], listed["oai/m"]["providerDisplayName"])
        assert {"available": True} == listed["oai/m"]["status"]
        spelled = [{row["key"] for row in ask(hub, f"{path}?type={kind}", key="").json()} for kind in IMAGE_WORDS]
        assert spelled[0] == spelled[1] == spelled[2] >= {"oai/dall"}
        assert [] == ask(hub, f"{path}?type=unknown", key="").json()
    playground = {row["model"]: row for row in ask(hub, f"{PROVIDERS}/chat/models", key="").json()}
    assert {"left", "right"} == {row["name"] for row in playground["duplicate"]["providers"]}


IMAGE_WORDS = ("image", "imageGeneration", "image_generation")


@pytest.mark.usefixtures("nothing_moves")
@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "", {"displayName": "x"}, "name"),
        ("POST", "", {"name": "acme", "url": "x"}, "url"),
        ("PUT", "/oai", {"enabled": "no"}, "enabled"),
        ("PUT", "/oai", {"name": "other"}, "name"),
        ("POST", "/oai/credentials", {"name": "x", "value": 1}, "value"),
        ("POST", "/oai/credentials", {"name": "x", "value": "sk-1", "credentialType": "magic"}, "credentialType"),
        ("POST", "/oai/model-rates", {"type": "chatCompletion", "inputRate": 0, "outputRate": 0}, "model"),
        ("POST", "/oai/model-rates", {"model": "x", "inputRate": -1, "outputRate": 0}, "inputRate"),
        ("POST", "/oai/model-rates", {"model": "x", "inputRate": "NaN", "outputRate": 0}, "inputRate"),
        ("POST", "/oai/model-rates", {"model": "x", "inputRate": 0}, "outputRate"),
        ("POST", "/oai/model-rates", {"model": "x", "type": "y", "inputRate": 0, "outputRate": 0}, "type"),
        ("GET", "/model-rates?page=0", None, "page"),
        ("POST", "/bulk-rate-update", {"profitMargin": 20}, "creditPrice"),
        ("POST", "/bulk-rate-update", {"profitMargin": 20, "creditPrice": 0}, "creditPrice"),
    ],
)
def test_bad_input_is_a_400_that_names_the_field(
    hub: HubProcess, method: str, path: str, body: Any, field: str
) -> None:
    assert field in error_of(ask(hub, PROVIDERS + path, body, method=method), 400)
