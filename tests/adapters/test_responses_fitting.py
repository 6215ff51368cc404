"""Blocks that the hub gave a Responses caller for other vendors' answers are not sent to OpenAI on the next turn."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.openai_responses import RESPONSES
from domain.model_api.call import Attempt, ModelCall, Target
from domain.model_api.requests import ChatRequest, Message, Text, ToolCall, ToolResult

USER = {"type": "message", "role": "user", "content": "Hi"}
LONG = "c" * 80
OWN_ID = "rs_01m8nbcxaxq908nkd6yr25nzdg_0"


def at(provider: str) -> Attempt:
    base_url = "https://api.openai.com/v1" if provider == "openai" else "http://127.0.0.1:9/v1"
    target = Target(
        provider=provider,
        dialect="openai-responses",
        base_url=base_url,
        model="m",
        credential_id=None,
        sealed=None,
    )
    return Attempt(call_id="call-1", target=target, output_cap=None, timeout_ms=1_000)


def passed(body: str, provider: str) -> bytes:
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    call = ModelCall(dialect="openai-responses", model="m", fields=fields, body_bytes=len(body))
    return RESPONSES.pass_through(call, at(provider))


def sent(*items: Any, provider: str = "openai") -> list[Any]:
    reported: list[Any] = json.loads(passed(json.dumps({"model": "m", "input": items}), provider))["input"]
    return reported


@pytest.mark.parametrize("provider", ["openai", "acme"])
@pytest.mark.parametrize(
    "item",
    [
        {"type": "provider_block", "id": "pb_1", "dialect": "google", "name": "finish", "block": {}},
        {"type": "foreign", "id": "fb_1", "dialect": "google", "name": "finish", "block": {}},
        {"type": "reasoning", "id": OWN_ID, "summary": [], "encrypted_content": "signature~EuYB"},
        {"type": "reasoning", "id": OWN_ID, "summary": [], "encrypted_content": "redacted~Eu8C"},
    ],
)
def test_blocks_that_the_hub_made_for_other_vendors_are_left_out(item: dict[str, Any], provider: str) -> None:
    assert [USER] == sent(USER, item, provider=provider)


def test_unsigned_reasoning_is_left_out_for_openai() -> None:
    unsigned = {"type": "reasoning", "id": OWN_ID, "summary": [{"type": "summary_text", "text": "hm"}]}
    own = {"type": "reasoning", "id": "rs_68af", "summary": [], "encrypted_content": "gAAAA"}

    assert [USER, own] == sent(USER, unsigned, own)
    assert [USER, unsigned, own] == sent(USER, unsigned, own, provider="acme")


@pytest.mark.parametrize("block_type", ["provider_block", "foreign"])
def test_citations_of_other_vendors_are_not_sent_to_openai(block_type: str) -> None:
    page = {"type": "url_citation", "url": "https://x", "title": "", "start_index": 0, "end_index": 1}
    theirs = {**page, block_type: {"dialect": "anthropic", "name": "citation", "block": {}}}
    alone = {"type": block_type, "dialect": "cohere", "name": "citation", "block": {}}
    text = {"type": "output_text", "text": "a", "annotations": [page, theirs, alone]}
    said = {"type": "message", "role": "assistant", "content": [text]}

    assert [{**said, "content": [{**text, "annotations": [page, page]}]}] == sent(said)


def test_call_ids_are_shortened_to_openais_limit() -> None:
    items = (
        {"type": "function_call", "call_id": LONG, "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": LONG, "output": "1"},
    )

    requested, answered = sent(*items)
    assert 64 == len(requested["call_id"])
    assert requested["call_id"] == answered["call_id"]
    assert [*items] == sent(*items, provider="acme")

    turns = (
        Message(role="assistant", parts=(ToolCall(id=LONG, name="f", arguments="{}"),)),
        Message(role="user", parts=(ToolResult(call_id=LONG, parts=(Text(text="1"),)),)),
    )
    translated = json.loads(RESPONSES.encode(ChatRequest(model="m", messages=turns), at("acme")))["input"]
    assert [requested["call_id"]] * 2 == [item["call_id"] for item in translated]


def test_an_input_that_fits_is_sent_byte_for_byte() -> None:
    body = (
        '{"model":"m","input":[{"type":"message", "role":"user","content":"\\"foreign\\""},{"type":"reasoning","id":"rs_1",'
        '"summary":[] },{"type":"function_call","call_id" : "c1","name":"f","arguments":"{}"}]}'
    )

    assert body.encode() == passed(body, "openai")


@given(
    st.lists(
        st.one_of(
            st.just(USER),
            st.builds(
                lambda proof: {"type": "reasoning", "id": OWN_ID, "encrypted_content": proof}, st.text(max_size=12)
            ),
            st.builds(lambda name: {"type": "function_call", "call_id": name}, st.text(max_size=80)),
            st.builds(lambda name: {"type": "provider_block", "name": name}, st.text(max_size=5)),
        ),
        max_size=5,
    )
)
def test_fitting_twice_is_fitting_once(items: list[Any]) -> None:
    once = sent(*items)

    assert once == sent(*once)
