"""Histories of conversations, fitted to vendors whose schemas are closed: for callers of their own dialect, too."""

import json
from typing import Any

import pytest

from adapters.providers.openai import OPENAI
from adapters.providers.openai.history import UNRECORDED
from domain.catalog.vendors import VENDORS
from domain.model_api.call import Attempt, Target
from tests.adapters.openai_events import call

CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
SDKS_NULLS: dict[str, Any] = {"refusal": None, "audio": None, "function_call": None, "annotations": []}
STRICT = ("mistral", "groq", "cerebras")


def at(vendor: str, model: str = "m") -> Attempt:
    base_url = VENDORS[vendor].base_url if vendor in VENDORS else "http://127.0.0.1:9/v1"
    target = Target(provider=vendor, dialect="openai", base_url=base_url, model=model, credential_id=None, sealed=None)
    return Attempt(call_id="call-1", target=target, output_cap=None, timeout_ms=1_000)


def sent_to(vendor: str, upstream: str = "m", **fields: Any) -> dict[str, Any]:
    body = {"model": "x/m", "messages": [{"role": "user", "content": "Hi"}], **fields}
    sent: dict[str, Any] = json.loads(OPENAI.pass_through(call(json.dumps(body)), at(vendor, upstream)))
    return sent


def history(vendor: str, *said: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = sent_to(vendor, messages=list(said), **fields)["messages"]
    return messages


@pytest.mark.parametrize("vendor", STRICT)
def test_a_message_goes_with_the_fields_that_the_vendor_knows(vendor: str) -> None:
    reported = {"role": "assistant", "content": "Cold.", **SDKS_NULLS, "provider_blocks": [], "extra_content": {"a": 1}}

    assert [{"role": "assistant", "content": "Cold."}] == history(vendor, reported)


@pytest.mark.parametrize(
    ("vendor", "word", "sent"),
    [
        ("groq", "reasoning_content", {"content": "Cold."}),
        ("cerebras", "reasoning_content", {"content": "Cold.", "reasoning": "hm"}),
        ("cerebras", "reasoning", {"content": "Cold.", "reasoning": "hm"}),
        ("deepseek", "reasoning", {"content": "Cold.", "reasoning_content": "hm"}),
        ("deepseek", "reasoning_content", {"content": "Cold.", "reasoning_content": "hm"}),
        ("openai", "reasoning_content", {"content": "Cold."}),
        ("azure", "reasoning", {"content": "Cold."}),
        ("openrouter", "reasoning", {"content": "Cold.", "reasoning": "hm"}),
        ("mistral", "reasoning_content", {"content": [
            {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "Cold."}]}),
    ],
)  # fmt: skip
def test_reasoning_goes_back_in_the_vendors_own_field(vendor: str, word: str, sent: dict[str, Any]) -> None:
    assert [{"role": "assistant", **sent}] == history(vendor, {"role": "assistant", "content": "Cold.", word: "hm"})


def test_thinking_of_blanks_is_none() -> None:
    reported = {"role": "assistant", "content": "Cold.", "reasoning_content": "\n"}

    assert [{"role": "assistant", "content": "Cold."}] == history("mistral", reported)


def test_openrouters_details_become_the_text_of_another_vendor() -> None:
    details = [{"type": "reasoning.text", "text": "h"}, {"type": "reasoning.encrypted", "data": "x"}, {"text": "m"}]
    reported = {"role": "assistant", "content": "Cold.", "reasoning_details": details}

    assert [{"role": "assistant", "content": "Cold.", "reasoning_content": "hm"}] == history("deepseek", reported)
    assert [reported] == history("openrouter", reported)


def test_the_text_of_a_refusal_is_not_lost() -> None:
    reported = {"role": "assistant", "content": None, "refusal": "I will not."}

    assert [{"role": "assistant", "content": "I will not."}] == history("mistral", reported)


def test_a_name_is_left_out_where_the_role_has_none() -> None:
    said = ({"role": "user", "name": "ada", "content": "Hi"},
            {"role": "assistant", "content": "", "tool_calls": [CALL | {"id": "123456789"}]},
            {"role": "tool", "name": "look", "tool_call_id": "123456789", "content": "Nothing."})  # fmt: skip

    assert [("name" in turn) for turn in history("mistral", *said)] == [False, False, True]
    assert [("name" in turn) for turn in history("groq", *said)] == [True, False, True]


def test_deepseek_gets_thinking_with_every_message_that_other_models_wrote_without() -> None:
    said = ({"role": "user", "content": "Hi"},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c1", "content": "Nothing."},
            {"role": "assistant", "content": "Nothing.", "reasoning_content": "So."})  # fmt: skip

    assert [turn.get("reasoning_content") for turn in history("deepseek", *said)] == [None, UNRECORDED, None, "So."]
    reported = history("deepseek", *said, thinking={"type": "disabled"})
    assert [turn.get("reasoning_content") for turn in reported] == [None, None, None, "So."]
    reported = history("deepseek", *said, upstream="deepseek-chat")  # It thinks only where it is asked to.
    assert [turn.get("reasoning_content") for turn in reported] == [None, None, None, "So."]
    reported = history("deepseek", *said, upstream="deepseek-chat", thinking={"type": "enabled"})
    assert [turn.get("reasoning_content") for turn in reported] == [None, UNRECORDED, None, "So."]
    assert [turn.get("reasoning_content") for turn in history("xai", *said)] == [None, None, None, "So."]


@pytest.mark.parametrize("vendor", ["openai", "deepseek", *STRICT])
def test_marks_for_anthropics_cache_stay_here(vendor: str) -> None:
    mark = {"cache_control": {"type": "ephemeral"}}
    tool = {"type": "function", "function": {"name": "look"}}
    said = {"role": "user", "content": [{"type": "text", "text": "Hi", **mark}], **mark}

    sent = sent_to(vendor, messages=[said], tools=[{**tool, **mark}])

    assert [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}] == sent["messages"]
    assert [tool] == sent["tools"]
    assert [said] == history("openrouter", said)


def test_an_empty_list_of_tools_is_left_out() -> None:
    sent = sent_to("mistral", tools=[], tool_choice="auto", parallel_tool_calls=True)

    assert {"model", "messages"} == sent.keys()


@pytest.mark.parametrize(("vendor", "size"), [("openai", 40), ("azure", 40), ("mistral", 9), ("deepseek", 80)])
def test_ids_of_calls_are_fitted_in_call_and_result(vendor: str, size: int) -> None:
    one, two = "c" * 80, "c" * 79 + "d"
    said: list[dict[str, Any]] = [{"role": "assistant", "content": "", "tool_calls": [CALL | {"id": name} for name in (one, two)]},
            {"role": "tool", "tool_call_id": one, "content": "1"},
            {"role": "tool", "tool_call_id": two, "content": "2"}]  # fmt: skip

    requested, *answered = history(vendor, *said, thinking={"type": "disabled"})

    ids = [made["id"] for made in requested["tool_calls"]]
    assert ids == [turn["tool_call_id"] for turn in answered]
    assert [size, size] == [len(name) for name in ids]
    assert 2 == len(set(ids))


def test_an_unknown_server_gets_every_byte() -> None:
    body = (
        '{"model":"m","messages":[{"role":"assistant",  "content":"","reasoning_content":"hm","refusal":null,'
        '"tool_calls":[{"id":"' + "c" * 80 + '"}],"cache_control":{}}],"tools":[]}'
    )

    assert body.encode() == OPENAI.pass_through(call(body), at("acme"))


def test_a_history_that_fits_keeps_every_byte() -> None:
    body = (
        '{"model":"m","messages":[{"role":"assistant",  "content":null,"refusal" : null,"tool_calls":[ {"id":"c1"} ]},'
        '{"role":"tool","tool_call_id":"c1","content":"1"}]}'
    )

    assert body.encode() == OPENAI.pass_through(call(body), at("openai"))
