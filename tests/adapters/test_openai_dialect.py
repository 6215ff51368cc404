"""OpenAI's dialect: requests that pass through and requests that are encoded."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.dialect import ServerEvent
from adapters.providers.openai import OPENAI
from domain.model_api.events import (
    Ended,
    Finished,
    ProviderBlock,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from domain.usage import Usage
from tests.adapters.openai_events import (
    TRANSCRIPTS,
    call,
    chunk,
    delta,
    failure_of,
    folded,
    reported,
    server_events,
    whole,
)

PAIRS = sorted(path.stem for path in TRANSCRIPTS.glob("*.json"))


def test_a_streamed_answer_becomes_events() -> None:
    stream = server_events((TRANSCRIPTS / "text.sse").read_bytes())

    assert (
        Started(id="chatcmpl-1", model="gpt-4o-mini"),
        TextDelta(text="Grüße, "),
        TextDelta(text="world 👋"),
        Finished(reason="stop"),
        UsageReported(
            usage=Usage(
                input_tokens=200,
                cache_read_tokens=2_000,
                cache_write_tokens=400,
                output_tokens=200,
                reasoning_tokens=100,
            )
        ),
        Ended(),
    ) == folded(stream)


@pytest.mark.parametrize("name", PAIRS)
def test_a_whole_answer_reports_what_its_stream_reports(name: str) -> None:
    stream = folded(server_events((TRANSCRIPTS / f"{name}.sse").read_bytes()))

    assert reported(stream) == reported(OPENAI.decode((TRANSCRIPTS / f"{name}.json").read_bytes()))


@pytest.mark.parametrize("name", PAIRS)
def test_a_stream_without_its_last_event_never_ends(name: str) -> None:
    events = server_events((TRANSCRIPTS / f"{name}.sse").read_bytes())

    for length in range(len(events)):
        assert not any(isinstance(event, Ended) for event in folded(events[:length]))


def test_parallel_tool_calls_keep_their_arguments_apart() -> None:
    answer = reported(folded(server_events((TRANSCRIPTS / "parallel_tools.sse").read_bytes())))

    assert {
        0: ("call_a", "weather", '{"city": "Köln"}'),
        1: ("call_b", "time", "{}"),
    } == answer["choices"][0]["calls"]


@given(st.text(), st.lists(st.integers(min_value=0, max_value=40)))
def test_where_the_provider_cuts_a_text_changes_nothing(text: str, cuts: list[int]) -> None:
    places = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    pieces = [text[start:end] for start, end in pairwise(places)]

    answer = reported(folded([delta({"content": piece, "reasoning": piece}) for piece in pieces] + [delta({})]))

    assert text == "".join(choice["text"] for choice in answer["choices"].values())
    assert text == "".join(choice["thoughts"].get(0, ("",))[0] for choice in answer["choices"].values())


CALL = {"name": "f", "arguments": "{}"}


@pytest.mark.parametrize(
    ("pieces", "calls"),
    [
        # An index per piece, the id with the first: OpenAI.
        ([{"index": 0, "id": "a", "function": CALL}], {0: ("a", "f", "{}")}),
        # No index: each id is a call of its own.
        ([{"id": "a", "function": CALL}, {"id": "b", "function": CALL}], {0: ("a", "f", "{}"), 1: ("b", "f", "{}")}),
        # No index, and pieces that carry only arguments.
        (
            [
                {"id": "a", "function": {"name": "f"}},
                {"function": {"arguments": "{"}},
                {"function": {"arguments": "}"}},
            ],
            {0: ("a", "f", "{}")},
        ),
        # One index for every call: Google's OpenAI endpoint.
        (
            [{"index": 0, "id": "a", "function": CALL}, {"index": 0, "id": "b", "function": CALL}],
            {0: ("a", "f", "{}"), 1: ("b", "f", "{}")},
        ),
        # The id and the name again with every piece.
        (
            [
                {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}},
                {"index": 0, "id": "a", "function": {"name": "f", "arguments": "}"}},
            ],
            {0: ("a", "f", "{}")},
        ),
        # The name again with every piece, the id only with the first.
        (
            [
                {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}},
                {"index": 0, "function": {"name": "f", "arguments": "}"}},
            ],
            {0: ("a", "f", "{}")},
        ),
        # An empty id with every piece but the first: DashScope.
        (
            [
                {"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}},
                {"index": 0, "id": "", "function": {"name": "", "arguments": "{}"}},
            ],
            {0: ("a", "f", "{}")},
        ),
        # Another id with every piece, but no name: an older vLLM.
        (
            [
                {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}},
                {"index": 0, "id": "x", "function": {"arguments": "}"}},
            ],
            {0: ("a", "f", "{}")},
        ),
        # Counting from 1.
        ([{"index": 1, "id": "a", "function": CALL}], {0: ("a", "f", "{}")}),
        # No id at all: one is made of the answer's.
        ([{"index": 0, "function": CALL}], {0: ("call_chatcmpl-1_0", "f", "{}")}),
        # The name only after the id.
        (
            [{"index": 0, "id": "a"}, {"index": 0, "function": {"name": "f", "arguments": "{}"}}],
            {0: ("a", "f", "{}")},
        ),
    ],
)
def test_chunks_of_tool_calls_find_their_call(
    pieces: list[dict[str, Any]], calls: dict[int, tuple[str, str, str]]
) -> None:
    answer = reported(folded([*(delta({"tool_calls": [piece]}) for piece in pieces), ServerEvent("", b"[DONE]", b"")]))

    assert calls == answer["choices"][0]["calls"]


def test_the_older_function_call_is_a_tool_call() -> None:
    events = folded(
        [delta({"function_call": {"name": "f", "arguments": "{}"}}), delta({}, finish_reason="function_call")]
    )

    assert (
        Started(id="chatcmpl-1", model="gpt-4o"),
        ToolCallDelta(index=0, id="call_chatcmpl-1_0", name="f"),
        ToolCallDelta(index=0, arguments="{}"),  # once it is known that these are all
        Finished(reason="tool_calls"),
    ) == events


@pytest.mark.parametrize(("first", "second", "arguments"), [
    ("{}", '{"city":"Oslo"}',   '{"city":"Oslo"}'),    # said again in full
    ("{ }", ' {"city":"Oslo"}', ' {"city":"Oslo"}'),
    ("{}", "",                  "{}"),
    ("{", '"city":"Oslo"}',     '{"city":"Oslo"}'),
])  # fmt: skip
def test_arguments_that_begin_with_an_empty_object(first: str, second: str, arguments: str) -> None:
    pieces = [
        delta({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": first}}]}),
        delta({"tool_calls": [{"index": 0, "function": {"arguments": second}}]}),
        delta({}, finish_reason="tool_calls"),
    ]

    assert {0: ("a", "f", arguments)} == reported(folded(pieces))["choices"][0]["calls"]


def test_held_arguments_come_before_the_next_content() -> None:
    call = {"tool_calls": [{"index": 0, "id": "a", "function": CALL}]}

    for after in ({"content": "So."}, {"tool_calls": [{"index": 1, "id": "b", "function": CALL}]}):
        events = folded([delta(call), delta(after)])
        assert ToolCallDelta(index=0, arguments="{}") == events[2]


def test_a_custom_tool_call_is_a_block_that_only_openai_has() -> None:
    custom = {"id": "a", "type": "custom", "custom": {"name": "sql", "input": "select 1"}}

    events = OPENAI.decode(whole({"role": "assistant", "content": None, "tool_calls": [custom]}))

    assert isinstance(events[1], ProviderBlock)
    assert ("openai", "custom_tool_call") == (events[1].dialect, events[1].name)
    assert custom == json.loads(bytes(events[1].block))


def test_mistrals_list_of_parts_is_text_and_thinking() -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Two and two."}], "closed": True},
        {"type": "text", "text": "4"},
    ]

    assert (
        Started(id="chatcmpl-1", model="gpt-4o"),
        ReasoningDelta(text="Two and two."),
        TextDelta(text="4"),
        Finished(reason="stop"),
        Ended(),
    ) == OPENAI.decode(whole({"role": "assistant", "content": parts}))


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("tool_calls", "stop"),  # without a call
        ("function_call", "stop"),
        ("model_context_window_exceeded", "length"),
        ("content_filter", "content_filter"),
        ("model_length", "length"),
        ("sensitive", "content_filter"),
        ("a word of tomorrow", "stop"),
    ],
)
def test_each_finish_reason_has_a_canonical_value(word: str, reason: str) -> None:
    answer = reported(folded([delta({}, finish_reason=word)]))

    assert [(reason, None)] == answer["choices"][0]["finish"]


@pytest.mark.parametrize("word", ["error", "insufficient_system_resource", "network_error"])
def test_a_finish_reason_that_means_a_fault_breaks_the_answer(word: str) -> None:
    assert "unavailable" == failure_of(folded([delta({"content": "Par"}, finish_reason=word)])).kind


def test_a_complete_answer_without_a_finish_reason_is_finished() -> None:
    choices = [{"index": 0, "message": {"role": "assistant", "content": "4"}, "finish_reason": ""}]

    assert Finished(reason="stop") in OPENAI.decode(whole({}, choices=choices))


def test_the_stop_sequence_is_reported_where_the_server_sends_it() -> None:
    events = folded([delta({}, finish_reason="stop", stop_reason="END")])

    assert Finished(reason="stop", stop_sequence="END") == events[-1]


USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
STARTED = delta({"role": "assistant"})


@pytest.mark.parametrize(
    ("event", "wants_usage", "hidden"),
    [
        (chunk(choices=[], usage=USAGE), False, True),
        (chunk(choices=[], usage=USAGE), True, False),
        (chunk(choices=[{"index": 0, "delta": {}}], usage=USAGE), False, False),
        (chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}], usage=USAGE), False, False),
        (delta({"content": "Hi"}), False, False),
        (ServerEvent("", b"[DONE]", b""), False, False),
        (ServerEvent("", b'{"unknown":1}', b""), False, False),
    ],
)
def test_only_the_chunk_of_usage_alone_is_hidden_and_only_from_those_who_did_not_ask(
    event: ServerEvent, wants_usage: bool, hidden: bool
) -> None:
    state, _ = OPENAI.step(OPENAI.start(), STARTED)
    _, meant = OPENAI.step(state, event)

    assert hidden == OPENAI.hidden_from_caller(call("{}", stream=True, wants_usage=wants_usage), meant)
