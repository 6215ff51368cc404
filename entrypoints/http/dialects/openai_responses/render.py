"""Rendering events as an answer of OpenAI's Responses API, whole and streamed.

Rule: the terminal event is sent only on `Ended`, and usage is never invented. The whole answer is the response that the
stream of the same events ends with.

https://developers.openai.com/api/reference/resources/responses/streaming-events
"""

from typing import Any, Literal

import msgspec

from domain.dialects.stop_reasons import OPENAI_RESPONSES_WRITTEN
from domain.model_api.events import Ended, Event, Finished, Started, UsageReported
from domain.usage import Usage
from entrypoints.http.dialects.dialect import ErrorBody, Rendering
from entrypoints.http.dialects.openai_chat.render import usage_object
from entrypoints.http.dialects.openai_responses.blocks import one_line
from entrypoints.http.dialects.openai_responses.items import OutputState, StreamEvent
from entrypoints.http.dialects.openai_responses.output_state import Content, close, note

_ENCODE = msgspec.json.Encoder().encode


# The service tiers of this API; other vendors' ordinary one ("standard", "on_demand") is its default.
_SERVICES = {tier: tier for tier in ("auto", "default", "flex", "scale", "priority", "fast")}

# The fields of the request that a response repeats, with their defaults.
_REPEATED: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}


class State(msgspec.Struct, frozen=True):
    """The output so far: the number of events, the items, and the fields for the end."""

    rendering: Rendering
    output_state: OutputState
    events: int = 0
    usage: Usage | None = None
    service_tier: str | None = None
    finished: Finished | None = None


def start(rendering: Rendering) -> State:
    """Before the first event."""
    return State(rendering=rendering, output_state=OutputState(call_id=_mark(rendering)))


def render(state: State, event: Event) -> tuple[State, bytes]:
    """One event as bytes, possibly none: usage and the reason to finish are held until the end."""
    if isinstance(event, Content):
        output_state, stream_events = note(state.output_state, event)
        return _written(msgspec.structs.replace(state, output_state=output_state), stream_events)
    match event:
        case Started():
            return _written(state, ())
        case UsageReported():
            return msgspec.structs.replace(state, usage=event.usage, service_tier=event.service_tier), b""
        case Finished(choice=0):
            return msgspec.structs.replace(state, finished=event), b""
        case Ended():
            state, stream_events = _closed(state)
            status = _status(state)
            return _written(
                state, (*stream_events, StreamEvent(f"response.{status}", {"response": _response(state, status)}))
            )
        case _:
            return state, b""  # `failed` renders a failure.


def whole(events: tuple[Event, ...], rendering: Rendering) -> bytes:
    """The answer as a JSON body."""
    state = start(rendering)
    for event in events:
        if isinstance(event, Content):
            output_state, _ = note(state.output_state, event)
            state = msgspec.structs.replace(state, output_state=output_state)
        else:
            state, _ = render(state, event) if isinstance(event, UsageReported | Finished) else (state, b"")
    state, _ = _closed(state)
    return _ENCODE(_response(state, _status(state)))


def failed(state: State, error: ErrorBody) -> tuple[State, bytes]:
    """The response so far, as a failed one: the event before the error event."""
    failed_response = {**_response(state, "failed"), "error": {"code": error.code, "message": error.message}}
    return _written(state, (StreamEvent("response.failed", {"response": failed_response}),))


def _closed(state: State) -> tuple[State, tuple[StreamEvent, ...]]:
    output_state, stream_events = close(
        state.output_state, "incomplete" if _status(state) == "incomplete" else "completed"
    )
    return msgspec.structs.replace(state, output_state=output_state), stream_events


def _status(state: State) -> Literal["completed", "incomplete"]:
    return (
        "incomplete"
        if state.finished is not None and state.finished.reason in OPENAI_RESPONSES_WRITTEN
        else "completed"
    )


def _written(state: State, stream_events: tuple[StreamEvent, ...]) -> tuple[State, bytes]:
    """The stream events with their numbers, after the two that open a stream."""
    if state.events == 0:
        begun = {"response": _response(state, "in_progress")}
        stream_events = (
            StreamEvent("response.created", begun),
            StreamEvent("response.in_progress", begun),
            *stream_events,
        )
    written = b"".join(
        b"event: %b\ndata: %b\n\n"
        % (
            stream_event.type.encode(),
            _ENCODE({"type": stream_event.type, "sequence_number": number, **stream_event.fields}),
        )
        for number, stream_event in enumerate(stream_events, state.events)
    )
    return msgspec.structs.replace(state, events=state.events + len(stream_events)), written


def _mark(rendering: Rendering) -> str:
    """The common part of the ids of an answer and its items."""
    return rendering.call_id.removeprefix("call_")


def _response(state: State, status: str) -> dict[str, Any]:
    """The response object. It repeats its request, as OpenAI's does; the hub stores nothing."""
    rendering, why = state.rendering, None
    if status == "incomplete" and state.finished is not None:
        why = {"reason": OPENAI_RESPONSES_WRITTEN[state.finished.reason]}
    return {
        "id": f"resp_{_mark(rendering)}",
        "object": "response",
        "created_at": rendering.created_s,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": why,
        "model": rendering.call.model,
        "output": state.output_state.output(),
        **{name: _repeated(rendering, name, usual) for name, usual in _REPEATED.items()},
        **({} if state.service_tier is None else {"service_tier": _SERVICES.get(state.service_tier, "default")}),
        "store": False,
        "usage": None if state.usage is None or status == "in_progress" else _usage(state.usage),
    }


def _repeated(rendering: Rendering, name: str, usual: Any) -> Any:
    given = rendering.call.fields.get(name)
    return usual if given is None or bytes(given) == b"null" else one_line(given)


def _usage(usage: Usage) -> dict[str, Any]:
    """The units as the Responses API adds them up: as chat completions does, with other field names."""
    units = usage_object(usage)
    prompt, completion = units["prompt_tokens_details"], units["completion_tokens_details"]
    counted = {
        "input_tokens": units["prompt_tokens"],
        "input_tokens_details": {name: prompt[name] for name in ("cached_tokens", "cache_write_tokens")},
        "output_tokens": units["completion_tokens"],
        "output_tokens_details": {"reasoning_tokens": completion["reasoning_tokens"]},
        "total_tokens": units["total_tokens"],
    }
    return counted if usage.tool_uses == 0 else {**counted, "tool_uses": usage.tool_uses}
