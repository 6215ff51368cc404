"""Thinking over several turns: what a compatible vendor reported goes back to it word for word, through Anthropic's SDK."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from anthropic import Anthropic
from anthropic.types import ToolParam

from tests.behaviour.sdks import anthropic_sdk
from tests.behaviour.stub import Stub
from tests.support.hub import HubProcess, running_hub
from tests.support.provider import Handler, Received, Reply

TOOL: ToolParam = {"name": "look", "input_schema": {"type": "object", "properties": {}}}
CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
PLAN = [{"type": "reasoning.summary", "summary": "I look.", "format": "openai-responses-v1", "index": 0}]
PROOF = [{"type": "reasoning.encrypted", "data": "gAAAb+/=", "format": "openai-responses-v1", "id": "rs_1", "index": 0}]
SIGNED = [{"type": "reasoning.text", "text": "I look.", "signature": "c2ln", "format": "google-gemini-v1", "index": 0}]


@pytest.fixture(scope="module")
def vendors() -> Iterator[Stub]:
    made = Stub()
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def gateway(vendors: Stub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with running_hub(tmp_path_factory.mktemp("thinking") / "data", billed=False) as running:
        for name in ("openrouter", "deepseek", "mistral"):
            running.cli("provider", "add", name, "--base-url", vendors.url(name))
            running.cli("credential", "add", name, secret=f"sk-{name}-canary-5Ee")
        yield running


def answering(message: dict[str, Any], stream: bool) -> Handler:
    """The message whole, or in three chunks: its thinking, its call, its end."""
    body = {"id": "gen-1", "model": "m", "usage": {"prompt_tokens": 5, "completion_tokens": 9, "total_tokens": 14}}

    async def handler(request: Received, reply: Reply) -> None:
        if not stream:
            reported = {**body, "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
            await reply.send(200, {"content-type": "application/json"}, json.dumps(reported).encode())
            return
        await reply.start(200, {"content-type": "text/event-stream"})
        for part in message.items():
            choices = [{"index": 0, "delta": dict([part]), "finish_reason": None}]
            await reply.write(
                b"data: " + json.dumps({"id": "gen-1", "model": "m", "choices": choices}).encode() + b"\n\n"
            )
        last = {**body, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
        await reply.write(b"data: " + json.dumps(last).encode() + b"\n\ndata: [DONE]\n\n")

    return handler


def requested(client: Anthropic, model: str, said: list[Any], stream: bool) -> Any:
    """The blocks of the answer, as the SDK puts them together."""
    if not stream:
        return client.messages.create(model=model, max_tokens=99, messages=said, tools=[TOOL]).content
    with client.messages.stream(model=model, max_tokens=99, messages=said, tools=[TOOL]) as streamed:
        return streamed.get_final_message().content


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("vendor", "reported", "returned"),
    [
        ("openrouter", {"reasoning_details": [*PLAN, *PROOF]}, {"reasoning_details": [*PLAN, *PROOF]}),
        ("openrouter", {"reasoning_details": SIGNED}, {"reasoning_details": SIGNED}),
        ("openrouter", {"reasoning": "I look."}, {"reasoning": "I look."}),
        ("deepseek", {"reasoning_content": "I look."}, {"reasoning_content": "I look."}),
        ("mistral", {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "I look."}]}]},
                    {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "I look."}]}]}),
    ],
)  # fmt: skip
def test_what_a_vendor_thought_goes_back_to_it_with_the_tools_answer(
    gateway: HubProcess, vendors: Stub, vendor: str, reported: dict[str, Any], returned: dict[str, Any], stream: bool
) -> None:
    vendors.reset()
    vendors.always(answering({**reported, "tool_calls": [CALL]}, stream))
    said: list[Any] = [{"role": "user", "content": "What do you see?"}]

    with anthropic_sdk(gateway) as client:
        for _ in range(2):
            content = requested(client, f"{vendor}/m", said, stream)
            (call,) = (block for block in content if block.type == "tool_use")
            result = {"type": "tool_result", "tool_use_id": call.id, "content": "A wall."}
            said += [{"role": "assistant", "content": content}, {"role": "user", "content": [result]}]

    second = vendors.requests[1].json()["messages"]
    assert ["user", "assistant", "tool"] == [message["role"] for message in second]
    assert returned == {name: second[1][name] for name in returned}
    assert second[1]["tool_calls"][0]["id"] == second[2]["tool_call_id"]
