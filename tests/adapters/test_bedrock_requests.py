"""A canonical request in Converse's form: turns, results, and marks for the prompt cache."""

import base64
import json
from typing import Any

import msgspec
import pytest

from adapters.providers.bedrock import BEDROCK
from domain.dialects.signatures import carry
from domain.model_api.requests import (
    ChatRequest,
    Document,
    Image,
    Message,
    Part,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from tests.support.bedrock import CLAUDE, LLAMA, NOVA, attempt, encoded, requested

MISTRAL = "us.mistral.pixtral-large-2502-v1:0"
WRITER = "us.writer.palmyra-x4-v1:0"
F = Tool(name="f")


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def says(role: Any, *parts: Part) -> Message:
    return Message(role=role, parts=parts)


def content(*parts: Part, model: str = CLAUDE, **fields: Any) -> Any:
    (turn,) = encoded(requested(*parts, model=model, **fields))["messages"]
    return turn["content"]


def conversation(*messages: Message, model: str = CLAUDE, **fields: Any) -> Any:
    return encoded(requested(messages=messages, model=model, **fields))["messages"]


def test_the_least_request() -> None:
    assert encoded(requested()) == {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}


def test_system_messages_lead_and_turns_of_one_role_become_one() -> None:
    request = ChatRequest(
        model=CLAUDE,
        messages=(
            says("system", Text(text="Be brief.")),
            says("developer", Text(text="Be kind."), Text(text="")),
            says("user", Text(text="Weather?")),
            says("assistant", Text(text=""), ToolCall(id="a", name="now", arguments="")),
            says("assistant", ToolCall(id="b", name="at", arguments='{"x": 1.50}')),
            says("user", Text(text="Well?")),
            says("user", ToolResult(call_id="a", parts=(Text(text="noon"),))),
            says("user", ToolResult(call_id="b", parts=(), is_error=True)),
            says("developer", Text(text="Be quick.")),
            says("assistant", Reasoning(text="hm"), Reasoning(text="", signature="s"), Reasoning(redacted="r")),
            says(
                "assistant", Reasoning(text="hm", signature=carry("cohere", {})), Reasoning(redacted=carry("acme", {}))
            ),
        ),
        tools=(F,),
    )

    body = BEDROCK.encode(request, attempt())

    assert BEDROCK.refuses(request) is None
    assert b'"input":{"x": 1.50}' in body
    sent = json.loads(body)
    assert sent["system"] == [{"text": "Be brief."}, {"text": "Be kind."}]
    assert sent["messages"] == [
        {"role": "user", "content": [{"text": "Weather?"}]},
        {
            "role": "assistant",
            "content": [
                {"toolUse": {"toolUseId": "a", "name": "now", "input": {}}},
                {"toolUse": {"toolUseId": "b", "name": "at", "input": {"x": 1.5}}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"toolResult": {"toolUseId": "a", "content": [{"text": "noon"}]}},
                {"toolResult": {"toolUseId": "b", "content": [], "status": "error"}},
                {"text": "Well?"},
                {"text": "Be quick."},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "", "signature": "s"}}},
                {"reasoningContent": {"redactedContent": base64.b64encode(b"r").decode()}},
            ],
        },
    ]


def test_an_encrypted_block_goes_back_as_it_came() -> None:
    for sent in (base64.b64encode(b"EmwKAhgB").decode(), base64.b64encode(b"\xff\xfe").decode(), "no base64!"):
        answer = {"output": {"message": {"content": [{"reasoningContent": {"redactedContent": sent}}]}}}
        thought = BEDROCK.decode(json.dumps(answer).encode())[1]
        data = thought.redacted  # type: ignore[union-attr]

        (_, turn) = conversation(says("user", Text(text="a")), says("assistant", Reasoning(redacted=data)))

        assert [{"reasoningContent": {"redactedContent": sent}}] == turn["content"]


# --- turns of results -----------------------------------------------------------------------------------

_CALLED = (
    says("user", Text(text="a")),
    says("assistant", ToolCall(id="t", name="f", arguments="{}")),
)
_RESULT = ToolResult(call_id="t", parts=(Text(text="1"), Image(data="aGk=", media_type="image/png")))


def test_results_come_before_the_users_other_content() -> None:
    turns = conversation(*_CALLED, says("user", Text(text="b"), _RESULT), tools=(F,))

    result = {"toolUseId": "t", "content": [{"text": "1"}, {"image": {"format": "png", "source": {"bytes": "aGk="}}}]}
    assert turns[2:] == [{"role": "user", "content": [{"toolResult": result}, {"text": "b"}]}]


@pytest.mark.parametrize(
    ("model", "parts", "roles"),
    [
        (CLAUDE, (Text(text="b"),), ["user"]),
        (CLAUDE, (Text(text="b"), Document(text="c")), ["user"]),
        (NOVA, (Text(text="b"), Document(text="c")), ["user"]),
        (LLAMA, (Text(text="b"),), ["user", "assistant", "user"]),
        (LLAMA, (), ["user"]),
        (MISTRAL, (Text(text="b"),), ["user", "assistant", "user"]),
        (WRITER, (Text(text="b"),), ["user", "assistant", "user"]),
    ],
)
def test_some_families_want_results_in_a_turn_of_their_own(
    model: str, parts: tuple[Part, ...], roles: list[str]
) -> None:
    turns = conversation(*_CALLED, says("user", _RESULT, *parts), model=model, tools=(F,))[2:]

    assert roles == [turn["role"] for turn in turns]
    kinds = [next(iter(block)) for turn in turns if turn["role"] == "user" for block in turn["content"]]
    assert sorted(["toolResult", *("document" if isinstance(part, Document) else "text" for part in parts)]) == sorted(
        kinds
    )


def test_an_id_that_converse_does_not_allow_is_spelled_otherwise_wherever_it_stands() -> None:
    odd, long = "call/1 é", "x" * 65
    turns = conversation(
        says("user", Text(text="a")),
        says("assistant", *(ToolCall(id=one, name="f", arguments="{}") for one in (odd, long))),
        says("user", *(ToolResult(call_id=one, parts=(Text(text="1"),)) for one in (odd, long))),
        tools=(F,),
    )

    called = [block["toolUse"]["toolUseId"] for block in turns[1]["content"]]
    assert called == [block["toolResult"]["toolUseId"] for block in turns[2]["content"]]
    assert all(len(one) <= 64 and one.replace("_", "").isalnum() and one.isascii() for one in called)
    assert 2 == len(set(called))


def test_palmyra_gets_no_status() -> None:
    failed = says("user", ToolResult(call_id="t", parts=(Text(text="No."),), is_error=True))

    (block,) = conversation(*_CALLED, failed, model=WRITER, tools=(F,))[2]["content"]
    assert {"toolResult": {"toolUseId": "t", "content": [{"text": "No."}]}} == block


# --- the prompt cache -----------------------------------------------------------------------------------

_MARK = raw({"type": "ephemeral"})
_POINT = {"cachePoint": {"type": "default"}}


def test_marks_for_the_prompt_cache_become_cache_points() -> None:
    request = requested(
        messages=(
            says("system", Text(text="Be brief.", cache_control=raw({"type": "ephemeral", "ttl": "1h"}))),
            says("user", Text(text="a", cache_control=_MARK), Image(data="aGk=", media_type="image/png")),
        ),
        tools=(Tool(name="f", cache_control=_MARK), Tool(name="g")),
    )

    body = encoded(request)

    assert body["system"] == [{"text": "Be brief."}, {"cachePoint": {"type": "default", "ttl": "1h"}}]
    assert [next(iter(tool)) for tool in body["toolConfig"]["tools"]] == ["toolSpec", "cachePoint", "toolSpec"]
    assert [next(iter(block)) for block in body["messages"][0]["content"]] == ["text", "cachePoint", "image"]


def test_a_cache_point_never_stands_right_behind_a_document() -> None:
    document = Document(text="c", cache_control=_MARK)

    kinds = [next(iter(block)) for block in content(Text(text="a"), Document(text="b"), document)]
    assert ["text", "cachePoint", "document", "document"] == kinds
    assert _POINT not in content(document, Text(text="a"))
    assert 1 == content(Text(text="a", cache_control=_MARK), document, document).count(_POINT)


def test_what_is_marked_inside_a_result_is_marked_behind_it() -> None:
    result = ToolResult(call_id="t", parts=(Text(text="1", cache_control=_MARK),))

    (block, point) = conversation(*_CALLED, says("user", result), tools=(F,))[2]["content"]
    assert ("toolResult", _POINT) == (next(iter(block)), point)


@pytest.mark.parametrize(("model", "in_text", "in_tools"), [(CLAUDE, 1, 1), (NOVA, 1, 0), (LLAMA, 0, 0)])
def test_families_without_a_prompt_cache_get_no_marks(model: str, in_text: int, in_tools: int) -> None:
    tools = (Tool(name="f", cache_control=_MARK),)
    body = encoded(requested(Text(text="a", cache_control=_MARK), model=model, tools=tools))

    assert in_text == body["messages"][0]["content"].count(_POINT)
    assert in_tools == body["toolConfig"]["tools"].count(_POINT)


def test_a_mark_for_the_whole_request_is_set_at_its_end() -> None:
    assert content(Text(text="a"), extra={"cache_control": _MARK}) == [{"text": "a"}, _POINT]
    assert content(Text(text="a", cache_control=_MARK), extra={"cache_control": _MARK}) == [{"text": "a"}, _POINT]
    assert content(Text(text="a"), model=LLAMA, extra={"cache_control": _MARK}) == [{"text": "a"}]
