"""The official Anthropic SDK, pointed at the hub, gets what it would get from the vendor: whole, streamed, raised."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic.types import MessageParam, ToolParam
from pydantic import BaseModel

from tests.behaviour.conftest import People
from tests.behaviour.plain_calls import wallet
from tests.behaviour.sdks import anthropic_sdk
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
from tests.support.provider import Handler, answering, streaming

MODELS = pytest.mark.parametrize("model", ["ant/m", "oai/m"])
HELLO: list[MessageParam] = [{"role": "user", "content": "Hello"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER: ToolParam = {"name": "weather", "description": "Tells the weather", "input_schema": {**SCHEMA}}
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n not really").decode()


class Place(BaseModel):
    """What the structured answers hold."""

    city: str
    unit: str


@pytest.fixture
def client(hub: HubProcess) -> Iterator[anthropic.Anthropic]:
    with anthropic_sdk(hub) as made:
        yield made


@MODELS
def test_a_whole_answer(client: anthropic.Anthropic, model: str) -> None:
    answer = client.messages.create(model=model, max_tokens=100, messages=HELLO)

    assert [("text", TEXT)] == [(block.type, getattr(block, "text", "")) for block in answer.content]
    assert ("assistant", "end_turn") == (answer.role, answer.stop_reason)
    assert (11, 7) == (answer.usage.input_tokens, answer.usage.output_tokens)
    assert answer._request_id is not None
    assert answer._request_id.startswith("call_")


def test_a_bearer_token_is_as_good_as_the_vendors_own_header(hub: HubProcess) -> None:
    with anthropic_sdk(hub, api_key=None, auth_token=hub.key) as client:
        assert 7 == client.messages.create(model="ant/m", max_tokens=9, messages=HELLO).usage.output_tokens


@MODELS
def test_a_streamed_answer(client: anthropic.Anthropic, model: str) -> None:
    with client.messages.stream(model=model, max_tokens=100, messages=HELLO) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()

    assert TEXT == text == getattr(final.content[0], "text", "")
    assert ("end_turn", 11, 7) == (final.stop_reason, final.usage.input_tokens, final.usage.output_tokens)


@MODELS
@pytest.mark.parametrize("calls", [1, 3])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_tool_calls(client: anthropic.Anthropic, stub: Stub, model: str, calls: int, stream: bool) -> None:
    stub.will(_calling_tools(model, calls, stream))

    if stream:
        with client.messages.stream(model=model, max_tokens=100, messages=HELLO, tools=[WEATHER]) as events:
            answer: Any = events.get_final_message()
    else:
        answer = client.messages.create(model=model, max_tokens=100, messages=HELLO, tools=[WEATHER])

    assert "tool_use" == answer.stop_reason
    blocks = [block for block in answer.content if block.type == "tool_use"]
    assert [("weather", {"city": "Paris", "unit": "c"})] * calls == [(block.name, block.input) for block in blocks]
    assert calls == len({block.id for block in blocks})
    sent = stub.only.json()["tools"][0]
    if model == "ant/m":
        assert WEATHER == sent
    else:
        function = {"name": "weather", "description": "Tells the weather", "parameters": SCHEMA}
        assert {"type": "function", "function": function} == sent


def _calling_tools(model: str, calls: int, stream: bool) -> Handler:
    arguments = [ARGUMENTS] * calls
    if model == "ant/m":
        blocks = [tool_use(n, text, streamed=stream) for n, text in enumerate(arguments)]
        if stream:
            return streaming(*anthropic_stream(*blocks, stop="tool_use"))
        return answering(200, anthropic_whole(blocks, "tool_use"))
    if stream:
        return streaming(*openai_stream(*openai_call_deltas(*arguments), finish="tool_calls"))
    return answering(200, openai_whole(openai_calls(*arguments), "tool_calls"))


@MODELS
def test_tool_results_go_back(client: anthropic.Anthropic, stub: Stub, model: str) -> None:
    turns: list[Any] = [
        *HELLO,
        {"role": "assistant", "content": [tool_use(0, ARGUMENTS), tool_use(1, "{}")]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_0", "content": "20 degrees"},
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "rain"}]},
            ],
        },
    ]

    answer = client.messages.create(
        model=model, max_tokens=100, system="Be brief.", messages=turns, tools=[WEATHER], tool_choice={"type": "any"}
    )

    assert TEXT == getattr(answer.content[0], "text", "")
    sent = stub.only.json()
    if model == "ant/m":
        assert (turns, "Be brief.") == (sent["messages"], sent["system"])
        return
    system, user, assistant, *results = sent["messages"]
    assert [("system", "Be brief."), ("user", "Hello")] == [(m["role"], m["content"]) for m in (system, user)]
    calls = [(call["id"], json.loads(call["function"]["arguments"])) for call in assistant["tool_calls"]]
    assert [("toolu_0", {"city": "Paris", "unit": "c"}), ("toolu_1", {})] == calls
    reported = [(message["role"], message["tool_call_id"]) for message in results]
    assert [("tool", "toolu_0"), ("tool", "toolu_1")] == reported
    assert ("20 degrees" in str(results[0]["content"]), "rain" in str(results[1]["content"])) == (True, True)
    assert "required" == sent["tool_choice"]


@MODELS
@pytest.mark.parametrize("kind", ["base64", "url"])
def test_images(client: anthropic.Anthropic, stub: Stub, model: str, kind: str) -> None:
    url = "https://example.com/cat.png"
    data = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    source = data if kind == "base64" else {"type": "url", "url": url}
    blocks: Any = [{"type": "image", "source": source}, {"type": "text", "text": "What is it?"}]

    answer = client.messages.create(model=model, max_tokens=9, messages=[{"role": "user", "content": blocks}])

    assert TEXT == getattr(answer.content[0], "text", "")
    sent = stub.only.json()["messages"][0]["content"]
    if model == "ant/m":
        assert blocks == sent
    else:
        expected = f"data:image/png;base64,{PIXEL}" if kind == "base64" else url
        assert ("image_url", expected) == (sent[0]["type"], sent[0]["image_url"]["url"])


@MODELS
def test_structured_output_is_parsed(client: anthropic.Anthropic, stub: Stub, model: str) -> None:
    text = json.dumps({"city": "Paris", "unit": "c"})
    message = {"role": "assistant", "content": text, "refusal": None}
    blocks = [{"type": "text", "text": text}]
    stub.will(answering(200, openai_whole(message) if model == "oai/m" else anthropic_whole(blocks)))

    answer = client.messages.parse(model=model, max_tokens=100, messages=HELLO, output_format=Place)

    assert Place(city="Paris", unit="c") == answer.parsed_output
    sent = stub.only.json()
    schema = (
        sent["response_format"]["json_schema"]["schema"]
        if model == "oai/m"
        else sent["output_config"]["format"]["schema"]
    )
    assert {"city", "unit"} == set(schema["properties"])


def test_the_built_in_echo_answers_in_this_dialect_too(client: anthropic.Anthropic, stub: Stub) -> None:
    whole = client.messages.create(model="echo/echo", max_tokens=100, messages=HELLO)
    with client.messages.stream(model="echo", max_tokens=100, messages=HELLO) as stream:
        streamed = stream.get_final_message()
    call: Any = [{"role": "user", "content": 'call weather {"city": "Rome"}'}]
    called = client.messages.create(model="echo/echo", max_tokens=100, messages=call, tools=[WEATHER])

    for answer in (whole, streamed):
        assert ("Hello", 1, 1) == (
            getattr(answer.content[0], "text", ""), answer.usage.input_tokens, answer.usage.output_tokens
        )  # fmt: skip
    reported: Any = called.content[-1]
    assert ("tool_use", "weather", {"city": "Rome"}) == (called.stop_reason, reported.name, reported.input)
    assert [] == stub.requests


@pytest.mark.parametrize(
    ("key", "body", "expected", "kind"),
    [
        ("wrong", {}, anthropic.AuthenticationError, "authentication_error"),
        ("revoked", {}, anthropic.AuthenticationError, "authentication_error"),
        (None, {"model": "no-such"}, anthropic.NotFoundError, "not_found_error"),
        (None, {"messages": []}, anthropic.BadRequestError, "invalid_request_error"),
        (None, {"max_tokens": 0}, anthropic.BadRequestError, "invalid_request_error"),
        (None, {"model": "oai/unpriced"}, anthropic.NotFoundError, "not_found_error"),
        ("poor", {}, anthropic.APIStatusError, "billing_error"),
    ],
)
def test_the_hubs_refusals_are_raised_as_the_sdks_own(
    hub: HubProcess, stub: Stub, people: People, key: str | None, body: Any, expected: Any, kind: str
) -> None:
    secret = None if key is None else getattr(people, key, "ahk_wrong")

    with anthropic_sdk(hub, secret) as client, pytest.raises(expected) as raised:
        client.messages.create(**{"model": "ant/m", "max_tokens": 9, "messages": HELLO, **body})

    error = raised.value
    assert isinstance(error, expected)
    assert (kind, 402 if key == "poor" else error.status_code) == (error.type, error.status_code)
    assert error.request_id is not None
    assert error.request_id.startswith("call_")
    assert [] == stub.requests


@MODELS
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, anthropic.BadRequestError),
        (404, anthropic.NotFoundError),
        (422, anthropic.UnprocessableEntityError),
        (429, anthropic.RateLimitError),
        (500, anthropic.InternalServerError),
        (529, anthropic.InternalServerError),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_providers_errors_are_raised_as_the_sdks_own(
    hub: HubProcess, client: anthropic.Anthropic, stub: Stub, model: str, status: int, expected: Any, stream: bool
) -> None:
    before = wallet(hub)
    stub.always(failing(status, retry_after="33"))

    with pytest.raises(expected) as raised:
        client.messages.create(model=model, max_tokens=9, messages=HELLO, stream=stream)

    assert status == raised.value.status_code
    assert "scripted failure" in str(raised.value)
    if status in (429, 529):
        assert "33" == raised.value.response.headers["retry-after"]
    assert before == wallet(hub)


@MODELS
def test_a_stream_that_breaks_raises_where_it_breaks(client: anthropic.Anthropic, stub: Stub, model: str) -> None:
    """G19: the SDK never takes a truncated answer for a whole one."""
    events = openai_stream()[:3] if model == "oai/m" else anthropic_stream()[:4]
    stub.will(streaming(*events, cut=True))
    received: list[str] = []

    def listen() -> None:
        with client.messages.stream(model=model, max_tokens=9, messages=HELLO) as stream:
            for piece in stream.text_stream:
                received.append(piece)

    with pytest.raises(anthropic.APIError, match=r"broke off|closed"):
        listen()

    assert "".join(received)
    assert TEXT.startswith("".join(received))
