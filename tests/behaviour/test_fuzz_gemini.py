"""Requests that nobody meant at Gemini's API, the same for every interface by their seeds; see `test_fuzz`."""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.behaviour.plain_calls import Response, wallet
from tests.behaviour.raw_connection import RawLine
from tests.behaviour.test_fuzz import anything, bearer, damaged, mutated
from tests.support.hub import HubProcess

BODIES = 160
MODELS = ("echo/echo", "oai/m", "ant/m", "rsp/m", "nope/m")
EMBEDDERS = ("echo/echo", "oai/m", "voy/m", "nope/m")
CONTENT: dict[str, Any] = {"parts": [{"text": "a"}]}
GENERATION: dict[str, Any] = {
    "contents": [
        {"role": "user", "parts": [{"text": "a"}, {"inlineData": {"mimeType": "image/png", "data": "AA=="}}]},
        {
            "role": "model",
            "parts": [
                {"text": "b", "thought": True, "thoughtSignature": "c2ln"},
                {"functionCall": {"id": "c", "name": "f", "args": {}}},
            ],
        },
        {"role": "user", "parts": [{"functionResponse": {"id": "c", "name": "f", "response": {"output": "y"}}}]},
    ],
    "systemInstruction": CONTENT,
    "tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT"}}]}],
    "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
    "generationConfig": {
        "maxOutputTokens": 9,
        "temperature": 1,
        "topK": 3,
        "stopSequences": ["."],
        "thinkingConfig": {"thinkingBudget": 0},
        "responseMimeType": "application/json",
        "responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": True}}},
    },
    "safetySettings": [{"category": "c", "threshold": "t"}],
}
METHODS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "generateContent": (MODELS, GENERATION),
    "streamGenerateContent?alt=sse": (MODELS, GENERATION),
    "streamGenerateContent": (MODELS, GENERATION),
    "countTokens": (MODELS, {"generateContentRequest": GENERATION}),
    "embedContent": (EMBEDDERS, {"content": CONTENT, "taskType": "CLUSTERING", "outputDimensionality": 3}),
    "batchEmbedContents": (EMBEDDERS, {"requests": [{"content": CONTENT, "title": "t"}] * 2}),
}


@pytest.fixture
def line(hub: HubProcess) -> Iterator[RawLine]:
    """A connection to the hub; afterwards nothing is held."""
    made = RawLine(hub.port)
    yield made
    made.close()
    assert "0" == wallet(hub)["held"]


def check(received: Response | None) -> bool:
    """Whether it was served; a refusal has Google's form and is not the hub's own failure."""
    assert received is not None, "the server closed the connection"
    assert received.status < 500, received
    if received.status >= 400 and received.header("x-aihub-provider") is None:
        error = received.json()["error"]
        assert ["code", "details", "message", "status"] == sorted(error)
        assert received.status == error["code"]
        assert 10 <= len(error["message"]) <= 4_000
    return received.status == 200


@pytest.mark.parametrize("method", METHODS)
def test_bodies_that_nobody_meant(hub: HubProcess, line: RawLine, method: str) -> None:
    chance = random.Random(f"gemini {method}")
    models, meant = METHODS[method]
    served = 0
    for _ in range(BODIES):
        body = anything(chance) if chance.random() < 0.1 else mutated(chance, meant)
        sent = json.dumps(body).encode()
        if chance.random() < 0.2:
            sent = damaged(chance, sent)
        path = f"/v1beta/models/{chance.choice(models)}:{method}"
        served += check(line.ask(b"POST", path.encode(), [bearer(hub.key)], sent))

    assert 0 < served < BODIES - 20, "most are wrong, and some are right by chance"
