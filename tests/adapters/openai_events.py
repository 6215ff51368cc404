"""Builders for the tests of OpenAI's dialect, and `reported`: what events tell, put together, however they were cut."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from adapters.providers.dialect import ServerEvent
from adapters.providers.openai import OPENAI
from domain.failures import Failure
from domain.model_api.call import Attempt, ModelCall, Target
from domain.model_api.embeddings import Embedded
from domain.model_api.events import (
    AudioDelta,
    Broken,
    CitationDelta,
    Ended,
    Event,
    Finished,
    ProviderBlock,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from domain.model_api.images import ImageResult
from domain.model_api.rerank import Ranked
from domain.model_api.video import VideoResult


def reported(events: Iterable[Event]) -> dict[str, Any]:
    """Everything that the events say, by choice; usage and failures stand for the answer."""
    answer: dict[str, Any] = {"started": [], "choices": {}, "usage": None, "ended": False, "failure": None}
    for event in events:
        match event:
            case Started():
                answer["started"].append((event.id, event.model))
            case UsageReported():
                answer["usage"] = event.usage
            case Ended():
                answer["ended"] = True
            case Broken():
                answer["failure"] = event.failure
            case AudioDelta():
                pass  # Its words are reported as text.
            case Embedded() | ImageResult() | VideoResult() | Ranked():
                raise AssertionError(f"no chat answers with {event}")
            case _:
                _tell(answer["choices"].setdefault(event.choice, _silent()), event)
    return answer


def _silent() -> dict[str, Any]:
    return {"text": "", "refusal": "", "thoughts": {}, "calls": {}, "cited": [], "foreign": [], "finish": []}


def _tell(choice: dict[str, Any], event: Event) -> None:
    match event:
        case TextDelta():
            choice["text"] += event.text
        case RefusalDelta():
            choice["refusal"] += event.text
        case ReasoningDelta():
            text, signature, redacted = choice["thoughts"].get(event.block, ("", None, None))
            thought = (text + event.text, event.signature or signature, event.redacted or redacted)
            choice["thoughts"][event.block] = thought
        case ToolCallDelta():
            call_id, name, arguments = choice["calls"].get(event.index, (None, None, ""))
            assert event.id is None or call_id is None, "an id is told once"
            assert event.name is None or name is None, "a name is told once"
            choice["calls"][event.index] = (call_id or event.id, name or event.name, arguments + event.arguments)
        case CitationDelta():
            choice["cited"].append(bytes(event.citation))
        case ProviderBlock():
            choice["foreign"].append((event.dialect, event.name, bytes(event.block)))
        case Finished():
            choice["finish"].append((event.reason, event.stop_sequence))
        case _:
            raise AssertionError(event)


def server_events(text: bytes) -> list[ServerEvent]:
    """The events of a stream, naively: framing proper has its own module and tests."""
    events = []
    for block in text.replace(b"\r\n", b"\n").split(b"\n\n"):
        name, data = "", []
        for line in block.split(b"\n"):
            if line.startswith(b"data:"):
                data.append(line[5:].removeprefix(b" "))
            elif line.startswith(b"event:"):
                name = line[6:].strip().decode()
        if block.strip():
            events.append(ServerEvent(name, b"\n".join(data), block + b"\n\n"))
    return events


def add_detail(details: list[dict[str, Any]], piece: dict[str, Any]) -> None:
    """Pieces of one index and type are one detail, as OpenRouter's clients put them together."""
    same = next((one for one in details if (one["index"], one["type"]) == (piece["index"], piece["type"])), None)
    if same is None:
        details.append(piece)
        return
    for word in ("text", "signature", "data"):
        if piece.get(word):
            same[word] = (same.get(word) or "") + piece[word]


def folded(events: Iterable[ServerEvent]) -> tuple[Event, ...]:
    """What the fold makes of server-sent events, until its last word."""
    state = OPENAI.start()
    meant: list[Event] = []
    for event in events:
        state, more = OPENAI.step(state, event)
        meant += more
        if more and isinstance(more[-1], Ended | Broken):
            break
    return tuple(meant)


TRANSCRIPTS = Path(__file__).parent / "transcripts" / "openai"


def attempt(*, provider: str = "acme", url: str = "https://llm.acme.test/v1", cap: int | None = None) -> Attempt:
    target = Target(
        provider=provider, dialect="openai", base_url=url, model="m-upstream", credential_id=None, sealed=None
    )
    return Attempt(call_id="call-1", target=target, output_cap=cap, timeout_ms=1_000)


def call(body: str, **known: Any) -> ModelCall:
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return ModelCall(dialect="openai", model="m", fields=fields, body_bytes=len(body), **known)


def chunk(**fields: Any) -> ServerEvent:
    data = json.dumps({"id": "chatcmpl-1", "model": "gpt-4o", **fields}).encode()
    return ServerEvent("", data, data)


def delta(said: dict[str, Any], **choice: Any) -> ServerEvent:
    return chunk(choices=[{"index": 0, "delta": said, "finish_reason": None, **choice}])


def whole(message: dict[str, Any], **fields: Any) -> bytes:
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return json.dumps({"id": "chatcmpl-1", "model": "gpt-4o", "choices": choices, **fields}).encode()


def failure_of(events: tuple[Any, ...]) -> Failure:
    assert isinstance(events[-1], Broken)
    return events[-1].failure
