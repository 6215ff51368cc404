"""Thinking that a chat caller hands back stands where it stood, between the text and the calls."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.dialects.openrouter_reasoning import Detail
from domain.model_api.events import Event, ReasoningDelta, Started, TextDelta, ToolCallDelta
from domain.model_api.requests import Part, Reasoning, Text, ToolCall
from entrypoints.http.dialects.openai_chat import OPENAI_CALLER
from entrypoints.http.dialects.openai_chat.reasoning_order import thoughts_of
from tests.adapters.openai_events import add_detail, server_events
from tests.entrypoints.openai_requests import request
from tests.support.rendering import a_rendering

RENDERING = a_rendering("call-1", 1_700_000_000, model="m")
# An answer's blocks in their order: thinking anywhere, one text before the calls.
_answers = st.builds(
    lambda first, spoke, second, calls: [*first, *spoke, *second, *(kind for call in calls for kind in call)],
    st.lists(st.sampled_from(["thought", "redacted"]), max_size=2),
    st.sampled_from([[], ["text"]]),
    st.lists(st.just("thought"), max_size=2),
    st.lists(st.lists(st.sampled_from(["thought", "redacted"]), max_size=2).map(lambda before: [*before, "call"]), max_size=3),
).filter(bool)  # fmt: skip


def reported(kinds: list[str]) -> tuple[list[Event], tuple[Part, ...]]:
    """The events of such an answer, and the parts that it has to come back as."""
    events: list[Event] = [Started(id="a", model="m")]
    parts: list[Part] = []
    for block, kind in enumerate(kinds):
        name = f"{kind}{block}"
        match kind:
            case "thought":
                events += [ReasoningDelta(text=half, block=block) for half in (name, ".")]
                events.append(ReasoningDelta(signature=f"s{block}", block=block))
                parts.append(Reasoning(text=f"{name}.", signature=f"s{block}"))
            case "redacted":
                events.append(ReasoningDelta(redacted=name, block=block))
                parts.append(Reasoning(redacted=name))
            case "text":
                events.append(TextDelta(text=name, block=block))
                parts.append(Text(text=name))
            case "call":
                calls = sum(isinstance(part, ToolCall) for part in parts)
                events += [ToolCallDelta(index=calls, id=name, name="look"), ToolCallDelta(index=calls, arguments="{}")]
                parts.append(ToolCall(id=name, name="look", arguments="{}"))
    return events, tuple(parts)


def whole(events: list[Event]) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(OPENAI_CALLER.whole(tuple(events), RENDERING))["choices"][0]["message"]
    return message


def streamed(events: list[Event], keeps_pieces: bool) -> dict[str, Any]:
    """What a client makes of the chunks: details put together by index and type, or a list of their pieces."""
    message: dict[str, Any] = {"role": "assistant", "content": "", "tool_calls": [], "reasoning_details": []}
    state = OPENAI_CALLER.start(RENDERING)
    for event in events:
        state, sent = OPENAI_CALLER.render(state, event)
        for chunk in server_events(sent):
            delta = json.loads(chunk.data)["choices"][0]["delta"]
            message["content"] += delta.get("content") or ""
            for call in delta.get("tool_calls", ()):
                if "id" in call:
                    message["tool_calls"].append({**call, "function": {**call["function"], "arguments": ""}})
                message["tool_calls"][call["index"]]["function"]["arguments"] += call["function"]["arguments"]
            for piece in delta.get("reasoning_details", ()):
                if keeps_pieces:
                    message["reasoning_details"].append(piece)
                else:
                    add_detail(message["reasoning_details"], piece)
    return message if message["tool_calls"] else {**message, "tool_calls": None}


def handed_back(message: dict[str, Any]) -> tuple[Part, ...]:
    return request(messages=[message]).messages[0].parts


@given(_answers)
def test_an_answer_that_is_handed_back_has_its_order(kinds: list[str]) -> None:
    events, parts = reported(kinds)
    silent = "text" not in kinds and "call" not in kinds
    expected = (*parts, Text(text="")) if silent else parts

    for message in (whole(events), streamed(events, keeps_pieces=False), streamed(events, keeps_pieces=True)):
        assert sorted(map(repr, expected)) == sorted(map(repr, handed_back(message)))
        if not silent:
            assert expected == handed_back(message)


def test_thinking_is_not_doubled_by_the_field_that_shows_it() -> None:
    events, parts = reported(["thought", "text", "thought", "call"])
    message = whole(events)

    assert "thought0.thought2." == message["reasoning_content"]
    assert parts == handed_back(message)


@pytest.mark.parametrize(
    ("details", "text", "thoughts"),
    [
        ([{"text": "a"}, {"text": "b", "signature": "s"}, {"text": "c"}], "abc",
         [(0, Reasoning(text="ab", signature="s")), (0, Reasoning(text="c"))]),
        ([{"text": "a", "signature": "s", "index": 0}, {"text": "b", "signature": "t", "index": 0}], "",
         [(0, Reasoning(text="a", signature="s")), (0, Reasoning(text="b", signature="t"))]),
        ([{"signature": "s", "index": 2}], "a", [(2, Reasoning(text="a", signature="s"))]),
        ([{"data": "x", "index": 1}], "a", [(1, Reasoning(text="a")), (1, Reasoning(redacted="x"))]),
        ([], "a", [(0, Reasoning(text="a"))]),
        ([{"type": "reasoning.text", "index": 0}], "", []),
    ],
)  # fmt: skip
def test_details_are_put_together_to_the_blocks_that_they_are_of(
    details: list[Any], text: str, thoughts: list[tuple[int, Reasoning]]
) -> None:
    assert thoughts == thoughts_of(msgspec.convert(details, list[Detail]), text)


def test_a_place_counts_the_text_once_and_each_call_once() -> None:
    events: list[Event] = [
        Started(id="a", model="m"),
        ReasoningDelta(text="one", signature="s", block=0),
        TextDelta(text="I look", block=1),
        TextDelta(text=" twice.", block=2),
        ToolCallDelta(index=0, id="c1", name="look"),
        ToolCallDelta(index=0, arguments="{}"),
        ReasoningDelta(redacted="cmVk", block=4),
        ToolCallDelta(index=1, id="c2", name="look", arguments="{}"),
    ]

    for message in (whole(events), streamed(events, keeps_pieces=True)):
        assert [0, 3] == [detail["index"] for detail in message["reasoning_details"]]
