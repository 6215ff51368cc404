"""Recorded traffic of Bedrock's Converse, against a naive reading of the same JSON and the same event streams.

The recordings lie beside the repository, or where AIHUB_RECORDINGS says; without them nothing runs here.
"""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from adapters.providers.bedrock import BEDROCK
from domain.model_api.call import ModelCall
from domain.model_api.events import Ended, Event, ProviderBlock, UsageReported
from domain.model_api.requests import ChatRequest
from entrypoints.http.dialects.anthropic import ANTHROPIC_CALLER
from entrypoints.http.dialects.anthropic.read import read as read_anthropic
from entrypoints.http.dialects.openai_chat import OPENAI_CALLER
from entrypoints.http.dialects.openai_chat.read import read as read_openai
from tests.recordings.bedrock_meaning import (
    STOPS,
    as_anthropic,
    as_openai,
    blocks_of,
    calls_of,
    meaning,
    said,
    thoughts_of,
    units,
)
from tests.recordings.seen import label, recorded
from tests.support.anthropic import meaning as reported_by
from tests.support.bedrock import attempt, reported
from tests.support.eventstream import answer

FILES = ("bedrock-converse", "bedrock-converse-stream")
# What a tool that Bedrock ran itself said, and video that a tool gives back: no caller hands them in again.
NO_WORD = ("server_tool_use", "video")

_RECORDED = {label(file, number): exchange for file in FILES for number, exchange in enumerate(recorded(file))}


def _exchanges(wanted: Callable[[Any], bool]) -> list[Any]:
    return [pytest.param(exchange, id=name) for name, exchange in _RECORDED.items() if wanted(exchange)]


def _is_stream(exchange: Any) -> bool:
    return "eventstream" in exchange["response"]["content_type"]


def _is_answered(exchange: Any) -> bool:
    return bool(exchange["response"]["status"] == 200)


def _is_sayable(exchange: Any) -> bool:
    return not any(f'"{word}"' in json.dumps(exchange["request"]) for word in NO_WORD)


def _body(exchange: Any) -> bytes:
    response = exchange["response"]
    return base64.b64decode(response["base64"]) if "base64" in response else response["text"].encode()


def _reported(exchange: Any) -> tuple[Event, ...]:
    body = _body(exchange)
    return reported(body) if _is_stream(exchange) else BEDROCK.decode(body)


_ANSWERED = _exchanges(_is_answered)
_WHOLE = _exchanges(lambda exchange: _is_answered(exchange) and not _is_stream(exchange))
_STREAMED = _exchanges(_is_stream)
_FAILED = _exchanges(lambda exchange: not _is_answered(exchange))
_SAYABLE = _exchanges(_is_sayable)


def test_the_recordings_are_all_there() -> None:
    assert (60 <= len(_WHOLE), 7 <= len(_STREAMED), 5 <= len(_FAILED)) == (True, True, True)


@pytest.mark.parametrize("exchange", _ANSWERED)
def test_an_answer_means_what_a_naive_reading_finds(exchange: Any) -> None:
    blocks, stop, usage = blocks_of(_body(exchange), _is_stream(exchange))

    events = _reported(exchange)
    found = reported_by(events)

    assert said(_body(exchange), _is_stream(exchange)).text == found["text"]
    assert thoughts_of(blocks) == list(found["thinking"].values())
    assert calls_of(blocks) == [(*name, given) for name, given in found["tools"].values()]
    assert [(STOPS[stop], None), "ended"] == found["endings"]
    counted = [event.usage for event in events if isinstance(event, UsageReported)]
    assert [units(usage)] == [{k: v for k in one.__struct_fields__ if (v := getattr(one, k))} for one in counted]
    kept = [json.loads(bytes(event.block)) for event in events if isinstance(event, ProviderBlock)]
    provider_block = [b for b in blocks if "toolResult" in b or b.get("toolUse", {}).get("type") == "server_tool_use"]
    assert provider_block == kept


@pytest.mark.parametrize("exchange", _WHOLE)
def test_a_recorded_answer_sent_as_a_stream_has_the_same_content(exchange: Any) -> None:
    blocks, stop, usage = blocks_of(_body(exchange), False)

    assert reported_by(_reported(exchange)) == reported_by(reported(answer(*blocks, stop=stop, usage=usage)))


@pytest.mark.parametrize("exchange", _STREAMED)
def test_no_cut_changes_a_recorded_stream(exchange: Any) -> None:
    body = _body(exchange)
    whole = reported(body)

    assert whole == reported(*(body[at : at + 1] for at in range(len(body))))
    assert all(whole == reported(body[:at], body[at:]) for at in range(1, len(body)))


@pytest.mark.parametrize("exchange", _STREAMED)
def test_a_recorded_stream_that_was_cut_short_never_looks_complete(exchange: Any) -> None:
    body = _body(exchange)

    assert not any(Ended() in reported(body[:end]) for end in range(0, len(body), 7))
    assert Ended() not in reported(body[:-1])


@pytest.mark.parametrize("exchange", _FAILED)
def test_a_recorded_failure_keeps_its_status_and_message(exchange: Any) -> None:
    failure = BEDROCK.failure(400, {}, _body(exchange))

    message = json.loads(_body(exchange))["message"]
    assert ("request_rejected", 400, message) == (failure.kind, failure.status, failure.message)


@pytest.mark.parametrize("exchange", _SAYABLE)
def test_what_an_openai_caller_requests_is_what_was_recorded(exchange: Any) -> None:
    """OpenAI has no word for a result that is an error: what the tool said says so."""
    requested = as_openai(exchange["request"], exchange["model"], _is_stream(exchange))
    call = read_openai(json.dumps(requested).encode())
    assert isinstance(call, ModelCall), call

    expected = meaning(exchange["request"])
    for result in (
        block["toolResult"] for turn in expected["messages"] for block in turn["content"] if "toolResult" in block
    ):
        result.pop("status", None)
    assert expected == meaning(_sent(OPENAI_CALLER.to_request(call), exchange["model"]))


@pytest.mark.parametrize("exchange", _SAYABLE)
def test_what_an_anthropic_caller_requests_is_what_was_recorded(exchange: Any) -> None:
    """Anthropic has no description of a schema, and always a cap."""
    call = read_anthropic(
        json.dumps(as_anthropic(exchange["request"], exchange["model"], _is_stream(exchange))).encode()
    )
    assert isinstance(call, ModelCall), call

    sent = _sent(ANTHROPIC_CALLER.to_request(call), exchange["model"])

    assert 4096 == sent["inferenceConfig"].pop("maxTokens")
    expected = meaning(exchange["request"])
    if "outputConfig" in expected:
        expected["outputConfig"].pop("description", None)
    fields = sent.get("additionalModelRequestFields", {})
    budget = expected.get("additionalModelRequestFields", {}).get("thinking", {}).get("budget_tokens", 0)
    if budget >= 4096:  # The cap that Anthropic demands is above the budget, whatever was recorded.
        fields["thinking"]["budget_tokens"] = budget
    assert expected == meaning(sent)


def _sent(request: Any, model: str) -> Any:
    assert isinstance(request, ChatRequest), request
    refused = BEDROCK.refuses(request)
    assert refused is None, refused
    return json.loads(BEDROCK.encode(request, attempt(model)))
