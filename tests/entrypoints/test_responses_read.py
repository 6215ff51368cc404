"""Reading a Responses request: what is wrong is named, and whatever hides cost is seen."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.model_api.call import ModelCall
from domain.model_api.requests import (
    ChatRequest,
    Image,
    Message,
    ProviderPart,
    Reasoning,
    Text,
    Thinking,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from domain.refusals import BadRequest
from entrypoints.http.dialects.openai_responses import RESPONSES_CALLER

TOOL = {"type": "function", "name": "f", "parameters": {"type": "object"}}


def read(**fields: Any) -> ModelCall | BadRequest:
    return RESPONSES_CALLER.read(json.dumps({"model": "m", "input": "Hi", **fields}).encode())


def call(**fields: Any) -> ModelCall:
    found = read(**fields)
    assert isinstance(found, ModelCall), found
    return found


def request(**fields: Any) -> ChatRequest:
    found = RESPONSES_CALLER.to_request(call(**fields))
    assert isinstance(found, ChatRequest), found
    return found


@pytest.mark.parametrize(("fields", "field"), [
    ({"model": None},                                                     "model"),
    ({"model": " "},                                                      "model"),
    ({"input": None},                                                     "input"),
    ({"input": ""},                                                       "input"),
    ({"input": []},                                                       "input"),
    ({"input": 5},                                                        "input"),
    ({"input": [5]},                                                      "input[0]"),
    ({"input": [{"content": "x"}]},                                       "input[0].role"),
    ({"input": [{"role": "king", "content": "x"}]},                       "input[0].role"),
    ({"input": [{"role": "user"}]},                                       "input[0].content"),
    ({"input": [{"role": "user", "content": 5}]},                         "input[0].content"),
    ({"input": [{"role": "user", "content": [{"text": "x"}]}]},           "input[0].content[0].type"),
    ({"input": [{"type": "function_call", "name": "f", "arguments": "{}"}]},             "input[0].call_id"),
    ({"input": [{"type": "function_call", "call_id": "c", "arguments": "{}"}]},          "input[0].name"),
    ({"input": [{"type": "function_call", "call_id": "c", "name": "f"}]},                "input[0].arguments"),
    ({"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": {}}]}, "input[0].arguments"),
    ({"input": [{"type": "function_call_output", "call_id": "c"}]},       "input[0].output"),
    ({"input": [{"type": "function_call_output", "output": "x"}]},        "input[0].call_id"),
    ({"instructions": 5},                                                 "instructions"),
    ({"stream": "yes"},                                                   "stream"),
    ({"max_output_tokens": 0},                                            "max_output_tokens"),
    ({"max_output_tokens": 1.5},                                          "max_output_tokens"),
    ({"max_tool_calls": -1},                                              "max_tool_calls"),
    ({"tools": [{}]},                                                     "tools[0].type"),
    ({"tools": [{"type": "function"}]},                                   "tools[0].name"),
    ({"background": "yes"},                                               "background"),
])  # fmt: skip
def test_what_is_wrong_is_named_with_the_remedy(fields: dict[str, Any], field: str) -> None:
    found = read(**fields)

    assert isinstance(found, BadRequest)
    assert field == found.field
    assert len(found.problem) > 20


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"{", b"[" * 100_000, b'{"model": "m\xff"}'])
def test_no_body_raises(body: bytes) -> None:
    assert isinstance(RESPONSES_CALLER.read(body), BadRequest)


@pytest.mark.parametrize(("fields", "opaque"), [
    ({},                                                                          None),
    ({"previous_response_id": "resp_1"},                                          "previous_response_id"),
    ({"conversation": {"id": "conv_1"}},                                          "conversation"),
    ({"prompt": {"id": "pmpt_1"}},                                                "prompt"),
    ({"context_management": [{"type": "compaction"}]},                            "context_management"),
    ({"previous_response_id": None, "conversation": None},                        None),
    ({"input": [{"type": "item_reference", "id": "msg_1"}]},                      "input[0].item_reference"),
    ({"input": [{"type": "web_search_call", "id": "ws_1"}]},                      "input[0].web_search_call"),
    ({"input": [{"type": "a_new_one"}]},                                          "input[0].a_new_one"),
    ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}]},
                                                                                  "input[0].content[0].input_file"),
    ({"input": [{"role": "user", "content": [{"type": "input_file", "file_data": "data:application/pdf;base64,AA=="}]}]},
                                                                                  "input[0].content[0].input_file"),
    ({"input": [{"role": "user", "content": [{"type": "input_file", "file_data": "data:text/plain;base64,AA=="}]}]}, None),
    ({"input": [{"type": "function_call_output", "call_id": "c", "output": [{"type": "input_file", "file_url": "https://x"}]}]},
                                                                                  "input[0].output[0].input_file"),
    ({"tools": [{"type": "tool_search"}]},                                        "tools[0].tool_search"),
    ({"tools": [{"type": "tool_search", "execution": "client"}]},                 None),
])  # fmt: skip
def test_input_that_does_not_stand_in_the_body_is_bounded_by_the_context(
    fields: dict[str, Any], opaque: str | None
) -> None:
    assert opaque == call(**fields).opaque_input


def test_images_are_counted_wherever_they_stand() -> None:
    image = {"type": "input_image", "image_url": "https://x.test/a.png"}
    items = [
        {"role": "user", "content": [image, {"type": "input_text", "text": "x"}, {**image, "file_id": "file-1"}]},
        {"type": "function_call_output", "call_id": "c", "output": [image]},
        {"type": "computer_call_output", "call_id": "d", "output": {"type": "computer_screenshot"}},
    ]

    assert (4, None) == (call(input=items).images, call(input=items).opaque_input)


@pytest.mark.parametrize(("parts", "needs"), [
    ([{"type": "input_text", "text": "x"}],                                          ()),
    ([{"type": "input_image", "image_url": "https://x.test/a.png"}],                 ()),
    ([{"type": "input_file", "file_data": "data:application/pdf;base64,JVBE"}],      ("documents",)),
    ([{"type": "input_file", "file_id": "file-1"}, {"type": "input_audio"}],         ("audio", "documents")),
])  # fmt: skip
def test_documents_and_audio_are_required_of_a_model_wherever_they_stand(
    parts: list[dict[str, Any]], needs: tuple[str, ...]
) -> None:
    requested = [{"role": "user", "content": parts}]
    answered = [{"type": "function_call_output", "call_id": "c", "output": parts}]

    assert (needs, needs) == (call(input=requested).needs, call(input=answered).needs)


@pytest.mark.parametrize(("fields", "hosted"), [
    ({"tools": [TOOL, {"type": "custom", "name": "c"}, {"type": "apply_patch"}]},                   ()),
    ({"tools": [{"type": "web_search"}, {"type": "web_search"}]},                                   ("web_search",)),
    ({"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]},                      ("code_interpreter",)),
    ({"tools": [{"type": "shell", "environment": {"type": "local"}}]},                              ()),
    ({"tools": [{"type": "shell"}]},                                                                ("shell",)),
    ({"tools": [{"type": "namespace", "name": "n", "tools": [TOOL]}]},                              ()),
    ({"tools": [{"type": "namespace", "name": "n", "tools": [{"type": "mcp"}]}]},                   ("namespace",)),
    ({"tools": [{"type": "a_new_one"}]},                                                            ("a_new_one",)),
    ({"input": [{"type": "additional_tools", "role": "developer", "tools": [{"type": "mcp"}]}]},    ("mcp",)),
    ({"prompt": {"id": "pmpt_1"}},                                                                  ("prompt",)),
])  # fmt: skip
def test_tools_that_the_provider_runs_are_seen_and_bounded_by_max_tool_calls(
    fields: dict[str, Any], hosted: tuple[str, ...]
) -> None:
    found = call(**fields, max_tool_calls=3)

    assert (hosted, 3 if hosted else None) == (found.hosted_tools, found.hosted_uses_max)


def test_background_is_named_as_what_is_not_counted() -> None:
    assert ("background", None) == (call(background=True).uncounted, call(background=False).uncounted)


def test_items_become_turns() -> None:
    items = [
        {"role": "user", "content": "Hi"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "Let me see", "annotations": []}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "c2", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "1"},
        {"type": "function_call_output", "call_id": "c2", "output": "2"},
        {"role": "assistant", "content": "Done"},
    ]

    system, user, assistant, results, last = request(instructions="Be brief", input=items).messages

    assert Message(role="system", parts=(Text(text="Be brief"),)) == system
    assert Message(role="user", parts=(Text(text="Hi"),)) == user
    assert [Reasoning, Text, ToolCall, ToolCall] == [type(part) for part in assistant.parts]
    assert ["c1", "c2"] == [part.call_id for part in results.parts if isinstance(part, ToolResult)]
    assert Message(role="assistant", parts=(Text(text="Done"),)) == last


def test_a_text_after_a_tool_call_begins_a_turn() -> None:
    items = [
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"role": "assistant", "content": "And"},
    ]

    assert [1, 1] == [len(message.parts) for message in request(input=items).messages]


@pytest.mark.parametrize(("fields", "extra"), [
    ({"store": False, "truncation": "disabled", "service_tier": "auto", "metadata": {}, "background": False}, []),
    ({"include": ["reasoning.encrypted_content"], "reasoning": {"summary": "auto"}, "text": {}},              []),
    ({"store": True},                                     ["responses.store"]),
    ({"include": ["message.output_text.logprobs"]},       ["logprobs"]),
    ({"include": ["file_search_call.results"]},           ["include.file_search_call.results"]),
    ({"reasoning": {"effort": "low", "context": "current_turn"}},  ["reasoning.context"]),
    ({"text": {"verbosity": "low"}},                      ["verbosity"]),
    ({"tools": [{"type": "web_search"}]},                 ["tools[0].web_search"]),
    ({"tools": [{**TOOL, "defer_loading": True}]},        ["tools[0].defer_loading"]),
    ({"tool_choice": {"type": "allowed_tools"}},          ["tool_choice.allowed_tools"]),
    ({"previous_response_id": "resp_1"},                  ["previous_response_id"]),
    ({"a_new_one": 1},                                    ["a_new_one"]),
])  # fmt: skip
def test_what_has_no_canonical_form_is_kept_by_name(fields: dict[str, Any], extra: list[str]) -> None:
    assert extra == list(request(**fields).extra)


def test_a_call_names_its_tool_as_the_tools_do() -> None:
    """A tool of a group has the group's name before its own; one that was loaded by itself is its own group."""
    tools = [{"type": "namespace", "name": "n", "tools": [TOOL]}, {**TOOL, "name": "g"}]
    called = {"type": "function_call", "call_id": "c", "arguments": "{}"}
    calls = [{**called, "namespace": "n", "name": "f"}, {**called, "namespace": "g", "name": "g"}]

    requested = request(tools=tools, input=calls)

    parts = [part for message in requested.messages for part in message.parts]
    assert ["n__f", "g"] == [tool.name for tool in requested.tools]
    assert ["n__f", "g"] == [part.name for part in parts if isinstance(part, ToolCall)]


def test_an_item_that_only_this_api_has_is_named_by_its_place() -> None:
    items = [{"role": "user", "content": "Hi"}, {"type": "mcp_call", "id": "mcp_1", "name": "x", "arguments": "{}"}]

    part = request(input=items).messages[1].parts[0]

    assert isinstance(part, ProviderPart)
    assert ("input[1].mcp_call", items[1]) == (part.name, msgspec.json.decode(part.block))


def test_thinking_is_an_effort_or_none() -> None:
    assert Thinking(effort="high") == request(reasoning={"effort": "high"}).thinking
    assert Thinking(enabled=False) == request(reasoning={"effort": "none"}).thinking
    assert request(reasoning={"effort": None}).thinking is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "role", "content", "input", "tools", "output", "call_id", "name", "text", "model"]
            ),
            inner | st.sampled_from(["message", "function_call", "reasoning", "input_image", "user", "input_file"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(fields=st.dictionaries(st.sampled_from(["input", "tools", "text", "reasoning", "tool_choice", "prompt"]), JSON))
def test_whatever_is_sent_is_a_call_or_a_bad_request(fields: dict[str, Any]) -> None:
    found = read(**fields)

    if isinstance(found, ModelCall):
        assert isinstance(RESPONSES_CALLER.to_request(found), ChatRequest | BadRequest)


def test_calls_of_openais_own_tools_are_calls_elsewhere() -> None:
    action = {"type": "exec", "command": ["ls"]}
    requested = request(input=[
        {"type": "local_shell_call", "id": "l", "call_id": "c", "status": "completed", "action": action},
        {"type": "local_shell_call_output", "id": "o", "call_id": "c", "output": "a.txt"},
        {"type": "computer_call", "call_id": "d", "action": {"type": "screenshot"}},
        {"type": "computer_call_output", "call_id": "d", "output": {"type": "x", "image_url": "https://x.test/a.png"}},
        {"type": "shell_call_output", "call_id": "e", "output": [{"stdout": "x"}]},
    ])  # fmt: skip
    plain = [part.plain for message in requested.messages for part in message.parts if isinstance(part, ProviderPart)]

    assert [
        ToolCall(id="c", name="local_shell", arguments=f'{{"action":{json.dumps(action)}}}'),
        ToolResult(call_id="c", parts=(Text(text="a.txt"),)),
        ToolCall(id="d", name="computer", arguments='{"action":{"type": "screenshot"}}'),
        ToolResult(call_id="d", parts=(Image(url="https://x.test/a.png"),)),
        ToolResult(call_id="e", parts=(Text(text='[{"stdout": "x"}]'),)),
    ] == plain


@pytest.mark.parametrize("named", [{"name": "a"}, {"namespace": "g", "name": "b"}])
def test_a_choice_among_allowed_tools_leaves_those(named: dict[str, Any]) -> None:
    tools = [
        {**TOOL, "name": "a"},
        {**TOOL, "name": "c"},
        {"type": "namespace", "name": "g", "tools": [{**TOOL, "name": "b"}]},
    ]

    requested = request(
        tools=tools, tool_choice={"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", **named}]}
    )

    assert [named["name"]] == [tool.name.removeprefix("g__") for tool in requested.tools]
    assert (ToolChoice(mode="auto"), {}) == (requested.tool_choice, requested.extra)
