"""The Converse dialect as a test drives it."""

import json
from typing import Any

from adapters.providers.bedrock import BEDROCK
from domain.model_api.call import Attempt, Target
from domain.model_api.events import Event
from domain.model_api.requests import ChatRequest, Message, Part, Text

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "us.amazon.nova-2-lite-v1:0"
LLAMA = "us.meta.llama4-maverick-17b-instruct-v1:0"


def attempt(model: str = CLAUDE, output_cap: int | None = None) -> Attempt:
    target = Target(
        provider="bedrock",
        dialect="bedrock",
        base_url="https://bedrock-runtime.us-east-1.amazonaws.com",
        model=model,
        credential_id=None,
        sealed=None,
    )
    return Attempt(call_id="call_1", target=target, output_cap=output_cap, timeout_ms=1_000)


def requested(*parts: Part, model: str = CLAUDE, **fields: Any) -> ChatRequest:
    """A request of one user's turn."""
    messages = (Message(role="user", parts=parts or (Text(text="Hello"),)),)
    return ChatRequest(**{"model": model, "messages": messages} | fields)


def encoded(request: ChatRequest, output_cap: int | None = None) -> Any:
    """The body that is sent for a request which can be said."""
    refused = BEDROCK.refuses(request)
    assert refused is None, refused
    return json.loads(BEDROCK.encode(request, attempt(request.model, output_cap)))


def refused(request: ChatRequest) -> str | None:
    """The field that has no word, if there is one."""
    refusal = BEDROCK.refuses(request)
    return None if refusal is None else refusal.field


def reported(*pieces: bytes) -> tuple[Event, ...]:
    """What a stream that comes in these pieces says."""
    framer, state, events = BEDROCK.framer(), BEDROCK.start(), list[Event]()
    framed = [event for piece in pieces for event in framer.feed(piece)] + framer.finish()
    for event in framed:
        state, more = BEDROCK.step(state, event)
        events += more
    return tuple(events)
