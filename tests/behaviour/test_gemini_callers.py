"""Google's SDK and plain requests of Gemini's API, at a provider of the same dialect, at others, and at the echo."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from google import genai
from google.genai import types

from tests.behaviour.conftest import People
from tests.behaviour.gemini import HELLO, chunk, google_sdk, newest
from tests.behaviour.plain_calls import ask
from tests.behaviour.stub import Stub
from tests.behaviour.stub_answers import (
    ARGUMENTS,
    TEXT,
    anthropic_stream,
    anthropic_whole,
    openai_call_deltas,
    openai_calls,
    openai_stream,
    openai_whole,
    tool_use,
)
from tests.support.google import sse
from tests.support.hub import HubProcess
from tests.support.provider import Handler, answering, streaming

MODELS = pytest.mark.parametrize("model", ["oai/m", "ant/m", "goo/gem", "rsp/m"])
CHARGE = "0.000025"  # 11 at 1 and 7 at 2 a million.
SCHEMA = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}
WEATHER = types.Tool(function_declarations=[types.FunctionDeclaration(name="weather", parameters=SCHEMA)])  # type: ignore[arg-type]
SSE = {"content-type": "text/event-stream"}


@pytest.fixture
def client(hub: HubProcess) -> Iterator[genai.Client]:
    made = google_sdk(hub)
    yield made
    made.close()


def saying(model: str, streamed: bool) -> Handler | None:
    """A scripted answer where the stub has none of its own."""
    if not model.startswith("goo/"):
        return None
    if streamed:
        return streaming(sse(chunk({"text": TEXT[:7]})), sse(chunk({"text": TEXT[7:]}, finish="STOP")))
    return answering(200, json.dumps(chunk({"text": TEXT}, finish="STOP")).encode())


# --- an answer ------------------------------------------------------------------------------------------


@MODELS
@pytest.mark.parametrize("streamed", [False, True])
def test_an_answer_reads_and_costs_the_same_whole_and_streamed(
    client: genai.Client, hub: HubProcess, stub: Stub, model: str, streamed: bool
) -> None:
    if (handler := saying(model, streamed)) is not None:
        stub.will(handler)

    if streamed:
        chunks = list(client.models.generate_content_stream(model=model, contents="Hello"))
        text, last = "".join(one.text or "" for one in chunks), chunks[-1]
    else:
        last = client.models.generate_content(model=model, contents="Hello")
        text = last.text or ""

    assert TEXT == text
    assert last.candidates
    assert types.FinishReason.STOP == last.candidates[0].finish_reason
    assert last.usage_metadata is not None
    assert (11, 7, 18) == (
        last.usage_metadata.prompt_token_count,
        last.usage_metadata.candidates_token_count,
        last.usage_metadata.total_token_count,
    )
    shown = newest(hub)
    assert (CHARGE, "provider", "completed") == (shown["charge"], shown["usage_source"], shown["ending"])


@MODELS
def test_without_alt_sse_a_stream_is_one_list(hub: HubProcess, stub: Stub, model: str) -> None:
    if (handler := saying(model, streamed=True)) is not None:
        stub.will(handler)

    received = ask(hub, f"/v1beta/models/{model}:streamGenerateContent", HELLO)

    assert (200, "application/json") == (received.status, received.header("content-type"))
    parts = [part for one in received.json() for part in one["candidates"][0]["content"]["parts"]]
    assert TEXT == "".join(part["text"] for part in parts)
    assert "STOP" == received.json()[-1]["candidates"][0]["finishReason"]


def test_the_echo_is_a_model_for_google_callers_too(client: genai.Client) -> None:
    config = types.GenerateContentConfig(system_instruction="Be brief.", max_output_tokens=2, temperature=0.5)

    answer = client.models.generate_content(model="echo/echo", contents="one two three", config=config)

    assert "one two" == answer.text
    assert answer.candidates
    assert types.FinishReason.MAX_TOKENS == answer.candidates[0].finish_reason


def test_a_chat_goes_on_over_several_turns(client: genai.Client, stub: Stub) -> None:
    chat = client.chats.create(model="oai/m")
    chat.send_message("Hello")

    assert TEXT == chat.send_message("And then?").text

    roles = [(message["role"], message["content"]) for message in stub.requests[-1].json()["messages"]]
    assert [("user", "Hello"), ("assistant", TEXT), ("user", "And then?")] == roles


# What Gemini CLI sends with every turn, whatever the model.
CLI = {
    "contents": [
        {"role": "user", "parts": [{"text": "This is the Gemini CLI. Today's date is Monday."}]},
        {"role": "user", "parts": [{"text": "Hello"}]},
    ],
    "systemInstruction": {"role": "user", "parts": [{"text": "You are an agent."}]},
    "tools": [
        {
            "functionDeclarations": [
                {
                    "name": "read_file",
                    "description": "Reads a file.",
                    "parametersJsonSchema": {
                        "type": "object",
                        "properties": {"path": {"type": "string"}},
                        "required": ["path"],
                    },
                }
            ]
        }
    ],
    "generationConfig": {
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 8192},
    },
    "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
    "labels": {"team": "a"},
}


@pytest.mark.parametrize(("model", "dropped"), [
    ("oai/m", {"top_k", "safetySettings"}),
    ("ant/m", {"safetySettings"}),
    ("rsp/m", {"top_k", "safetySettings"}),
    ("echo/echo", {"top_k", "safetySettings"}),
])  # fmt: skip
def test_gemini_clis_turn_is_taken_by_every_vendor(hub: HubProcess, stub: Stub, model: str, dropped: set[str]) -> None:
    received = ask(hub, f"/v1beta/models/{model}:streamGenerateContent?alt=sse", CLI)

    assert 200 == received.status, received.body
    assert b'"finishReason":"STOP"' in received.body
    named = {name.strip() for name in (received.header("x-aihub-dropped") or "").split(",")} - {""}
    assert dropped <= named
    refused = ask(hub, f"/v1beta/models/{model}:generateContent", CLI, headers={"x-aihub-unsupported": "refuse"})
    assert (400, "INVALID_ARGUMENT") == (refused.status, refused.json()["error"]["status"])


# --- tools ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["oai/m", "ant/m"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool_is_called_and_its_result_goes_back(
    client: genai.Client, stub: Stub, model: str, streamed: bool
) -> None:
    calls: dict[tuple[str, bool], Handler] = {
        ("oai/m", False): answering(200, openai_whole(openai_calls(ARGUMENTS), finish="tool_calls")),
        ("oai/m", True): streaming(*openai_stream(*openai_call_deltas(ARGUMENTS), finish="tool_calls")),
        ("ant/m", False): answering(200, anthropic_whole([tool_use(0, ARGUMENTS)], stop="tool_use")),
        ("ant/m", True): streaming(*anthropic_stream(tool_use(0, ARGUMENTS, streamed=True), stop="tool_use")),
    }
    stub.will(calls[model, streamed])
    config = types.GenerateContentConfig(tools=[WEATHER])
    requested: list[Any] = [types.Content(role="user", parts=[types.Part(text="The weather in Paris?")])]

    if streamed:
        chunks = list(client.models.generate_content_stream(model=model, contents=requested, config=config))
        contents = [one.candidates[0].content for one in chunks if one.candidates]
        parts = [part for content in contents if content for part in content.parts or () if part.function_call]
        said = types.Content(role="model", parts=parts)
    else:
        whole = client.models.generate_content(model=model, contents=requested, config=config)
        assert whole.candidates
        said = whole.candidates[0].content or types.Content()
    [part] = [part for part in said.parts or () if part.function_call]
    call = part.function_call
    assert call is not None
    assert ("weather", {"city": "Paris", "unit": "c"}) == (call.name, call.args)

    result = types.FunctionResponse(id=call.id, name=call.name, response={"output": "3 degrees"})
    back = types.Content(role="user", parts=[types.Part(function_response=result)])
    client.models.generate_content(model=model, contents=[*requested, said, back], config=config)

    sent = stub.requests[-1].json()
    assert "weather" in json.dumps(sent["tools"])
    assert '"string"' in json.dumps(sent["tools"]), "types are spelled as JSON Schema spells them"
    if model == "oai/m":
        assert "call_0" == sent["messages"][-2]["tool_calls"][0]["id"] == sent["messages"][-1]["tool_call_id"]
        assert "3 degrees" in json.dumps(sent["messages"][-1]["content"])
    else:
        assert "toolu_0" == sent["messages"][-1]["content"][0]["tool_use_id"]


def test_thinking_and_its_signature_go_back_to_the_vendor_that_signed(client: genai.Client, stub: Stub) -> None:
    blocks = [
        {"type": "thinking", "thinking": "They want Paris.", "signature": "c2lnbmVk"},
        tool_use(0, ARGUMENTS),
    ]
    stub.will(answering(200, anthropic_whole(blocks, stop="tool_use")))
    thinking = types.ThinkingConfig(include_thoughts=True, thinking_budget=2_000)
    config = types.GenerateContentConfig(tools=[WEATHER], thinking_config=thinking, max_output_tokens=4_000)
    requested: list[Any] = [types.Content(role="user", parts=[types.Part(text="The weather in Paris?")])]

    whole = client.models.generate_content(model="ant/m", contents=requested, config=config)

    assert whole.candidates
    said = whole.candidates[0].content
    assert said
    assert said.parts
    assert ["They want Paris."] == [part.text for part in said.parts if part.thought]
    back = types.Content(
        role="user", parts=[types.Part.from_function_response(name="weather", response={"result": "3 degrees"})]
    )
    for kept in (said.parts, [part for part in said.parts if not part.thought]):  # Gemini CLI drops thoughts.
        turn = types.Content(role="model", parts=kept)
        client.models.generate_content(model="ant/m", contents=[*requested, turn, back], config=config)
        content = stub.requests[-1].json()["messages"][1]["content"]
        assert blocks == content


# --- the same dialect -----------------------------------------------------------------------------------


def test_a_provider_of_the_same_dialect_gets_and_gives_its_own_fields(hub: HubProcess, stub: Stub) -> None:
    body = (
        b'{"contents":[{"role":"user","parts":[{"text":"Hello","novel":1.50}]}], "vendorKnob":{"deep":[1e400]},'
        b'"safetySettings":[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"BLOCK_NONE"}],'
        b'"generationConfig":{"maxOutputTokens":9,"speechConfig":{"x":1.0}}}'
    )
    said = json.dumps(chunk({"text": TEXT}, finish="STOP"), indent=1).encode()
    stub.will(answering(200, said))

    received = ask(hub, "/v1beta/models/goo/gem:generateContent", body)

    assert (200, said) == (received.status, received.body)
    assert "/goo/v1/models/gem:generateContent" == stub.only.path
    assert json.loads(body, parse_float=str) == json.loads(stub.only.body, parse_float=str)
    assert b'{"deep":[1e400]}' in stub.only.body


def test_a_stream_of_the_same_dialect_comes_back_byte_for_byte(hub: HubProcess, stub: Stub) -> None:
    said = sse(chunk({"text": "Hel"}), chunk({"text": "lo"}, finish="STOP"))
    stub.will(streaming(said))

    received = ask(hub, "/v1beta/models/goo/gem:streamGenerateContent?alt=sse", HELLO)

    assert (200, said) == (received.status, received.body)
    assert "/goo/v1/models/gem:streamGenerateContent?alt=sse" == stub.only.path


def test_a_wallet_that_is_small_lowers_the_cap_of_the_same_dialect(hub: HubProcess, stub: Stub, people: People) -> None:
    stub.will(answering(200, json.dumps(chunk({"text": TEXT}, finish="STOP")).encode()))

    received = ask(hub, "/v1beta/models/goo/gem:generateContent", HELLO, key=people.small)

    assert 200 == received.status
    cap = received.header("x-aihub-output-cap")
    assert cap is not None
    assert int(cap) == stub.only.json()["generationConfig"]["maxOutputTokens"]
