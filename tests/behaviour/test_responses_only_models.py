"""A model that only the Responses API serves, called by both SDKs in the dialects of their own.

Thinking that OpenAI encrypted comes back to it under its id: by chat completions in `reasoning_details`, by messages in a
`redacted_thinking` block, over as many turns as there are tool calls.
"""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from tests.behaviour import responses_answers as rsp
from tests.behaviour.plain_calls import CHAT, ask, openai_body
from tests.behaviour.sdks import anthropic_sdk, openai_sdk
from tests.behaviour.stub import Stub
from tests.behaviour.stub_answers import ARGUMENTS, TEXT, data, openai_stream, openai_whole
from tests.support.hub import HubProcess
from tests.support.provider import answering, streaming

STREAM = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
# What goes back of the turn that `_thinking` answers with.
THOUGHT = {
    "type": "reasoning",
    "id": "rs_stub1",
    "summary": [{"type": "summary_text", "text": "Hm, Paris."}],
    "encrypted_content": "gAAAA-encrypted",
}
CALLED = {"type": "function_call", "call_id": "call_0", "name": "weather", "arguments": ARGUMENTS}
ANSWERED = {"type": "function_call_output", "call_id": "call_0", "output": "20 degrees"}


@pytest.fixture
def client(hub: HubProcess) -> Iterator[openai.OpenAI]:
    with openai_sdk(hub) as made:
        yield made


@pytest.fixture
def claude(hub: HubProcess) -> Iterator[anthropic.Anthropic]:
    with anthropic_sdk(hub) as made:
        yield made


def _thinking(stream: bool) -> Any:
    items = (rsp.thought(), rsp.call(ARGUMENTS))
    return streaming(*rsp.stream(*items)) if stream else answering(200, rsp.whole(*items))


@STREAM
def test_chat_completions_brings_the_encrypted_thought_back(client: openai.OpenAI, stub: Stub, stream: bool) -> None:
    turns: list[Any] = [{"role": "user", "content": "Hello"}]
    tools: Any = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
    stub.will(_thinking(stream))

    if stream:
        message = _put_together(client.chat.completions.create(model="rsp/m", messages=turns, tools=tools, stream=True))
    else:
        message = (
            client.chat.completions.create(model="rsp/m", messages=turns, tools=tools).choices[0].message.to_dict()
        )

    assert "Hm, Paris." == message["reasoning_content"]
    *summary, detail = message["reasoning_details"]
    assert "Hm, Paris." == "".join(piece["text"] for piece in summary)
    assert ("reasoning.encrypted", "rs_stub1", "gAAAA-encrypted") == (detail["type"], detail["id"], detail["data"])

    turns += [message, {"role": "tool", "tool_call_id": "call_0", "content": "20 degrees"}]
    answer = client.chat.completions.create(model="rsp/m", messages=turns, tools=tools)

    assert TEXT == answer.choices[0].message.content
    _check_sent(stub)


def _put_together(chunks: Any) -> dict[str, Any]:
    """What a client keeps of a stream: every field of the deltas, added up."""
    message: dict[str, Any] = {"role": "assistant", "reasoning_content": "", "reasoning_details": [], "tool_calls": []}
    for chunk in chunks:
        delta = chunk.choices[0].delta.to_dict() if chunk.choices else {}
        message["reasoning_content"] += delta.get("reasoning_content") or ""
        message["reasoning_details"] += delta.get("reasoning_details") or []
        for piece in delta.get("tool_calls") or ():
            if piece.get("id"):
                message["tool_calls"].append(piece)
            else:
                message["tool_calls"][-1]["function"]["arguments"] += piece["function"]["arguments"]
    return message


@STREAM
def test_messages_bring_the_encrypted_thought_back(claude: anthropic.Anthropic, stub: Stub, stream: bool) -> None:
    turns: list[Any] = [{"role": "user", "content": "Hello"}]
    requested: Any = {"model": "rsp/m", "max_tokens": 100, "tools": [{"name": "weather", "input_schema": SCHEMA}]}
    stub.will(_thinking(stream))

    if stream:
        with claude.messages.stream(messages=turns, **requested) as events:
            content = events.get_final_message().content
    else:
        content = claude.messages.create(messages=turns, **requested).content

    assert ["thinking", "tool_use"] == [block.type for block in content]  # The summary, signed with its proof.
    result = {"type": "tool_result", "tool_use_id": "call_0", "content": "20 degrees"}
    turns += [{"role": "assistant", "content": content}, {"role": "user", "content": [result]}]
    answer = claude.messages.create(messages=turns, **requested)

    said: Any = answer.content[0]
    assert TEXT == said.text
    _check_sent(stub)


def _check_sent(stub: Stub) -> None:
    sent = stub.requests[-1].json()
    first, thought, called, result = sent["input"]
    assert {"role": "user", "content": "Hello"} == first
    assert (THOUGHT, ANSWERED) == (thought, result)
    assert {**CALLED, "arguments": json.loads(ARGUMENTS)} == {**called, "arguments": json.loads(called["arguments"])}
    assert (False, ["reasoning.encrypted_content"]) == (sent["store"], sent["include"])
    tool = {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}
    assert [tool] == sent["tools"]


@STREAM
def test_a_custom_tool_is_called_and_answered_in_chat_completions(
    client: openai.OpenAI, stub: Stub, stream: bool
) -> None:
    code = {"id": "ctc_1", "type": "custom_tool_call", "call_id": "call_c", "name": "code", "input": "x = 1"}
    items = (rsp.call(ARGUMENTS, 0), code, rsp.call("{}", 1))
    stub.will(streaming(*rsp.stream(*items)) if stream else answering(200, rsp.whole(*items)))
    turns: list[Any] = [{"role": "user", "content": "Hello"}]
    requested: Any = {"model": "rsp/m", "tools": [{"type": "custom", "custom": {"name": "code"}}]}

    if stream:
        chunks = list(client.chat.completions.create(messages=turns, stream=True, **requested))
        message = _put_together(chunks)
        indexes = [piece.index for chunk in chunks for piece in chunk.choices[0].delta.tool_calls or () if piece.id]
        assert [0, 1, 2] == indexes
        finish = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1]
    else:
        answer = client.chat.completions.create(messages=turns, **requested)
        message, finish = answer.choices[0].message.to_dict(), answer.choices[0].finish_reason

    calls: Any = message["tool_calls"]
    assert ("tool_calls", ["call_0", "call_c", "call_1"]) == (finish, [call["id"] for call in calls])
    assert {"name": "code", "input": "x = 1"} == calls[1]["custom"]

    custom = {"id": "call_c", "type": "custom", "custom": {"name": "code", "input": "x = 1"}}
    turns += [{"role": "assistant", "tool_calls": [custom]}, {"role": "tool", "tool_call_id": "call_c", "content": "1"}]
    client.chat.completions.create(messages=turns, **requested)

    _, called, result = stub.requests[-1].json()["input"]
    assert ("custom_tool_call", "call_c", "code", "x = 1") == tuple(
        called[name] for name in ("type", "call_id", "name", "input")
    )
    assert {"type": "custom_tool_call_output", "call_id": "call_c", "output": "1"} == result


LIKELY = [{"token": "Hi", "logprob": -0.25, "bytes": [72, 105], "top_logprobs": []}]


@STREAM
def test_how_likely_the_tokens_were_is_reported_to_chat_completions(
    client: openai.OpenAI, stub: Stub, stream: bool
) -> None:
    said = rsp.message("Hi")
    said["content"][0]["logprobs"] = LIKELY
    stub.will(streaming(*rsp.stream(said)) if stream else answering(200, rsp.whole(said)))
    requested: Any = {"model": "rsp/m", "messages": [{"role": "user", "content": "Hello"}], "logprobs": True}

    answer: Any = client.chat.completions.create(**requested, top_logprobs=2, stream=stream)

    reported = (
        [chunk.choices[0].logprobs for chunk in answer if chunk.choices] if stream else [answer.choices[0].logprobs]
    )
    assert LIKELY == [token.to_dict() for likely in reported if likely for token in likely.content]
    sent = stub.only.json()
    assert "message.output_text.logprobs" in sent["include"]
    assert 2 == sent["top_logprobs"]


@STREAM
def test_how_likely_the_tokens_were_is_reported_to_responses(client: openai.OpenAI, stub: Stub, stream: bool) -> None:
    likely = {"content": LIKELY, "refusal": None}
    if stream:
        events = openai_stream({"content": "Hi"})
        chunk = json.loads(events[1].removeprefix(b"data: "))
        chunk["choices"][0]["logprobs"] = likely
        stub.will(streaming(events[0], data(chunk), *events[2:]))
    else:
        body = json.loads(openai_whole({"role": "assistant", "content": "Hi"}))
        body["choices"][0]["logprobs"] = likely
        stub.will(answering(200, json.dumps(body).encode()))
    requested: Any = {"model": "oai/m", "input": "Hello", "include": ["message.output_text.logprobs"]}

    answer: Any = client.responses.create(**requested, stream=stream)

    response = list(answer)[-1].response if stream else answer
    assert LIKELY == [token.to_dict() for token in response.output[0].content[0].logprobs]
    assert True is stub.only.json()["logprobs"]


@STREAM
def test_texts_that_were_reported_apart_are_blocks_of_their_own(
    claude: anthropic.Anthropic, stub: Stub, stream: bool
) -> None:
    items = (rsp.message("Let me see.", 0), rsp.message("Paris.", 1))
    stub.will(streaming(*rsp.stream(*items)) if stream else answering(200, rsp.whole(*items)))
    requested: Any = {"model": "rsp/m", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}

    if stream:
        with claude.messages.stream(**requested) as events:
            content: Any = events.get_final_message().content
    else:
        content = claude.messages.create(**requested).content

    assert ["Let me see.", "Paris."] == [block.text for block in content]


def test_every_field_of_a_chat_has_its_form_in_responses(hub: HubProcess, stub: Stub) -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA, "strict": True}}
    custom = {"name": "code", "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /x/"}}}
    received = ask(
        hub,
        CHAT,
        openai_body(
            "rsp/m",
            max_completion_tokens=300,
            reasoning_effort="high",
            verbosity="low",
            response_format=schema,
            tool_choice={"type": "function", "function": {"name": "weather"}},
            tools=[{"type": "function", "function": {"name": "weather"}}, {"type": "custom", "custom": custom}],
            parallel_tool_calls=False,
            temperature=0.5,
            metadata={"team": "red"},
            service_tier="flex",
            prompt_cache_key="k",
            user="u",
        ),
    )

    assert 200 == received.status, received.body
    sent = stub.only.json()
    assert {"effort": "high"} == sent["reasoning"]
    form = {"type": "json_schema", "name": "place", "schema": SCHEMA, "strict": True}
    assert {"format": form, "verbosity": "low"} == sent["text"]
    assert {"type": "function", "name": "weather"} == sent["tool_choice"]
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: /x/"}
    assert {"type": "custom", "name": "code", "format": grammar} == sent["tools"][1]
    reported = {name: sent[name] for name in ("max_output_tokens", "parallel_tool_calls", "temperature", "metadata",
                                          "service_tier", "prompt_cache_key", "user")}  # fmt: skip
    assert {
        "max_output_tokens": 300,
        "parallel_tool_calls": False,
        "temperature": 0.5,
        "metadata": {"team": "red"},
        "service_tier": "flex",
        "prompt_cache_key": "k",
        "user": "u",
    } == reported


@pytest.mark.parametrize("more", [{"stop": "x"}, {"n": 2}])
def test_what_a_response_cannot_express_is_refused_by_name(hub: HubProcess, stub: Stub, more: dict[str, Any]) -> None:
    received = ask(hub, CHAT, openai_body("rsp/m", **more))

    error = received.json()["error"]
    assert (400, "unsupported_parameter", *more) == (received.status, error["code"], error["param"])
    assert [] == stub.requests


@pytest.mark.parametrize("more", [{"seed": 1}, {"logit_bias": {"1": 1}}, {"frequency_penalty": 1}, {"top_k": 3}])
def test_a_wish_that_a_response_has_no_field_for_is_left_out_and_named(
    hub: HubProcess, stub: Stub, more: dict[str, Any]
) -> None:
    received = ask(hub, CHAT, openai_body("rsp/m", **more))

    assert (200, *more) == (received.status, received.header("x-aihub-dropped"))
    assert more.keys().isdisjoint(stub.only.json())
