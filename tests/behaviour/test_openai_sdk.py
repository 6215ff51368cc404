"""The official OpenAI SDK, pointed at the hub, gets what it would get from the vendor: whole, streamed, and raised."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import BaseModel

from tests.behaviour.conftest import People
from tests.behaviour.plain_calls import wallet
from tests.behaviour.sdks import openai_sdk
from tests.behaviour.stub import Stub
from tests.behaviour.stub_answers import (
    ARGUMENTS,
    OPENAI_USAGE,
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

MODELS = pytest.mark.parametrize("model", ["oai/m", "ant/m"])
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {"name": "weather", "description": "Tells the weather", "parameters": {**SCHEMA}},
}
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n not really").decode()


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
    answer = client.chat.completions.create(model=model, messages=HELLO)

    choice = answer.choices[0]
    assert (TEXT, "assistant", "stop") == (choice.message.content, choice.message.role, choice.finish_reason)
    assert answer.usage is not None
    assert OPENAI_USAGE == {name: getattr(answer.usage, name) for name in OPENAI_USAGE}
    assert answer._request_id is not None
    assert answer._request_id.startswith("call_")


@MODELS
@pytest.mark.parametrize("wants_usage", [False, True])
def test_a_streamed_answer(client: openai.OpenAI, model: str, wants_usage: bool) -> None:
    stream = client.chat.completions.create(
        model=model, messages=HELLO, stream=True, stream_options={"include_usage": wants_usage}
    )
    chunks = list(stream)

    assert TEXT == "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert ["stop"] == [c.finish_reason for chunk in chunks for c in chunk.choices if c.finish_reason]
    usages = [chunk.usage for chunk in chunks if chunk.usage]
    assert ([18] if wants_usage else []) == [usage.total_tokens for usage in usages]
    assert 1 == len({chunk.id for chunk in chunks})


@MODELS
@pytest.mark.parametrize("calls", [1, 3])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_tool_calls(client: openai.OpenAI, stub: Stub, model: str, calls: int, stream: bool) -> None:
    stub.will(_calling_tools(model, calls, stream))

    if stream:
        requested = client.chat.completions.stream(model=model, messages=HELLO, tools=[WEATHER], max_tokens=50)
        with requested as events:
            choice: Any = events.get_final_completion().choices[0]
    else:
        choice = client.chat.completions.create(model=model, messages=HELLO, tools=[WEATHER]).choices[0]

    assert "tool_calls" == choice.finish_reason
    reported = [(call.function.name, json.loads(call.function.arguments)) for call in choice.message.tool_calls or ()]
    assert [("weather", {"city": "Paris", "unit": "c"})] * calls == reported
    assert calls == len({call.id for call in choice.message.tool_calls or ()})
    sent = stub.only.json()["tools"][0]
    if model == "ant/m":
        assert {"name": "weather", "description": "Tells the weather", "input_schema": SCHEMA} == sent
    else:
        assert WEATHER == sent


def _calling_tools(model: str, calls: int, stream: bool) -> Any:
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
def test_tool_results_go_back(client: openai.OpenAI, stub: Stub, model: str) -> None:
    called: Any = openai_calls(ARGUMENTS, "{}")
    turns: list[Any] = [
        *HELLO,
        called,
        {"role": "tool", "tool_call_id": "call_0", "content": "20 degrees"},
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "rain"}]},
    ]

    answer = client.chat.completions.create(
        model=model, messages=turns, tools=[WEATHER], tool_choice="required", parallel_tool_calls=False
    )

    assert TEXT == answer.choices[0].message.content
    sent = stub.only.json()
    if model == "oai/m":
        assert turns == sent["messages"]
        return
    assert {"type": "any", "disable_parallel_tool_use": True} == sent["tool_choice"]
    _, calls, results = sent["messages"]
    assert [("call_0", {"city": "Paris", "unit": "c"}), ("call_1", {})] == [
        (b["id"], b["input"]) for b in calls["content"]
    ]
    reported = [(block["tool_use_id"], block["content"][0]["text"]) for block in results["content"]]
    assert [("call_0", "20 degrees"), ("call_1", "rain")] == reported


@MODELS
@pytest.mark.parametrize("url", [f"data:image/png;base64,{PIXEL}", "https://example.com/cat.png"], ids=["data", "http"])
def test_images(client: openai.OpenAI, stub: Stub, model: str, url: str) -> None:
    parts: Any = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]

    answer = client.chat.completions.create(model=model, messages=[{"role": "user", "content": parts}])

    assert TEXT == answer.choices[0].message.content
    sent = stub.only.json()["messages"][0]["content"]
    if model == "oai/m":
        assert parts == sent
    else:
        data = {"type": "base64", "media_type": "image/png", "data": PIXEL}
        source = data if url.startswith("data:") else {"type": "url", "url": url}
        assert {"type": "image", "source": source} == sent[1]


@MODELS
def test_structured_output_is_parsed(client: openai.OpenAI, stub: Stub, model: str) -> None:
    text = json.dumps({"city": "Paris", "unit": "c"})
    message = {"role": "assistant", "content": text, "refusal": None}
    blocks = [{"type": "text", "text": text}]
    stub.will(answering(200, openai_whole(message) if model == "oai/m" else anthropic_whole(blocks)))

    answer = client.chat.completions.parse(model=model, messages=HELLO, response_format=Place)

    assert Place(city="Paris", unit="c") == answer.choices[0].message.parsed
    sent = stub.only.json()
    schema = (
        sent["response_format"]["json_schema"]["schema"]
        if model == "oai/m"
        else sent["output_config"]["format"]["schema"]
    )
    assert {"city", "unit"} == set(schema["properties"])


def test_the_built_in_echo_speaks_the_whole_protocol(client: openai.OpenAI, stub: Stub) -> None:
    whole = client.chat.completions.create(model="echo/echo", messages=HELLO)
    streamed = client.chat.completions.create(model="echo", messages=HELLO, stream=True)
    call: Any = [{"role": "user", "content": 'call weather {"city": "Rome"}'}]
    called = client.chat.completions.create(model="echo/echo", messages=call, tools=[WEATHER])

    assert "Hello" == whole.choices[0].message.content
    assert whole.usage is not None
    assert (1, 1) == (whole.usage.prompt_tokens, whole.usage.completion_tokens)
    assert "Hello" == "".join(chunk.choices[0].delta.content or "" for chunk in streamed)
    reported: Any = (called.choices[0].message.tool_calls or [])[0]
    assert ("weather", {"city": "Rome"}) == (reported.function.name, json.loads(reported.function.arguments))
    assert [] == stub.requests


@pytest.mark.parametrize(
    ("key", "body", "expected", "code"),
    [
        ("wrong", {}, openai.AuthenticationError, "invalid_api_key"),
        ("revoked", {}, openai.AuthenticationError, "invalid_api_key"),
        (None, {"model": "no-such"}, openai.NotFoundError, "model_not_found"),
        (None, {"messages": []}, openai.BadRequestError, "bad_request"),
        (None, {"model": "oai/unpriced"}, openai.NotFoundError, "model_not_found"),
        ("poor", {}, openai.APIStatusError, "insufficient_quota"),
    ],
)
def test_the_hubs_refusals_are_raised_as_the_sdks_own(
    hub: HubProcess,
    stub: Stub,
    people: People,
    key: str | None,
    body: Any,
    expected: type[openai.APIStatusError],
    code: str,
) -> None:
    secret = None if key is None else getattr(people, key, "ahk_wrong")

    with openai_sdk(hub, secret) as client, pytest.raises(expected) as raised:
        client.chat.completions.create(**{"model": "oai/m", "messages": HELLO, **body})

    error = raised.value
    assert expected is type(error)
    assert code == error.code
    assert error.request_id is not None
    assert error.request_id.startswith("call_")
    assert (402 if key == "poor" else error.status_code) == error.status_code
    assert [] == stub.requests


@MODELS
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, openai.BadRequestError),
        (404, openai.NotFoundError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_providers_errors_are_raised_as_the_sdks_own(
    hub: HubProcess, client: openai.OpenAI, stub: Stub, model: str, status: int, expected: Any, stream: bool
) -> None:
    before = wallet(hub)
    stub.always(failing(status, retry_after="33"))

    with pytest.raises(expected) as raised:
        client.chat.completions.create(model=model, messages=HELLO, stream=stream)

    assert expected is type(raised.value)
    assert "scripted failure" in raised.value.message
    if status == 429:
        assert "33" == raised.value.response.headers["retry-after"]
    assert before == wallet(hub)


@MODELS
def test_a_stream_that_breaks_raises_where_it_breaks(client: openai.OpenAI, stub: Stub, model: str) -> None:
    """G19: the SDK never takes a truncated answer for a whole one."""
    events = openai_stream()[:3] if model == "oai/m" else anthropic_stream()[:4]
    stub.will(streaming(*events, cut=True))
    stream = client.chat.completions.create(model=model, messages=HELLO, stream=True)
    received = []

    def listen() -> None:
        for chunk in stream:
            received.append(chunk)

    with pytest.raises(openai.APIError, match=r"broke off|closed"):
        listen()

    assert "".join(chunk.choices[0].delta.content or "" for chunk in received).startswith(TEXT[:7])
    assert not any(chunk.choices[0].finish_reason for chunk in received)
