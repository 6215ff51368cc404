"""Why an answer ended, where its calls and the provider's reason contradict each other: an agent acts on the reason."""

import json
from typing import Any

import pytest

from adapters.providers.registry import DIALECTS
from domain.model_api.events import Finished

CALL: dict[str, Any] = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def openai(reason: str, calls: list[Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": "x", "tool_calls": calls}
    return {"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": reason}]}


def anthropic(reason: str, calls: list[Any], **more: Any) -> dict[str, Any]:
    content = [
        {"type": "text", "text": "x"},
        *({"type": "tool_use", "id": "t", "name": "f", "input": {}} for _ in calls),
    ]
    return {"id": "m", "role": "assistant", "model": "m", "content": content, "stop_reason": reason, **more}


def cohere(reason: str, calls: list[Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": [{"type": "text", "text": "x"}], "tool_calls": calls}
    return {"id": "c", "finish_reason": reason, "message": message}


@pytest.mark.parametrize(("dialect", "answer", "reason"), [
    ("openai",     openai("tool_calls", [CALL]),                                            "tool_calls"),
    ("openai",     openai("tool_calls", []),                                                "stop"),
    ("openai",     openai("tool_calls", [{**CALL, "function": {"name": "", "arguments": ""}}]), "stop"),
    ("anthropic",  anthropic("tool_use", [CALL]),                                           "tool_calls"),
    ("anthropic",  anthropic("tool_use", []),                                               "stop"),
    ("anthropic",  anthropic("end_turn", [CALL]),                                           "tool_calls"),
    ("anthropic",  anthropic("max_tokens", [CALL]),                                         "length"),
    ("anthropic",  anthropic("stop_sequence", [], stop_sequence="END"),                     "stop"),
    ("cohere",     cohere("COMPLETE", [CALL]),                                              "tool_calls"),
    ("cohere",     cohere("TOOL_CALL", []),                                                 "stop"),
    ("cohere",     cohere("MAX_TOKENS", [CALL]),                                            "length"),
])  # fmt: skip
def test_the_reason_is_a_call_if_there_is_one(dialect: str, answer: dict[str, Any], reason: str) -> None:
    events = DIALECTS[dialect].decode(json.dumps(answer).encode())

    assert [reason] == [event.reason for event in events if isinstance(event, Finished)]
