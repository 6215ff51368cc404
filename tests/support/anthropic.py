"""Anthropic's wire format as naively as a test may read and write it, to hold the dialect against.

`meaning` is what events come to: deltas joined, the last usage, the ending. `assemble` is what a client puts together
from a rendered stream, and it fails on a stream that no client could follow.
"""

import json
from typing import Any

import msgspec

from adapters.providers.anthropic import ANTHROPIC
from adapters.providers.dialect import ServerEvent
from domain.model_api.call import Attempt, Target
from domain.model_api.events import (
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


def attempt(model: str = "claude-test", output_cap: int | None = None) -> Attempt:
    target = Target(
        provider="anthropic",
        dialect="anthropic",
        base_url="https://api.anthropic.com/v1",
        model=model,
        credential_id=None,
        sealed=None,
    )
    return Attempt(call_id="call_1", target=target, output_cap=output_cap, timeout_ms=1_000)


def server_events(stream: str) -> list[ServerEvent]:
    events = []
    for paragraph in stream.replace("\r\n", "\n").split("\n\n"):
        name, data = "", []
        for line in paragraph.split("\n"):
            if line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("data:"):
                data.append(line[5:].removeprefix(" "))
        if name or data:
            events.append(ServerEvent(name, "\n".join(data).encode(), paragraph.encode()))
    return events


def event(name: str, **fields: Any) -> ServerEvent:
    data = json.dumps({"type": name, **fields}).encode()
    return ServerEvent(name, data, b"")


def fold(events: list[ServerEvent]) -> tuple[Event, ...]:
    state = ANTHROPIC.start()
    reported: list[Event] = []
    for server_event in events:
        state, more = ANTHROPIC.step(state, server_event)
        reported += more
    return tuple(reported)


def meaning(events: tuple[Event, ...]) -> dict[str, Any]:
    """What the events say, with nothing of how they were cut."""
    said: dict[str, Any] = {"text": "", "thinking": {}, "tools": {}, "citations": [], "foreign": [], "endings": []}
    for reported in events:
        match reported:
            case Started():
                said["started"] = (reported.id, reported.model)
            case TextDelta() | RefusalDelta():
                said["text"] += reported.text
            case ReasoningDelta():
                text, signature, redacted = said["thinking"].get(reported.block, ("", "", ""))
                grown = (
                    text + reported.text,
                    signature + (reported.signature or ""),
                    redacted + (reported.redacted or ""),
                )
                said["thinking"][reported.block] = grown
            case ToolCallDelta():
                name, arguments = said["tools"].get(reported.index, (None, ""))
                said["tools"][reported.index] = (name or (reported.id, reported.name), arguments + reported.arguments)
            case CitationDelta():
                said["citations"].append((len(said["text"]), json.loads(bytes(reported.citation))))
            case ProviderBlock():
                said["foreign"].append((reported.name, json.loads(bytes(reported.block))))
            case UsageReported():
                said["usage"] = msgspec.to_builtins(reported.usage)
            case Finished():
                said["endings"].append((reported.reason, reported.stop_sequence))
            case Ended():
                said["endings"].append("ended")
            case Broken():
                said["endings"].append((reported.failure.kind, reported.failure.message))
    said["tools"] = {at: (name, json.loads(arguments)) for at, (name, arguments) in said["tools"].items()}
    return said


_GROWS = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


def assemble(stream: bytes) -> dict[str, Any]:
    """The message that a client has after a stream; blocks must be one after another, without gaps."""
    message: dict[str, Any] = {}
    open_at: int | None = None
    arguments = ""
    for server_event in server_events(stream.decode()):
        assert message.get("stopped") is None, "something follows message_stop"
        data = json.loads(server_event.data)
        assert data["type"] == server_event.name
        assert bool(message) == (server_event.name != "message_start")
        match server_event.name:
            case "message_start":
                message = data["message"]
            case "content_block_start":
                assert open_at is None, "a block begins inside another"
                assert data["index"] == len(message["content"])
                open_at, arguments = data["index"], ""
                message["content"].append(data["content_block"])
            case "content_block_delta":
                assert data["index"] == open_at
                arguments += _grow(message["content"][-1], data["delta"])
            case "content_block_stop":
                assert data["index"] == open_at
                open_at = None
                if message["content"][-1]["type"] == "tool_use":
                    message["content"][-1]["input"] = parsed(arguments)
            case "message_delta":
                assert open_at is None, "the message ends inside a block"
                message |= data["delta"]
                message |= {name: value for name, value in data.items() if name not in ("type", "delta")}
            case "message_stop":
                assert "stop_reason" in message
                message["stopped"] = True
            case name:
                raise AssertionError(f"no such event: {name}")
    return message


def _grow(block: dict[str, Any], delta: dict[str, Any]) -> str:
    match delta["type"]:
        case "input_json_delta":
            assert block["type"] == "tool_use"
            return str(delta["partial_json"])
        case "citations_delta":
            assert block["type"] == "text"
            block.setdefault("citations", []).append(delta["citation"])
        case kind:
            block[_GROWS[kind]] += delta[_GROWS[kind]]
    return ""


def parsed(arguments: str) -> Any:
    """A tool's input from its pieces; what is no object is kept under the name Anthropic gives it."""
    try:
        value = json.loads(arguments if arguments.strip() else "{}")
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {"INVALID_JSON": arguments}
