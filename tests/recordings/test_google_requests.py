"""Recorded requests to Google's services, asked by a caller of OpenAI's: what is sent means what was recorded."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.providers.google import GOOGLE
from domain.model_api.call import ModelCall
from domain.model_api.requests import ChatRequest
from entrypoints.http.dialects.anthropic import ANTHROPIC_CALLER
from entrypoints.http.dialects.dialect import CallerDialect
from entrypoints.http.dialects.openai_chat import OPENAI_CALLER
from entrypoints.http.dialects.openai_responses import RESPONSES_CALLER
from tests.recordings.google_requests import as_openai, meaning
from tests.recordings.seen import files, label, recorded
from tests.support.google import attempt

FILES = ("google-generateContent", "google-generateContent-stream", "google-vertex-generateContent")
_RECORDED = [
    pytest.param(exchange, id=label(file, number)) for file in FILES for number, exchange in enumerate(recorded(file))
]


@pytest.mark.parametrize("exchange", _RECORDED)
def test_a_recorded_request_is_sent_with_its_meaning(exchange: Any) -> None:
    model, recorded_request = exchange["model"], exchange["request"]
    requested = as_openai(model, recorded_request)
    call = OPENAI_CALLER.read(json.dumps(requested).encode())
    assert isinstance(call, ModelCall), call
    request = OPENAI_CALLER.to_request(call)
    assert isinstance(request, ChatRequest), request

    refused = GOOGLE.refuses(request)

    assert refused is None, refused
    sent = json.loads(GOOGLE.encode(request, attempt(model)))
    assert meaning(recorded_request) == meaning(sent)


def caller_of(file: str) -> CallerDialect | None:
    """Whose API a file's requests are written for."""
    if "-chat" in file and "cohere" not in file:
        return OPENAI_CALLER
    if "-responses" in file:
        return RESPONSES_CALLER
    return ANTHROPIC_CALLER if file.startswith("anthropic") else None


_OTHERS = [(file, caller) for file in files() if (caller := caller_of(file)) is not None]


def _understood(file: str, caller: CallerDialect) -> Iterator[tuple[Any, ChatRequest]]:
    for exchange in recorded(file):
        call = caller.read(json.dumps(exchange["request"]).encode())
        assert isinstance(call, ModelCall), call
        request = caller.to_request(call)
        assert isinstance(request, ChatRequest), request
        yield exchange["request"], request


@pytest.mark.parametrize(("file", "caller"), _OTHERS, ids=[file for file, _ in _OTHERS])
def test_requests_to_others_can_be_sent_to_google_or_are_refused_by_name(file: str, caller: CallerDialect) -> None:
    """Every word that users and the system said arrives, and every function's name."""
    for requested, request in _understood(file, caller):
        refused = GOOGLE.refuses(request)
        if refused is not None:
            steps = re.split(r"[.\[\]]+", refused.field)
            assert any(step in json.dumps(requested) for step in steps if not step.isdigit()), refused
            continue
        for model in ("gemini-3-flash-preview", "gemini-2.5-flash"):
            sent = json.loads(GOOGLE.encode(request, attempt(model)))
            texts = {part["text"] for content in sent["contents"] for part in content["parts"] if "text" in part}
            texts |= {part["text"] for part in sent.get("systemInstruction", {}).get("parts", ())}
            assert {text for text in _stated(requested) if text} <= texts
            declared = [one["name"] for tool in sent.get("tools", ()) for one in tool.get("functionDeclarations", ())]
            assert [tool.name for tool in request.tools] == declared


def test_most_requests_to_others_can_be_sent_to_google() -> None:
    requests = [request for file, caller in _OTHERS for _, request in _understood(file, caller)]

    assert len(requests) * 2 < 3 * sum(GOOGLE.refuses(request) is None for request in requests)


def _stated(requested: dict[str, Any]) -> list[str]:
    """The texts of users and of the system."""
    reported = [requested.get("system"), requested.get("instructions")]
    messages: Any = requested.get("messages", requested.get("input"))
    if isinstance(messages, str):
        return [messages]
    reported += [
        message.get("content") for message in messages if message.get("role") in ("user", "system", "developer")
    ]
    texts: list[str] = []
    for content in reported:
        if isinstance(content, str):
            texts.append(content)
        else:
            texts += [part["text"] for part in content or () if part["type"] in ("text", "input_text")]
    return texts
