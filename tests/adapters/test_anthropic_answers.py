"""Anthropic's answers become events, and one answer means the same whole and streamed, so it costs the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.providers.anthropic import ANTHROPIC
from adapters.providers.dialect import ServerEvent
from domain.failures import Failure
from domain.model_api.events import Broken, Ended, Finished, ToolCallDelta, UsageReported
from domain.usage import Usage
from tests.support.anthropic import event, fold, meaning, server_events

_TRANSCRIPTS = Path(__file__).parent / "transcripts" / "anthropic"


def _usage(events: tuple[Any, ...]) -> Usage:
    return [reported.usage for reported in events if isinstance(reported, UsageReported)][-1]


def _broken(events: tuple[Any, ...]) -> Failure:
    (failure,) = [reported.failure for reported in events if isinstance(reported, Broken)]
    return failure


def test_a_streamed_answer_gives_its_text_its_usage_and_its_end() -> None:
    said = meaning(fold(server_events((_TRANSCRIPTS / "text.sse").read_text())))

    assert said["started"] == ("msg_1", "claude-test-1")
    assert said["text"] == "Grüß Gott, 世界 🙂"
    assert said["usage"] == {"input_tokens": 21, "output_tokens": 9}
    assert said["endings"] == [("stop", "\n\n"), "ended"]


def test_reasoning_and_parallel_tool_calls_are_distinguished() -> None:
    said = meaning(fold(server_events((_TRANSCRIPTS / "tools.sse").read_text())))

    assert said["thinking"] == {0: ("Two cities, two calls.", "c2lnbmVk", ""), 1: ("", "", "aGlkZGVu")}
    assert said["tools"] == {
        0: (("toolu_1", "weather"), {"city": "München", "days": 1.5}),
        1: (("toolu_2", "now"), {}),
    }
    assert said["endings"] == [("tool_calls", None), "ended"]
    assert said["usage"] == {
        "input_tokens": 30,
        "cache_read_tokens": 2000,
        "cache_write_tokens": 100,
        "cache_write_1h_tokens": 200,
        "output_tokens": 88,
    }


def test_a_hosted_tool_is_kept_whole_and_its_use_is_counted() -> None:
    said = meaning(fold(server_events((_TRANSCRIPTS / "search.sse").read_text())))

    assert [name for name, _ in said["foreign"]] == ["server_tool_use", "web_search_tool_result"]
    assert said["foreign"][0][1]["input"] == {"query": "rain"}
    assert said["usage"]["tool_uses"] == 1


def test_a_citation_follows_the_text_that_it_is_for() -> None:
    said = meaning(fold(server_events((_TRANSCRIPTS / "search.sse").read_text())))

    assert [at for at, _ in said["citations"]] == [len("They say it rains")]


def test_a_compaction_during_an_answer_is_billed_too() -> None:
    usage = _usage(fold(server_events((_TRANSCRIPTS / "compaction.sse").read_text())))

    assert usage == Usage(input_tokens=4010, output_tokens=506)


@pytest.mark.parametrize("name", ["text", "tools", "search", "compaction"])
def test_a_whole_answer_means_what_its_stream_means(name: str) -> None:
    streamed = fold(server_events((_TRANSCRIPTS / f"{name}.sse").read_text()))
    whole = ANTHROPIC.decode((_TRANSCRIPTS / f"{name}.json").read_bytes())

    assert meaning(whole) == meaning(streamed)


def test_an_error_inside_a_stream_breaks_it() -> None:
    events = fold(server_events((_TRANSCRIPTS / "broken.sse").read_text()))

    failure = _broken(events)
    assert (failure.kind, failure.code, failure.message) == ("overloaded", "overloaded_error", "Overloaded")
    assert Ended() not in events


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("overloaded_error", "overloaded"),
        ("rate_limit_error", "overloaded"),
        ("api_error", "unavailable"),
        ("timeout_error", "unavailable"),
        ("authentication_error", "credential_rejected"),
        ("permission_error", "credential_rejected"),
        ("invalid_request_error", "request_rejected"),
        ("a_word_of_tomorrow", "unavailable"),
    ],
)
def test_an_error_event_is_blamed_by_its_type(word: str, kind: str) -> None:
    events = fold([event("error", error={"type": word, "message": "no"})])

    assert _broken(events).kind == kind


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "stop"),  # without a tool that was called
        ("refusal", "refusal"),
        ("pause_turn", "pause"),
        ("a_word_of_tomorrow", "stop"),
    ],
)
def test_a_stop_reason_is_a_reason_to_finish(word: str, reason: str) -> None:
    events = fold([event("message_delta", delta={"stop_reason": word})])

    assert [reported.reason for reported in events if isinstance(reported, Finished)] == [reason]


def test_a_stream_that_called_a_tool_stops_for_it() -> None:
    called = event("content_block_start", index=0, content_block={"type": "tool_use", "id": "t", "name": "f"})
    events = fold([called, event("message_delta", delta={"stop_reason": "tool_use"})])

    assert Finished(reason="tool_calls") == events[-1]


def test_only_message_stop_ends_a_stream() -> None:
    events = server_events((_TRANSCRIPTS / "tools.sse").read_text())

    assert [Ended() in fold(events[:length]) for length in range(len(events) + 1)] == [False] * len(events) + [True]


def test_what_is_not_promised_means_nothing() -> None:
    noise = [
        event("ping"),
        event("telemetry", anything=1),
        ServerEvent("news", b"not json", b""),
        ServerEvent("", b"", b": comment\n\n"),
        event("content_block_delta", index=0, delta={"type": "dream_delta", "dream": "x"}),
        event("content_block_stop", index=9),
    ]

    assert fold(noise) == ()


def test_an_event_without_its_name_is_known_by_its_type() -> None:
    named = server_events((_TRANSCRIPTS / "tools.sse").read_text())
    nameless = [ServerEvent("", reported.data, reported.raw) for reported in named]

    assert fold(nameless) == fold(named)


@pytest.mark.parametrize(
    "nonsense",
    [
        ServerEvent("content_block_delta", b'{"index":0,"delta":', b""),
        ServerEvent("message_start", b"[" * 100_000, b""),
        event("content_block_delta", index=7, delta={"type": "input_json_delta", "partial_json": "{"}),
    ],
)
def test_an_invalid_event_breaks_the_stream_and_is_named(nonsense: ServerEvent) -> None:
    failure = _broken(fold([nonsense]))

    assert failure.kind == "malformed"
    assert nonsense.name in failure.message


@pytest.mark.parametrize(("content", "reason"), [
    ([{"type": "text", "text": "So."}],                                "stop"),
    ([{"type": "tool_use", "id": "t", "name": "f", "input": {}}],      "tool_calls"),
])  # fmt: skip
def test_a_complete_answer_without_a_stop_reason_is_finished(content: list[Any], reason: str) -> None:
    body = {"type": "message", "content": content, "stop_reason": None}

    assert [(reason, None), "ended"] == meaning(ANTHROPIC.decode(json.dumps(body).encode()))["endings"]


def test_fields_next_to_the_content_are_kept_by_name() -> None:
    container = {"id": "container_1", "expires_at": "2026-11-01T00:00:00Z"}
    edits = {"applied_edits": [{"type": "clear_tool_uses_20250919", "cleared_tool_uses": 3}]}
    why = {"type": "refusal", "category": "cyber", "explanation": "It was withheld."}
    stop = {"stop_reason": "refusal", "stop_sequence": None, "container": container, "stop_details": why}
    head = {"id": "m", "model": "c", "content": []}
    started = {**head, "container": None, "context_management": None, "stop_details": None}
    whole = {"type": "message", **head, **stop, "context_management": edits}
    stream = [event("message_start", message=started), event("message_delta", delta=stop, context_management=edits)]
    nothing: dict[str, Any] = {
        "type": "message",
        **head,
        "context_management": {"applied_edits": []},
        "container": None,
    }

    assert {"container": container, "context_management": edits, "stop_details": why} == dict(
        meaning(ANTHROPIC.decode(json.dumps(whole).encode()))["foreign"]
    )
    assert {"container": container, "context_management": edits, "stop_details": why} == dict(
        meaning(fold(stream))["foreign"]
    )
    assert [] == meaning(ANTHROPIC.decode(json.dumps(nothing).encode()))["foreign"]


@pytest.mark.parametrize("body", [b"", b"null", b"<html>", b"{}", b'{"type":"message"}', b'{"content":3}', b"[" * 9999])
def test_a_body_that_is_no_message_is_malformed(body: bytes) -> None:
    (only,) = ANTHROPIC.decode(body)

    assert isinstance(only, Broken)
    assert only.failure.kind == "malformed"


def test_an_error_with_a_good_status_is_still_an_error() -> None:
    (only,) = ANTHROPIC.decode(b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}')

    assert isinstance(only, Broken)
    assert only.failure.kind == "overloaded"


def test_an_empty_input_is_an_empty_object_in_every_form() -> None:
    block = {"type": "tool_use", "id": "t", "name": "now", "input": {}}
    whole = ANTHROPIC.decode(json.dumps({"type": "message", "content": [block]}, indent=2).encode())
    streamed = fold([event("content_block_start", index=0, content_block=block), event("content_block_stop", index=0)])

    expected = (ToolCallDelta(index=0, id="t", name="now"), ToolCallDelta(index=0, arguments="{}"))
    assert streamed == expected
    assert whole[1:3] == expected


def _tool_stream(kind: str, *deltas: dict[str, Any]) -> list[ServerEvent]:
    begun = event("content_block_start", index=0, content_block={"type": kind, "id": "s", "name": "n", "input": {}})
    pieces = [event("content_block_delta", index=0, delta=delta) for delta in deltas]
    return [begun, *pieces, event("content_block_stop", index=0)]


def test_a_hosted_tools_input_that_is_cut_off_is_kept_as_what_it_is() -> None:
    cut = {"type": "input_json_delta", "partial_json": '{"query": "ra'}

    said = meaning(fold(_tool_stream("server_tool_use", cut)))
    assert said["foreign"][0][1]["input"] == {"INVALID_JSON": '{"query": "ra'}


def test_unknown_deltas_are_put_into_their_block() -> None:
    grown = fold(_tool_stream("dream", {"type": "dream_delta", "dream": "a"}, {"type": "dream_delta", "dream": "b"}))

    assert meaning(grown)["foreign"][0][1]["dream"] == "ab"


def test_a_block_that_stops_twice_is_returned_once() -> None:
    stops = [event("content_block_stop", index=0)] * 2

    assert len(fold(_tool_stream("server_tool_use") + stops)) == 1
