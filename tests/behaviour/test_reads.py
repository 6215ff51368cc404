"""What may be asked without spending: models in both dialects, the balance, and whether the hub is well."""

from typing import Any

import anthropic
import openai
import pytest

from tests.behaviour.conftest import People
from tests.behaviour.error_shape import check_error
from tests.behaviour.plain_calls import BALANCE, ask, openai_body
from tests.behaviour.sdks import anthropic_sdk, openai_sdk
from tests.behaviour.stub import Stub
from tests.support.hub import HubProcess

OPEN = ("/", "/healthz", "/readyz")
GUARDED = ("/v1/models", "/v1/models/echo/echo", BALANCE)
AS_ANTHROPIC = {"anthropic-version": "2023-06-01"}
SOLD = ["ant/m", "echo/echo", "left/duplicate", "oai/m", "oai/org/model", "pair/m", "right/duplicate"]


def test_every_model_with_a_rate_is_listed_with_its_price(hub: HubProcess) -> None:
    reported = ask(hub, "/v1/models").json()

    listed = {model["id"]: model for model in reported["data"]}
    assert "list" == reported["object"]
    assert set(SOLD) <= set(listed)
    assert sorted(listed) == list(listed)
    model = listed["oai/org/model"]
    assert ("model", "oai", 128_000, 4_096) == tuple(
        model[name] for name in ("object", "owned_by", "context_length", "max_output_tokens")
    )
    assert {"unit": "credits per 1000000 tokens", "input": "1", "output": "2"} == model["pricing"]
    assert model["created"] > 1_700_000_000


def test_openais_sdk_lists_and_gets_models_also_with_slashes_in_their_names(hub: HubProcess) -> None:
    with openai_sdk(hub) as client:
        ids = [model.id for model in client.models.list()]
        for name in ("oai/m", "oai/org/model", "m", "duplicate", "echo"):
            assert name == client.models.retrieve(name).id
        with pytest.raises(openai.NotFoundError) as raised:
            client.models.retrieve("oai/none/such")

    assert set(SOLD) <= set(ids)
    assert "model_not_found" == raised.value.code


def test_anthropics_sdk_lists_and_gets_models_also_with_slashes_in_their_names(hub: HubProcess) -> None:
    with anthropic_sdk(hub) as client:
        listed = list(client.models.list())
        for name in ("ant/m", "oai/org/model", "m"):
            model = client.models.retrieve(name)
            assert (name, "model") == (model.id, model.type)
            assert model.created_at.year >= 2025
            assert (model.lifecycle, model.max_input_tokens, model.max_tokens) == ("active", 128_000, 4_096)
            own: Any = model.to_dict()["aihub"]
            assert (own["pricing"]["input"], own["pricing"]["output"]) == ("1", "2")
            assert "chat" in own["operations"]
        with pytest.raises(anthropic.NotFoundError):
            client.models.retrieve("no/such/model")

    assert set(SOLD) <= {model.id for model in listed}
    assert all(model.display_name for model in listed)


def test_an_unknown_model_is_not_found_in_the_callers_dialect(hub: HubProcess) -> None:
    for headers, path in ((None, "/v1/chat"), (AS_ANTHROPIC, "/v1/messages")):
        for name in ("nope", "nope/m", "%2e%2e/x", "a" * 900):
            error = check_error(ask(hub, f"/v1/models/{name}", headers=headers), path, 404, "model_not_found")
            assert len(error["message"]) < 600


def test_the_balance_is_exact_decimals(hub: HubProcess, people: People) -> None:
    rich, poor = ask(hub, BALANCE).json(), ask(hub, BALANCE, key=people.poor).json()

    assert ("owner", True, "https://pay.example.com/credit") == (rich["user"], rich["billing"], rich["payment_link"])
    assert ("poor", "0", "0", "0") == tuple(poor[name] for name in ("user", "posted", "held", "available"))
    reported = hub.balance("owner")
    assert {name: reported[name] for name in ("posted", "held", "available")} == {
        name: rich[name] for name in ("posted", "held", "available")
    }


def test_everybody_sees_only_their_own_balance(hub: HubProcess, people: People) -> None:
    for query in ("?user=owner", "?user_id=owner", "?userId=owner"):
        assert "poor" == ask(hub, BALANCE + query, key=people.poor).json()["user"]


def test_the_hub_reports_its_health_to_everyone(hub: HubProcess) -> None:
    assert {"status": "ok"} == ask(hub, "/healthz", key="").json()
    ready = ask(hub, "/readyz", key="").json()
    assert ("ready", True) == (ready["status"], ready["catalog_version"] > 0)
    index = ask(hub, "/", key="").json()
    assert "aihub" == index["name"]
    assert {"POST /v1/chat/completions", "POST /v1/messages", "GET /healthz"} <= set(index["routes"])


def test_a_browser_gets_a_page_that_shows_how_to_begin(hub: HubProcess) -> None:
    page = ask(hub, "/", key="", headers={"accept": "text/html,application/xhtml+xml", "host": "hub.example<script>"})

    text = page.body.decode()
    assert (200, "text/html; charset=utf-8") == (page.status, page.header("content-type"))
    assert "<code>/v1/chat/completions</code>" in text
    assert "http://hub.example&lt;script&gt;/v1" in text
    assert "<script" not in text


@pytest.mark.parametrize("path", GUARDED)
def test_without_a_valid_key_nothing_is_reported(hub: HubProcess, people: People, path: str) -> None:
    for key, code in (("", "missing_api_key"), ("ahk_x", "invalid_api_key"), (people.revoked, "invalid_api_key")):
        check_error(ask(hub, path, key=key), "/v1/chat", 401, code)
        check_error(ask(hub, path, key=key, headers=AS_ANTHROPIC), "/v1/messages", 401, code)
    check_error(ask(hub, path, key="", headers={"x-api-key": "nope"}), "/v1/chat", 401, "invalid_api_key")


@pytest.mark.parametrize("path", [*OPEN, *GUARDED])
def test_head_is_get_without_a_body(hub: HubProcess, path: str) -> None:
    """Monitors ask so (RFC 9110, 9.1: all general-purpose servers must support GET and HEAD)."""
    get, head = ask(hub, path), ask(hub, path, method="HEAD")

    assert (200, b"") == (head.status, head.body)
    assert (get.header("content-type"), get.header("content-length")) == (
        head.header("content-type"), head.header("content-length")
    )  # fmt: skip


@pytest.mark.parametrize("path", [*OPEN, *GUARDED, "/v1/messages"])
def test_options_reports_the_methods_and_so_does_a_wrong_method(hub: HubProcess, path: str) -> None:
    method = "POST" if path == "/v1/messages" else "GET"

    options = ask(hub, path, method="OPTIONS", key="")
    wrong = ask(hub, path, method="DELETE")

    assert 200 == options.status
    assert method in str(options.header("allow")).split(", ")
    check_error(wrong, path, 405, "wrong_method")
    assert method in str(wrong.header("allow")).split(", ")


def test_reading_never_reaches_a_provider_and_makes_no_call(hub: HubProcess, stub: Stub) -> None:
    def newest() -> Any:
        return hub.cli("call", "list", "--limit", "1")

    ask(hub, "/v1/chat/completions", openai_body("echo/echo"))
    before = newest()
    for path in (*OPEN, *GUARDED):
        assert 200 == ask(hub, path).status

    assert before == newest()
    assert [] == stub.requests


def test_models_report_their_operations_and_every_price(hub: HubProcess) -> None:
    listed = {model["id"]: model for model in ask(hub, "/v1/models").json()["data"]}

    texts = ["chat", "completions", "embeddings", "moderation", "rerank"]
    assert ["images"] == listed["oai/dall"]["operations"]
    assert ["speech"] == listed["oai/tts"]["operations"]
    assert ["transcription"] == listed["oai/whisper"]["operations"]
    assert ["chat", "completions"] == listed["ant/m"]["operations"]
    assert ["embeddings", "rerank"] == listed["voy/m"]["operations"]
    assert ["images"] == listed["ideo/ideogram-v3"]["operations"]
    assert set(texts) < set(listed["oai/m"]["operations"])
    assert "0.04" == listed["oai/dall"]["pricing"]["image"]
    assert [{"size": "1024x1536", "quality": None, "image": "0.08"}] == listed["oai/sized"]["pricing"]["variants"][:1]
    assert ("1000", "0.01") == (listed["oai/tts"]["pricing"]["character"], listed["oai/whisper"]["pricing"]["second"])
