"""Recorded traffic of providers that speak OpenAI's dialect, against a naive reading of the same JSON.

The recordings lie outside the repository: in AIHUB_RECORDINGS, or in `shared/recordings` beside the working tree.
Without them there is nothing to test here.
"""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from adapters.providers.dialect import ServerEvent
from adapters.providers.openai import OPENAI
from domain.catalog.vendors import VENDORS
from domain.model_api.call import Attempt, ModelCall, Target
from domain.model_api.events import Broken
from domain.model_api.requests import ChatRequest
from entrypoints.http.dialects.openai_chat import OPENAI_CALLER
from tests.adapters.openai_events import folded, reported, server_events
from tests.recordings.left_out import without
from tests.recordings.openai_meaning import meaning, read_naively, usage_units
from tests.recordings.seen import FOLDER, label, recorded
from tests.support.rendering import a_rendering

PROVIDERS = (
    *("openai", "groq", "deepseek", "mistral", "openrouter", "cerebras", "zai", "huggingface", "crusoe"),
    *("snowflake", "ollama", "bedrock-mantle"),
)


class Exchange(msgspec.Struct, frozen=True):
    """One recorded call: whom it was made to, what was asked, and the answer's status and body."""

    provider: str
    request: dict[str, Any]
    status: int
    streamed: bool
    body: bytes


def exchanges() -> Iterator[Any]:
    for provider in PROVIDERS:
        for path in sorted(FOLDER.glob(f"{provider}-chat*.jsonl")):
            for number, said in enumerate(recorded(path.stem)):
                response = said["response"]
                exchange = Exchange(
                    provider,
                    said["request"],
                    response["status"],
                    "event-stream" in response["content_type"],
                    response["text"].encode(),
                )
                yield pytest.param(exchange, id=label(path.stem, number))


ALL = list(exchanges())
ANSWERED = [each for each in ALL if each.values[0].status == 200]
STREAMED = [each for each in ANSWERED if each.values[0].streamed]
WHOLE = [each for each in ANSWERED if not each.values[0].streamed]
REFUSED = [each for each in ALL if each.values[0].status != 200]


def attempt(model: str, provider: str = "acme") -> Attempt:
    target = Target(
        provider=provider,
        dialect="openai",
        base_url="https://llm.acme.test/v1",
        model=model,
        credential_id=None,
        sealed=None,
    )
    return Attempt(call_id="call-1", target=target, timeout_ms=1_000)


def read(request: dict[str, Any]) -> ModelCall:
    call = OPENAI_CALLER.read(json.dumps(request).encode())
    assert isinstance(call, ModelCall), call
    return call


def understood(exchange: Exchange) -> dict[str, Any]:
    events = folded(server_events(exchange.body)) if exchange.streamed else OPENAI.decode(exchange.body)
    return reported(events)


def test_the_recordings_are_there() -> None:
    """A folder that was moved or renamed must not pass as tests that found nothing."""
    assert 150 <= len(ALL)
    assert 20 <= len(STREAMED)
    assert 10 <= len(REFUSED)


@pytest.mark.parametrize("exchange", ANSWERED)
def test_an_answer_is_understood_as_a_naive_reading_understands_it(exchange: Exchange) -> None:
    naive = read_naively(exchange.body, exchange.streamed)
    answer = understood(exchange)

    choice = answer["choices"].get(0, {"text": "", "thoughts": {}, "calls": {}, "finish": []})
    assert naive["text"] == choice["text"]
    assert naive["thinking"] == "".join(text for text, _, _ in choice["thoughts"].values())
    assert naive["calls"] == [choice["calls"][index] for index in sorted(choice["calls"])]
    assert naive["finish"] == [reason for reason, _ in choice["finish"]]
    assert naive["usage"] == (None if answer["usage"] is None else usage_units(answer["usage"]))
    assert naive["failed"] == (answer["failure"] is not None)
    assert naive["failed"] != answer["ended"]
    assert [(naive["id"], naive["model"])] == answer["started"]


@pytest.mark.parametrize("exchange", STREAMED)
def test_a_recorded_stream_without_its_last_event_never_ends(exchange: Exchange) -> None:
    events = server_events(exchange.body)

    assert not reported(folded(events[:-1]))["ended"]


@pytest.mark.parametrize("exchange", WHOLE)
def test_a_recorded_answer_sent_in_chunks_has_the_same_content(exchange: Exchange) -> None:
    """The whole answer, cut by this test into a chunk of deltas, one of endings and one of usage."""
    body = json.loads(exchange.body)
    endings = []
    for choice in body["choices"]:
        choice["delta"] = choice.pop("message")
        calls = "tool_calls" if choice["delta"].get("tool_calls") else "stop"
        endings.append({"index": choice["index"], "delta": {}, "finish_reason": choice["finish_reason"] or calls})
        choice["finish_reason"] = None
    usage = body.pop("usage")
    chunks = [body, {**body, "choices": endings}, {**body, "choices": [], "usage": usage}]
    stream = [ServerEvent("", json.dumps(chunk).encode(), b"") for chunk in chunks]
    stream.append(ServerEvent("", b"[DONE]", b""))

    assert {**understood(exchange), "choices": without_stops(understood(exchange))} == {
        **reported(folded(stream)),
        "choices": without_stops(reported(folded(stream))),
    }


def without_stops(answer: dict[str, Any]) -> dict[int, Any]:
    """The choices without vLLM's stop sequences, which the chunks of this test leave out."""
    return {
        index: {**choice, "finish": [reason for reason, _ in choice["finish"]]}
        for index, choice in answer["choices"].items()
    }


@pytest.mark.parametrize("exchange", ANSWERED)
def test_a_recorded_answer_is_rendered_with_the_same_content(exchange: Exchange) -> None:
    events = folded(server_events(exchange.body)) if exchange.streamed else OPENAI.decode(exchange.body)
    if isinstance(events[-1], Broken):
        return  # Nothing is rendered of a failure: the shell words it.
    answer = reported(events)
    started, model = answer["started"][0]
    rendering = a_rendering(started, model=model)

    state, sent = OPENAI_CALLER.start(rendering), b""
    for event in events:
        state, more = OPENAI_CALLER.render(state, event)
        sent += more

    for rendered in (
        reported(folded(server_events(sent))),
        reported(OPENAI.decode(OPENAI_CALLER.whole(events, rendering))),
    ):
        assert answer == rendered


@pytest.mark.parametrize("exchange", ALL)
def test_a_recorded_request_passes_through_with_every_field(exchange: Exchange) -> None:
    call = read(exchange.request)

    passed = json.loads(OPENAI.pass_through(call, attempt("m-upstream")))

    expected = {**exchange.request, "model": "m-upstream"}
    if exchange.request.get("stream"):
        expected["stream_options"] = {**(exchange.request.get("stream_options") or {}), "include_usage": True}
    assert expected == passed
    assert list(expected) == list(passed)


@pytest.mark.parametrize("exchange", ALL)
def test_a_recorded_request_keeps_its_meaning_or_is_refused_by_name(exchange: Exchange) -> None:
    request = OPENAI_CALLER.to_request(read(exchange.request))
    assert isinstance(request, ChatRequest), request

    refused = OPENAI.refuses(request)

    if refused is not None:
        word = refused.field.split(".")[-1]
        # A URL may stand in the place of data.
        assert word in json.dumps(exchange.request) or (
            word == "url" and '"file_data": "http' in json.dumps(exchange.request)
        )
        return
    sent = json.loads(OPENAI.encode(request, attempt(request.model, exchange.provider)))
    reasoning_in = VENDORS[exchange.provider].reasoning_in if exchange.provider in VENDORS else ""
    assert OPENAI.unsupported is not None
    requested = without(exchange.request, {lack.field for lack in OPENAI.unsupported(request)})
    assert meaning(requested, reasoning_in) == meaning(sent, reasoning_in)


@pytest.mark.parametrize("exchange", REFUSED)
def test_a_recorded_refusal_gives_its_message_and_code(exchange: Exchange) -> None:
    failure = OPENAI.failure(exchange.status, {}, exchange.body)

    error = json.loads(exchange.body)["error"]
    kind = "overloaded" if exchange.status == 429 else "request_rejected"
    assert (kind, exchange.status, error["message"], exchange.body) == (
        failure.kind,
        failure.status,
        failure.message,
        failure.body,
    )
    assert str(error["code"] or error["type"]) == failure.code
