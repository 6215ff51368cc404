"""What a provider cannot express: labels go in silence, wishes are named, promises are refused; agents' tools arrive.

The requests are those that the official SDKs, Codex CLI and Claude Code send.
"""

import json
from typing import Any

import openai
import pytest
from openai.types.responses import ResponseCustomToolCall, ResponseFunctionToolCall

from tests.behaviour.error_shape import check_error
from tests.behaviour.plain_calls import CHAT, MESSAGES, RESPONSES, anthropic_body, ask, openai_body, responses_body
from tests.behaviour.sdks import anthropic_sdk, openai_sdk
from tests.behaviour.stub import Stub
from tests.behaviour.stub_answers import anthropic_whole, openai_stream, openai_whole, tool_use
from tests.support.hub import HubProcess
from tests.support.provider import answering, streaming

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
PATCH: Any = {
    "type": "custom",
    "name": "apply_patch",
    "description": "Edit files.",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/s"},
}
GROUP: Any = {
    "type": "namespace",
    "name": "agents",
    "description": "Helpers.",
    "tools": [{"type": "function", "name": "spawn", "parameters": SCHEMA, "strict": False}],
}
SEARCH: Any = {"type": "web_search", "external_web_access": False}


def call_of(name: str, arguments: str) -> dict[str, Any]:
    """A chat completion that calls a function."""
    function = {"name": name, "arguments": arguments}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": function}],
    }


@pytest.mark.parametrize(
    ("path", "body", "dropped"),
    [
        (CHAT, openai_body("ant/m", seed=7, presence_penalty=0.5, user="u", store=True), "seed, presence_penalty"),
        (CHAT, openai_body("ant/m", temperature=1.2), "temperature"),
        (CHAT, openai_body("ant/m", messages=[{"role": "user", "name": "ann", "content": "Hi"}]), None),
        (MESSAGES, anthropic_body("oai/m", context_management={"edits": []}, a_beta={"x": 1}), "a_beta"),
        (RESPONSES, responses_body("ant/m", tools=[SEARCH], client_metadata={"a": "b"}), "tools[0].web_search"),
    ],
)
def test_labels_go_in_silence_and_wishes_are_named(
    hub: HubProcess, stub: Stub, path: str, body: dict[str, Any], dropped: str | None
) -> None:
    received = ask(hub, path, body)

    assert (200, dropped) == (received.status, received.header("x-aihub-dropped"))
    assert 1 == len(stub.requests)


def test_a_stream_names_what_was_left_out(hub: HubProcess) -> None:
    received = ask(hub, CHAT, openai_body("ant/m", seed=7, stream=True))

    assert (200, "seed") == (received.status, received.header("x-aihub-dropped"))


@pytest.mark.usefixtures("nothing_moves")
def test_a_strict_caller_has_wishes_refused(hub: HubProcess) -> None:
    strict = {"x-aihub-unsupported": "refuse"}

    error = check_error(
        ask(hub, CHAT, openai_body("ant/m", seed=7), headers=strict), CHAT, 400, "unsupported_parameter"
    )
    odd = ask(hub, CHAT, openai_body("ant/m"), headers={"x-aihub-unsupported": "perhaps"})

    assert "seed" == error["param"]
    assert "x-aihub-unsupported" == check_error(odd, CHAT, 400, "bad_request")["param"]


def test_a_field_that_is_called_like_a_tool_is_none(hub: HubProcess, stub: Stub) -> None:
    received = ask(hub, CHAT, {**openai_body("ant/m"), "tools[0].google_search": {}})

    assert "fields.tools[0].google_search" == received.header("x-aihub-dropped")
    assert "tools" not in stub.only.json()


@pytest.mark.parametrize("stream", [False, True])
def test_a_custom_tool_is_a_function_to_the_model_and_itself_to_its_caller(
    hub: HubProcess, stub: Stub, stream: bool
) -> None:
    called = call_of("apply_patch", '{"input":"*** Begin\\n\\"x\\""}')
    deltas = [{"tool_calls": [{"index": 0, **called["tool_calls"][0]}]}]
    whole = answering(200, openai_whole(called, "tool_calls"))
    stub.will(streaming(*openai_stream(*deltas, finish="tool_calls")) if stream else whole)
    requested: Any = {"model": "oai/m", "input": "Hi", "tools": [PATCH, SEARCH], "store": False}

    with openai_sdk(hub) as client:
        if stream:
            with client.responses.stream(**requested) as events:
                answer: Any = events.get_final_response()
        else:
            answer = client.responses.create(**requested)

    item = answer.output[-1]
    assert isinstance(item, ResponseCustomToolCall)
    assert ("apply_patch", '*** Begin\n"x"', "c1") == (item.name, item.input, item.call_id)
    [sent] = stub.only.json()["tools"]
    assert ["input"] == sent["function"]["parameters"]["required"]
    assert "start: /.+/s" in sent["function"]["description"]


def test_a_custom_tools_call_goes_back_as_the_functions(hub: HubProcess, stub: Stub) -> None:
    history = [
        {"role": "user", "content": "Hi"},
        {"type": "custom_tool_call", "call_id": "c1", "name": "apply_patch", "input": "x"},
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "done"},
    ]

    received = ask(hub, RESPONSES, {"model": "ant/m", "input": history, "tools": [PATCH]})

    assert 200 == received.status
    _, call, result = stub.only.json()["messages"]
    assert {"input": "x"} == call["content"][0]["input"]
    assert "tool_result" == result["content"][0]["type"]


def test_a_groups_tool_is_called_by_its_own_name(hub: HubProcess, stub: Stub) -> None:
    stub.will(answering(200, openai_whole(call_of("agents__spawn", '{"city":"Oslo"}'), "tool_calls")))
    items: Any = [
        {"type": "additional_tools", "role": "developer", "tools": [GROUP]},
        {"role": "user", "content": "Hi"},
    ]

    with openai_sdk(hub) as client:
        answer = client.responses.create(model="oai/m", input=items, store=False)

    item = answer.output[-1]
    assert isinstance(item, ResponseFunctionToolCall)
    assert ("spawn", "agents") == (item.name, item.to_dict()["namespace"])
    assert ["agents__spawn"] == [tool["function"]["name"] for tool in stub.only.json()["tools"]]


def test_where_calls_shall_come_one_at_a_time_the_caller_receives_of_the_first(hub: HubProcess, stub: Stub) -> None:
    two = anthropic_whole([tool_use(1, '{"city":"Oslo"}'), tool_use(2, '{"city":"Rome"}')], "tool_use")
    stub.will(answering(200, two))
    tools: Any = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]

    with openai_sdk(hub) as client:
        answer = client.chat.completions.create(
            model="ant/m", messages=[{"role": "user", "content": "Hi"}], tools=tools, parallel_tool_calls=False
        )

    [call] = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert {"city": "Oslo"} == json.loads(call.function.arguments)


def test_the_tool_runner_goes_on_without_a_thread(hub: HubProcess, stub: Stub) -> None:
    received = ask(hub, MESSAGES, anthropic_body("oai/m", thread={"type": "create"}))

    error = check_error(received, MESSAGES, 400, "unsupported_parameter")
    assert {"error_code": "thread_unsupported_request"} == error["details"]
    assert [] == stub.requests


def test_an_item_that_was_not_kept_names_what_to_set(hub: HubProcess) -> None:
    with openai_sdk(hub) as client, pytest.raises(openai.BadRequestError, match="store: false"):
        client.responses.create(model="ant/m", input=[{"type": "item_reference", "id": "rs_1"}])


def test_claude_codes_fields_are_taken_for_any_model(hub: HubProcess, stub: Stub) -> None:
    tool: Any = {
        "name": "weather",
        "input_schema": SCHEMA,
        "input_examples": [{"city": "Oslo"}],
        "defer_loading": True,
        "eager_input_streaming": True,
        "cache_control": {"type": "ephemeral", "scope": "global"},
    }

    with anthropic_sdk(hub) as client:
        received = client.beta.messages.with_raw_response.create(
            model="oai/m",
            max_tokens=64,
            messages=[{"role": "user", "content": "Hi"}],
            tools=[tool],
            context_management={"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
            betas=["context-management-2025-06-27"],
        )

    assert "tools.0.input_examples" == received.headers["x-aihub-dropped"]
    assert {"type", "function"} == stub.only.json()["tools"][0].keys()
