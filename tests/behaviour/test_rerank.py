"""Rankings of documents: passed through to compatible servers, translated for Voyage and Cohere, made by the echo."""

import json
from typing import Any

import pytest

from tests.behaviour.conftest import People
from tests.behaviour.gemini import newest
from tests.behaviour.plain_calls import ask
from tests.behaviour.stub import Stub
from tests.support.hub import HubProcess
from tests.support.provider import answering

PATHS = pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank", "/rerank"])
DOCUMENTS = ["the cat sat", "a dog ran", "the cat and the dog"]
RESULTS = [{"index": 2, "relevance_score": 0.90}, {"index": 0, "relevance_score": 0.2}]


def body(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "query": "cat dog", "documents": DOCUMENTS, "top_n": 2, **more}


@PATHS
def test_the_echo_ranks_by_words_of_the_query(hub: HubProcess, path: str) -> None:
    received = ask(hub, path, body("echo/echo", return_documents=True))

    assert 200 == received.status, received.body
    reported = received.json()
    assert [(2, 1), (0, 0.5)] == [(one["index"], one["relevance_score"]) for one in reported["results"]]
    assert {"text": "the cat and the dog"} == reported["results"][0]["document"]
    assert {"search_units": 1} == reported["meta"]["billed_units"]
    assert "0.000017" == received.header("x-aihub-charge"), "2 words for each of 3 documents, and their 11"


def test_a_compatible_servers_own_fields_pass_both_ways(hub: HubProcess, stub: Stub) -> None:
    said = json.dumps({"results": RESULTS, "usage": {"total_tokens": 38}, "novel": 1.50}, indent=1).encode()
    stub.will(answering(200, said))
    sent = body("oai/m", return_documents=False, novel={"a": 1.0})

    received = ask(hub, "/v1/rerank", sent)

    assert (200, said, "0.000038") == (received.status, received.body, received.header("x-aihub-charge"))
    assert ("/oai/v1/rerank", {**sent, "model": "m"}) == (stub.only.path, stub.only.json())


def test_a_ranking_is_sold_by_the_search_unit(hub: HubProcess, stub: Stub) -> None:
    counted = {"billed_units": {"search_units": 3}}
    stub.will(answering(200, json.dumps({"results": RESULTS, "meta": counted}).encode()))

    received = ask(hub, "/v2/rerank", body("oai/ranker", documents=["a cat"] * 250))

    shown = newest(hub)
    assert (200, "0.006", "provider") == (received.status, received.header("x-aihub-charge"), shown["usage_source"])
    assert 3 == shown["usage"]["search_units"]


def test_units_that_nobody_counted_are_estimated(hub: HubProcess, stub: Stub) -> None:
    stub.will(answering(200, json.dumps({"results": RESULTS}).encode()))

    received = ask(hub, "/v2/rerank", body("oai/ranker", documents=["a cat"] * 150))

    shown = newest(hub)
    assert ("0.004", "estimated", 2) == (
        received.header("x-aihub-charge"), shown["usage_source"], shown["usage"]["search_units"]
    )  # fmt: skip


def test_voyage_is_called_and_answers_in_its_own_form(hub: HubProcess, stub: Stub) -> None:
    stub.will(answering(200, json.dumps({"object": "list", "data": RESULTS, "usage": {"total_tokens": 38}}).encode()))
    documents = [{"title": "Cats", "text": "the cat sat"}, {"text": "a dog ran"}, "the cat and the dog"]

    received = ask(hub, "/v1/rerank", body("voy/m", documents=documents, return_documents=True))

    assert {
        "model": "m",
        "query": "cat dog",
        "documents": ["title: Cats\ntext: the cat sat", "a dog ran", "the cat and the dog"],
        "top_k": 2,
    } == stub.only.json()
    reported = received.json()
    assert [2, 0] == [one["index"] for one in reported["results"]]
    assert [{"text": "the cat and the dog"}, documents[0]] == [one["document"] for one in reported["results"]]
    assert ({"input_tokens": 38}, "0.000038") == (reported["meta"]["billed_units"], received.header("x-aihub-charge"))


@pytest.mark.usefixtures("nothing_moves")
@pytest.mark.parametrize(("change", "field"), [
    ({"documents": []}, "documents"),
    ({"documents": "x"}, "documents"),
    ({"documents": [7]}, "documents[0]"),
    ({"query": ""}, "query"),
    ({"top_n": 0}, "top_n"),
    ({"model": None}, "model"),
])  # fmt: skip
def test_what_is_malformed_is_named(hub: HubProcess, change: dict[str, Any], field: str) -> None:
    received = ask(hub, "/v1/rerank", {**body("oai/m"), **change})

    assert (400, field) == (received.status, received.json()["error"]["param"])


@pytest.mark.usefixtures("nothing_moves")
def test_nothing_is_ranked_for_nothing(hub: HubProcess, people: People) -> None:
    assert 402 == ask(hub, "/v1/rerank", body("oai/m"), key=people.poor).status
    refused = ask(hub, "/v1/rerank", body("oai/dall"))
    assert 400 == refused.status, "its only price is that of an image"
