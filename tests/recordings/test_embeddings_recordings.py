"""Recorded embeddings, against a naive reading of the same JSON, and asked again in OpenAI's words."""

import json
from base64 import b64decode
from collections.abc import Iterator
from struct import unpack
from typing import Any

import msgspec
import pytest

from adapters.providers.dialect import ProviderDialect
from adapters.providers.embeddings import EMBEDDINGS
from adapters.providers.openai.embeddings import OPENAI_EMBEDDINGS
from domain.model_api.call import Attempt, ModelCall, Target
from domain.model_api.embeddings import Embedded, EmbeddingsRequest
from domain.model_api.events import Broken, Ended, UsageReported
from entrypoints.http.dialects.dialect import Rendering
from entrypoints.http.dialects.openai_media.embeddings import EMBEDDINGS_CALLER
from tests.recordings.seen import label, recorded

_BY_NAME = {dialect.name: dialect for dialect in (*EMBEDDINGS, OPENAI_EMBEDDINGS)}
FILES = {
    "cohere-embeddings": "cohere-embeddings",
    "google-embeddings": "google-embeddings",
    "google-vertex-embeddings": "google-vertex-embeddings",
    "openai-embeddings": "openai-embeddings",
    "voyage-embeddings": "voyage-embeddings",
    "bedrock-invoke": "bedrock-embeddings",
}


def exchanges() -> Iterator[Any]:
    for stem, dialect in FILES.items():
        for number, said in enumerate(recorded(stem)):
            if "messages" not in said["request"]:
                yield pytest.param(_BY_NAME[dialect], said, id=label(stem, number))


ALL = list(exchanges())
ANSWERED = [each for each in ALL if each.values[1]["response"]["status"] == 200]
TRANSLATED = [each for each in ANSWERED if each.values[0] is not OPENAI_EMBEDDINGS]
REFUSED = [each for each in ALL if each.values[1]["response"]["status"] != 200]


def test_the_recordings_are_there() -> None:
    assert len(ANSWERED) >= 10
    assert len(REFUSED) >= 3


@pytest.mark.parametrize(("dialect", "said"), ANSWERED)
def test_vectors_and_usage_are_read_as_they_stand(dialect: ProviderDialect, said: dict[str, Any]) -> None:
    body = said["response"]["text"].encode()
    events = dialect.decode(body)

    assert isinstance(events[-1], Ended)
    reported = [event.usage.input_tokens for event in events if isinstance(event, UsageReported)]
    assert reported == [count for count in [_naive_tokens(json.loads(body))] if count]
    if dialect is not OPENAI_EMBEDDINGS:
        assert _naive_vectors(json.loads(body)) == [_numbers(event) for event in events if isinstance(event, Embedded)]


@pytest.mark.parametrize(("dialect", "said"), TRANSLATED)
@pytest.mark.parametrize("form", ["float", "base64"])
def test_vectors_are_rendered_as_openai_lists_them(dialect: ProviderDialect, said: dict[str, Any], form: str) -> None:
    body = said["response"]["text"].encode()
    call = _read(said, encoding_format=form)
    rendering = Rendering(call_id="call_1", created_s=0, call=call)

    rendered = json.loads(EMBEDDINGS_CALLER.whole(dialect.decode(body), rendering))

    expected = _naive_vectors(json.loads(body))
    vectors = [vector["embedding"] for vector in rendered["data"]]
    unpacked = [
        v if isinstance(v, list) else list(unpack(f"<{len(b64decode(v)) // 4}f", b64decode(v))) for v in vectors
    ]
    assert {type(vector) for vector in vectors} == {str if form == "base64" else list}
    assert unpacked == [pytest.approx(vector, rel=1e-6) for vector in expected]
    assert rendered["usage"]["prompt_tokens"] == rendered["usage"]["total_tokens"] > 0


@pytest.mark.parametrize(("dialect", "said"), ANSWERED)
def test_what_was_sent_is_sent_again_when_openais_caller_requests_it(
    dialect: ProviderDialect, said: dict[str, Any]
) -> None:
    call = _read(said)
    target = Target(
        provider="p",
        dialect=dialect.name,
        base_url="https://p.test",
        model=said["model"],
        credential_id=None,
        sealed=None,
    )
    attempt = Attempt(call_id="call_1", target=target, timeout_ms=1)
    if dialect is OPENAI_EMBEDDINGS:
        sent = json.loads(dialect.pass_through(call, attempt))
    else:
        request = EMBEDDINGS_CALLER.to_request(call)
        assert isinstance(request, EmbeddingsRequest)
        assert dialect.refuses(request) is None
        sent = json.loads(dialect.encode(request, attempt))
        assert said["path"].endswith(dialect.path(said["model"], False).replace("%3A", ":"))

    assert _meaning(said["request"]) == _meaning(sent)


@pytest.mark.parametrize(("dialect", "said"), REFUSED)
def test_a_refusal_keeps_its_status_and_message(dialect: ProviderDialect, said: dict[str, Any]) -> None:
    failure = dialect.failure(said["response"]["status"], {}, said["response"]["text"].encode())

    assert ("request_rejected", said["response"]["status"]) == (failure.kind, failure.status)
    assert said["model"] in failure.message


@pytest.mark.parametrize(("dialect", "said"), ANSWERED)
def test_a_cut_answer_is_malformed_and_nothing_else(dialect: ProviderDialect, said: dict[str, Any]) -> None:
    body = said["response"]["text"].encode()
    for end in (0, 1, len(body) // 2, len(body) - 1):
        (broken,) = dialect.decode(body[:end])
        assert isinstance(broken, Broken)
        assert "malformed" == broken.failure.kind


def _read(said: dict[str, Any], **more: Any) -> ModelCall:
    """What a caller of OpenAI's API would have sent to mean the same."""
    sent = said["request"]
    words: dict[str, Any] = {}
    if "requests" in sent:
        texts = [each["content"]["parts"][0]["text"] for each in sent["requests"]]
        first = sent["requests"][0]
        words = {"dimensions": first.get("outputDimensionality"), "task_type": first.get("taskType")}
    elif "content" in sent:
        texts = [sent["content"]["parts"][0]["text"]]
    elif "singleEmbeddingParams" in sent:
        params = sent["singleEmbeddingParams"]
        texts = [params["text"]["value"]]
        words = {"dimensions": params["embeddingDimension"], "embedding_purpose": params["embeddingPurpose"]}
    else:
        texts = sent.get("texts") or sent["input"]
        words = {name: sent[name] for name in ("input_type", "truncate", "truncation") if name in sent}
        words["dimensions"] = sent.get("output_dimension") or sent.get("dimensions")
        words["encoding_format"] = sent.get("encoding_format")
    requested = {"model": f"p/{said['model']}", "input": texts, **words, **more}
    call = EMBEDDINGS_CALLER.read(json.dumps(requested).encode())
    assert isinstance(call, ModelCall), call
    return call


def _meaning(sent: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in sent.items() if value is not None}


def _naive_vectors(answer: dict[str, Any]) -> list[list[float]]:
    found: Any = answer.get("embeddings", answer.get("embedding", answer.get("data")))
    if isinstance(found, dict):
        found = found.get("float") or [found]
    return [_naive(vector) for vector in found]


def _naive(vector: Any) -> list[float]:
    if isinstance(vector, dict):
        vector = vector.get("values") or vector["embedding"]
    if isinstance(vector, str):
        packed = b64decode(vector)
        return list(unpack(f"<{len(packed) // 4}f", packed))
    return list(vector)


def _naive_tokens(answer: dict[str, Any]) -> int | None:
    usage = answer.get("usage") or answer.get("usageMetadata") or (answer.get("meta") or {}).get("billed_units") or {}
    for name in ("prompt_tokens", "total_tokens", "promptTokenCount", "input_tokens"):
        if name in usage:
            return int(usage[name])
    return None


def _numbers(event: Embedded) -> list[float]:
    return _naive(event.base64 if event.base64 is not None else msgspec.json.decode(event.numbers or b"[]"))
