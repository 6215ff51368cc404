"""Answers in AIGNE's native shape: one JSON object, or server-sent deltas that add up to it.

House rule: the deltas add up to the whole answer. The client appends a delta of `text` and replaces by one of `json`
(`AgentResponseStreamParser` of `@aigne/core`); so text streams as it comes, and fields that are only true once they are
complete (tool calls, structured output, usage) are sent once, at the end.
"""

from typing import Any

import msgspec

from domain.dialects.signatures import googles
from domain.model_api.events import (
    Ended,
    Event,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from domain.pricing.charge import price
from domain.pricing.money import format_credits
from domain.usage import Usage
from entrypoints.http.dialects.dialect import ErrorBody, Rendering

_FORMAT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Called(msgspec.Struct, frozen=True):
    """A tool call so far."""

    id: str = ""
    name: str = ""
    arguments: str = ""
    signature: str | None = None


class State(msgspec.Struct, frozen=True, kw_only=True):
    """The output so far that is sent at the end. `calls` are those of the answer, by their index."""

    rendering: Rendering
    wants_json: bool
    model: str = ""
    text: str = ""
    calls: tuple[Called, ...] = ()
    usage: Usage | None = None


def start(rendering: Rendering) -> State:
    """Before the first event."""
    requested = rendering.call.fields.get("response_format")
    wants_json = requested is not None and bytes(_FORMAT.decode(requested).get("type", b"")) == b'"json_schema"'
    return State(rendering=rendering, wants_json=wants_json, model=rendering.call.model)


def render(state: State, event: Event) -> tuple[State, bytes]:
    """One event as deltas; the fields for the end come with `Ended`."""
    match event:
        case Started():
            state = msgspec.structs.replace(state, model=event.model or state.model)
            return state, _delta({"json": {"model": state.model}})
        case TextDelta() | RefusalDelta() if event.choice == 0 and event.text:
            if state.wants_json:
                return msgspec.structs.replace(state, text=state.text + event.text), b""
            return state, _delta({"text": {"text": event.text}})
        case ReasoningDelta() if event.choice == 0 and event.text:
            return state, _delta({"text": {"thoughts": event.text}})
        case ToolCallDelta() if event.choice == 0:
            return _called(state, event), b""
        case UsageReported():
            return msgspec.structs.replace(state, usage=event.usage), b""
        case Ended():
            return state, _delta({"json": _ending(state)})
        case _:
            return state, b""


def whole(events: tuple[Event, ...], rendering: Rendering) -> bytes:
    """The answer as one object."""
    state = start(rendering)
    value: dict[str, Any] = {}
    thoughts, text = "", ""
    for event in events:
        state, _ = render(state, event)
        if isinstance(event, TextDelta | RefusalDelta) and event.choice == 0:
            text += event.text
        elif isinstance(event, ReasoningDelta) and event.choice == 0:
            thoughts += event.text
    if text and not state.wants_json:
        value["text"] = text
    if thoughts:
        value["thoughts"] = thoughts
    return msgspec.json.encode({**value, "model": state.model, **_ending(state)})


def stream_error(error: ErrorBody) -> bytes:
    """An error as the last event of a stream; the client raises it."""
    reported = {"message": error.message, "type": error.kind, "code": error.code}
    return b"event: error\ndata: " + msgspec.json.encode(reported) + b"\n\n"


def usage_object(usage: Usage, rendering: Rendering) -> dict[str, Any]:
    """The units as AIGNE adds them up, with the credits of their charge."""
    written = usage.cache_write_tokens + usage.cache_write_1h_tokens
    read = usage.cache_read_tokens + usage.cache_read_audio_tokens
    reported: dict[str, Any] = {
        "inputTokens": usage.input_tokens + usage.input_audio_tokens + usage.input_image_tokens + read + written,
        "outputTokens": usage.output_tokens
        + usage.output_audio_tokens
        + usage.output_image_tokens
        + usage.reasoning_tokens,
    }
    if written:
        reported["cacheCreationInputTokens"] = written
    if read:
        reported["cacheReadInputTokens"] = read
    if rendering.rate is not None:
        # A JSON number, as the client expects it, and still the exact decimal.
        reported["aigneHubCredits"] = msgspec.Raw(format_credits(price(usage, rendering.rate).total_nanos).encode())
        reported["modelCallId"] = rendering.call_id
    return reported


def _ending(state: State) -> dict[str, Any]:
    """The fields that are sent once, at the end."""
    reported: dict[str, Any] = {}
    if state.calls:
        reported["toolCalls"] = [_tool_call(call) for call in state.calls]
    elif state.wants_json and state.text:
        reported["json"] = _object(state.text)
    if state.usage is not None:
        reported["usage"] = usage_object(state.usage, state.rendering)
    return {**reported, "modelWithProvider": state.rendering.served, "modelCallId": state.rendering.call_id}


def _called(state: State, event: ToolCallDelta) -> State:
    calls = [*state.calls, *[Called()] * (event.index + 1 - len(state.calls))]
    call = calls[event.index]
    calls[event.index] = Called(
        event.id or call.id,
        event.name or call.name,
        call.arguments + event.arguments,
        event.signature or call.signature,
    )
    return msgspec.structs.replace(state, calls=tuple(calls))


def _tool_call(call: Called) -> dict[str, Any]:
    function = {"name": call.name, "arguments": _object(call.arguments or "{}")}
    reported: dict[str, Any] = {"id": call.id, "type": "function", "function": function}
    signature = googles(call.signature)
    return reported if signature is None else {**reported, "metadata": {"thoughtSignature": signature}}


def _object(text: str) -> Any:
    """JSON as the model wrote it; otherwise its text, which the client refuses by itself."""
    try:
        msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return text
    return msgspec.Raw(text.encode())


def _delta(delta: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode({"delta": delta}) + b"\n\n"
