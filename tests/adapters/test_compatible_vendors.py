"""Compatible vendors with deviations: a caller's field under the name that each vendor has."""

import json
from typing import Any

import msgspec
import pytest

from adapters.providers.http import HttpProviders
from adapters.providers.openai import OPENAI
from adapters.providers.openai.history import UNRECORDED
from domain.catalog.vendors import VENDORS
from domain.dialects.openrouter_reasoning import Detail, thought_of
from domain.dialects.signatures import carried, carry, is_carrier
from domain.model_api.call import Attempt, Target
from domain.model_api.events import ReasoningDelta
from domain.model_api.requests import (
    ChatRequest,
    Document,
    Message,
    Part,
    Reasoning,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from tests.adapters.http_attempts import SECRET, WHOLE, attempt_at, chat, outcome
from tests.adapters.openai_events import call
from tests.support.provider import StubProvider, answering

SAID = [{"role": "user", "content": "Hi"}]
ENCRYPTED = {"type": "reasoning.encrypted", "data": "ZW5j", "format": "openai-responses-v1", "id": "rs_1", "index": 0}
SUMMARY = {"type": "reasoning.summary", "summary": "Hm.", "format": "openai-responses-v1", "index": 0}
SIGNED = {"type": "reasoning.text", "text": "Hm.", "signature": "c2ln", "format": "anthropic-claude-v1", "index": 0}


def at(vendor: str, cap: int | None = None) -> Attempt:
    target = Target(
        provider=vendor,
        dialect="openai",
        base_url=VENDORS[vendor].base_url,
        model="m",
        credential_id=None,
        sealed=None,
    )
    return Attempt(call_id="call-1", target=target, output_cap=cap, timeout_ms=1_000)


def passed(vendor: str, fields: dict[str, Any], cap: int | None = None) -> dict[str, Any]:
    """What a caller of OpenAI's dialect gets through to the vendor, without what every request has."""
    body = {"model": "x/m", "messages": SAID, **fields}
    cap_field = next((name for name in ("max_completion_tokens", "max_tokens") if name in fields), None)
    requested = call(json.dumps(body), stream=bool(fields.get("stream")), cap_field=cap_field)
    sent: dict[str, Any] = json.loads(OPENAI.pass_through(requested, at(vendor, cap)))
    assert "m" == sent.pop("model")
    if sent["messages"] == SAID:
        del sent["messages"]
    return sent


def encoded(vendor: str, **request: Any) -> dict[str, Any]:
    """What a caller of another dialect is made to say to the vendor."""
    messages = request.pop("messages", (Message(role="user", parts=(Text(text="Hi"),)),))
    body = OPENAI.encode(ChatRequest(model="m", messages=messages, **request), at(vendor))
    sent: dict[str, Any] = json.loads(body)
    assert "m" == sent.pop("model")
    return sent


@pytest.mark.parametrize(
    ("vendor", "requested", "sent"),
    [
        ("openai",    {"max_tokens": 5},                         {"max_tokens": 5}),
        ("mistral",   {"max_completion_tokens": 5},              {"max_tokens": 5}),
        ("deepseek",  {"max_completion_tokens": 5},              {"max_tokens": 5}),
        ("deepseek",  {"max_tokens": None, "max_completion_tokens": 5}, {"max_tokens": 5}),
        ("ollama",    {"max_completion_tokens": 5},              {"max_tokens": 5}),
        ("doubao",    {"max_tokens": 5},                         {"max_completion_tokens": 5}),
        ("groq",      {"max_tokens": 5},                         {"max_tokens": 5}),
        ("mistral",   {"seed": 7},                               {"random_seed": 7}),
        ("mistral",   {"user": "ada", "store": False},           {}),
        ("mistral",   {"store": True},                           {"store": True}),
        ("groq",      {"logprobs": False, "logit_bias": None},   {}),
        ("groq",      {"logprobs": True},                        {"logprobs": True}),
        ("groq",      {"user": "ada"},                           {"user": "ada"}),
        ("cerebras",  {"presence_penalty": 0.0},                 {}),
        ("cerebras",  {"presence_penalty": 0.5},                 {"presence_penalty": 0.5}),
        ("mistral",   {"stream": True},                          {"stream": True}),
        ("zai",       {"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}),
        ("groq",      {"stream": True},                          {"stream": True, "stream_options": {"include_usage": True}}),
        ("deepseek",  {"reasoning_effort": "none"},              {"thinking": {"type": "disabled"}}),
        ("deepseek",  {"reasoning_effort": "low"},               {"reasoning_effort": "low"}),
        ("zai",       {"reasoning_effort": "none", "thinking": {"type": "enabled"}},
                      {"reasoning_effort": "none", "thinking": {"type": "enabled"}}),
        ("openrouter", {"reasoning_effort": "none"},             {"reasoning_effort": "none"}),
        ("openrouter", {"reasoning": {"max_tokens": 9}},         {"reasoning": {"max_tokens": 9}}),
    ],
)  # fmt: skip
def test_a_callers_fields_reach_a_vendor_by_its_own_names(
    vendor: str, requested: dict[str, Any], sent: dict[str, Any]
) -> None:
    assert sent == passed(vendor, requested)


@pytest.mark.parametrize("vendor", [name for name, vendor in VENDORS.items() if vendor.dialect == "openai"])
def test_the_hubs_cap_stands_in_a_field_that_the_vendor_heeds(vendor: str) -> None:
    for requested in (
        {},
        {"max_tokens": 50},
        {"max_completion_tokens": 50},
        {"max_tokens": 50, "max_completion_tokens": 50},
    ):
        sent = passed(vendor, requested, cap=9)
        assert {9} == {value for name, value in sent.items() if name.startswith("max_")}
        assert {name for name in sent if name.startswith("max_")} <= set(VENDORS[vendor].caps)


@pytest.mark.parametrize(
    ("vendor", "role"),
    [("openai", "developer"), ("azure", "developer"), ("openrouter", "developer"), ("deepseek", "system"), ("mistral", "system")],
)  # fmt: skip
def test_the_developer_is_the_system_where_the_role_is_unknown(vendor: str, role: str) -> None:
    reported = [{"role": "developer", "content": "The developer says: be brief."}, *SAID]

    assert [{**reported[0], "role": role}, *SAID] == passed(vendor, {"messages": reported})["messages"]
    canonical = tuple(Message(role="developer", parts=(Text(text="Be brief."),)) for _ in range(1))
    assert role == encoded(vendor, messages=canonical)["messages"][0]["role"]


def test_messages_without_a_developer_go_through_byte_for_byte() -> None:
    for word in ("a developer", '\\"developer\\"', "developer"):
        body = f'{{"model":"m","messages":[{{"role":"user",  "content":"{word}"}}]}}'

        assert body.encode() == OPENAI.pass_through(call(body), at("groq"))


@pytest.mark.parametrize(
    ("vendor", "thinking", "sent"),
    [
        ("openai",     Thinking(tokens_max=2_000),              {"reasoning_effort": "low"}),
        ("openrouter", Thinking(tokens_max=2_000),              {"reasoning": {"max_tokens": 2_000}}),
        ("openrouter", Thinking(effort="high"),                 {"reasoning": {"effort": "high"}}),
        ("openrouter", Thinking(),                              {"reasoning": {"enabled": True}}),
        ("openrouter", Thinking(enabled=False),                 {"reasoning": {"enabled": False}}),
        ("snowflake",  Thinking(effort="low"),                  {"reasoning": {"effort": "low"}}),
        ("deepseek",   Thinking(tokens_max=2_000),              {"thinking": {"type": "enabled"}}),
        ("deepseek",   Thinking(effort="max"),                  {"thinking": {"type": "enabled"}, "reasoning_effort": "max"}),
        ("deepseek",   Thinking(effort="low", implicit=True),   {"reasoning_effort": "low"}),
        ("zai",        Thinking(enabled=False),                 {"thinking": {"type": "disabled"}}),
        ("groq",       Thinking(enabled=False),                 {"reasoning_effort": "none"}),
    ],
)  # fmt: skip
def test_a_request_for_reasoning_gets_the_vendors_fields(vendor: str, thinking: Thinking, sent: dict[str, Any]) -> None:
    reported = encoded(vendor, thinking=thinking)
    del reported["messages"]

    assert sent == reported


def conversation(*thoughts: Reasoning) -> tuple[Message, ...]:
    called: tuple[Part, ...] = (*thoughts, Text(text="I look."), ToolCall(id="c1", name="look", arguments="{}"))
    return (
        Message(role="user", parts=(Text(text="Hi"),)),
        Message(role="assistant", parts=called),
        Message(role="user", parts=(ToolResult(call_id="c1", parts=(Text(text="Nothing."),)),)),
    )


def proof(detail: dict[str, Any]) -> Reasoning:
    return thought_of(msgspec.convert(detail, Detail))


@pytest.mark.parametrize(
    ("vendor", "thoughts", "sent"),
    [
        ("openai",     (Reasoning(text="Hm."),),                     {}),
        ("groq",       (Reasoning(text="Hm."),),                     {}),
        ("deepseek",   (Reasoning(text="Hm. "), Reasoning(text="So.")), {"reasoning_content": "Hm. So."}),
        ("zai",        (Reasoning(text="Hm.", signature="x"),),      {"reasoning_content": "Hm."}),
        ("crusoe",     (Reasoning(text="Hm."),),                     {"reasoning": "Hm."}),
        ("mistral",    (Reasoning(text="Hm."),),
                       {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
                                    {"type": "text", "text": "I look."}]}),
        ("openrouter", (Reasoning(text="Hm."),),                     {"reasoning": "Hm."}),
        ("openrouter", (proof(SIGNED),),                             {"reasoning_details": [SIGNED]}),
        ("openrouter", (Reasoning(text="Hm."), proof(ENCRYPTED)),    {"reasoning_details": [SUMMARY, ENCRYPTED]}),
        ("snowflake",  (proof({**SIGNED, "id": "reasoning-text-1"}),),
                       {"reasoning_details": [{**SIGNED, "id": "reasoning-text-1"}]}),
        ("openrouter", (Reasoning(redacted="cmVk"),),
                       {"reasoning_details": [{"type": "reasoning.encrypted", "data": "cmVk", "format": "anthropic-claude-v1", "index": 0}]}),
        ("openrouter", (Reasoning(text="Hm.", signature=carry("acme", {"a": 1})),), {"reasoning": "Hm."}),
        ("deepseek",   (Reasoning(redacted="cmVk"),),                {"reasoning_content": UNRECORDED}),
        ("cerebras",   (Reasoning(text="Hm."),),                     {"reasoning": "Hm."}),
    ],
)  # fmt: skip
def test_earlier_thinking_goes_back_where_the_vendor_wants_it(
    vendor: str, thoughts: tuple[Reasoning, ...], sent: dict[str, Any]
) -> None:
    message = encoded(vendor, messages=conversation(*thoughts))["messages"][1]

    call_id = "d0f631ca1" if vendor == "mistral" else "c1"
    calls = [{"id": call_id, "type": "function", "function": {"name": "look", "arguments": "{}"}}]
    assert {"role": "assistant", "content": "I look.", "tool_calls": calls, **sent} == message


def test_reasoning_details_come_back_unchanged() -> None:
    """What OpenRouter reported in an answer, kept by a caller of another dialect, and said again in the next request."""
    details = [
        {
            "type": "reasoning.text",
            "text": "A",
            "signature": "s1",
            "format": "google-gemini-v1",
            "id": "g1",
            "index": 0,
        },
        {"type": "reasoning.text", "text": "B", "signature": "s2", "format": "anthropic-claude-v1", "index": 1},
        {**ENCRYPTED, "index": 2},
    ]
    message = {"role": "assistant", "content": "Hi", "reasoning": "AB", "reasoning_details": details}
    body = {"id": "gen-1", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}

    reported = [event for event in OPENAI.decode(json.dumps(body).encode()) if isinstance(event, ReasoningDelta)]
    thoughts = [Reasoning(text=event.text, signature=event.signature, redacted=event.redacted) for event in reported]

    assert "AB" == "".join(thought.text for thought in thoughts)
    assert details == encoded("openrouter", messages=conversation(*thoughts))["messages"][1]["reasoning_details"]


def test_a_signature_is_read_by_its_own_kind_alone() -> None:
    text = carry("acme", {"data": "é\n"})

    assert ({"data": "é\n"}, None, None) == (carried("acme", text), carried("ac", text), carried("other", text))
    assert (True, False, False) == (is_carrier(text), is_carrier("c2ln"), is_carrier(None))
    assert carried("acme", text[:-2]) is None


@pytest.mark.anyio
async def test_azures_key_stands_in_a_header_of_its_own_and_a_deployment_in_the_path(providers: HttpProviders) -> None:
    async with StubProvider(answering(200, WHOLE)) as stub:
        attempt = attempt_at(f"{stub.base_url}/deployments/{{model}}?api-version=2024-10-21")
        target = msgspec.structs.replace(attempt.target, provider="azure", model="my gpt/4o")
        await outcome(providers, msgspec.structs.replace(attempt, target=target), chat(stream=False))

    sent = stub.requests[0]
    assert "/v1/deployments/my%20gpt%2F4o/chat/completions?api-version=2024-10-21" == sent.path
    assert (SECRET, False) == (sent.headers["api-key"], "authorization" in sent.headers)


def test_a_tool_call_of_another_vendor_has_one_id_that_mistral_takes() -> None:
    provider_block, own = "toolu_01A09q90qw90lq917835lq9", "KikbB849t"
    calls = [
        {"id": name, "type": "function", "function": {"name": "look", "arguments": "{}"}}
        for name in (provider_block, own)
    ]
    said = [
        *SAID,
        {"role": "assistant", "content": None, "tool_calls": calls},
        *({"role": "tool", "tool_call_id": name, "content": "x"} for name in (provider_block, own)),
    ]

    sent = passed("mistral", {"messages": said})["messages"]

    first, second = (call["id"] for call in sent[1]["tool_calls"])
    assert ([first, own], own) == ([message["tool_call_id"] for message in sent[2:]], second)
    assert (9, True) == (len(first), first.isalnum())
    assert said == passed("groq", {"messages": said})["messages"]


@pytest.mark.parametrize("calls", ['"x"', "[1]", '[{"id":5}]', "null", "[]"])
def test_tool_calls_that_are_none_are_left_for_the_vendor_to_judge(calls: str) -> None:
    body = '{"model":"m","messages":[{"role":"assistant","content":"x","tool_calls":' + calls + "}]}"

    assert json.loads(OPENAI.pass_through(call(body), at("mistral")))["messages"][0]["content"] == "x"


def test_a_last_turn_of_the_assistant_is_marked_where_required() -> None:
    begun = (Message(role="user", parts=(Text(text="Hi"),)), Message(role="assistant", parts=(Text(text="I"),)))

    last = {vendor: encoded(vendor, messages=begun)["messages"][-1] for vendor in ("mistral", "groq")}

    assert {"mistral": True, "groq": None} == {vendor: message.get("prefix") for vendor, message in last.items()}


def test_a_document_goes_in_the_part_that_the_vendor_takes_it_in() -> None:
    pdf = "data:application/pdf;base64,JVBERi0="
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": pdf}}
    kept = {"type": "file", "file": {"file_id": "file-1"}}
    said: list[Any] = [{"role": "user", "content": [{"type": "text", "text": "Hi"}, file, kept]}, *SAID]
    document = Document(media_type="application/pdf", data="JVBERi0=", name="a.pdf")
    turn = Message(role="user", parts=(Text(text="Hi"), document))
    theirs = {"type": "document_url", "document_url": pdf, "document_name": "a.pdf"}

    sent = passed("mistral", {"messages": said})["messages"]

    assert [said[0] | {"content": [said[0]["content"][0], theirs, kept]}, *SAID] == sent
    assert theirs == encoded("mistral", messages=(turn,))["messages"][0]["content"][1]
    assert file == encoded("groq", messages=(turn,))["messages"][0]["content"][1]
    assert said == passed("groq", {"messages": said})["messages"]


@pytest.mark.parametrize(
    "messages", ['[{"role":"user","content":5}]', '"file_data"', '[{"content":["file_data",{"file":5}]}]']
)
def test_documents_that_are_none_are_left_for_the_vendor_to_judge(messages: str) -> None:
    body = '{"model":"m","messages":[{"role":"user","content":"x"}]}'
    requested = msgspec.structs.replace(call(body), fields={"messages": msgspec.Raw(messages.encode())})

    assert json.loads(OPENAI.pass_through(requested, at("mistral")))["messages"] == json.loads(messages)
