"""OpenAI's dialect, the caller's side: answers, whole and streamed, and errors."""

import json
from typing import Any

import msgspec
import pytest

from domain.failures import Failure
from domain.model_api.events import (
    Broken,
    CitationDelta,
    Ended,
    Event,
    Finished,
    ProviderBlock,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from domain.usage import Usage
from entrypoints.http.dialects.dialect import ErrorBody, Rendering
from entrypoints.http.dialects.openai_chat import OPENAI_CALLER
from entrypoints.refusals.record import ErrorKind
from tests.support.rendering import a_rendering

RENDERING = a_rendering("call-1", 1_700_000_000, model="gpt-4o")
SILENT = a_rendering("call-1", 1_700_000_000, model="gpt-4o", wants_usage=False)
STARTED = Started(id="msg_1", model="claude")
USED = UsageReported(usage=Usage(input_tokens=2, cache_read_tokens=1, output_tokens=3, reasoning_tokens=4))
USAGE = {
    "prompt_tokens": 3,
    "completion_tokens": 7,
    "total_tokens": 10,
    "prompt_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 4, "audio_tokens": 0},
}


def streamed(*events: Event, rendering: Rendering = RENDERING) -> bytes:
    state, sent = OPENAI_CALLER.start(rendering), b""
    for event in events:
        state, more = OPENAI_CALLER.render(state, event)
        sent += more
    return sent


def chunks(*events: Event, rendering: Rendering = RENDERING) -> list[Any]:
    lines = streamed(*events, rendering=rendering).decode().split("\n\n")
    assert "" == lines.pop()
    return [line if line == "data: [DONE]" else json.loads(line.removeprefix("data: ")) for line in lines]


def deltas(*events: Event) -> list[Any]:
    return [chunk["choices"][0]["delta"] for chunk in chunks(*events)]


def whole(*events: Event) -> Any:
    return json.loads(OPENAI_CALLER.whole(events, RENDERING))


def message(*events: Event) -> Any:
    return whole(*events)["choices"][0]["message"]


def test_a_whole_answer_is_a_chat_completion() -> None:
    assert {
        "id": "call-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "gpt-4o",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": USAGE,
    } == whole(STARTED, TextDelta(text="Hel"), TextDelta(text="lo"), Finished(reason="stop"), USED, Ended())


def test_a_stream_is_chat_completion_chunks() -> None:
    head = {"id": "call-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "gpt-4o"}

    def chunk(delta: Any, reason: str | None = None) -> Any:
        return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], "usage": None}

    assert [
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "Hel"}),
        chunk({"content": "lo"}),
        chunk({}, "stop"),
        {**head, "choices": [], "usage": USAGE},
        "data: [DONE]",
    ] == chunks(STARTED, TextDelta(text="Hel"), TextDelta(text="lo"), USED, Finished(reason="stop"), Ended())


def test_usage_is_streamed_only_to_those_who_want_it() -> None:
    sent = streamed(STARTED, TextDelta(text="Hi"), Finished(reason="stop"), USED, Ended(), rendering=SILENT)

    assert b"usage" not in sent
    assert sent.endswith(b"data: [DONE]\n\n")


def test_usage_that_nobody_reported_is_not_made_up() -> None:
    events = (STARTED, TextDelta(text="Hi"), Finished(reason="stop"), Ended())

    assert "usage" not in whole(*events)
    assert all(chunk["usage"] is None for chunk in chunks(*events)[:-1])


def test_the_last_report_of_usage_stands() -> None:
    first = UsageReported(usage=Usage(input_tokens=2))

    assert USAGE == chunks(STARTED, first, USED, Ended())[-2]["usage"]
    assert USAGE == whole(STARTED, first, USED, Ended())["usage"]


def test_a_broken_stream_never_ends_with_done() -> None:
    broken = Broken(failure=Failure(kind="truncated", message="cut"))

    assert [{"role": "assistant", "content": ""}, {"content": "Hi"}] == deltas(STARTED, TextDelta(text="Hi"), broken)


def test_tool_calls_are_reported_in_pieces_and_whole() -> None:
    events = (
        STARTED,
        ToolCallDelta(index=0, id="call_a", name="f", arguments=""),
        ToolCallDelta(index=1, id="call_b", name="g", arguments="{}"),
        ToolCallDelta(index=0, arguments='{"a": 1}'),
        Finished(reason="tool_calls"),
        Ended(),
    )

    assert [
        [{"index": 0, "id": "call_a", "type": "function", "function": {"name": "f", "arguments": ""}}],
        [{"index": 1, "id": "call_b", "type": "function", "function": {"name": "g", "arguments": "{}"}}],
        [{"index": 0, "function": {"arguments": '{"a": 1}'}}],
    ] == [delta["tool_calls"] for delta in deltas(*events[:4])[1:]]
    assert {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "tool_calls": [
            {"id": "call_a", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}},
            {"id": "call_b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
        ],
    } == message(*events)


def test_thinking_and_what_proves_it_are_extensions() -> None:
    events = (
        STARTED,
        ReasoningDelta(text="Hm"),
        ReasoningDelta(text="."),
        ReasoningDelta(signature="c2ln"),
        ReasoningDelta(redacted="ZW5j", block=1),
        TextDelta(text="4"),
    )
    encrypted = {"type": "reasoning.encrypted", "data": "ZW5j", "index": 1}

    assert [
        {"reasoning_content": "Hm", "reasoning_details": [{"type": "reasoning.text", "text": "Hm", "index": 0}]},
        {"reasoning_content": ".", "reasoning_details": [{"type": "reasoning.text", "text": ".", "index": 0}]},
        {"reasoning_details": [{"type": "reasoning.text", "text": "", "signature": "c2ln", "index": 0}]},
        {"reasoning_details": [encrypted]},
        {"content": "4"},
    ] == deltas(*events)[1:]
    assert {
        "role": "assistant",
        "content": "4",
        "refusal": None,
        "reasoning_content": "Hm.",
        "reasoning_details": [
            {"type": "reasoning.text", "text": "Hm.", "signature": "c2ln", "index": 0},
            encrypted,
        ],
    } == message(*events)


def test_a_refusal_has_its_own_field() -> None:
    events = (STARTED, RefusalDelta(text="I will "), RefusalDelta(text="not."))

    assert [{"refusal": "I will "}, {"refusal": "not."}] == deltas(*events)[1:]
    assert {"role": "assistant", "content": None, "refusal": "I will not."} == message(*events)


def test_what_another_dialect_adds_stands_in_provider_blocks() -> None:
    ours = CitationDelta(citation=msgspec.Raw(b'{"type":"url_citation"}'), dialect="openai")
    theirs = CitationDelta(citation=msgspec.Raw(b'{"cited_text":"x"}'), dialect="anthropic")
    block = ProviderBlock(dialect="anthropic", name="server_tool_use", block=msgspec.Raw(b'{"id":"s"}'))
    provider_block = [
        {"dialect": "anthropic", "name": "citation", "block": {"cited_text": "x"}},
        {"dialect": "anthropic", "name": "server_tool_use", "block": {"id": "s"}},
    ]

    assert [
        {"annotations": [{"type": "url_citation"}]},
        {"provider_blocks": provider_block[:1]},
        {"provider_blocks": provider_block[1:]},
    ] == deltas(STARTED, ours, theirs, block)[1:]
    reported = message(STARTED, ours, theirs, block)
    assert ([{"type": "url_citation"}], provider_block) == (reported["annotations"], reported["provider_blocks"])


def test_each_choice_begins_with_the_role() -> None:
    events = (STARTED, TextDelta(text="a"), TextDelta(text="b", choice=1), Finished(reason="length", choice=2))

    assert [
        (0, {"role": "assistant", "content": ""}),
        (0, {"content": "a"}),
        (1, {"role": "assistant", "content": "b"}),
        (2, {"role": "assistant"}),
    ] == [(chunk["choices"][0]["index"], chunk["choices"][0]["delta"]) for chunk in chunks(*events)]
    assert [(0, "a"), (1, "b"), (2, "")] == [
        (choice["index"], choice["message"]["content"]) for choice in whole(*events)["choices"]
    ]


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("tool_calls", "tool_calls"),
        ("content_filter", "content_filter"),
        ("refusal", "content_filter"),
        ("pause", "stop"),
    ],
)
def test_each_ending_has_a_finish_reason(reason: Any, word: str) -> None:
    finished = Finished(reason=reason, stop_sequence="END")

    for choice in (chunks(finished)[0]["choices"][0], whole(finished)["choices"][0]):
        assert (word, "END") == (choice["finish_reason"], choice["stop_reason"])


@pytest.mark.parametrize(
    ("usage", "reported"),
    [
        (
            Usage(cache_write_tokens=1, cache_write_1h_tokens=2, input_audio_tokens=4, output_audio_tokens=8),
            {"prompt_tokens": 7, "completion_tokens": 8, "total_tokens": 15},
        ),
        (Usage(tool_uses=3), {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "tool_uses": 3}),
    ],
)
def test_usage_adds_up_to_openais_sums(usage: Usage, reported: dict[str, int]) -> None:
    sums = whole(STARTED, UsageReported(usage=usage), Ended())["usage"]

    assert reported == {name: value for name, value in sums.items() if not name.endswith("_details")}


# --- errors ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "code", "reported"),
    [
        ("invalid_request", "bad_request", ("invalid_request_error", "bad_request")),
        ("authentication", "invalid_api_key", ("invalid_request_error", "invalid_api_key")),
        ("permission", "not_allowed", ("permission_error", "not_allowed")),
        ("not_found", "model_not_found", ("invalid_request_error", "model_not_found")),
        ("insufficient_credit", "insufficient_credit", ("insufficient_quota", "insufficient_quota")),
        ("too_large", "body_too_large", ("invalid_request_error", "body_too_large")),
        ("rate_limit", "overloaded", ("rate_limit_error", "overloaded")),
        ("overloaded", "storage_unavailable", ("service_unavailable_error", "storage_unavailable")),
        ("conflict", "idempotency_conflict", ("invalid_request_error", "idempotency_conflict")),
        ("provider", "provider_failed", ("server_error", "provider_failed")),
        ("internal", "internal_error", ("server_error", "internal_error")),
    ],
)
def test_an_error_has_openais_type_and_code(kind: ErrorKind, code: str, reported: tuple[str, str]) -> None:
    body = ErrorBody(status=400, kind=kind, message="No.", code=code, param="model")

    assert {"error": {"message": "No.", "type": reported[0], "param": "model", "code": reported[1]}} == json.loads(
        OPENAI_CALLER.error(body)
    )


def test_facts_are_added_to_the_four_fields_and_never_replace_them() -> None:
    facts = {"short_by_nanos": 5, "payment_link": None, "message": "forged"}
    body = ErrorBody(status=402, kind="insufficient_credit", message="No.", code="x", facts=facts, request_id="call-1")

    assert {
        "message": "No.",
        "type": "insufficient_quota",
        "param": None,
        "code": "x",
        "short_by_nanos": 5,
        "payment_link": None,
        "request_id": "call-1",
    } == json.loads(OPENAI_CALLER.error(body))["error"]


def test_an_error_in_a_stream_is_its_last_event() -> None:
    body = ErrorBody(status=502, kind="provider", message="Gone.\nReally.", code="provider_failed")

    sent = OPENAI_CALLER.stream_error(body)

    assert (b"data: ", b"\n\n", 2) == (sent[:6], sent[-2:], sent.count(b"\n"))
    assert json.loads(OPENAI_CALLER.error(body)) == json.loads(sent[6:])
