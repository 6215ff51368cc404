"""A provider that counts oddly costs nobody the answer, and nothing it delivered is free, nor dearer than the whole."""

import base64
import json
import socket
from typing import Any

import pytest

from tests.behaviour.plain_calls import (
    CHAT,
    MESSAGES,
    RESPONSES,
    anthropic_body,
    ask,
    events_of,
    openai_body,
    responses_body,
)
from tests.behaviour.stub import Stub
from tests.behaviour.stub_answers import (
    DONE,
    TEXT,
    anthropic_whole,
    data,
    event,
    openai_chunk,
    openai_stream,
    openai_whole,
)
from tests.support.hub import HubProcess
from tests.support.provider import Received, Reply, answering, streaming


def newest(hub: HubProcess) -> Any:
    (call,) = hub.cli("call", "list", "--limit", "1")
    return hub.cli("call", "show", call["id"])


def whole(usage: Any) -> bytes:
    return json.dumps({**json.loads(openai_whole()), "usage": usage}).encode()


@pytest.mark.parametrize(("usage", "charge", "source", "noted"), [
    ({"prompt_tokens": 100.0, "completion_tokens": "20"}, "0.00014", "provider", None),
    ({"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 90}, "0.00014", "adjusted", "total_tokens is 90"),
    ({"prompt_tokens": 99.5, "completion_tokens": 20}, "0.00014", "adjusted", "prompt_tokens is 99.5, counted as 100"),
    ({"prompt_tokens": 0, "completion_tokens": 20}, "0.000045", "estimated", "the provider counts no input"),
    ("n/a", "0.000019", "estimated", "usage cannot be read"),
])  # fmt: skip
def test_an_odd_usage_object_costs_nobody_the_answer(
    hub: HubProcess, stub: Stub, usage: Any, charge: str, source: str, noted: str | None
) -> None:
    stub.always(answering(200, whole(usage)))

    received = ask(hub, CHAT, openai_body())

    assert (200, whole(usage), charge) == (received.status, received.body, received.header("x-aihub-charge"))
    call = newest(hub)
    assert ("completed", source, 1) == (call["ending"], call["usage_source"], len(stub.requests))
    assert (noted or "") in (call["usage_note"] or "")
    assert (noted is None) == (call["usage_note"] is None)


@pytest.mark.parametrize("usage", ["n/a", {"prompt_tokens": 11.0, "completion_tokens": [7]}, {"total_tokens": -1}])
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
def test_a_stream_ends_as_it_should_whatever_its_usage_is(hub: HubProcess, stub: Stub, path: str, usage: Any) -> None:
    last = data({"id": "c", "object": "chat.completion.chunk", "choices": [], "usage": usage})
    stub.always(streaming(*openai_stream(usage=False)[:-1], last, DONE))
    body = openai_body(stream=True) if path == CHAT else anthropic_body("oai/m", stream=True)

    received = ask(hub, path, body)

    assert (b"[DONE]" if path == CHAT else b"message_stop") in received.body
    assert b'"error"' not in received.body
    assert "estimated" == newest(hub)["usage_source"]


def test_what_a_provider_counts_oddly_is_counted_in_the_log(hub: HubProcess, stub: Stub) -> None:
    before = hub.log.read_text()
    stub.always(answering(200, whole({"prompt_tokens": 11.5, "completion_tokens": 7})))

    for _ in range(64):  # Each power of two is logged, whatever other tests have counted before.
        ask(hub, CHAT, openai_body())
        if "oai counted oddly what was used" in (said := hub.log.read_text()[len(before) :]):
            break

    assert "times since the start; call " in said
    assert "adjusted: prompt_tokens is 11.5, counted as 12" in said


def test_zeros_at_the_end_of_a_messages_stream_take_nothing_from_its_start(hub: HubProcess, stub: Stub) -> None:
    start = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "model": "m"}
    reported = {"input_tokens": 100, "cache_read_input_tokens": 1_000, "output_tokens": 1}
    zeros = {"input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 20}
    stub.always(
        streaming(
            event("message_start", message={**start, "usage": reported}),
            event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
            event("content_block_delta", index=0, delta={"type": "text_delta", "text": "Hello"}),
            event("content_block_stop", index=0),
            event("message_delta", delta={"stop_reason": "end_turn"}, usage=zeros),
            event("message_stop"),
        )
    )

    for path, body in ((MESSAGES, anthropic_body(stream=True)), (CHAT, openai_body("ant/m", stream=True))):
        ask(hub, path, body)
        used = {unit: count for unit, count in newest(hub)["usage"].items() if count}
        assert {"input_tokens": 100, "cache_read_tokens": 1_000, "output_tokens": 20} == used


def test_cache_writes_whose_parts_are_zeros_are_charged_and_the_answer_goes_through(
    hub: HubProcess, stub: Stub
) -> None:
    counted = {"input_tokens": 2_081, "cache_creation_input_tokens": 10_345, "output_tokens": 504}
    counted["cache_creation"] = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}  # type: ignore[assignment]
    body = json.dumps({**json.loads(anthropic_whole()), "usage": counted}).encode()
    stub.always(answering(200, body))

    received = ask(hub, MESSAGES, anthropic_body())

    assert (200, body) == (received.status, received.body)
    call = newest(hub)
    assert ("adjusted", 10_345) == (call["usage_source"], call["usage"]["cache_write_tokens"])


def test_anthropics_callers_are_reported_an_estimate_of_the_input_at_the_start(hub: HubProcess) -> None:
    received = events_of(ask(hub, MESSAGES, anthropic_body("oai/m", text="word " * 400, stream=True)).body)

    (start,) = (value["message"]["usage"] for name, value in received if name == "message_start")
    (end,) = (value["usage"] for name, value in received if name == "message_delta")
    assert (503, 11) == (start["input_tokens"], end["input_tokens"])


def test_a_call_with_the_operators_own_key_costs_what_the_vendor_asks(hub: HubProcess, stub: Stub) -> None:
    """Only OpenRouter's word is taken for it; any other's is priced by the book, which knows nothing of this one."""
    usage = {"prompt_tokens": 300, "completion_tokens": 100, "cost": 0, "is_byok": True}
    stub.always(answering(200, whole({**usage, "cost_details": {"upstream_inference_cost": 0.00034}})))

    ask(hub, CHAT, openai_body())

    assert None is newest(hub)["cost_usd"]


IMAGE = "data:image/png;base64," + base64.b64encode(bytes(300_000)).decode()
IMAGE_URL = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": IMAGE}}]


def test_an_image_whose_call_was_left_is_charged_as_it_was_quoted(hub: HubProcess, stub: Stub) -> None:
    if hub.interface == "lambda":
        pytest.skip("nothing streams there, so nobody leaves")
    body = openai_body(stream=True, max_tokens=200, messages=[{"role": "user", "content": IMAGE_URL}])
    _leave(hub, stub, body, openai_chunk({"content": "A boat."}))

    call = _ended(hub)
    assert ("client_disconnected", "estimated") == (call["ending"], call["usage_source"])
    assert 1_590 < call["usage"]["input_tokens"] < 1_600
    assert call["usage"]["output_tokens"] <= 2


def test_sealed_reasoning_of_a_stream_that_was_cut_is_no_output(hub: HubProcess, stub: Stub) -> None:
    sealed = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAA" * 300}
    stub.always(
        streaming(
            event("response.created", response={"id": "resp_1", "status": "in_progress", "output": []}),
            event("response.output_item.added", output_index=0, item={**sealed, "encrypted_content": None}),
            event("response.output_item.done", output_index=0, item=sealed),
            event("response.output_item.added", output_index=1, item={"id": "m", "type": "message", "content": []}),
            event("response.output_text.delta", output_index=1, content_index=0, delta="High water is at"),
            cut=True,
        )
    )

    ask(hub, RESPONSES, responses_body(text="Tides at Brest?", stream=True))

    call = newest(hub)
    assert ("provider_failed", "estimated") == (call["ending"], call["usage_source"])
    assert {"input_tokens": 4, "output_tokens": 4} == {unit: count for unit, count in call["usage"].items() if count}


def _leave(hub: HubProcess, stub: Stub, body: dict[str, Any], *said: bytes) -> None:
    """Ask for a stream, read until the provider's first words, and hang up while it goes on."""

    async def handler(request: Received, reply: Reply) -> None:
        await reply.start(200, {"content-type": "text/event-stream"})
        for piece in said:
            await reply.write(piece)
        await reply.hang_up()

    stub.always(handler)
    content = json.dumps(body).encode()
    head = (
        f"POST {CHAT} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {hub.key}\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", hub.port), timeout=30) as line:
        line.sendall(head.encode() + content)
        received = b""
        while b"boat" not in received:
            piece = line.recv(65_536)
            assert piece, received
            received += piece


def _ended(hub: HubProcess) -> Any:
    for _ in range(100):
        if (call := newest(hub))["ending"] is not None:
            return call
    raise AssertionError("the call was not settled")


def test_text_is_never_free(hub: HubProcess, stub: Stub) -> None:
    """Zeros beside a text are no count: 5 tokens for the prompt, and the text at four bytes a token."""
    stub.always(answering(200, whole({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0})))

    ask(hub, CHAT, openai_body())

    call = newest(hub)
    assert {"input_tokens": 5, "output_tokens": -(-len(TEXT.encode()) // 4)} == (
        {unit: count for unit, count in call["usage"].items() if count}
    )
    assert "estimated" == call["usage_source"]
