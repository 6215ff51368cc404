"""Cohere's dialect: its answers, complete and streamed, and its requests."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.cohere import COHERE
from adapters.providers.dialect import ServerEvent
from adapters.providers.framing.sse import EventFramer
from domain.model_api.call import Attempt, Target
from domain.model_api.events import Broken, Ended, Event, UsageReported
from domain.model_api.requests import (
    Audio,
    ChatRequest,
    Document,
    Image,
    Message,
    Part,
    ProviderPart,
    Reasoning,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from domain.usage import Usage
from tests.adapters.openai_events import reported
from tests.support.cohere import streamed, whole
from tests.support.unsupported import dropped

TARGET = Target(
    provider="cohere",
    dialect="cohere",
    base_url="https://api.cohere.com/v2",
    model="command-x",
    credential_id=None,
    sealed=None,
)
ATTEMPT = Attempt(call_id="call-1", target=TARGET, timeout_ms=1_000)
CALL = {"id": "look_1", "type": "function", "function": {"name": "look", "arguments": '{"at":"é"}'}}
CITATION = {"start": 0, "end": 2, "text": "It", "sources": [{"type": "document", "id": "d1"}]}
BILLED = {
    "billed_units": {"input_tokens": 33, "output_tokens": 22},
    "tokens": {"input_tokens": 1452, "output_tokens": 33},
}


def folded(stream: bytes) -> tuple[Event, ...]:
    framer, state = EventFramer(), COHERE.start()
    meant: list[Event] = []
    for event in framer.feed(stream):
        state, more = COHERE.step(state, event)
        meant += more
        if more and isinstance(more[-1], Ended | Broken):
            break
    return tuple(meant)


def user(*parts: Part) -> Message:
    return Message(role="user", parts=parts)


def requested(*messages: Message, **more: Any) -> ChatRequest:
    return ChatRequest(model="m", messages=messages or (user(Text(text="Hi")),), **more)


def sent(request: ChatRequest, cap: int | None = None) -> Any:
    assert COHERE.refuses(request) is None
    return json.loads(COHERE.encode(request, msgspec.structs.replace(ATTEMPT, output_cap=cap)))


# --- answers --------------------------------------------------------------------------------------------

ANSWERS = [
    whole({"content": [{"type": "text", "text": "It is blüe."}], "citations": [CITATION]}, usage=BILLED),
    whole({"content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "So."}]}, usage=BILLED),
    whole({"tool_plan": "I will look.", "tool_calls": [CALL, {**CALL, "id": "look_2"}]}, "TOOL_CALL", usage=BILLED),
    whole({"content": []}),
]


@pytest.mark.parametrize("body", ANSWERS)
def test_a_whole_answer_reports_what_its_stream_reports(body: bytes) -> None:
    assert reported(COHERE.decode(body)) == reported(folded(streamed(body)))
    assert reported(folded(streamed(body)))["ended"]


@given(st.sampled_from(ANSWERS), st.integers(1, 9))
def test_where_cohere_cuts_a_text_changes_nothing(body: bytes, step: int) -> None:
    assert reported(COHERE.decode(body)) == reported(folded(streamed(body, step)))


def test_an_answer_has_text_citations_and_billed_usage() -> None:
    answer = reported(COHERE.decode(ANSWERS[0]))

    assert ("It is blüe.", [("stop", None)]) == (answer["choices"][0]["text"], answer["choices"][0]["finish"])
    assert [CITATION] == [json.loads(each) for each in answer["choices"][0]["cited"]]
    assert Usage(input_tokens=33, output_tokens=22) == answer["usage"]
    assert [("c14c80c3", "")] == answer["started"]


def test_a_plan_is_thinking_that_goes_back_as_a_plan() -> None:
    ((text, signature, _),) = reported(COHERE.decode(ANSWERS[2]))["choices"][0]["thoughts"].values()
    called = (Reasoning(text=text, signature=signature), ToolCall(id="look_1", name="look", arguments="{}"))

    message = sent(requested(user(Text(text="Hi")), Message(role="assistant", parts=called)))["messages"][1]

    assert ("I will look.", "I will look.") == (text, message["tool_plan"])
    assert "content" not in message


@pytest.mark.parametrize(
    ("word", "reason"),
    [("COMPLETE", "stop"), ("STOP_SEQUENCE", "stop"), ("MAX_TOKENS", "length"), ("TOOL_CALL", "stop"),
     ("ERROR_TOXIC", "content_filter"), ("NEWS", "stop")],
)  # fmt: skip
def test_each_finish_reason_has_a_canonical_value(word: str, reason: str) -> None:
    assert [(reason, None)] == reported(COHERE.decode(whole({"content": []}, word)))["choices"][0]["finish"]


@pytest.mark.parametrize(
    "body",
    [
        whole({"content": [{"type": "text", "text": "x"}]}, "ERROR"),
        whole({"content": []}, "TIMEOUT"),
        b"{}",
        b"[]",
        b"not json",
    ],
)
def test_an_error_and_an_invalid_body_break_the_answer(body: bytes) -> None:
    events = COHERE.decode(body)

    assert isinstance(events[-1], Broken)
    assert not any(isinstance(event, Ended) for event in events)


@pytest.mark.parametrize(
    ("reported", "tokens", "noted"), [(7.0, 7, False), ("7", 7, False), (1.5, 2, True), (-1, 0, True)]
)
def test_a_count_is_read_however_it_is_spelled(reported: Any, tokens: int, noted: bool) -> None:
    body = whole({"content": []}, usage={"billed_units": {"input_tokens": reported, "output_tokens": 1}})

    (report,) = (event for event in COHERE.decode(body) if isinstance(event, UsageReported))
    assert (Usage(input_tokens=tokens, output_tokens=1), noted) == (report.usage, bool(report.notes))


def test_an_error_in_a_stream_breaks_it_and_a_cut_stream_never_ends() -> None:
    stream = streamed(ANSWERS[0])
    error = b'event: message-end\ndata: {"type":"message-end","delta":{"error":"boom","finish_reason":"ERROR"}}\n\n'
    cut = stream.partition(b"event: message-end")[0]

    assert "boom" == reported(folded(cut + error))["failure"].message
    assert (False, None) == (reported(folded(cut))["ended"], reported(folded(cut))["failure"])


@given(
    st.binary(max_size=60) | st.sampled_from([b'{"type":"tool-call-delta","index":4}', b'{"type":"tool-call-start"}'])
)
def test_no_bytes_make_it_raise(data: bytes) -> None:
    COHERE.decode(data)
    COHERE.step(COHERE.start(), ServerEvent("content-delta", data, data))
    COHERE.failure(500, {}, data)


def test_tokens_are_counted_where_nothing_is_billed_and_a_float_that_is_whole_is_a_number() -> None:
    tokens = {"input_tokens": 9.0, "output_tokens": 4.0}

    assert (
        Usage(input_tokens=9, output_tokens=4)
        == reported(COHERE.decode(whole({"content": []}, usage={"tokens": tokens})))["usage"]
    )


def test_a_rejection_reports_its_message() -> None:
    failure = COHERE.failure(429, {"retry-after": "2"}, b'{"id":"x","message":"too many requests"}')

    assert ("overloaded", "too many requests", 2_000, "cohere") == (
        failure.kind,
        failure.message,
        failure.retry_after_ms,
        failure.dialect,
    )


# --- requests -------------------------------------------------------------------------------------------


def test_a_request_is_encoded_for_cohere() -> None:
    tool = Tool(name="look", description="Looks.", parameters=msgspec.Raw(b'{"type":"object"}'), strict=True)
    history = (
        Message(role="developer", parts=(Text(text="Be brief."),)),
        user(Text(text="What is this?"), Image(media_type="image/png", data="AA==")),
        Message(
            role="assistant",
            parts=(Reasoning(text="Hm."), Text(text="I look."), ToolCall(id="c1", name="look", arguments="{}")),
        ),
        user(ToolResult(call_id="c1", parts=(Text(text="Blue."),))),
    )
    request = requested(
        *history,
        tools=(tool,),
        tool_choice=ToolChoice(mode="required"),
        output_tokens_max=50,
        temperature=msgspec.Raw(b"0.10"),
        top_p=msgspec.Raw(b"0.9"),
        top_k=3,
        stop=("X",),
        seed=7,
        response_format=ResponseFormat(mode="json_schema", schema=msgspec.Raw(b'{"type":"object"}')),
        thinking=Thinking(tokens_max=99),
        stream=True,
        user="ada",
        extra={"safety_mode": msgspec.Raw(b'"STRICT"'), "store": msgspec.Raw(b"false")},
    )

    assert sent(request) == {
        "model": "command-x",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
                ],
            },
            {
                "role": "assistant",
                "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "I look."}],
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "Blue."},
        ],
        "tools": [
            {
                "type": "function",
                "function": {"name": "look", "description": "Looks.", "parameters": {"type": "object"}},
            }
        ],
        "strict_tools": True,
        "max_tokens": 50,
        "temperature": 0.1,
        "p": 0.9,
        "k": 3,
        "stop_sequences": ["X"],
        "seed": 7,
        "tool_choice": "REQUIRED",
        "response_format": {"type": "json_object", "json_schema": {"type": "object"}},
        "thinking": {"type": "enabled", "token_budget": 99},
        "stream": True,
        "safety_mode": "STRICT",
    }


def test_one_tool_that_is_demanded_is_the_only_one_offered() -> None:
    tools = (Tool(name="look"), Tool(name="listen"))

    body = sent(requested(tools=tools, tool_choice=ToolChoice(mode="tool", name="listen")))

    assert ("REQUIRED", ["listen"]) == (body["tool_choice"], [tool["function"]["name"] for tool in body["tools"]])


def test_the_hubs_cap_stands_in_place_of_the_callers() -> None:
    assert 9 == sent(requested(output_tokens_max=50), cap=9)["max_tokens"]


LOOK, STRICT = Tool(name="look"), Tool(name="listen", strict=True)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (requested(choices=2),                                                        "n"),
        (requested(tool_choice=ToolChoice(mode="required")),                          "tool_choice"),
        (requested(tools=(LOOK,), tool_choice=ToolChoice(mode="tool", name="none")),  "tool_choice"),
        (requested(extra={"logprobs": msgspec.Raw(b"true")}),                         "logprobs"),
        (requested(user(Audio(data="AA==", format="wav"))),                           "messages[0].input_audio"),
        (requested(user(Document(data="AA==", media_type="application/pdf"))),        "messages[0].document"),
        (requested(user(ProviderPart(dialect="openai", name="video", block=msgspec.Raw(b"{}")))), "messages[0].video"),
        (requested(user(ToolResult(call_id="c", parts=(Document(data="AA=="),)))),    "messages[0].tool_result.document"),
    ],
)  # fmt: skip
def test_a_field_that_cohere_does_not_have_is_refused_by_name(request_: ChatRequest, field: str) -> None:
    refused = COHERE.refuses(request_)

    assert refused is not None
    assert (field, "cohere") == (refused.field, refused.dialect)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (requested(tools=(LOOK, STRICT)),                                             "tools[1].strict"),
        (requested(thinking=Thinking(effort="hyper")),                                "reasoning_effort"),
    ],
)  # fmt: skip
def test_a_droppable_field_is_left_out_and_named(request_: ChatRequest, field: str) -> None:
    assert (field,) == dropped(COHERE, request_)
    COHERE.encode(request_, ATTEMPT)


def test_calls_one_at_a_time_are_kept_by_the_hub() -> None:
    assert () == dropped(COHERE, requested(tools=(Tool(name="a"),), parallel_tool_calls=False))
