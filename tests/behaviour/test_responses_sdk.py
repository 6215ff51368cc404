"""The official OpenAI SDK's `responses`, pointed at the hub, who answers.

`rsp` speaks the Responses API itself, `oai` chat completions and `ant` Anthropic's messages.
"""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.behaviour import responses_answers as rsp
from tests.behaviour.plain_calls import wallet
from tests.behaviour.sdks import openai_sdk
from tests.behaviour.stub import Stub
from tests.behaviour.stub_answers import (
    ARGUMENTS,
    TEXT,
    anthropic_stream,
    anthropic_whole,
    failing,
    openai_call_deltas,
    openai_calls,
    openai_stream,
    openai_whole,
    tool_use,
)
from tests.support.hub import HubProcess
from tests.support.provider import answering, streaming

MODELS = pytest.mark.parametrize("model", ["rsp/m", "oai/m", "ant/m"])
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER: Any = {
    "type": "function",
    "name": "weather",
    "description": "Tells the weather",
    "parameters": SCHEMA,
    "strict": False,
}


class Place(BaseModel):
    """What the structured answers hold."""

    city: str
    unit: str


@pytest.fixture
def client(hub: HubProcess) -> Iterator[openai.OpenAI]:
    with openai_sdk(hub) as made:
        yield made


@MODELS
def test_a_whole_answer(client: openai.OpenAI, model: str) -> None:
    answer = client.responses.create(model=model, input="Hello")

    assert (TEXT, "completed", "response") == (answer.output_text, answer.status, answer.object)
    assert answer.usage is not None
    assert (11, 7, 18) == (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens)
    assert answer._request_id is not None
    assert answer._request_id.startswith("call_")


@MODELS
def test_a_streamed_answer(client: openai.OpenAI, model: str) -> None:
    events = list(client.responses.create(model=model, input="Hello", stream=True))

    assert TEXT == "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert list(range(len(events))) == [event.sequence_number for event in events]
    kinds = [event.type.removeprefix("response.") for event in events]
    assert ["created", "in_progress", "output_item.added", "content_part.added", "output_text.delta"] == kinds[:5]
    assert ["output_text.done", "content_part.done", "output_item.done", "completed"] == kinds[-4:]
    last: Any = events[-1]
    assert (TEXT, 18) == (last.response.output_text, last.response.usage.total_tokens)


@MODELS
def test_the_sdk_puts_a_stream_together(client: openai.OpenAI, model: str) -> None:
    with client.responses.stream(model=model, input="Hello") as stream:
        kinds = [event.type for event in stream]
        answer = stream.get_final_response()

    assert "response.completed" == kinds[-1]
    assert TEXT == answer.output_text


@MODELS
@pytest.mark.parametrize("calls", [1, 3])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_tool_calls(client: openai.OpenAI, stub: Stub, model: str, calls: int, stream: bool) -> None:
    stub.will(_calling_tools(model, calls, stream))

    if stream:
        with client.responses.stream(model=model, input="Hello", tools=[WEATHER], max_output_tokens=50) as events:
            answer: Any = events.get_final_response()
    else:
        answer = client.responses.create(model=model, input="Hello", tools=[WEATHER], max_output_tokens=50)

    assert ["function_call"] * calls == [item.type for item in answer.output]
    assert [("weather", {"city": "Paris", "unit": "c"})] * calls == [
        (item.name, json.loads(item.arguments)) for item in answer.output
    ]
    assert calls == len({item.call_id for item in answer.output})
    sent = stub.only.json()
    tool = sent["tools"][0]
    if model == "rsp/m":
        assert WEATHER == tool
        assert 50 == sent["max_output_tokens"]
    elif model == "oai/m":
        assert {name: value for name, value in WEATHER.items() if name != "type"} == tool["function"]
    else:
        assert ("weather", SCHEMA, 50) == (tool["name"], tool["input_schema"], sent["max_tokens"])


def _calling_tools(model: str, calls: int, stream: bool) -> Any:
    arguments = [ARGUMENTS] * calls
    if model == "rsp/m":
        items = [rsp.call(text, n) for n, text in enumerate(arguments)]
        return streaming(*rsp.stream(*items)) if stream else answering(200, rsp.whole(*items))
    if model == "ant/m":
        blocks = [tool_use(n, text, streamed=stream) for n, text in enumerate(arguments)]
        if stream:
            return streaming(*anthropic_stream(*blocks, stop="tool_use"))
        return answering(200, anthropic_whole(blocks, "tool_use"))
    if stream:
        return streaming(*openai_stream(*openai_call_deltas(*arguments), finish="tool_calls"))
    return answering(200, openai_whole(openai_calls(*arguments), "tool_calls"))


@MODELS
def test_tool_results_go_back(client: openai.OpenAI, stub: Stub, model: str) -> None:
    turns: list[Any] = [
        {"role": "user", "content": "Hello"},
        {"type": "function_call", "call_id": "call_0", "name": "weather", "arguments": ARGUMENTS},
        {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_0", "output": "20 degrees"},
        {"type": "function_call_output", "call_id": "call_1", "output": [{"type": "input_text", "text": "rain"}]},
    ]

    answer = client.responses.create(
        model=model, instructions="Be brief", input=turns, tools=[WEATHER], tool_choice="required"
    )

    assert TEXT == answer.output_text
    sent = stub.only.json()
    if model == "rsp/m":
        assert turns == sent["input"]
    elif model == "oai/m":
        roles = [message["role"] for message in sent["messages"]]
        assert ["system", "user", "assistant", "tool", "tool"] == roles
        assert ["call_0", "call_1"] == [call["id"] for call in sent["messages"][2]["tool_calls"]]
        assert ["20 degrees", "rain"] == [message["content"] for message in sent["messages"][3:]]
    else:
        assert "Be brief" == sent["system"][0]["text"]
        _, calls, results = sent["messages"]
        assert [("call_0", {"city": "Paris", "unit": "c"}), ("call_1", {})] == [
            (block["id"], block["input"]) for block in calls["content"]
        ]
        assert ["call_0", "call_1"] == [block["tool_use_id"] for block in results["content"]]


@MODELS
def test_structured_output_is_parsed(client: openai.OpenAI, stub: Stub, model: str) -> None:
    text = json.dumps({"city": "Paris", "unit": "c"})
    said = {"role": "assistant", "content": text, "refusal": None}
    bodies = {
        "rsp/m": rsp.whole(rsp.message(text)),
        "oai/m": openai_whole(said),
        "ant/m": anthropic_whole([{"type": "text", "text": text}]),
    }
    stub.will(answering(200, bodies[model]))

    answer = client.responses.parse(model=model, input="Hello", text_format=Place)

    assert Place(city="Paris", unit="c") == answer.output_parsed
    sent = stub.only.json()
    schemas = {
        "rsp/m": lambda: sent["text"]["format"]["schema"],
        "oai/m": lambda: sent["response_format"]["json_schema"]["schema"],
        "ant/m": lambda: sent["output_config"]["format"]["schema"],
    }
    assert {"city", "unit"} == set(schemas[model]()["properties"])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_thinking_of_another_vendor_goes_back_with_its_signature(
    client: openai.OpenAI, stub: Stub, stream: bool
) -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "sig=="}
    redacted = {"type": "redacted_thinking", "data": "EmwK=="}
    whole = anthropic_whole([thought, redacted, tool_use(0, ARGUMENTS)], "tool_use")
    stub.will(streaming(*_anthropic_thinking()) if stream else answering(200, whole))
    if stream:
        with client.responses.stream(model="ant/m", input="Hello", tools=[WEATHER]) as events:
            answer: Any = events.get_final_response()
    else:
        answer = client.responses.create(model="ant/m", input="Hello", tools=[WEATHER])

    said = [item.to_dict() for item in answer.output]
    assert ["reasoning", "reasoning", "function_call"] == [item["type"] for item in said]
    assert "Hm." == said[0]["summary"][0]["text"]

    result: Any = {"type": "function_call_output", "call_id": "toolu_0", "output": "20 degrees"}
    client.responses.create(model="ant/m", input=[{"role": "user", "content": "Hello"}, *said, result], tools=[WEATHER])

    turn = stub.requests[-1].json()["messages"][1]
    assert [thought, redacted] == turn["content"][:2]


def _anthropic_thinking() -> list[bytes]:
    from tests.behaviour.stub_answers import event

    begun, *rest = anthropic_stream(tool_use(0, ARGUMENTS, streamed=True), stop="tool_use")
    empty = {"type": "thinking", "thinking": "", "signature": ""}
    thinking = [
        event("content_block_start", index=10, content_block=empty),
        event("content_block_delta", index=10, delta={"type": "thinking_delta", "thinking": "Hm."}),
        event("content_block_delta", index=10, delta={"type": "signature_delta", "signature": "sig=="}),
        event("content_block_stop", index=10),
        event("content_block_start", index=11, content_block={"type": "redacted_thinking", "data": "EmwK=="}),
        event("content_block_stop", index=11),
    ]
    return [begun, *thinking, *rest]


@MODELS
def test_an_answer_that_was_cut_short_is_incomplete(client: openai.OpenAI, stub: Stub, model: str) -> None:
    why = {"reason": "max_output_tokens"}
    bodies = {
        "rsp/m": rsp.whole(status="incomplete", incomplete_details=why),
        "oai/m": openai_whole(finish="length"),
        "ant/m": anthropic_whole(stop="max_tokens"),
    }
    stub.will(answering(200, bodies[model]))

    answer = client.responses.create(model=model, input="Hello")

    assert answer.incomplete_details is not None
    assert ("incomplete", "max_output_tokens") == (answer.status, answer.incomplete_details.reason)


@MODELS
@pytest.mark.parametrize(
    ("status", "expected"),
    [(400, openai.BadRequestError), (429, openai.RateLimitError), (500, openai.InternalServerError)],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_providers_errors_are_raised_as_the_sdks_own(
    hub: HubProcess, client: openai.OpenAI, stub: Stub, model: str, status: int, expected: Any, stream: bool
) -> None:
    before = wallet(hub)
    stub.always(failing(status, retry_after="33"))

    with pytest.raises(expected) as raised:
        client.responses.create(model=model, input="Hello", stream=stream)

    assert expected is type(raised.value)
    assert "scripted failure" in raised.value.message
    assert before == wallet(hub)


@MODELS
def test_a_stream_that_breaks_raises_where_it_breaks(client: openai.OpenAI, stub: Stub, model: str) -> None:
    """G19: the SDK never takes a truncated answer for a whole one."""
    events = {"rsp/m": rsp.stream()[:5], "oai/m": openai_stream()[:3], "ant/m": anthropic_stream()[:4]}[model]
    stub.will(streaming(*events, cut=True))
    stream = client.responses.create(model=model, input="Hello", stream=True)
    received: list[Any] = []

    def listen() -> None:
        for event in stream:
            received.append(event)

    with pytest.raises(openai.APIError, match=r"broke off|closed"):
        listen()

    assert "".join(event.delta for event in received if event.type == "response.output_text.delta").startswith(TEXT[:7])
    assert not any(event.type == "response.completed" for event in received)


def test_an_answer_that_failed_at_the_provider_is_an_error(client: openai.OpenAI, stub: Stub, hub: HubProcess) -> None:
    """Before its first word nothing is charged, whatever the status of the HTTP answer."""
    before = wallet(hub)
    error = {"code": "invalid_prompt", "message": "The model stumbled."}
    for handler, stream in (
        (answering(200, rsp.whole(status="failed", error=error)), False),
        (streaming(rsp.stream(status="failed", error=error)[-1]), True),
    ):
        stub.always(handler)
        with pytest.raises(openai.BadRequestError, match="The model stumbled"):
            client.responses.create(model="rsp/m", input="Hello", stream=stream)
    assert before == wallet(hub)
