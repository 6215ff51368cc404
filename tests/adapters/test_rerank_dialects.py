"""How documents are ranked at each vendor: what is asked, and what of the answer is counted."""

import json
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from adapters.providers.registry import DIALECTS
from domain.model_api.call import Attempt, ModelCall, Target
from domain.model_api.events import Broken, Ended, UsageReported
from domain.model_api.rerank import Ranked, RerankRequest
from domain.refusals import UnsupportedParameter
from domain.usage import UNITS_MAX, Usage

BEDROCK = DIALECTS["bedrock-rerank"]
COHERE, VOYAGE, PASSING = DIALECTS["cohere-rerank"], DIALECTS["voyage-rerank"], DIALECTS["rerank"]


def attempt(dialect: str) -> Attempt:
    target = Target(
        provider="p", dialect=dialect, base_url="https://p/v1", model="ranker", credential_id=None, sealed=None
    )
    return Attempt(call_id="c", target=target, timeout_ms=1_000)


def request(**extra: Any) -> RerankRequest:
    raw = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in extra.items()}
    return RerankRequest(model="x/ranker", query="q", documents=("a", "b"), top_n=9, extra=raw)


def test_each_vendor_gets_its_own_field_names() -> None:
    requested = request(max_tokens_per_doc=100, max_chunks_per_doc=3, truncation=True)

    common = {"model": "ranker", "query": "q", "documents": ["a", "b"]}
    assert {**common, "top_n": 9, "max_tokens_per_doc": 100} == json.loads(
        COHERE.encode(requested, attempt("cohere-rerank"))
    )
    assert {**common, "top_k": 2, "truncation": True} == json.loads(VOYAGE.encode(requested, attempt("voyage-rerank")))
    assert COHERE.refuses(requested) is None
    assert VOYAGE.refuses(requested) is None


def test_a_field_that_changes_the_answer_is_refused_by_name() -> None:
    assert UnsupportedParameter(field="novel", dialect="cohere-rerank", model="x/ranker") == COHERE.refuses(
        request(novel=1)
    )


def test_a_compatible_server_gets_the_callers_own_fields() -> None:
    fields = {"model": msgspec.Raw(b'"v/ranker"'), "documents": msgspec.Raw(b'[{"text": "a",  "n":1.0}]')}
    call = ModelCall(dialect="rerank", operation="rerank", model="v/ranker", fields=fields, body_bytes=9)

    assert b'{"model":"ranker","documents":[{"text": "a",  "n":1.0}]}' == PASSING.pass_through(call, attempt("rerank"))


@pytest.mark.parametrize(("counted", "usage"), [
    ({"meta": {"billed_units": {"search_units": 2}}}, Usage(search_units=2)),
    ({"meta": {"billed_units": {"search_units": 2.0}}}, Usage(search_units=2)),
    ({"usage": {"total_tokens": 38}}, Usage(input_tokens=38)),
    ({"usage": {"total_tokens": "38"}}, Usage(input_tokens=38)),
    ({"usage": {"total_tokens": 0, "prompt_tokens": 7}}, Usage(input_tokens=7)),
    ({"meta": {"tokens": {"input_tokens": 5}}}, Usage(input_tokens=5)),
    ({"meta": "?", "usage": {"total_tokens": -1}}, Usage()),  # with a note, so that it is estimated
    ({"usage": {"total_tokens": 1e300}}, Usage(input_tokens=UNITS_MAX)),
    ({"usage": None}, None),
    ({}, None),
])  # fmt: skip
@pytest.mark.parametrize("name", ["results", "data"])
def test_an_answer_is_a_ranking_and_a_count(name: str, counted: dict[str, Any], usage: Usage | None) -> None:
    results = [{"index": 1, "relevance_score": 0.90}, {"index": 0, "relevance_score": 1e-3, "document": {"text": "a"}}]

    *ranked, last = COHERE.decode(json.dumps({name: results, **counted}).encode())

    reported = [event for event in ranked if isinstance(event, UsageReported)]
    assert [(1, b"0.9"), (0, b"0.001")] == [
        (event.index, bytes(event.score)) for event in ranked if isinstance(event, Ranked)
    ]
    assert ([] if usage is None else [usage]) == [event.usage for event in reported]
    assert Ended() == last


@pytest.mark.parametrize("body", [
    b"", b"[]", b"{}", b'{"results":[{"index":-1,"relevance_score":1}]}', b'{"results":[{"index":0,"relevance_score":"x"}]}',
    b'{"error":{"message":"no"}}',
])  # fmt: skip
def test_what_is_no_ranking_is_a_failure(body: bytes) -> None:
    [event] = COHERE.decode(body)

    assert isinstance(event, Broken)


@pytest.mark.parametrize("result", [
    {"index": 0, "relevance_score": "0.5"},
    {"index": "0", "relevance_score": 0.5},
    {"index": 0.0, "score": 0.5, "document": 7},
])  # fmt: skip
def test_a_result_is_read_however_its_numbers_are_spelled(result: dict[str, Any]) -> None:
    events = PASSING.decode(json.dumps({"id": 7, "results": [result], "meta": "none"}).encode())

    assert Ranked(index=0, score=msgspec.Raw(b"0.5")) == events[0]


@pytest.mark.parametrize("result", [{"index": -1, "relevance_score": 1}, {"index": 0, "relevance_score": "high"}])
def test_a_result_without_a_place_or_a_score_is_none(result: dict[str, Any]) -> None:
    assert isinstance(PASSING.decode(json.dumps({"results": [result]}).encode())[-1], Broken)


@pytest.mark.parametrize(("model", "sent"), [
    ("cohere.rerank-v3-5:0",   {"query": "q", "documents": ["a", "b"], "top_n": 2, "api_version": 2}),
    ("amazon.rerank-v1:0",     {"query": "q", "documents": ["a", "b"], "top_n": 2}),
])  # fmt: skip
def test_bedrock_has_the_model_in_the_path(model: str, sent: dict[str, Any]) -> None:
    at = msgspec.structs.replace(
        attempt("bedrock-rerank"), target=msgspec.structs.replace(attempt("bedrock-rerank").target, model=model)
    )

    assert sent == json.loads(BEDROCK.encode(request(), at))
    assert f"model/{quote(model, safe='')}/invoke" == BEDROCK.path(model, False)


def test_bedrock_counts_nothing_and_its_errors_are_awss() -> None:
    ranking = b'{"results":[{"index":1,"relevance_score":0.9}]}'

    assert (Ranked(index=1, score=msgspec.Raw(b"0.9")), Ended()) == BEDROCK.decode(ranking)
    failure = BEDROCK.failure(429, {}, b'{"message":"Too many requests"}')
    assert ("overloaded", "bedrock-rerank", "Too many requests") == (failure.kind, failure.dialect, failure.message)


def test_bedrock_refuses_by_name_what_the_maker_lacks() -> None:
    refused = BEDROCK.refuses(request(rank=1))

    assert isinstance(refused, UnsupportedParameter)
    assert ("rank", "bedrock-rerank") == (refused.field, refused.dialect)
