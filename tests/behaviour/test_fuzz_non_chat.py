"""Requests that nobody meant at the APIs beside chat, the same for every interface by their seeds; see `test_fuzz`."""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.behaviour.error_shape import check_error
from tests.behaviour.multipart_forms import FORM, form, recording
from tests.behaviour.plain_calls import (
    AIGNE_VIDEO,
    COMPLETIONS,
    EDITS,
    EMBEDDINGS,
    IMAGES,
    MODERATIONS,
    RECEIVED,
    RERANK,
    SPEECH,
    Response,
    wallet,
)
from tests.behaviour.raw_connection import RawLine
from tests.behaviour.test_fuzz import anything, bearer, damaged, mutated
from tests.support.hub import HubProcess

BODIES, FORMS = 160, 160
TEXTS: dict[str, dict[str, Any]] = {
    EMBEDDINGS: {"input": ["a", "b"], "dimensions": 8, "encoding_format": "base64", "user": "u"},
    COMPLETIONS: {
        "prompt": ["a", "b"],
        "max_tokens": 9,
        "n": 2,
        "best_of": 2,
        "echo": True,
        "stop": ["."],
        "stream": False,
    },
    MODERATIONS: {"input": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "data:,"}}]},
    IMAGES: {"prompt": "a cat", "n": 2, "size": "1024x1024", "quality": "high", "stream": False},
    RERANK: {"query": "a b", "documents": ["a", {"text": "b"}], "top_n": 1, "return_documents": True},
    SPEECH: {"input": "a few words", "voice": "alloy", "speed": 1.5, "stream_format": "audio"},
}
MODELS = ("echo/echo", "oai/m", "ant/m", "voy/m", "oai/tts", "oai/dall", "nope/m")


@pytest.fixture
def line(hub: HubProcess) -> Iterator[RawLine]:
    """A connection to the hub; afterwards nothing is held."""
    made = RawLine(hub.port)
    yield made
    made.close()
    assert "0" == wallet(hub)["held"]


def check(received: Response | None, path: str) -> bool:
    """Whether it was served; a refusal holds to the contract and is not the hub's own failure."""
    assert received is not None, "the server closed the connection"
    assert received.status < 500, received
    if received.status >= 400 and received.header("x-aihub-provider") is None:
        check_error(received, path)
    return received.status == 200


@pytest.mark.parametrize("path", TEXTS)
def test_bodies_that_nobody_meant(hub: HubProcess, line: RawLine, path: str) -> None:
    chance = random.Random(f"bodies {path}")
    served = 0
    for _ in range(BODIES):
        meant = {"model": chance.choice(MODELS), **TEXTS[path]}
        body = anything(chance) if chance.random() < 0.1 else mutated(chance, meant)
        sent = json.dumps(body).encode()
        if chance.random() < 0.2:
            sent = damaged(chance, sent)
        served += check(line.ask(b"POST", path.encode(), [bearer(hub.key)], sent), path)

    assert 0 < served < BODIES - 30, "most are wrong, and some are right by chance"


def test_videos_that_nobody_meant(hub: HubProcess, line: RawLine) -> None:
    chance = random.Random("videos")
    still = {"type": "file", "data": "eA==", "mimeType": "image/png"}
    served = 0
    for _ in range(BODIES):
        options = {"model": chance.choice(MODELS), "size": "1280x720"}
        meant = {"prompt": "a cat", "seconds": "2", "image": still, "modelOptions": options}
        body = {"input": mutated(chance, meant)} if chance.random() < 0.9 else mutated(chance, {"input": meant})
        sent = json.dumps(body).encode()
        if chance.random() < 0.2:
            sent = damaged(chance, sent)
        served += check(line.ask(b"POST", AIGNE_VIDEO.encode(), [bearer(hub.key)], sent), AIGNE_VIDEO)

    assert 0 < served < BODIES - 30, "most are wrong, and some are right by chance"


@pytest.mark.parametrize("path", [RECEIVED, EDITS])
def test_forms_that_nobody_meant(hub: HubProcess, line: RawLine, path: str) -> None:
    chance = random.Random(f"forms {path}")
    served = 0
    for _ in range(FORMS):
        model = chance.choice(("echo/echo", "oai/whisper", "oai/dall", "nope/m"))
        body = recording(model, ms=20, response_format=chance.choice(["json", "text", "vtt", "xml", ""]))
        if path == EDITS:
            body = form({"image": ("a.png", b"\x89PNG")}, model=model, prompt="a", n=chance.choice(["1", "2", "", "x"]))
        if chance.random() < 0.7:
            body = damaged(chance, body)
        content_type = chance.choice([FORM] * 9 + ["multipart/form-data", "text/plain", "", "application/json"])
        headers = [bearer(hub.key), (b"content-type", content_type.encode())]
        served += check(line.ask(b"POST", path.encode(), headers, body), path)

    assert 0 < served < FORMS - 30, "most are wrong, and some are right by chance"
