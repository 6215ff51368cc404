"""Embeddings in dialects other than OpenAI's: requests, answers, refusals."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.dialect import ProviderDialect
from adapters.providers.embeddings import (
    BEDROCK_EMBEDDINGS,
    COHERE_EMBEDDINGS,
    EMBEDDINGS,
    GOOGLE_EMBEDDINGS,
    VERTEX_EMBEDDINGS,
    VOYAGE_EMBEDDINGS,
)
from adapters.providers.openai.embeddings import OPENAI_EMBEDDINGS
from domain.model_api.call import Attempt, ModelCall, Target
from domain.model_api.embeddings import Embedded, EmbeddingsRequest
from domain.model_api.events import Broken, Ended, UsageReported
from domain.usage import Usage

ALL = pytest.mark.parametrize("dialect", [*EMBEDDINGS, OPENAI_EMBEDDINGS], ids=lambda dialect: dialect.name)
TITAN, NOVA, COHERE = "amazon.titan-embed-text-v2:0", "amazon.nova-2-multimodal-embeddings-v1:0", "us.cohere.embed-v4:0"


def attempt(model: str, base_url: str = "https://p.test") -> Attempt:
    target = Target(provider="p", dialect="d", base_url=base_url, model=model, credential_id=None, sealed=None)
    return Attempt(call_id="call_1", target=target, timeout_ms=1)


def requested(
    *inputs: str | tuple[int, ...], model: str = "m", extra: dict[str, Any] | None = None, **more: Any
) -> EmbeddingsRequest:
    raw = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in (extra or {}).items()}
    return EmbeddingsRequest(model=f"p/{model}", inputs=inputs or ("a", "b"), extra=raw, **more)


@pytest.mark.parametrize(("dialect", "model", "request_", "path", "body"), [
    (VOYAGE_EMBEDDINGS, "v", requested(dimensions=5, base64=True, extra={"truncation": False}), "embeddings",
     {"model": "v", "input": ["a", "b"], "truncation": False, "output_dimension": 5, "encoding_format": "base64"}),
    (COHERE_EMBEDDINGS, "c", requested(dimensions=5), "embed",
     {"model": "c", "embedding_types": ["float"], "texts": ["a", "b"], "input_type": "search_document", "output_dimension": 5}),
    (COHERE_EMBEDDINGS, "c", requested("a", extra={"input_type": "search_query", "truncate": "END"}), "embed",
     {"model": "c", "embedding_types": ["float"], "texts": ["a"], "input_type": "search_query", "truncate": "END"}),
    (GOOGLE_EMBEDDINGS, "models/g", requested(dimensions=5, extra={"task_type": "RETRIEVAL_QUERY"}), "models/g:batchEmbedContents",
     {"requests": [{"model": "models/g", "content": {"parts": [{"text": t}]}, "taskType": "RETRIEVAL_QUERY", "outputDimensionality": 5} for t in "ab"]}),
    (VERTEX_EMBEDDINGS, "g", requested("a"), "models/g:embedContent", {"content": {"parts": [{"text": "a"}]}}),
    (BEDROCK_EMBEDDINGS, TITAN, requested("a", model=TITAN, dimensions=256, extra={"normalize": True}), "model/amazon.titan-embed-text-v2%3A0/invoke",
     {"inputText": "a", "normalize": True, "dimensions": 256}),
    (BEDROCK_EMBEDDINGS, COHERE, requested(model=COHERE), "model/us.cohere.embed-v4%3A0/invoke",
     {"texts": ["a", "b"], "input_type": "search_document"}),
    (BEDROCK_EMBEDDINGS, NOVA, requested("a", model=NOVA, dimensions=256), "model/amazon.nova-2-multimodal-embeddings-v1%3A0/invoke",
     {"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": {"embeddingPurpose": "GENERIC_INDEX", "text": {"value": "a", "truncationMode": "NONE"}, "embeddingDimension": 256}}),
])  # fmt: skip
def test_what_is_sent(
    dialect: ProviderDialect, model: str, request_: EmbeddingsRequest, path: str, body: dict[str, Any]
) -> None:
    assert dialect.refuses(request_) is None
    assert path == dialect.path(model, False)
    assert body == json.loads(dialect.encode(request_, attempt(model)))


@pytest.mark.parametrize(("dialect", "request_", "field"), [
    (VOYAGE_EMBEDDINGS,  requested((1, 2)),                                "input (tokens)"),
    (VOYAGE_EMBEDDINGS,  requested(extra={"output_dtype": "int8"}),        "output_dtype"),
    (COHERE_EMBEDDINGS,  requested("a", (1,)),                             "input (tokens)"),
    (COHERE_EMBEDDINGS,  requested(extra={"truncation": True}),            "truncation"),
    (GOOGLE_EMBEDDINGS,  requested(extra={"input_type": "query"}),         "input_type"),
    (VERTEX_EMBEDDINGS,  requested("a", "b"),                              "input[1]"),
    (BEDROCK_EMBEDDINGS, requested("a", "b", model=TITAN),                 "input[1]"),
    (BEDROCK_EMBEDDINGS, requested("a", "b", model=NOVA),                  "input[1]"),
    (BEDROCK_EMBEDDINGS, requested(model=COHERE, extra={"title": "x"}),    "title"),
])  # fmt: skip
def test_an_unsupported_field_is_refused_by_name(
    dialect: ProviderDialect, request_: EmbeddingsRequest, field: str
) -> None:
    lack = dialect.refuses(request_)

    assert lack is not None
    assert (field, dialect.name) == (lack.field, lack.dialect)


@pytest.mark.parametrize(("dialect", "answer", "vectors", "tokens"), [
    (VOYAGE_EMBEDDINGS,  {"data": [{"index": 1, "embedding": [2]}, {"index": 0, "embedding": [1.50]}], "usage": {"total_tokens": 7}}, ["[1.5]", "[2]"], 7),
    (VOYAGE_EMBEDDINGS,  {"data": [{"embedding": "AACAPw=="}], "usage": {"total_tokens": 0}}, ["AACAPw=="], None),
    (COHERE_EMBEDDINGS,  {"embeddings": {"float": [[1], [2]]}, "meta": {"billed_units": {"input_tokens": 3}}}, ["[1]", "[2]"], 3),
    (GOOGLE_EMBEDDINGS,  {"embeddings": [{"values": [1]}], "usageMetadata": {"promptTokenCount": 4}}, ["[1]"], 4),
    (GOOGLE_EMBEDDINGS,  {"embeddings": [{"values": [1]}]}, ["[1]"], None),
    (VERTEX_EMBEDDINGS,  {"embedding": {"values": [1]}, "usageMetadata": {"promptTokenCount": 5}}, ["[1]"], 5),
    (BEDROCK_EMBEDDINGS, {"embedding": [1], "inputTextTokenCount": 6}, ["[1]"], 6),
    (BEDROCK_EMBEDDINGS, {"embeddings": [[1], [2]]}, ["[1]", "[2]"], None),
    (BEDROCK_EMBEDDINGS, {"embeddings": {"float": [[1]]}}, ["[1]"], None),
    (BEDROCK_EMBEDDINGS, {"embeddings": [{"embedding": [1], "embeddingType": "TEXT"}]}, ["[1]"], None),
])  # fmt: skip
def test_what_is_understood(
    dialect: ProviderDialect, answer: dict[str, Any], vectors: list[str], tokens: int | None
) -> None:
    *said, ended = dialect.decode(json.dumps(answer).encode())

    assert isinstance(ended, Ended)
    found = [event.base64 or bytes(event.numbers or b"").decode() for event in said if isinstance(event, Embedded)]
    assert vectors == found
    counted = [event.usage for event in said if isinstance(event, UsageReported)]
    assert ([] if tokens is None else [Usage(input_tokens=tokens)]) == counted


@pytest.mark.parametrize(
    ("reported", "tokens"), [("11", 11), ("0", None), ("", None), ("-1", None), ("x", None), ("9" * 30, None)]
)
def test_amazon_counts_in_a_header(reported: str, tokens: int | None) -> None:
    assert BEDROCK_EMBEDDINGS.header_events is not None
    events = BEDROCK_EMBEDDINGS.header_events({"x-amzn-bedrock-input-token-count": reported})

    assert ([] if tokens is None else [UsageReported(usage=Usage(input_tokens=tokens))]) == list(events)


@pytest.mark.parametrize("vector", ["[]", '["a"]', "{}", "null", '""', '"AAA"', '"no base64!"', "1"])
@pytest.mark.parametrize("dialect", [VOYAGE_EMBEDDINGS, GOOGLE_EMBEDDINGS], ids=lambda dialect: dialect.name)
def test_what_is_no_vector_is_malformed(dialect: ProviderDialect, vector: str) -> None:
    name, list_ = ("embedding", "data") if dialect is VOYAGE_EMBEDDINGS else ("values", "embeddings")

    (broken,) = dialect.decode(f'{{"{list_}": [{{"{name}": {vector}}}]}}'.encode())

    assert isinstance(broken, Broken)
    assert "malformed" == broken.failure.kind


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["data", "embedding", "embeddings", "float", "values", "usage", "meta", "billed_units", "usageMetadata",
         "promptTokenCount", "total_tokens", "inputTextTokenCount", "error", "index"]), inner, max_size=4),
)  # fmt: skip


@ALL
@given(answer=JSON)
def test_whatever_comes_one_ending_comes_out(dialect: ProviderDialect, answer: Any) -> None:
    endings = [event for event in dialect.decode(json.dumps(answer).encode()) if isinstance(event, (Ended, Broken))]

    assert 1 == len(endings)


@ALL
@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, "credential_rejected"), (404, "request_rejected"), (429, "overloaded"), (500, "unavailable")],
)
def test_a_failure_names_its_dialect_so_that_its_own_callers_see_the_body(
    dialect: ProviderDialect, status: int, kind: str
) -> None:
    failure = dialect.failure(status, {}, b'{"message": "no such thing"}')

    assert (kind, dialect.name, "no such thing") == (failure.kind, failure.dialect, failure.message)


@pytest.mark.parametrize(
    ("base_url", "name"), [("https://api.mistral.ai/v1", "output_dimension"), ("https://x.test/v1", "dimensions")]
)
def test_mistral_has_another_name_for_dimensions(base_url: str, name: str) -> None:
    fields = {"input": msgspec.Raw(b'["a"]'), "dimensions": msgspec.Raw(b"5"), "model": msgspec.Raw(b'"p/m"')}
    call = ModelCall(dialect="openai-embeddings", operation="embeddings", model="p/m", fields=fields, body_bytes=9)

    sent = OPENAI_EMBEDDINGS.pass_through(call, attempt("m", base_url))

    assert {"input": ["a"], name: 5, "model": "m"} == json.loads(sent)
