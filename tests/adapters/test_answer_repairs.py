"""Answers that pass through and break OpenAI's schema, repaired for the vendors that are known to send them."""

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from adapters.providers.dialect import ServerEvent
from adapters.providers.openai.repairs import SchemaRepairs, repairs_for
from domain.catalog.vendors import UNKNOWN, VENDORS
from domain.model_api.call import ModelCall

CALL = {"id": "a1B2c3D4e", "function": {"name": "add", "arguments": '{"a": 2}'}, "index": 0}
THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "Add them."}], "closed": True}
USAGE = {"prompt_tokens": 12, "completion_tokens": 20, "total_tokens": 32}


def of(vendor: str, wants_usage: bool = True) -> SchemaRepairs:
    call = ModelCall(dialect="openai", model="m", fields={}, body_bytes=1, wants_usage=wants_usage)
    found = repairs_for(call, VENDORS[vendor])
    assert found is not None
    return found


def whole(message: dict[str, Any], finish: str = "stop") -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": USAGE}


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> ServerEvent:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    data = json.dumps({**head, "choices": [choice], **more}).encode()
    return ServerEvent("", data, b"data: " + data + b"\n\n")


def reported(raw: bytes) -> list[dict[str, Any]]:
    return [json.loads(event.removeprefix(b"data: ")) for event in raw.split(b"\n\n") if event]


@pytest.mark.parametrize(("vendor", "message", "finish", "repaired"), [
    ("mistral",    {"content": [THOUGHT, {"type": "text", "text": "4"}], "tool_calls": None}, "stop",
                   {"content": "4", "reasoning_content": "Add them."}),
    ("mistral",    {"content": [{"type": "text", "text": "4"}, {"type": "reference", "reference_ids": [1]}]}, "stop",
                   {"content": "4", "content_parts": [{"type": "reference", "reference_ids": [1]}]}),
    ("mistral",    {"content": "4", "tool_calls": None}, "stop", {"content": "4"}),
    ("mistral",    {"content": "", "tool_calls": [CALL]}, "tool_calls",
                   {"content": "", "tool_calls": [{**CALL, "type": "function"}]}),
    ("mistral",    {"content": "", "tool_calls": [{**CALL, "type": None}]}, "tool_calls",
                   {"content": "", "tool_calls": [{**CALL, "type": "function"}]}),
    ("groq",       {"tool_calls": [{**CALL, "type": "function"}]}, "tool_calls",
                   {"content": None, "tool_calls": [{**CALL, "type": "function"}]}),
    ("cerebras",   {"reasoning": "Hm."}, "stop", {"content": None, "reasoning": "Hm."}),
])  # fmt: skip
def test_a_whole_answer_is_repaired(
    vendor: str, message: dict[str, Any], finish: str, repaired: dict[str, Any]
) -> None:
    answer = json.loads(of(vendor).whole(json.dumps(whole(message, finish)).encode()))

    assert whole(repaired, finish) == answer
    ChatCompletion.model_validate(answer, strict=True)


@pytest.mark.parametrize(("called", "finish"), [(None, "stop"), ([{**CALL, "type": "function"}], "tool_calls")])
def test_a_finish_of_no_letters_is_one(called: Any, finish: str) -> None:
    answer = whole({"content": "4", "tool_calls": called}, "")

    repaired = json.loads(of("snowflake").whole(json.dumps(answer).encode()))

    assert finish == repaired["choices"][0]["finish_reason"]
    ChatCompletion.model_validate(repaired, strict=True)


@pytest.mark.parametrize("vendor", [name for name, vendor in VENDORS.items() if vendor.defects])
@pytest.mark.parametrize("body", [
    json.dumps(whole({"content": "4", "refusal": None}), indent=1).encode(),
    json.dumps(whole({"content": None, "tool_calls": [{**CALL, "type": "function"}]}, "tool_calls")).encode(),
    b'{"choices": 7}', b"{}", b"no json", b'{"choices":[{"message":"text"}]}',
])  # fmt: skip
def test_an_answer_with_nothing_amiss_stays_byte_for_byte(vendor: str, body: bytes) -> None:
    event = chunk({"content": "4"}, obfuscation="x")

    assert body == of(vendor).whole(body)
    assert event.raw == of(vendor).event(event)
    assert b": comment\n\n" == of(vendor).event(ServerEvent("", b"", b": comment\n\n"))


def test_a_field_that_is_not_repaired_stays_as_it_was_written() -> None:
    body = b'{"x": 1.50 , "choices": [{"index": 0, "message": {"content": "4", "tool_calls": null, "y": [1 , 2]}}]}'

    assert b'{"x":1.50,"choices":[{"index":0,"message":{"content":"4","y":[1 , 2]}}]}' == of("mistral").whole(body)


@pytest.mark.parametrize(("wants_usage", "events"), [(True, 2), (False, 1)])
def test_usage_next_to_choices_is_an_event_of_its_own(wants_usage: bool, events: int) -> None:
    last = chunk({"content": ""}, "stop", usage=USAGE)

    repaired = reported(of("mistral", wants_usage).event(last))

    assert events == len(repaired)
    assert ("stop", None) == (repaired[0]["choices"][0]["finish_reason"], repaired[0]["usage"])
    assert [([], USAGE)] * (events - 1) == [(after["choices"], after["usage"]) for after in repaired[1:]]
    for each in repaired:
        ChatCompletionChunk.model_validate(each, strict=True)


def test_a_choice_finishes_once() -> None:
    stream = of("openrouter")
    repaired = [
        reported(stream.event(event)) for event in (chunk({"content": "4"}), chunk({}, "stop"), chunk({}, "stop"))
    ]

    assert [None, "stop", None] == [each[0]["choices"][0]["finish_reason"] for each in repaired]


def test_streamed_reasoning_is_in_the_usual_field() -> None:
    (repaired,) = reported(of("mistral").event(chunk({"content": [THOUGHT]})))

    assert {"content": "", "reasoning_content": "Add them."} == repaired["choices"][0]["delta"]


def test_who_is_not_known_is_not_repaired() -> None:
    call = ModelCall(dialect="openai", model="m", fields={}, body_bytes=1)

    assert repairs_for(call, UNKNOWN) is None
    assert repairs_for(call, VENDORS["openai"]) is None
