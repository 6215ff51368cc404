"""Google's signatures on texts and calls survive the way to a caller of every other API, and back."""

import json
from typing import Any

import msgspec
import pytest

from domain.dialects.signatures import signed_by_google
from domain.model_api.call import ModelCall
from domain.model_api.events import Ended, Event, Finished, ReasoningDelta, Started, TextDelta
from domain.model_api.events import ToolCallDelta as Called
from domain.model_api.requests import ChatRequest, Part, Reasoning, Text
from domain.model_api.requests import ToolCall as Call
from entrypoints.http.dialects.aigne import AIGNE_CALLER
from entrypoints.http.dialects.dialect import CallerDialect, Rendering
from entrypoints.http.dialects.openai_responses import RESPONSES_CALLER
from tests.support.rendering import a_rendering

TEXT, CALL = signed_by_google("dGV4dA=="), signed_by_google("Y2FsbA==")
EVENTS: tuple[Event, ...] = (
    Started(id="r", model="m"),
    ReasoningDelta(text="Hm."),
    TextDelta(text="Look."),
    TextDelta(text="", signature=TEXT),
    Called(index=0, id="c1", name="now", arguments="{}", signature=CALL),
    Called(index=1, id="c2", name="then", arguments="{}"),
    Called(index=2, id="c3", name="last", arguments="{}", signature=TEXT),
    Finished(reason="tool_calls"),
)
CALLS = (
    Call(id="c1", name="now", arguments="{}", signature=CALL),
    Call(id="c2", name="then", arguments="{}"),
    Call(id="c3", name="last", arguments="{}", signature=TEXT),
)


def rendering(fields: dict[str, Any]) -> Rendering:
    raw = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in fields.items()}
    return a_rendering(fields=raw)


def streamed(caller: CallerDialect, requested: Rendering) -> list[Any]:
    state, body = caller.start(requested), b""
    for event in (*EVENTS, Ended()):
        state, piece = caller.render(state, event)
        body += piece
    lines = [line for line in body.decode().split("\n") if line.startswith("data: {")]
    return [json.loads(line[6:]) for line in lines]


def returned(caller: CallerDialect, requested: dict[str, Any]) -> tuple[Part, ...]:
    call = caller.read(json.dumps(requested).encode())
    assert isinstance(call, ModelCall), call
    request = caller.to_request(call)
    assert isinstance(request, ChatRequest), request
    [turn] = [message for message in request.messages if message.role == "assistant"]
    return turn.parts


@pytest.mark.parametrize("stream", [False, True])
def test_through_responses(stream: bool) -> None:
    requested = rendering({"model": "m", "input": "Hi"})
    if stream:
        output = streamed(RESPONSES_CALLER, requested)[-1]["response"]["output"]
    else:
        output = json.loads(RESPONSES_CALLER.whole(EVENTS, requested))["output"]

    parts = returned(RESPONSES_CALLER, {"model": "m", "input": [{"role": "user", "content": "Hi"}, *output]})

    assert (Reasoning(text="Hm."), Text(text="Look.", signature=TEXT), *CALLS) == parts


@pytest.mark.parametrize("stream", [False, True])
def test_through_aignes_own_api_as_far_as_it_has_a_place(stream: bool) -> None:
    """Its client keeps a signature with a call; it has no place for one on a text, which Google can do without."""
    requested = rendering({"model": "m"})
    if stream:
        deltas = streamed(AIGNE_CALLER, requested)
        calls = next(
            delta["delta"]["json"]["toolCalls"] for delta in deltas if "toolCalls" in delta["delta"].get("json", {})
        )
    else:
        calls = json.loads(AIGNE_CALLER.whole(EVENTS, requested))["toolCalls"]
    said = [{"role": "user", "content": "Hi"}, {"role": "agent", "toolCalls": calls}]

    parts = returned(AIGNE_CALLER, {"input": {"messages": said, "modelOptions": {"model": "m"}}})

    assert CALLS == tuple(part for part in parts if isinstance(part, Call))
