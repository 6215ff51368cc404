"""Recorded answers of the Gemini API and of Vertex, through a real hub over real sockets, to callers of both dialects.

Whole answers come whole and as a stream that tells the same; streams come cut byte by byte, with LF and with comments.
"""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.behaviour.plain_calls import RESPONSES, Response, ask
from tests.behaviour.stub import Stub
from tests.recordings.google_meaning import as_stream, read_naively
from tests.recordings.naive import Said, anthropic_said, events, openai_said
from tests.recordings.responses_meaning import final
from tests.recordings.seen import checking, label, recorded
from tests.recordings.test_recordings_end_to_end import PATHS, generic, pieces
from tests.recordings.test_responses_end_to_end import said as responses_said
from tests.support.hub import HubProcess, running_hub
from tests.support.provider import Handler, Received, Reply

_LAST_WORD = {"openai": b"[DONE]", "anthropic": b"message_stop", "responses": b"event: response."}
FILES = ("google-generateContent", "google-generateContent-stream", "google-vertex-generateContent")


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    made = Stub()
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def hub(stub: Stub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub that meters and does not bill, with one provider for each of Google's services."""
    with running_hub(
        tmp_path_factory.mktemp("google") / "data", billed=False, env={"AIHUB_MAX_RETRIES": "0"}
    ) as running:
        for dialect in ("google", "google-vertex"):
            running.cli("provider", "add", f"rec-{dialect}", "--dialect", dialect, "--base-url", stub.url(dialect))
        yield running


def replaying(status: int, body: bytes, streamed: bool, how: str, seed: str) -> Handler:
    """Answer with the recording, if what was asked is what was recorded: an answer whole, or streamed."""
    cut = pieces(body, how, random.Random(seed))
    content_type = "text/event-stream" if streamed else "application/json; charset=UTF-8"
    method = "streamGenerateContent?alt=sse" if streamed else "generateContent"

    async def handler(request: Received, reply: Reply) -> None:
        assert request.path.endswith(f"/models/m:{method}"), request.path
        await reply.start(status, {"content-type": content_type, "content-length": str(sum(map(len, cut)))})
        for piece in cut:
            await reply.write(piece)

    return handler


@pytest.mark.parametrize("dialect", [*PATHS, "responses"])
@pytest.mark.parametrize("file", FILES)
def test_callers_receive_what_was_recorded(hub: HubProcess, stub: Stub, file: str, dialect: str) -> None:
    provider = "rec-google-vertex" if "vertex" in file else "rec-google"
    expected: dict[str, dict[str, int]] = {}
    for number, exchange in enumerate(recorded(file)):
        response = exchange["response"]
        recorded_stream = "event-stream" in response["content_type"]
        for how in ("whole", "bytes", "crlf", "comments") if recorded_stream else ("whole", "random as a stream"):
            with checking(label(file, number)):
                streamed = recorded_stream or how != "whole"
                body = response["text"].encode()
                if response["status"] != 200:
                    _receives_the_failure(hub, stub, provider, dialect, body, response["status"])
                    continue
                sent = as_stream(body) if how == "random as a stream" else body
                if how == "comments":
                    sent = sent.replace(b"\r\n", b"\n")
                stub.always(replaying(200, sent, streamed, how.split()[0], f"{file}{number}"))
                received = _ask(hub, dialect, f"{provider}/m", streamed)

                naive = read_naively(body, recorded_stream)
                assert 200 == received.status, received.body[:500]
                _receives(received, dialect, streamed, naive)
                expected[str(received.header("x-request-id"))] = naive["usage"]
    _check_usage(hub, expected)


def _ask(hub: HubProcess, dialect: str, model: str, streamed: bool) -> Response:
    if dialect == "responses":
        return ask(hub, RESPONSES, {"model": model, "input": "Hi", "stream": streamed})
    return ask(hub, PATHS[dialect], generic(dialect, model, streamed))


def _said(received: Response, dialect: str, streamed: bool) -> Said:
    if dialect == "responses":
        return responses_said(received.body, streamed)
    return (openai_said if dialect == "openai" else anthropic_said)(received.body, streamed)


def _receives(received: Response, dialect: str, streamed: bool, naive: dict[str, Any]) -> None:
    if streamed:
        assert _LAST_WORD[dialect] in received.body
    said = _said(received, dialect, streamed)
    assert naive["text"] == said.text
    assert naive["calls"] == [(name, json.loads(arguments)) for name, arguments in said.tools]
    assert naive["finish"] == said.finish
    assert naive["signed"] == _signatures(received.body, dialect, streamed)
    reported = _reported_usage(received, dialect, streamed)
    if naive["usage"]:
        outputs = ("output_tokens", "output_audio_tokens", "output_image_tokens", "reasoning_tokens")
        output = sum(naive["usage"].get(unit, 0) for unit in outputs)
        uses = naive["usage"].get("tool_uses", 0)
        assert (sum(naive["usage"].values()) - output - uses, output) == reported


def _reported_usage(received: Response, dialect: str, streamed: bool) -> tuple[int, int] | None:
    """Tokens in and out, as the caller adds them up."""
    if dialect == "responses":
        reported = final(received.body, streamed)["usage"]
        return None if reported is None else (reported["input_tokens"], reported["output_tokens"])
    messages = list(events(received.body)) if streamed else [received.json()]
    usage = [message["usage"] for message in messages if message.get("usage")]
    if not usage:
        return None
    if dialect == "openai":
        return usage[-1]["prompt_tokens"], usage[-1]["completion_tokens"]
    reported = usage[-1]
    requested = reported["input_tokens"] + reported["cache_read_input_tokens"] + reported["cache_creation_input_tokens"]
    return requested, reported["output_tokens"]


def _signatures(body: bytes, dialect: str, streamed: bool) -> list[str]:
    """Every signature of Google's in the answer, in its order."""
    found: list[str] = []

    def look(value: Any) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                if name == "thought_signature":
                    found.append(inner)
                elif name in ("signature", "encrypted_content") and inner:
                    found.append(json.loads(inner[inner.index("{") :])["signature"])
                else:
                    look(inner)
        elif isinstance(value, list):
            for inner in value:
                look(inner)

    if dialect == "responses":
        look(final(body, streamed)["output"])
        return found
    for message in list(events(body)) if streamed else [json.loads(body)]:
        look(message)
    return found


def _receives_the_failure(hub: HubProcess, stub: Stub, provider: str, dialect: str, body: bytes, status: int) -> None:
    stub.always(replaying(status, body, False, "whole", ""))
    received = _ask(hub, dialect, f"{provider}/m", False)

    message = " ".join(json.loads(body)["error"]["message"].split())
    assert (status, True) == (received.status, message in received.json()["error"]["message"])


def _check_usage(hub: HubProcess, expected: dict[str, dict[str, int]]) -> None:
    """The call log counts what Google reported, unit by unit, and says that it reported it; an estimate where it did not."""
    logged = {call["id"]: call for call in hub.calls()}
    for call_id, usage in expected.items():
        call = logged[call_id]
        assert ("completed", False) == (call["ending"], call["incomplete"])
        if usage:
            assert usage == {name: count for name, count in call["usage"].items() if count}, call
            assert call["usage_source"] in ("provider", "exact"), call["usage_source"]
        else:
            assert call["usage_source"] == "estimated"
