"""Helpers of the tests of Gemini's dialect: events put together again, transcripts in the form of the wire."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from adapters.providers.google import GOOGLE
from domain.dialects.signatures import googles
from domain.failures import Failure
from domain.model_api.call import Attempt, Target
from domain.model_api.citations import source_of
from domain.model_api.events import (
    Broken,
    CitationDelta,
    Ended,
    Event,
    Finished,
    ProviderBlock,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from domain.model_api.requests import ChatRequest, Message, Part, Text, Tool

TRANSCRIPTS = Path(__file__).parents[1] / "adapters" / "transcripts" / "google"


def attempt(model: str = "gemini-3-flash-preview", output_cap: int | None = None) -> Attempt:
    """An attempt at a model of Google's."""
    target = Target(
        provider="google",
        dialect="google",
        base_url="https://generativelanguage.googleapis.com/v1beta",
        model=model,
        credential_id="cred-1",
        sealed=b"",
    )
    return Attempt(call_id="call-1", target=target, output_cap=output_cap, timeout_ms=60_000)


def streamed(*cuts: bytes) -> tuple[Event, ...]:
    """The events of a stream that came in these pieces."""
    framer, state, events = GOOGLE.framer(), GOOGLE.start(), list[Event]()
    framed = [event for cut in cuts for event in framer.feed(cut)] + framer.finish()
    for event in framed:
        if event.data:
            state, more = GOOGLE.step(state, event)
            events += more
    return tuple(events)


def sse(*chunks: Any) -> bytes:
    """Chunks as Google sends them."""
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in chunks)


def reported(events: Iterable[Event], choice: int = 0) -> dict[str, Any]:
    """What the events say of a choice, however they were cut; usage and failures stand for the answer."""
    said: dict[str, Any] = {
        "text": "",
        "thoughts": {},
        "calls": {},
        "signed": [],
        "foreign": [],
        "cited": [],
        "finish": [],
    }
    said |= {"started": None, "usage": None, "ended": False, "failure": None}
    for event in events:
        match event:
            case Started():
                assert said["started"] is None, "an answer starts once"
                said["started"] = (event.id, event.model)
            case UsageReported():
                units = {name: getattr(event.usage, name) for name in event.usage.__struct_fields__}
                said["usage"] = {name: count for name, count in units.items() if count}
            case Ended():
                said["ended"] = True
            case Broken():
                said["failure"] = event.failure
            case _ if getattr(event, "choice", None) == choice:
                _tell(said, event)
    return said


def _tell(said: dict[str, Any], event: Event) -> None:
    match event:
        case TextDelta():
            said["text"] += event.text
            said["signed"] += [googles(event.signature)] if event.signature else []
        case ReasoningDelta():
            text, signature = said["thoughts"].get(event.block, ("", None))
            said["thoughts"][event.block] = (text + event.text, googles(event.signature) or signature)
            said["signed"] += [googles(event.signature)] if event.signature else []
        case ToolCallDelta():
            assert event.index not in said["calls"], "Google tells a call whole"
            said["calls"][event.index] = (event.id, event.name, json.loads(event.arguments))
            said["signed"] += [googles(event.signature)] if event.signature else []
        case CitationDelta():
            source = source_of(event)
            assert source is not None
            said["cited"].append((source.url, source.title, source.text, source.start, source.end))
        case ProviderBlock():
            said["foreign"].append((event.name, json.loads(bytes(event.block))))
        case Finished():
            said["finish"].append(event.reason)
        case _:
            raise AssertionError(event)


def failed(events: Iterable[Event]) -> Failure:
    """The failure that the events end with."""
    *_, last = events
    assert isinstance(last, Broken), last
    return last.failure


QUESTION = Message(role="user", parts=(Text(text="Hello"),))
WEATHER = Tool(name="weather", description="Tell it.", parameters=msgspec.Raw(b'{"type":"object","properties":{}}'))


def sent(*messages: Message, model: str = "gemini-3-flash-preview", cap: int | None = None, **fields: Any) -> Any:
    """What Google is sent for a request, which it must be able to say."""
    request = ChatRequest(model=model, messages=messages or (QUESTION,), **fields)
    assert GOOGLE.refuses(request) is None, GOOGLE.refuses(request)
    return json.loads(GOOGLE.encode(request, attempt(model, cap)))


def config(**fields: Any) -> Any:
    """The `generationConfig` of a question with these fields."""
    return sent(**fields).get("generationConfig", {})


def user(*parts: Part) -> Message:
    """A turn of the user's."""
    return Message(role="user", parts=parts)


def model(*parts: Part) -> Message:
    """A turn of the model's."""
    return Message(role="assistant", parts=parts)


def raw(value: Any) -> msgspec.Raw:
    """A value as JSON."""
    return msgspec.Raw(json.dumps(value).encode())
