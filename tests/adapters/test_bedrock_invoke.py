"""What goes wrong in the envelope of Bedrock's InvokeModel, and its cap."""

import base64
import json

import msgspec
import pytest

from adapters.providers.bedrock import BEDROCK_INVOKE
from domain.model_api.call import ModelCall
from domain.model_api.events import Broken, Event, TextDelta
from tests.support.bedrock import attempt
from tests.support.eventstream import exception, message

CHUNK = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
TEXT = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}}


def chunk(payload: bytes) -> bytes:
    return message(CHUNK, payload)


def reported(*pieces: bytes) -> list[Event]:
    framer, state, events = BEDROCK_INVOKE.framer(), BEDROCK_INVOKE.start(), list[Event]()
    for framed in (event for piece in pieces for event in framer.feed(piece)):
        state, more = BEDROCK_INVOKE.step(state, framed)
        events += more
    return events


@pytest.mark.parametrize(("then", "kind"), [
    (exception("throttlingException", "Too many tokens"),                                       "overloaded"),
    (exception("modelStreamErrorException", "The model broke"),                                 "unavailable"),
    (chunk(b'{"bytes":"bm90IGpzb24="}'),                                                        "malformed"),
    (chunk(b'{"bytes":"*"}'),                                                                   "malformed"),
    (chunk(b"not json"),                                                                        "malformed"),
    (b"\0" * 20,                                                                                "malformed"),
    (chunk(b'{"bytes":"%b"}' % base64.b64encode(b'{"type":"error","error":{"type":"overloaded_error"}}')), "overloaded"),
])  # fmt: skip
def test_a_stream_that_stops_early_reports_the_reason(then: bytes, kind: str) -> None:
    said = chunk(json.dumps({"bytes": base64.b64encode(json.dumps(TEXT).encode()).decode()}).encode())
    first, last = reported(said, then)

    assert first == TextDelta(text="Hi")
    assert isinstance(last, Broken)
    assert last.failure.kind == kind


def test_the_hubs_cap_is_sent_and_the_path_has_model_and_stream() -> None:
    fields = {"model": b'"m"', "max_tokens": b"900", "stream": b"true", "messages": b'[ {"role":"user"} ]'}
    raw = {name: msgspec.Raw(value) for name, value in fields.items()}
    call = ModelCall(dialect="anthropic", model="m", fields=raw, body_bytes=9, stream=True, cap_field="max_tokens")

    assert BEDROCK_INVOKE.pass_through(call, attempt(output_cap=7)) == (
        b'{"anthropic_version":"bedrock-2023-05-31","max_tokens":7,"messages":[ {"role":"user"} ]}'
    )
