"""Gemini's API beside an answer: paths, keys, models, errors, counts and vectors."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from tests.behaviour.conftest import People
from tests.behaviour.gemini import HELLO, google_sdk, newest
from tests.behaviour.non_chat_answers import VECTOR
from tests.behaviour.plain_calls import ask, events_of, wallet
from tests.behaviour.stub import Stub
from tests.behaviour.stub_answers import failing, openai_stream
from tests.support.hub import HubProcess
from tests.support.provider import answering, streaming


@pytest.fixture
def client(hub: HubProcess) -> Iterator[genai.Client]:
    made = google_sdk(hub)
    yield made
    made.close()


# --- keys and paths -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [
    "/v1beta/models/oai/m:generateContent",
    "//v1beta/models/oai/m:generateContent",
    "/v1beta/models/oai%2Fm:generateContent",
    "/v1/models/oai/m:generateContent",
    "/v1beta/models/m:generateContent",
])  # fmt: skip
def test_the_path_names_a_model_of_any_vendor(hub: HubProcess, stub: Stub, path: str) -> None:
    received = ask(hub, path, HELLO, key="", headers={"x-goog-api-key": hub.key})

    assert 200 == received.status, received.body
    assert received.json()["candidates"][0]["content"]["parts"]


def test_a_key_may_stand_in_the_query(hub: HubProcess) -> None:
    path = "/v1beta/models/oai/m"

    assert 200 == ask(hub, f"{path}:generateContent?key={hub.key}", HELLO, key="").status
    assert 200 == ask(hub, f"{path}?key={hub.key}", key="").status
    assert 401 == ask(hub, f"{path}:generateContent?key=wrong", HELLO, key="").status


@pytest.mark.parametrize("options", [{}, {"api_version": "v1"}])
def test_models_are_listed_and_described(hub: HubProcess, options: Any) -> None:
    with google_sdk(hub, **options) as client:
        listed = {model.name: model for model in client.models.list()}

        one = listed["models/oai/m"]
        assert (128_000, 4_096) == (one.input_token_limit, one.output_token_limit)
        assert one.supported_actions
        assert "generateContent" in one.supported_actions
        assert "models/oai/m" == client.models.get(model="oai/m").name


# --- what goes wrong ------------------------------------------------------------------------------------


def test_an_error_is_one_of_googles(hub: HubProcess, stub: Stub, people: People) -> None:
    with google_sdk(hub) as client:
        with pytest.raises(errors.ClientError) as unknown:
            client.models.generate_content(model="nobody/knows", contents="Hello")
        assert (404, "NOT_FOUND") == (unknown.value.code, unknown.value.status)
        stub.will(failing(400), failing(400))
        with pytest.raises(errors.ClientError) as rejected:
            client.models.generate_content(model="oai/m", contents="Hello")
        assert (400, "INVALID_ARGUMENT") == (rejected.value.code, rejected.value.status)
    with google_sdk(hub, key="wrong") as stranger, pytest.raises(errors.ClientError) as stranger_error:
        stranger.models.generate_content(model="oai/m", contents="Hello")
    assert (401, "UNAUTHENTICATED") == (stranger_error.value.code, stranger_error.value.status)
    with google_sdk(hub, key=people.poor) as poor, pytest.raises(errors.ClientError) as broke:
        poor.models.generate_content(model="oai/m", contents="Hello")
    assert 402 == broke.value.code


@pytest.mark.usefixtures("free")
@pytest.mark.parametrize(("body", "field"), [
    (b"{}", "contents"),
    (b'{"contents":[]}', "contents"),
    (b'{"contents":[{"parts":7}]}', "contents[0].parts"),
    (b'{"contents":[{"parts":[{"text":7}]}]}', "contents[0].parts[0].text"),
    (b'{"contents":[{"parts":[{"text":"a"}]}],"generationConfig":{"maxOutputTokens":0}}',
     "generationConfig.maxOutputTokens"),
    (b'{"contents":[{"parts":[{"text":"a"}]}],"generation_config":{"temperature":"warm"}}',
     "generationConfig.temperature"),
    (b'{"contents":[{"parts":[{"functionCall":{"name":"f","args":7}}]}]}', "contents[0].parts[0].functionCall.args"),
])  # fmt: skip
def test_what_is_malformed_is_named(hub: HubProcess, body: bytes, field: str) -> None:
    received = ask(hub, "/v1beta/models/oai/m:generateContent", body)

    assert 400 == received.status, received.body
    [_, request, *_] = received.json()["error"]["details"]
    assert field == request["fieldViolations"][0]["field"]


def test_a_stream_that_breaks_ends_in_an_error(hub: HubProcess, stub: Stub) -> None:
    stub.will(streaming(*openai_stream()[:2]))

    received = ask(hub, "/v1beta/models/oai/m:streamGenerateContent?alt=sse", HELLO)

    reported = [data for _, data in events_of(received.body.replace(b"\r\n", b"\n"))]
    assert "error" in reported[-1]
    assert not any("finishReason" in said for data in reported for said in data.get("candidates", ()))


def test_a_method_that_is_not_offered_is_not_found_in_googles_form(hub: HubProcess) -> None:
    received = ask(hub, "/v1beta/models/oai/m:predict", HELLO)

    assert (404, "NOT_FOUND") == (received.status, received.json()["error"]["status"])


# --- counting and embedding -----------------------------------------------------------------------------


@pytest.mark.usefixtures("free")
def test_tokens_are_counted_by_google_or_estimated(client: genai.Client, hub: HubProcess, stub: Stub) -> None:
    stub.will(answering(200, b'{"totalTokens": 31, "cachedContentTokenCount": 3}'))

    counted = client.models.count_tokens(model="goo/gem", contents="Hello")
    estimated = client.models.count_tokens(model="oai/m", contents="Hello")

    assert (31, "/goo/v1/models/gem:countTokens") == (counted.total_tokens, stub.only.path)
    assert 5 == estimated.total_tokens
    whole = {"generateContentRequest": {"model": "models/oai/m", **HELLO}}
    assert {"totalTokens": 5} == ask(hub, "/v1beta/models/oai/m:countTokens", whole).json()


@pytest.mark.parametrize("model", ["oai/m", "voy/m"])
def test_texts_are_embedded_by_every_vendor_of_embeddings(
    client: genai.Client, hub: HubProcess, stub: Stub, model: str
) -> None:
    config = types.EmbedContentConfig(task_type="RETRIEVAL_QUERY", output_dimensionality=3)

    answer = client.models.embed_content(model=model, contents=["one", "two"], config=config)

    assert answer.embeddings
    assert [VECTOR, VECTOR] == [each.values for each in answer.embeddings]
    assert "0.000011" == newest(hub)["charge"]
    sent = stub.only.json()
    assert ["one", "two"] == sent["input"]
    assert ("query" if model == "voy/m" else None) == sent.get("input_type")
    single = ask(hub, f"/v1beta/models/{model}:embedContent", {"content": {"parts": [{"text": "one"}]}})
    assert VECTOR == single.json()["embedding"]["values"]


def test_a_batch_is_embedded_by_google(hub: HubProcess, stub: Stub) -> None:
    stub.will(answering(200, json.dumps({"embeddings": [{"values": VECTOR}]}).encode()))
    requested = {"model": "models/goo/gem", "content": {"parts": [{"text": "one"}]}, "taskType": "CLUSTERING"}

    received = ask(hub, "/v1beta/models/goo/gem:batchEmbedContents", {"requests": [requested]})

    assert [{"values": VECTOR}] == received.json()["embeddings"]
    assert {"requests": [{**requested, "model": "models/gem"}]} == stub.only.json()


def test_nothing_is_given_to_a_wallet_without_credit(hub: HubProcess, stub: Stub, people: People) -> None:
    for method, body in (
        ("generateContent", HELLO),
        ("streamGenerateContent", HELLO),
        ("countTokens", HELLO),
        ("embedContent", {"content": {"parts": [{"text": "one"}]}}),
    ):
        assert 402 == ask(hub, f"/v1beta/models/oai/m:{method}", body, key=people.poor).status
    assert [] == stub.requests
    assert "0" == wallet(hub, people.poor)["held"]
