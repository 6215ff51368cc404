"""Requests of both kinds as they reach a Claude: passed through and translated."""

import json
from typing import Any

import msgspec

from adapters.providers.anthropic import ANTHROPIC
from domain.model_api.call import ModelCall
from domain.model_api.requests import (
    ChatRequest,
    Message,
    Part,
    Text,
)
from tests.support.anthropic import attempt


def passed(body: dict[str, Any], model: str = "claude-test", provider: str = "anthropic") -> dict[str, Any]:
    """What a body of Anthropic's own dialect becomes for a server."""
    call = ModelCall(
        dialect="anthropic",
        model="x/m",
        fields=msgspec.json.decode(json.dumps(body), type=dict[str, msgspec.Raw]),
        body_bytes=1,
    )
    at = attempt(model)
    if provider != "anthropic":
        target = msgspec.structs.replace(at.target, provider=provider, base_url="http://127.0.0.1:9/v1")
        at = msgspec.structs.replace(at, target=target)
    sent: dict[str, Any] = json.loads(ANTHROPIC.pass_through(call, at))
    assert sent.pop("model") == model
    return sent


def turns(*content: Any, provider: str = "anthropic") -> list[Any]:
    """The contents of turns by the user, the assistant, and so on."""
    messages = [{"role": ("user", "assistant")[place % 2], "content": said} for place, said in enumerate(content)]
    return [turn["content"] for turn in passed({"messages": messages}, provider=provider)["messages"]]


def encoded(*parts: Part, model: str = "claude-test", **fields: Any) -> dict[str, Any]:
    messages = (
        Message(role="user", parts=(Text(text="Hi"),)),
        *([Message(role="assistant", parts=parts)] if parts else []),
    )
    request = ChatRequest(model="m", messages=messages, **fields)
    assert ANTHROPIC.refuses(request) is None
    sent: dict[str, Any] = json.loads(ANTHROPIC.encode(request, attempt(model)))
    return sent


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}
