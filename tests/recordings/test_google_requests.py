"""Recorded requests to Google's services, asked by a caller of OpenAI's: what is sent means what was recorded."""

import json
from typing import Any

import pytest

from adapters.providers.google import GOOGLE
from domain.calls import ModelCall
from domain.chat import ChatRequest
from entrypoints.http.openai import OPENAI_CALLER
from tests.recordings.google_requests import as_openai, meaning
from tests.recordings.seen import FOLDER, label, recorded
from tests.support.google import attempt

FILES = ("google-generateContent", "google-generateContent-stream", "google-vertex-generateContent")
_RECORDED = [
    pytest.param(exchange, id=label(file, number)) for file in FILES for number, exchange in enumerate(recorded(file))
]
if not _RECORDED:
    pytest.skip(f"no recordings in {FOLDER}", allow_module_level=True)


@pytest.mark.parametrize("exchange", _RECORDED)
def test_a_recorded_request_is_sent_with_its_meaning(exchange: Any) -> None:
    model, recorded_request = exchange["model"], exchange["request"]
    asked = as_openai(model, recorded_request)
    call = OPENAI_CALLER.read(json.dumps(asked).encode())
    assert isinstance(call, ModelCall), call
    request = OPENAI_CALLER.to_request(call)
    assert isinstance(request, ChatRequest), request

    refused = GOOGLE.refuses(request)

    assert refused is None, refused
    sent = json.loads(GOOGLE.encode(request, attempt(model)))
    assert meaning(recorded_request) == meaning(sent)
