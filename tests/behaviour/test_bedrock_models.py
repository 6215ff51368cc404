"""Both official SDKs call models of Bedrock's: whole, streamed, with tools over several turns, thinking, and failing.

The stub believes no request whose signature it does not compute itself, and the call is charged what Bedrock counted.
"""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from tests.behaviour.bedrock_answers import BEARER, KEY, SECRET, TEXT, TOKEN, USAGE, failing, saying
from tests.behaviour.plain_calls import wallet
from tests.behaviour.sdks import anthropic_sdk, openai_sdk
from tests.behaviour.stub import Stub
from tests.support.bedrock import CLAUDE, NOVA
from tests.support.eventstream import answer, event, exception
from tests.support.hub import HubProcess, running_hub
from tests.support.provider import Received, Reply

WEATHER: dict[str, object] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CALLS = (
    {"toolUse": {"toolUseId": "tooluse_a", "name": "weather", "input": {"city": "Paris"}}},
    {"toolUse": {"toolUseId": "tooluse_b", "name": "weather", "input": {}}},
)
THOUGHT = {"reasoningContent": {"reasoningText": {"text": "Let me look.", "signature": "sig+/=="}}}
STREAM = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    made = Stub()
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def served(stub: Stub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub that bills, with Bedrock behind temporary AWS keys and, in another region, behind a bearer token."""
    env = {"AIHUB_MAX_RETRIES": "0", "AIHUB_UPSTREAM_TIMEOUT_S": "5"}
    with running_hub(tmp_path_factory.mktemp("bedrock") / "data", env=env) as running:
        for name, region, secret in (
            ("bedrock", "us-west-2", f"{KEY}:{SECRET}:{TOKEN}"),
            ("bearer", "eu-west-1", BEARER),
        ):
            base_url = f"http://127.0.0.1:{stub.port}/{region}"
            running.cli("provider", "add", name, "--dialect", "bedrock", "--base-url", base_url)
            running.cli("credential", "add", name, secret=secret)
            for model in (CLAUDE, NOVA):
                price = ("--input", "1", "--output", "2", "--cache-read", "0.1", "--context", "128000")
                running.cli("rate", "set", f"{name}/{model}", *price, "--max-output", "4096")
        running.cli("credit", "grant", "owner", "100")
        yield running
        verified_books = running.cli("ledger", "verify")
        assert (True, 0) == (verified_books["ok"], verified_books["open_holds"])


@pytest.fixture
def hub(served: HubProcess, stub: Stub) -> Iterator[HubProcess]:
    stub.reset()
    yield served
    assert "0" == wallet(served)["held"]


@pytest.fixture
def openai_client(hub: HubProcess) -> Iterator[openai.OpenAI]:
    with openai_sdk(hub) as made:
        yield made


@pytest.fixture
def anthropic_client(hub: HubProcess) -> Iterator[anthropic.Anthropic]:
    with anthropic_sdk(hub) as made:
        yield made


def charged(hub: HubProcess) -> str:
    """What the last call came to."""
    call = hub.calls()[0]
    assert ("completed", "provider") == (call["ending"], call["usage_source"])
    return str(call["charge"])


@STREAM
@pytest.mark.parametrize("provider", ["bedrock", "bearer"])
def test_an_openai_client_gets_its_answer(
    openai_client: openai.OpenAI, hub: HubProcess, stub: Stub, provider: str, stream: bool
) -> None:
    stub.will(saying({"text": TEXT}))
    requested: Any = {"model": f"{provider}/{CLAUDE}", "messages": [{"role": "user", "content": "Hello"}]}

    if stream:
        chunks = list(
            openai_client.chat.completions.create(**requested, stream=True, stream_options={"include_usage": True})
        )
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        finish = [c.finish_reason for chunk in chunks for c in chunk.choices if c.finish_reason]
        usage: Any = chunks[-1].usage
    else:
        answered = openai_client.chat.completions.create(**requested)
        text, finish = answered.choices[0].message.content, [answered.choices[0].finish_reason]
        usage = answered.usage

    assert (TEXT, ["stop"]) == (text, finish)
    assert (110, 20, 10) == (usage.prompt_tokens, usage.completion_tokens, usage.prompt_tokens_details.cached_tokens)
    # 100 at 1, 10 at 0.1 and 20 at 2 credits a million.
    assert "0.000141" == charged(hub)


@STREAM
def test_an_anthropic_client_gets_its_answer(
    anthropic_client: anthropic.Anthropic, hub: HubProcess, stub: Stub, stream: bool
) -> None:
    stub.will(saying(THOUGHT, {"text": TEXT}))
    requested: Any = {
        "model": f"bedrock/{CLAUDE}",
        "max_tokens": 3000,
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "messages": [{"role": "user", "content": "Hello"}],
    }

    if stream:
        with anthropic_client.messages.stream(**requested) as events:
            message = events.get_final_message()
    else:
        message = anthropic_client.messages.create(
            **requested, extra_headers={"anthropic-beta": "context-1m-2025-08-07,x"}
        )
        assert ["context-1m-2025-08-07"] == stub.only.json()["additionalModelRequestFields"].pop("anthropic_beta")

    thought, text = message.content
    assert ("thinking", "Let me look.", "sig+/==") == (thought.type, thought.thinking, thought.signature)  # type: ignore[union-attr]
    assert ("text", TEXT, "end_turn") == (text.type, text.text, message.stop_reason)  # type: ignore[union-attr]
    assert (100, 10, 20) == (
        message.usage.input_tokens,
        message.usage.cache_read_input_tokens,
        message.usage.output_tokens,
    )
    sent = stub.only.json()["additionalModelRequestFields"]
    assert {"type": "enabled", "budget_tokens": 2000} == sent["thinking"]
    assert "0.000141" == charged(hub)


@STREAM
def test_an_openai_client_works_with_tools_over_several_turns(
    openai_client: openai.OpenAI, stub: Stub, stream: bool
) -> None:
    tools: Any = [{"type": "function", "function": {"name": "weather", "parameters": WEATHER}}]
    messages: list[Any] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather?"}]
    requested: Any = {"model": f"bedrock/{CLAUDE}", "tools": tools}
    stub.will(saying(THOUGHT, *CALLS, stop="tool_use"))
    if stream:
        with openai_client.chat.completions.stream(**requested, messages=messages) as events:
            choice: Any = events.get_final_completion().choices[0]
    else:
        choice = openai_client.chat.completions.create(**requested, messages=messages).choices[0]

    calls = choice.message.tool_calls
    assert "tool_calls" == choice.finish_reason
    assert [("weather", {"city": "Paris"}), ("weather", {})] == [
        (call.function.name, json.loads(call.function.arguments)) for call in calls
    ]
    stub.reset()
    stub.will(saying({"text": TEXT}))
    messages.append(choice.message.model_dump(exclude_none=True))
    messages += [{"role": "tool", "tool_call_id": call.id, "content": f"sunny {call.id}"} for call in calls]
    openai_client.chat.completions.create(**requested, messages=messages)

    sent = stub.only.json()
    assert [{"text": "Be brief."}] == sent["system"]
    assert ["user", "assistant", "user"] == [turn["role"] for turn in sent["messages"]]
    assert [THOUGHT, *CALLS] == sent["messages"][1]["content"]
    assert sent["messages"][2]["content"] == [
        {"toolResult": {"toolUseId": name, "content": [{"text": f"sunny {name}"}]}}
        for name in ("tooluse_a", "tooluse_b")
    ]
    assert [{"toolSpec": {"name": "weather", "inputSchema": {"json": WEATHER}}}] == sent["toolConfig"]["tools"]


@STREAM
def test_an_anthropic_client_works_with_tools_over_several_turns(
    anthropic_client: anthropic.Anthropic, stub: Stub, stream: bool
) -> None:
    requested: Any = {
        "model": f"bedrock/{CLAUDE}",
        "max_tokens": 500,
        "tools": [{"name": "weather", "input_schema": WEATHER, "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "tool_choice": {"type": "any"},
    }
    messages: list[Any] = [{"role": "user", "content": "Weather?"}]
    stub.will(saying(THOUGHT, *CALLS, stop="tool_use"))
    if stream:
        with anthropic_client.messages.stream(**requested, messages=messages) as events:
            message = events.get_final_message()
    else:
        message = anthropic_client.messages.create(**requested, messages=messages)

    uses: Any = [block for block in message.content if block.type == "tool_use"]
    assert "tool_use" == message.stop_reason
    assert [("tooluse_a", {"city": "Paris"}), ("tooluse_b", {})] == [(use.id, use.input) for use in uses]
    stub.reset()
    stub.will(saying({"text": TEXT}))
    results = [{"type": "tool_result", "tool_use_id": use.id, "content": "no", "is_error": True} for use in uses]
    messages += [{"role": "assistant", "content": message.content}, {"role": "user", "content": results}]
    anthropic_client.messages.create(**requested, messages=messages)

    sent = stub.only.json()
    assert [THOUGHT, *CALLS] == sent["messages"][1]["content"]
    assert ["error", "error"] == [block["toolResult"]["status"] for block in sent["messages"][2]["content"]]
    assert {"any": {}} == sent["toolConfig"]["toolChoice"]
    assert {"cachePoint": {"type": "default", "ttl": "1h"}} == sent["toolConfig"]["tools"][1]


def test_an_image_a_document_and_a_schema_reach_the_model(openai_client: openai.OpenAI, stub: Stub) -> None:
    stub.will(saying({"text": '{"city": "Paris"}'}))
    parts: Any = [
        {"type": "text", "text": "Where?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
        {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,aGk="}},
    ]
    form: Any = {"type": "json_schema", "json_schema": {"name": "place", "schema": WEATHER, "strict": True}}
    openai_client.chat.completions.create(
        model=f"bedrock/{NOVA}", messages=[{"role": "user", "content": parts}], response_format=form
    )

    sent = stub.only.json()
    assert sent["messages"][0]["content"] == [
        {"text": "Where?"},
        {"image": {"format": "png", "source": {"bytes": "aGk="}}},
        {"document": {"format": "txt", "source": {"bytes": "aGk="}, "name": "a txt"}},
    ]
    schema = sent["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
    assert ("place", WEATHER) == (schema["name"], json.loads(schema["schema"]))


@STREAM
@pytest.mark.parametrize(
    ("status", "name", "raised"),
    [
        (400, "ValidationException", openai.BadRequestError),
        (429, "ThrottlingException", openai.RateLimitError),
        (404, "ResourceNotFoundException", openai.NotFoundError),
        (424, "ModelErrorException", openai.APIStatusError),
        (403, "AccessDeniedException", openai.InternalServerError),
    ],
)
def test_a_failure_is_raised_as_the_sdk_knows_it_and_costs_nothing(
    openai_client: openai.OpenAI, hub: HubProcess, stub: Stub, status: int, name: str, raised: Any, stream: bool
) -> None:
    stub.will(failing(status, name, "The model says no."))
    before = wallet(hub)

    with pytest.raises(raised, match=r"The model says no\."):
        openai_client.chat.completions.create(
            model=f"bedrock/{NOVA}", messages=[{"role": "user", "content": "Hello"}], stream=stream
        )

    assert before == wallet(hub)


def test_an_exception_amid_a_stream_is_an_error_and_no_end(anthropic_client: anthropic.Anthropic, stub: Stub) -> None:
    async def handler(request: Received, reply: Reply) -> None:
        await reply.start(200, {"content-type": "application/vnd.amazon.eventstream"})
        await reply.write(event("messageStart", role="assistant"))
        await reply.write(event("contentBlockDelta", contentBlockIndex=0, delta={"text": "Half"}))
        await reply.write(exception("modelStreamErrorException", "It broke."))

    stub.will(handler)
    received = ""
    with pytest.raises(anthropic.APIStatusError, match=r"It broke\."):
        with anthropic_client.messages.stream(
            model=f"bedrock/{CLAUDE}", max_tokens=100, messages=[{"role": "user", "content": "Hello"}]
        ) as events:
            for text in events.text_stream:
                received += text
    assert "Half" == received


def test_a_damaged_stream_is_an_error_and_no_end(openai_client: openai.OpenAI, stub: Stub) -> None:
    async def handler(request: Received, reply: Reply) -> None:
        stream = bytearray(answer({"text": TEXT}, usage=USAGE))
        stream[-1] ^= 1
        await reply.start(200, {"content-type": "application/vnd.amazon.eventstream"})
        await reply.write(bytes(stream))

    stub.will(handler)
    with pytest.raises(openai.APIError, match="damaged"):
        list(
            openai_client.chat.completions.create(
                model=f"bedrock/{CLAUDE}", messages=[{"role": "user", "content": "Hello"}], stream=True
            )
        )


def test_what_a_family_cannot_be_reported_is_refused_by_name(openai_client: openai.OpenAI, stub: Stub) -> None:
    with pytest.raises(openai.BadRequestError, match="logprobs") as refused:
        openai_client.chat.completions.create(
            model=f"bedrock/{NOVA}", messages=[{"role": "user", "content": "Hello"}], logprobs=True
        )

    assert "unsupported_parameter" == refused.value.code
    assert [] == stub.requests
