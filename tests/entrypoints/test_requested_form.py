"""An answer reported as its request asked for it: custom tools whole or not at all, thinking kept back where asked."""

import json
from typing import Any

import msgspec
import pytest

from domain.model_api.events import Ended, Event, Finished, FinishReason, ReasoningDelta, ToolCallDelta
from domain.model_api.requests import ChatRequest
from domain.model_api.tools import Custom, custom_tool
from entrypoints.http.dialects.anthropic import ANTHROPIC_CALLER
from entrypoints.http.dialects.openai_chat import OPENAI_CALLER
from entrypoints.http.dialects.requested_form import in_requested_form
from tests.support.rendering import a_rendering

PATCH = custom_tool("patch", Custom())


def calls(arguments: str, reason: FinishReason) -> list[Any]:
    """The tool calls that a chat caller receives of."""
    events: tuple[Event, ...] = (
        ToolCallDelta(index=0, id="c1", name="patch"),
        ToolCallDelta(index=0, arguments=arguments),
        Finished(reason=reason),
        Ended(),
    )
    dialect = in_requested_form(OPENAI_CALLER, ChatRequest(model="m", messages=(), tools=(PATCH,)))
    message = json.loads(dialect.whole(events, a_rendering()))["choices"][0]["message"]
    return message.get("tool_calls") or []


@pytest.mark.parametrize(
    ("arguments", "reason", "text"),
    [('{"input":"a\\nb"}', "tool_calls", "a\nb"), ("*** Begin", "tool_calls", "*** Begin")],
)
def test_a_custom_tools_input_is_taken_out_of_its_arguments(arguments: str, reason: FinishReason, text: str) -> None:
    [call] = calls(arguments, reason)

    assert ("custom", {"name": "patch", "input": text}) == (call["type"], call["custom"])


def test_half_a_custom_tools_input_is_no_call() -> None:
    assert [] == calls('{"input":"a', "length")


def test_thinking_that_must_not_be_shown_is_kept_back_but_for_its_signature() -> None:
    hidden = {"thinking.display": msgspec.Raw(b'"omitted"')}
    dialect = in_requested_form(ANTHROPIC_CALLER, ChatRequest(model="m", messages=(), extra=hidden))
    events: tuple[Event, ...] = (
        ReasoningDelta(text="secret"),
        ReasoningDelta(signature="signed"),
        Finished(reason="stop"),
        Ended(),
    )

    reported = dialect.whole(events, a_rendering())

    assert b"secret" not in reported
    assert b"signed" in reported


def test_a_request_that_asks_for_nothing_of_the_kind_is_answered_as_ever() -> None:
    assert in_requested_form(OPENAI_CALLER, ChatRequest(model="m", messages=())) is OPENAI_CALLER
    assert in_requested_form(OPENAI_CALLER, None) is OPENAI_CALLER
