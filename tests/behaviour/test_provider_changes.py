"""Providers, credentials and listings as an operator changes them while the hub serves."""

import json

import pytest

from tests.behaviour.error_shape import check_error
from tests.behaviour.plain_calls import CHAT, ask, openai_body
from tests.behaviour.stub import Stub, credential_of
from tests.support.hub import HubProcess
from tests.support.provider import Received, Reply

PROVIDERS, CREDENTIALS, RATES = "/api/v1/providers", "/api/v1/credentials", "/api/v1/rates"
TEST = f"{CREDENTIALS}/test"
SECRET = "sk-left-canary-new-9Zz"


async def rejected(request: Received, reply: Reply) -> None:
    """The provider does not know the secret."""
    body = b'{"error": {"message": "No such key", "type": "invalid_request_error"}}'
    await reply.send(401, {"content-type": "application/json"}, body)


def credential_id(hub: HubProcess, provider: str) -> str:
    """The id of the provider's first credential."""
    listed = ask(hub, CREDENTIALS).json()["data"]
    found: str = next(row["id"] for row in listed if row["provider"] == provider)
    return found


@pytest.mark.usefixtures("free")
def test_a_disabled_provider_gets_no_call_until_it_is_enabled(hub: HubProcess) -> None:
    off = ask(hub, f"{PROVIDERS}/left/disable", {})
    check_error(ask(hub, CHAT, openai_body("left/duplicate")), CHAT, 404, "model_not_found")
    listed = {row["name"]: row["enabled"] for row in ask(hub, PROVIDERS).json()["data"]}
    models = {row["id"] for row in ask(hub, "/v1/models").json()["data"]}
    on = ask(hub, f"{PROVIDERS}/left/enable", {})

    assert (False, True) == (off.json()["enabled"], on.json()["enabled"])
    assert (False, True) == (listed["left"], listed["right"])
    assert "left/duplicate" not in models
    assert "left/duplicate" in {row["id"] for row in ask(hub, "/v1/models").json()["data"]}


def test_a_provider_is_renamed_and_moved(hub: HubProcess) -> None:
    ask(hub, PROVIDERS, {"name": "bedrock", "region": "eu-central-1", "display_name": "Bedrock (EU)"})
    moved = ask(hub, f"{PROVIDERS}/bedrock", {"region": "us-west-2", "weight": 7}, method="PATCH").json()
    wrong = ask(hub, f"{PROVIDERS}/left", {"region": "us-west-2"}, method="PATCH")
    ask(hub, f"{PROVIDERS}/bedrock", method="DELETE")

    assert ("Bedrock (EU)", "us-west-2", 7) == (moved["display_name"], moved["region"], moved["weight"])
    assert "https://bedrock-runtime.us-west-2.amazonaws.com" == moved["base_url"]
    assert "region" == check_error(wrong, PROVIDERS, 400)["param"]


def test_a_secret_is_tried_at_its_provider_and_nothing_is_saved(hub: HubProcess, stub: Stub) -> None:
    stub.knows("left", SECRET)
    before = ask(hub, CREDENTIALS).json()

    works = ask(hub, TEST, {"provider": "left", "secret": SECRET})
    stub.will(rejected)
    fails = ask(hub, TEST, {"provider": "left", "secret": SECRET, "model": "other"})

    assert {"provider": "left", "model": "duplicate", "works": True} == works.json()
    error = check_error(fails, TEST, 400)
    assert "secret" == error["param"]
    assert "401" in error["message"]
    assert "No such key" in error["message"]
    assert [SECRET, SECRET] == [credential_of(request) for request in stub.requests]
    assert ["duplicate", "other"] == [json.loads(request.body)["model"] for request in stub.requests]
    assert before == ask(hub, CREDENTIALS).json()


def test_the_outcome_of_a_check_is_on_the_credential(hub: HubProcess, stub: Stub) -> None:
    credential = credential_id(hub, "right")
    at = f"{CREDENTIALS}/{credential}/check"

    def state() -> tuple[bool, str | None]:
        row = next(row for row in ask(hub, CREDENTIALS).json()["data"] if row["id"] == credential)
        assert (row["error"] is None) == (row["error_at"] is None)
        return row["active"], row["error"]

    stub.will(rejected)
    check_error(ask(hub, at, {}), at, 400)
    assert (False, "No such key") == state()
    answered = ask(hub, at, {})
    assert (200, True) == (answered.status, answered.json()["active"])
    assert (True, None) == state()


def test_a_credential_gets_another_name_weight_and_secret(hub: HubProcess, stub: Stub) -> None:
    at = f"{CREDENTIALS}/{credential_id(hub, 'left')}"
    stub.knows("left", SECRET)

    changed = ask(hub, at, {"name": "team", "weight": 9, "secret": SECRET}, method="PATCH").json()
    called = ask(hub, CHAT, openai_body("left/duplicate"))

    assert ("team", 9) == (changed["name"], changed["weight"])
    assert SECRET not in str(changed)
    assert 200 == called.status
    assert SECRET == credential_of(stub.only)
    assert "weight" == check_error(ask(hub, at, {"weight": 0}, method="PATCH"), at, 400)["param"]


def test_a_hidden_model_is_called_and_not_listed(hub: HubProcess) -> None:
    at = f"{RATES}/left/duplicate"

    hidden = ask(hub, at, {"listing": "hidden", "display_name": "Duplicate"}, method="PATCH")
    called = ask(hub, CHAT, openai_body("left/duplicate"))
    listed = {row["id"] for row in ask(hub, "/v1/models").json()["data"]}
    public = {row["provider"] for row in ask(hub, "/api/ai/models").json()}
    shown = ask(hub, at, {"listing": "listed"}, method="PATCH")

    assert (True, "Duplicate") == (hidden.json()["hidden"], hidden.json()["display_name"])
    assert 200 == called.status
    assert "left/duplicate" not in listed
    assert "left" not in public
    assert (False, "Duplicate") == (shown.json()["hidden"], shown.json()["display_name"])
