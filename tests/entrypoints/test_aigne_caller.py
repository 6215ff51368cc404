"""AIGNE's native answers: what its deltas add up to is what the whole answer says, and nothing of a tool call is lost."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.dialects.signatures import signed_by_google
from domain.model_api.events import Ended, Event, ReasoningDelta, Started, TextDelta, ToolCallDelta, UsageReported
from domain.model_api.requests import ChatRequest, ToolCall
from domain.refusals import BadRequest
from domain.usage import Usage
from entrypoints.http.dialects.aigne import AIGNE_CALLER
from tests.domain.build import a_rate
from tests.support.rendering import a_rendering

FORMATS = st.sampled_from([{}, {"response_format": msgspec.Raw(b'{"type":"json_schema","json_schema":{}}')}])
TEXTS = st.text(max_size=8)


@st.composite
def answers(draw: st.DrawFn) -> tuple[Event, ...]:
    """An answer in pieces: texts and thoughts in any order, tool calls whose arguments come bit by bit, and usage."""
    said: list[Event] = [Started(id="answer", model="m")]
    said += draw(st.lists(st.builds(TextDelta, text=TEXTS) | st.builds(ReasoningDelta, text=TEXTS), max_size=5))
    for index in range(draw(st.integers(0, 3))):
        signature = draw(st.none() | st.just(signed_by_google("proof")))
        said.append(ToolCallDelta(index=index, id=f"call_{index}", name="weather", signature=signature))
        said += [ToolCallDelta(index=index, arguments=piece) for piece in ('{"city":', '"Rome"}')]
    if draw(st.booleans()):
        said.append(UsageReported(usage=Usage(input_tokens=3, cache_read_tokens=4, output_tokens=5)))
    return (*said, Ended())


@given(answers(), FORMATS)
def test_the_deltas_of_an_answer_add_up_to_the_whole(events: tuple[Event, ...], fields: dict[str, msgspec.Raw]) -> None:
    rendering = msgspec.structs.replace(a_rendering(model="acme/m", fields=fields), served="acme/m", rate=a_rate())
    state, streamed = AIGNE_CALLER.start(rendering), b""
    for event in events:
        state, piece = AIGNE_CALLER.render(state, event)
        streamed += piece

    assert json.loads(AIGNE_CALLER.whole(events, rendering)) == added_up(streamed)


def test_a_signature_goes_out_with_its_tool_call_and_comes_back_with_it() -> None:
    proof = signed_by_google("proof")
    events = (ToolCallDelta(index=0, id="call_1", name="weather", arguments="{}", signature=proof), Ended())
    rendering = a_rendering()
    reported = json.loads(AIGNE_CALLER.whole(events, rendering))["toolCalls"]

    history = [{"role": "agent", "toolCalls": reported}, {"role": "tool", "toolCallId": "call_1", "content": "Sunny"}]
    call = AIGNE_CALLER.read(json.dumps({"input": {"messages": history, "modelOptions": {"model": "m"}}}).encode())
    assert not isinstance(call, BadRequest)
    request = AIGNE_CALLER.to_request(call)

    assert {"thoughtSignature": "proof"} == reported[0]["metadata"]
    assert isinstance(request, ChatRequest)
    assert (ToolCall(id="call_1", name="weather", arguments="{}", signature=proof),) == request.messages[0].parts


def added_up(body: bytes) -> dict[str, Any]:
    """What the client makes of the deltas: texts are appended, the rest replaces."""
    whole: dict[str, Any] = {}
    for line in body.decode().split("\n\n"):
        if line:
            delta = json.loads(line.removeprefix("data: "))["delta"]
            for name, text in delta.get("text", {}).items():
                whole[name] = whole.get(name, "") + text
            whole |= delta.get("json", {})
    return whole


@pytest.mark.parametrize("body", [b"{}", b'{"input": "Hello"}'])
def test_an_input_that_is_no_object_is_reported_with_what_this_api_wants(body: bytes) -> None:
    wrong = AIGNE_CALLER.read(body)

    assert isinstance(wrong, BadRequest)
    assert (wrong.field, "`modelOptions`" in wrong.problem) == ("input", True)
