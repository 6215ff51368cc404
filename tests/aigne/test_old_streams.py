"""Streams at AIGNE's older paths: its SDK reads a `delta` at the top, OpenAI's SDKs read `choices`."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoints.http.dialects.aigne.old_streams import with_deltas
from entrypoints.http.wire import Reply, Request
from tests.behaviour.conftest import People
from tests.behaviour.plain_calls import CAMEL_CASE, ask, camel_case_body, events_of
from tests.behaviour.stub import Stub
from tests.support.hub import HubProcess

CALL = {"index": 0, "id": "t1", "function": {"name": "f", "arguments": "{}"}}
CHUNKS = (
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hé"}}]},
    {"choices": [{"index": 0, "delta": {"tool_calls": [CALL]}}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {"choices": [], "usage": {"prompt_tokens": 1}},
)
DELTAS = [{"role": "assistant", "content": "Hé"}, {"toolCalls": [CALL]}, {}, None]
STREAM = b"".join(f": note\n\ndata: {json.dumps(one)}\n\n".encode() for one in CHUNKS) + b"data: [DONE]\n\n"


@pytest.mark.anyio
@given(st.lists(st.integers(0, len(STREAM)), max_size=6))
async def test_every_chunk_has_both_forms_however_the_bytes_are_cut(places: list[int]) -> None:
    edges = [0, *sorted(places), len(STREAM)]

    async def body() -> AsyncIterator[bytes]:
        for first, last in pairwise(edges):
            yield STREAM[first:last]

    @asynccontextmanager
    async def handler(request: Request) -> AsyncIterator[Reply]:
        yield Reply(status=200, headers=(), body=body())

    request = Request(id="call-1", method="POST", path="/", headers={}, body=b"", started_us=0)
    async with with_deltas(handler)(request) as reply:
        assert not isinstance(reply.body, bytes)
        sent = b"".join([part async for part in reply.body])

    found = [event for _, event in events_of(sent)]
    assert "[DONE]" == found.pop()
    assert DELTAS == [event.pop("delta", None) for event in found]
    assert [*CHUNKS] == found


def parts(hub: HubProcess, path: str) -> Iterator[str]:
    for _, event in events_of(ask(hub, path, camel_case_body("oai/m", stream=True)).body):
        if event != "[DONE]" and event["choices"]:
            assert event["delta"].get("content") == event["choices"][0]["delta"].get("content")
            yield event["delta"].get("content") or ""


def test_a_stream_at_an_older_path_adds_up_in_both_forms(hub: HubProcess, stub: Stub) -> None:
    texts = {"".join(parts(hub, path)) for path in CAMEL_CASE}

    assert 1 == len(texts)
    assert all(texts)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v2/embeddings", {"model": "oai/m", "input": "hi"}),
        ("/api/v2/image/generations", {"model": "oai/dall", "prompt": "a cat"}),
        ("/api/v2/audio/speech", {"model": "oai/tts", "input": "hi", "voice": "alloy"}),
    ],
)
def test_a_lack_of_credit_has_aignes_type_and_link(
    hub: HubProcess, people: People, path: str, body: dict[str, str]
) -> None:
    refused = ask(hub, path, body, key=people.poor)

    assert 402 == refused.status
    assert ("NOT_ENOUGH", "https://pay.example.com/credit") == tuple(
        refused.json()["error"][name] for name in ("type", "link")
    )
