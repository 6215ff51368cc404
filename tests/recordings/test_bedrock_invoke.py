"""Recorded answers of a Claude by Bedrock's InvokeModel, through a real hub: Anthropic's, in AWS's envelope.

Anthropic's callers get Bedrock's bytes, others the same in their words; what reaches Bedrock is what was asked for then.
Skipped where the recordings are not (AIHUB_RECORDINGS, else `../shared/recordings` beside the repository).
"""

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.behaviour.plain_calls import CHAT, MESSAGES, ask
from tests.behaviour.stub import Stub
from tests.recordings.naive import anthropic_said, as_anthropic_stream, openai_said
from tests.recordings.seen import label, recorded
from tests.recordings.test_bedrock_end_to_end import hub, replaying, stub
from tests.support.eventstream import message
from tests.support.hub import HubProcess

__all__ = ["hub", "stub"]


CHATS = [
    pytest.param(exchange, id=label("bedrock-invoke", number))
    for number, exchange in enumerate(recorded("bedrock-invoke"))
    if "messages" in exchange["request"]
]


@pytest.fixture(scope="module")
def old(hub: HubProcess, stub: Stub) -> HubProcess:
    """A hub with Bedrock behind its older API, too."""
    base_url = f"http://127.0.0.1:{stub.port}/us-west-2"
    hub.cli("provider", "add", "old", "--dialect", "bedrock-invoke", "--base-url", base_url)
    hub.cli("credential", "add", "old", secret="AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    return hub


def as_event_stream(stream: bytes) -> bytes:
    """Anthropic's server-sent events as chunks of AWS's event stream."""
    said = [line.removeprefix(b"data: ") for line in stream.split(b"\n") if line.startswith(b"data: ")]
    headers = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
    payloads = [json.dumps({"bytes": base64.b64encode(data).decode(), "p": "abc"}).encode() for data in said]
    return b"".join(message(headers, payload) for payload in payloads)


@pytest.mark.parametrize("exchange", CHATS)
def test_anthropics_callers_receive_bedrocks_bytes_and_bedrock_theirs(
    old: HubProcess, stub: Stub, exchange: Any
) -> None:
    body, model = exchange["response"]["text"].encode(), exchange["model"]
    requested = {name: value for name, value in exchange["request"].items() if name != "anthropic_version"}
    stream = as_anthropic_stream(body)
    headers = {"anthropic-beta": "context-1m-2025-08-07,claude-code-20250219"}
    for streamed, sent, content_type, how in (
        (False, body, "application/json", "whole"),
        (True, as_event_stream(stream), "application/vnd.amazon.eventstream", "bytes"),
    ):
        stub.reset()
        stub.always(replaying(sent, 200, content_type, how, model))
        received = ask(old, MESSAGES, {**requested, "model": f"old/{model}", "stream": streamed}, headers=headers)

        assert (200, stream if streamed else body) == (received.status, received.body)
        assert stub.only.json() == {**exchange["request"], "anthropic_beta": ["context-1m-2025-08-07"]}
        kind = "invoke-with-response-stream" if streamed else "invoke"
        assert stub.only.path == f"/us-west-2/model/{quote(model, safe='')}/{kind}"


@pytest.mark.parametrize("exchange", CHATS)
def test_other_callers_receive_the_same_in_their_own_form(old: HubProcess, stub: Stub, exchange: Any) -> None:
    body, model = exchange["response"]["text"].encode(), exchange["model"]
    reported = anthropic_said(body, streamed=False)
    for streamed in (False, True):
        sent = as_event_stream(as_anthropic_stream(body)) if streamed else body
        content_type = "application/vnd.amazon.eventstream" if streamed else "application/json"
        stub.reset()
        stub.always(replaying(sent, 200, content_type, "random", model))
        requested = {"model": f"old/{model}", "messages": [{"role": "user", "content": "Hi"}], "stream": streamed}
        received = ask(old, CHAT, {**requested, **({"stream_options": {"include_usage": True}} if streamed else {})})

        assert received.status == 200, received.body
        assert reported == openai_said(received.body, streamed)
        assert stub.only.json() == {
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 4_096,
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        }
