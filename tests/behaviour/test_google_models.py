"""The official SDKs of OpenAI and Anthropic, on a model of Google's: tools over several turns, with its signatures.

Gemini 3 rejects a tool's result whose call comes back without the `thoughtSignature` that it was made with. No SDK knows
the field; what they hand back as they got it must bring it there all the same.
https://ai.google.dev/gemini-api/docs/thought-signatures
"""

import base64
import json
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.behaviour.plain_calls import CHAT, ask
from tests.behaviour.sdks import anthropic_sdk, openai_sdk
from tests.behaviour.stub import Stub
from tests.support.google import sse
from tests.support.hub import HubProcess, running_hub
from tests.support.provider import Handler, Received, Reply, answering

KEY = "AIza-canary-of-the-hub-7Qx2"
MODEL = "google/gemini-3-flash-preview"
USAGE = {"promptTokenCount": 50, "candidatesTokenCount": 10, "thoughtsTokenCount": 40, "totalTokenCount": 100}
THOUGHT = {"text": "They want both.", "thought": True}
SAID = {"text": "Let me look.", "thoughtSignature": "dGV4dA=="}
OSLO = {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}, "thoughtSignature": "Y2FsbA=="}
ROME = {"functionCall": {"name": "weather", "args": {"city": "Rome"}}}
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    made = Stub()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def google(stub: Stub) -> Stub:
    stub.reset()
    return stub


@pytest.fixture(scope="module")
def hub(stub: Stub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub that bills, with Google's provider at the stub."""
    with running_hub(tmp_path_factory.mktemp("google") / "data", env={"AIHUB_MAX_RETRIES": "0"}) as running:
        running.cli("provider", "add", "google", "--base-url", stub.url("google"))
        running.cli("credential", "add", "google", secret=KEY)
        running.cli(
            "rate", "set", MODEL, "--input", "1", "--output", "2", "--context", "128000", "--max-output", "64000"
        )
        running.cli("credit", "grant", "owner", "1000")
        yield running


def chunk(*parts: Any, finish: str | None = None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    head = {"responseId": "r1", "modelVersion": "gemini-3-flash-preview"}
    return {"candidates": [candidate], "usageMetadata": USAGE, **head}


def saying(*parts: Any) -> Handler:
    """An answer with these parts, whole or streamed, as it is asked."""

    async def handler(request: Received, reply: Reply) -> None:
        assert KEY == request.headers["x-goog-api-key"]
        assert "authorization" not in request.headers
        if request.path.endswith(":streamGenerateContent?alt=sse"):
            chunks = [*(chunk(part) for part in parts), chunk(finish="STOP")]
            await reply.start(200, {"content-type": "text/event-stream"})
            await reply.write(sse(*chunks))
        else:
            await answering(200, json.dumps(chunk(*parts, finish="STOP")).encode())(request, reply)

    return handler


def check_second_turn(sent: Any, *said: Any) -> None:
    """What Google gets back: its own parts with their signatures, then the results in a content of their own."""
    requested, called, answered = sent["contents"]
    calls = [part for part in called["parts"] if "functionCall" in part]
    ids = [part["functionCall"].pop("id") for part in calls]
    assert (2, True) == (len(set(ids)), all(ids))
    assert [OSLO, ROME] == calls
    assert [*said] == [part for part in called["parts"] if "functionCall" not in part]
    assert [
        {"id": ids[0], "name": "weather", "response": {"output": "3 degrees"}},
        {"id": ids[1], "name": "weather", "response": {"t": 25}},
    ] == [part["functionResponse"] for part in answered["parts"]]
    assert ("user", "model", "user") == (requested["role"], called["role"], answered["role"])
    assert [{"name": "weather", "parametersJsonSchema": SCHEMA}] == sent["tools"][0]["functionDeclarations"]


# --- OpenAI's SDK ---------------------------------------------------------------------------------------

WEATHER: Any = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
QUESTION: Any = {"role": "user", "content": "The weather in Oslo and Rome?"}


@pytest.fixture
def client(hub: HubProcess) -> Iterator[openai.OpenAI]:
    with openai_sdk(hub) as made:
        yield made


def results(calls: list[Any]) -> list[Any]:
    said = ("3 degrees", '{"t": 25}')
    return [
        {"role": "tool", "tool_call_id": call["id"], "content": text} for call, text in zip(calls, said, strict=True)
    ]


def test_openais_sdk_over_two_turns(client: openai.OpenAI, google: Stub) -> None:
    google.will(saying(THOUGHT, SAID, OSLO, ROME), saying({"text": "Cold and warm."}))

    first = client.chat.completions.create(model=MODEL, messages=[QUESTION], tools=[WEATHER], reasoning_effort="low")
    message = first.choices[0].message
    handed_back: Any = message.model_dump(exclude_none=True)
    second = client.chat.completions.create(
        model=MODEL, messages=[QUESTION, handed_back, *results(handed_back["tool_calls"])], tools=[WEATHER]
    )

    assert ("tool_calls", "Let me look.") == (first.choices[0].finish_reason, message.content)
    assert "They want both." == message.reasoning_content  # type: ignore[attr-defined]
    assert "Cold and warm." == second.choices[0].message.content
    assert first.usage is not None
    assert (50, 50, 40) == (
        first.usage.prompt_tokens,
        first.usage.completion_tokens,
        first.usage.completion_tokens_details.reasoning_tokens if first.usage.completion_tokens_details else None,
    )
    requested_first, requested_second = (request.json() for request in google.requests)
    assert {"includeThoughts": True, "thinkingLevel": "LOW"} == requested_first["generationConfig"]["thinkingConfig"]
    check_second_turn(requested_second, THOUGHT, SAID)


def test_openais_sdk_over_two_streamed_turns(client: openai.OpenAI, google: Stub) -> None:
    """A client that puts the deltas together, with the fields that it does not know."""
    google.will(saying(THOUGHT, SAID, OSLO, ROME), saying({"text": "Cold and warm."}))

    first = client.chat.completions.create(model=MODEL, messages=[QUESTION], tools=[WEATHER], stream=True)
    message: dict[str, Any] = {"role": "assistant", "content": "", "tool_calls": []}
    for delta in (piece.choices[0].delta for piece in first if piece.choices):
        message["content"] += delta.content or ""
        message |= {"extra_content": delta.extra_content} if hasattr(delta, "extra_content") else {}
        message["tool_calls"] += [call.model_dump(exclude={"index"}) for call in delta.tool_calls or ()]
    handed_back: Any = message
    second = client.chat.completions.create(
        model=MODEL, messages=[QUESTION, handed_back, *results(message["tool_calls"])], tools=[WEATHER], stream=True
    )

    assert "Cold and warm." == "".join(piece.choices[0].delta.content or "" for piece in second if piece.choices)
    check_second_turn(google.requests[1].json(), SAID)


# --- Anthropic's SDK ------------------------------------------------------------------------------------

TOOL: Any = {"name": "weather", "input_schema": SCHEMA}


@pytest.fixture
def claude(hub: HubProcess) -> Iterator[anthropic.Anthropic]:
    with anthropic_sdk(hub) as made:
        yield made


@pytest.mark.parametrize("stream", [False, True])
def test_anthropics_sdk_over_two_turns(claude: anthropic.Anthropic, google: Stub, stream: bool) -> None:
    google.will(saying(THOUGHT, SAID, OSLO, ROME), saying({"text": "Cold and warm."}))

    def say(messages: list[Any]) -> anthropic.types.Message:
        requested: Any = {"model": MODEL, "max_tokens": 900, "messages": messages, "tools": [TOOL]}
        if not stream:
            return claude.messages.create(**requested)  # type: ignore[no-any-return]
        with claude.messages.stream(**requested) as streamed:
            return streamed.get_final_message()

    first = say([QUESTION])
    uses = [block for block in first.content if block.type == "tool_use"]
    said = ("3 degrees", '{"t": 25}')
    answered = [
        {"type": "tool_result", "tool_use_id": use.id, "content": text} for use, text in zip(uses, said, strict=True)
    ]
    second = say([QUESTION, {"role": "assistant", "content": first.content}, {"role": "user", "content": answered}])

    assert ("tool_use", [{"city": "Oslo"}, {"city": "Rome"}]) == (first.stop_reason, [use.input for use in uses])
    assert "Let me look." == "".join(block.text for block in first.content if block.type == "text")
    assert (50, 50) == (first.usage.input_tokens, first.usage.output_tokens)
    assert "Cold and warm." == "".join(block.text for block in second.content if block.type == "text")
    check_second_turn(google.requests[1].json(), THOUGHT, SAID)


# --- Vertex ---------------------------------------------------------------------------------------------


def test_a_service_account_is_known_by_a_token_that_it_signed(hub: HubProcess, google: Stub) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, form, plain).decode()
    file = {"client_email": "hub@x.test", "private_key_id": "k1", "private_key": pem, "token_uri": "https://x.test"}
    secret = base64.b64encode(json.dumps(file).encode()).decode()
    hub.cli("provider", "add", "google-vertex", "--base-url", google.url("vertex"))
    hub.cli("credential", "add", "google-vertex", secret=secret)
    hub.cli("rate", "set", "google-vertex/gemini-2.5-pro", "--input", "1", "--output", "2", "--max-output", "64000")
    google.will(answering(200, json.dumps(chunk({"text": "Ciao."}, finish="STOP")).encode()))

    received = ask(hub, CHAT, {"model": "google-vertex/gemini-2.5-pro", "messages": [QUESTION]})

    assert "Ciao." == received.json()["choices"][0]["message"]["content"]
    head, claims, signature = google.only.headers["authorization"].removeprefix("Bearer ").split(".")
    proof = base64.urlsafe_b64decode(signature + "==")
    key.public_key().verify(proof, f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
    assert google.only.path.endswith("/models/gemini-2.5-pro:generateContent")
    assert [] == [name for name, value in google.only.headers.items() if secret in value or name == "x-goog-api-key"]


# --- failures -------------------------------------------------------------------------------------------


def test_a_stream_that_ends_without_a_finish_never_looks_complete(hub: HubProcess, google: Stub) -> None:
    async def cut(request: Received, reply: Reply) -> None:
        await reply.start(200, {"content-type": "text/event-stream"})
        await reply.write(sse(chunk({"text": "Cold and"})))

    google.will(cut)
    received = ask(hub, CHAT, {"model": MODEL, "messages": [QUESTION], "stream": True})

    assert (True, False) == (b"Cold and" in received.body, b"[DONE]" in received.body)
    assert b"truncated" in received.body


def test_a_rejected_key_is_no_fault_of_the_callers(hub: HubProcess, google: Stub) -> None:
    detail = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    error = {"code": 400, "message": f"API key not valid: {KEY}", "status": "INVALID_ARGUMENT", "details": [detail]}
    hub.cli("provider", "add", "other-google", "--dialect", "google", "--base-url", google.url("other"))
    hub.cli("credential", "add", "other-google", secret=KEY)
    hub.cli("rate", "set", "other-google/m", "--input", "1", "--output", "2", "--max-output", "64000")
    google.will(answering(400, json.dumps({"error": error}).encode()))

    received = ask(hub, CHAT, {"model": "other-google/m", "messages": [QUESTION]})

    assert (True, False) == (received.status >= 500, KEY.encode() in received.body)
