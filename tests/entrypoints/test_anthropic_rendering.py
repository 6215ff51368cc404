"""An answer for a caller of Anthropic's dialect is one message, whole and streamed."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from entrypoints.http.dialects.anthropic import ANTHROPIC_CALLER
from tests.support.anthropic import assemble, server_events
from tests.support.rendering import a_rendering

_RENDERING = a_rendering(model="claude-test")


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def _whole(*events: Event) -> Any:
    return json.loads(ANTHROPIC_CALLER.whole(events, _RENDERING))


def _stream(*events: Event) -> bytes:
    state, said = ANTHROPIC_CALLER.start(_RENDERING), b""
    for event in events:
        state, more = ANTHROPIC_CALLER.render(state, event)
        said += more
    return said


_USAGE = Usage(
    input_tokens=5,
    input_audio_tokens=1,
    cache_read_tokens=20,
    cache_write_tokens=30,
    cache_write_1h_tokens=40,
    output_tokens=7,
    output_audio_tokens=2,
    reasoning_tokens=3,
)
_ANSWER: tuple[Event, ...] = (
    Started(id="chatcmpl-1", model="gpt"),
    ReasoningDelta(text="Two "),
    ReasoningDelta(text="cities."),
    ReasoningDelta(signature="s"),
    TextDelta(text="Let me "),
    TextDelta(text="look."),
    ToolCallDelta(index=0, id="a", name="at"),
    ToolCallDelta(index=1, id="b", name="now"),
    ToolCallDelta(index=0, arguments='{"x":'),
    ToolCallDelta(index=1, arguments="{}"),
    ToolCallDelta(index=0, arguments="1}"),
    Finished(reason="tool_calls"),
    UsageReported(usage=_USAGE),
    Ended(),
)


def test_a_whole_answer_is_a_message() -> None:
    assert _whole(*_ANSWER) == {
        "id": "call_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-test",
        "content": [
            {"type": "thinking", "thinking": "Two cities.", "signature": "s"},
            {"type": "text", "text": "Let me look."},
            {"type": "tool_use", "id": "a", "name": "at", "input": {"x": 1}},
            {"type": "tool_use", "id": "b", "name": "now", "input": {}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 6,
            "cache_creation_input_tokens": 70,
            "cache_read_input_tokens": 20,
            "cache_creation": {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 40},
            "output_tokens": 12,
            "output_tokens_details": {"thinking_tokens": 3},
        },
    }


def test_a_stream_starts_at_once_and_reports_usage_at_its_end() -> None:
    events = server_events(_stream(*_ANSWER).decode())
    first, last_but_one = json.loads(events[0].data), json.loads(events[-2].data)

    assert _stream(_ANSWER[0]).startswith(b"event: message_start\ndata: {")
    assert (first["message"]["usage"]["input_tokens"], first["message"]["content"]) == (0, [])
    assert last_but_one["usage"] == _whole(*_ANSWER)["usage"]
    assert [event.name for event in events[-2:]] == ["message_delta", "message_stop"]


def test_text_is_passed_on_as_it_comes() -> None:
    state, _ = ANTHROPIC_CALLER.render(ANTHROPIC_CALLER.start(_RENDERING), Started(id="1", model="m"))
    state, _ = ANTHROPIC_CALLER.render(state, TextDelta(text="a"))
    _, said = ANTHROPIC_CALLER.render(state, TextDelta(text='"b"\n'))

    assert said == (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
        b'"delta":{"type":"text_delta","text":"\\"b\\"\\n"}}\n\n'
    )


def test_a_later_tool_call_waits_for_the_earlier_one() -> None:
    said = _stream(*_ANSWER[:-1])

    assert b'"name":"at"' in said
    assert b'"name":"now"' not in said
    assert b"message_delta" not in said


def test_what_waits_for_a_tool_call_follows_in_the_order_it_began() -> None:
    message = _whole(
        ToolCallDelta(index=0, id="a", name="f", arguments="{}"),
        ToolCallDelta(index=2, id="c", name="h"),
        TextDelta(text="And"),
        ToolCallDelta(index=1, id="b", name="g"),
        TextDelta(text="then"),
        Ended(),
    )

    assert [block.get("id") or block["text"] for block in message["content"]] == ["a", "c", "And", "b", "then"]


def test_thoughts_of_different_blocks_stay_apart() -> None:
    message = _whole(
        ReasoningDelta(text="a", block=0), ReasoningDelta(text="b", block=1), ReasoningDelta(text="c", block=1), Ended()
    )

    assert [block["thinking"] for block in message["content"]] == ["a", "bc"]


def test_nothing_follows_the_end() -> None:
    assert _stream(*_ANSWER, TextDelta(text="more"), Ended()) == _stream(*_ANSWER)


@pytest.mark.parametrize(
    ("reason", "stop_sequence", "word"),
    [
        ("stop", None, "end_turn"),
        ("stop", "END", "stop_sequence"),
        ("length", None, "max_tokens"),
        ("tool_calls", None, "tool_use"),
        ("content_filter", None, "refusal"),
        ("refusal", None, "refusal"),
        ("pause", None, "pause_turn"),
    ],
)
def test_a_reason_to_finish_is_a_stop_reason(reason: Any, stop_sequence: str | None, word: str) -> None:
    message = _whole(TextDelta(text="a"), Finished(reason=reason, stop_sequence=stop_sequence), Ended())

    assert (message["stop_reason"], message["stop_sequence"]) == (word, stop_sequence)


def test_a_models_own_refusal_is_text_that_is_marked_as_one() -> None:
    message = _whole(RefusalDelta(text="I will "), RefusalDelta(text="not."), Finished(reason="stop"), Ended())

    assert message["content"] == [{"type": "text", "text": "I will not."}]
    assert message["stop_reason"] == "refusal"


def test_a_forced_call_is_a_tool_use_whatever_openai_reports() -> None:
    message = _whole(ToolCallDelta(index=0, id="a", name="f", arguments="{}"), Finished(reason="stop"), Ended())

    assert message["stop_reason"] == "tool_use"


@pytest.mark.parametrize("arguments", ['{"x":', "[1]", "3", "null"])
def test_arguments_that_are_no_object_are_kept_as_what_they_are(arguments: str) -> None:
    message = _whole(ToolCallDelta(index=0, id="a", name="f", arguments=arguments), Finished(reason="length"), Ended())

    assert message["content"][0]["input"] == {"INVALID_JSON": arguments}


def test_citations_and_foreign_blocks_keep_their_place() -> None:
    events: tuple[Event, ...] = (
        ProviderBlock(dialect="anthropic", name="x", block=msgspec.Raw(b'{"type":\n"x"}')),
        TextDelta(text="It rains"),
        CitationDelta(dialect="anthropic", citation=_raw({"url": "u"})),
        TextDelta(text="."),
        CitationDelta(dialect="openai", citation=_raw({"other": 1})),
        ProviderBlock(dialect="openai", name="y", block=_raw({"type": "y"})),
        Ended(),
    )

    expected = [
        {"type": "x"},
        {"type": "text", "text": "It rains", "citations": [{"url": "u"}]},
        {"type": "text", "text": "."},
    ]
    assert _whole(*events)["content"] == expected
    assert assemble(_stream(*events))["content"] == expected


def test_only_the_first_choice_is_reported() -> None:
    message = _whole(TextDelta(text="a"), TextDelta(text="b", choice=1), Finished(reason="length", choice=1), Ended())

    assert message["content"] == [{"type": "text", "text": "a"}]
    assert message["stop_reason"] is None


def test_a_broken_stream_gets_no_ending() -> None:
    broken = Broken(failure=Failure(kind="truncated", message="cut"))
    state = ANTHROPIC_CALLER.start(_RENDERING)
    for event in _ANSWER[:-1]:
        state, _ = ANTHROPIC_CALLER.render(state, event)

    assert ANTHROPIC_CALLER.render(state, broken)[1] == b""


_words = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
_tool_pieces = st.builds(
    ToolCallDelta,
    index=st.integers(0, 3),
    id=st.one_of(st.none(), st.just("id")),
    name=st.one_of(st.none(), st.just("name")),
    arguments=st.one_of(st.sampled_from(["", "{}", '{"x":', "1}"]), _words),
    choice=st.sampled_from([0, 0, 0, 1]),
)
_contents = st.one_of(
    _tool_pieces,
    st.builds(TextDelta, text=_words, block=st.integers(0, 2)),
    st.builds(RefusalDelta, text=_words),
    st.builds(
        ReasoningDelta,
        text=_words,
        signature=st.one_of(st.none(), _words),
        redacted=st.one_of(st.none(), st.none(), _words),
        block=st.integers(0, 1),
    ),
    st.builds(CitationDelta, citation=st.just(msgspec.Raw(b'{"c": 1}')), dialect=st.sampled_from(["anthropic", "x"])),
    st.builds(
        ProviderBlock,
        name=st.just("x"),
        block=st.just(msgspec.Raw(b'{"type":"x"}')),
        dialect=st.sampled_from(["anthropic", "x"]),
    ),
)
_events = st.lists(
    st.one_of(
        _contents,
        _contents,
        st.just(Started(id="1", model="m")),
        st.builds(UsageReported, usage=st.builds(Usage, input_tokens=st.integers(0, 9))),
        st.builds(
            Finished,
            reason=st.sampled_from(["stop", "length", "tool_calls", "pause"]),
            choice=st.sampled_from([0, 0, 1]),
        ),
    ),
    max_size=25,
)


@given(_events)
def test_a_client_that_assembles_the_stream_has_the_whole_message(events: list[Event]) -> None:
    assembled = assemble(_stream(*events, Ended()))

    assert assembled.pop("stopped") is True
    assert assembled == _whole(*events, Ended())


@given(_events, st.booleans())
def test_nothing_but_ended_ends_a_stream(events: list[Event], broken: bool) -> None:
    failed: tuple[Event, ...] = (Broken(failure=Failure(kind="truncated", message="cut")),) if broken else ()
    said = _stream(*events, *failed)

    assert b"event: message_stop" not in said
    assert b"event: message_delta" not in said


def test_texts_that_the_provider_reported_apart_stay_apart_whole_and_streamed() -> None:
    events = (
        Started(id="x", model="m"),
        TextDelta(text="On", block=0),
        TextDelta(text="e.", block=0),
        TextDelta(text="Two.", block=2),
        Finished(reason="stop"),
        Ended(),
    )

    assert ["One.", "Two."] == [block["text"] for block in _whole(*events)["content"]]
    assert ["One.", "Two."] == [block["text"] for block in assemble(_stream(*events))["content"]]


def test_a_block_that_was_written_in_lines_does_not_end_its_event() -> None:
    lines = msgspec.Raw(b'{"type":"server_tool_use",\n\n"id":\r\n"b"}')
    own, other = (ProviderBlock(dialect=dialect, name="x", block=lines) for dialect in ("anthropic", "google"))
    reported = _stream(own, other, Ended())

    assert [event.name for event in server_events(reported.decode())] == [
        *("message_start", "content_block_start", "content_block_stop", "message_delta", "message_stop"),
    ]
    assert all(json.loads(event.data) for event in server_events(reported.decode()))
