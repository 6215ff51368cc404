"""Answers of Gemini's API: the events of an answer as one response, or as the chunks of a stream.

House rule: a stream is a list of responses, and the whole response equals their sum. The last chunk, with the finish
reasons and the usage, comes only on `Ended`; no ending is made up.

https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent
"""

from typing import Any

import msgspec

from domain.model_api.events import Ended, Event, Finished, UsageReported
from domain.usage import Usage
from entrypoints.http.dialects.dialect import Rendering
from entrypoints.http.dialects.google.candidate import candidate, usage_json
from entrypoints.http.dialects.google.parts import Choice, drained, joined, received
from entrypoints.http.one_line_json import one_line

_ENCODE = msgspec.json.Encoder().encode


class State(msgspec.Struct, frozen=True):
    """The output so far, by choice; `tail` is the end of every chunk."""

    rendering: Rendering
    tail: bytes
    choices: dict[int, Choice] = {}
    finished: dict[int, Finished] = {}
    usage: Usage | None = None
    ended: bool = False


def start(rendering: Rendering) -> State:
    """Before the first event."""
    return State(rendering=rendering, tail=b"," + _ENCODE(_about(rendering))[1:] + b"\r\n\r\n")


def render(state: State, event: Event) -> tuple[State, bytes]:
    """One event as the bytes of its chunk, possibly none: calls, usage and reasons wait for the end."""
    match event:
        case _ if state.ended:
            return state, b""
        case UsageReported():
            return msgspec.structs.replace(state, usage=event.usage), b""
        case Finished():
            return msgspec.structs.replace(state, finished={**state.finished, event.choice: event}), b""
        case Ended():
            return msgspec.structs.replace(state, ended=True), _last(state)
    index = getattr(event, "choice", None)
    if index is None:
        return state, b""
    before = state.choices.get(index, Choice())
    choice, parts = received(before, event)
    if choice is not before:
        state = msgspec.structs.replace(state, choices={**state.choices, index: choice})
    return state, _chunk(state, index, parts) if parts else b""


def whole(events: tuple[Event, ...], rendering: Rendering) -> bytes:
    """The answer as one response; usage is left out where the provider reported none."""
    choices: dict[int, Choice] = {}
    parts: dict[int, list[Any]] = {}
    finished: dict[int, Finished] = {}
    usage = None
    for event in events:
        if isinstance(event, UsageReported):
            usage = event.usage
        elif isinstance(event, Finished):
            finished[event.choice] = event
        elif (index := getattr(event, "choice", None)) is not None:
            choices[index], more = received(choices.get(index, Choice()), event)
            parts.setdefault(index, []).extend(more)
    candidates = []
    for index in sorted({0, *choices, *finished}):
        choice, more = drained(choices.get(index, Choice()))
        value = joined([*parts.get(index, ()), *more])
        candidates.append(candidate(index, value, choice, finished.get(index)))
    return _ENCODE(_response(candidates, usage) | _about(rendering))


def _chunk(state: State, index: int, parts: list[Any]) -> bytes:
    return b'data: {"candidates":[{"content":{"parts":%b,"role":"model"},"index":%d}]%b' % (
        one_line(_ENCODE(parts)),
        index,
        state.tail,
    )


def _last(state: State) -> bytes:
    """The last chunk: the calls, then each candidate's finish reason, and the usage."""
    candidates = []
    for index in sorted({0, *state.choices, *state.finished}):
        choice, parts = drained(state.choices.get(index, Choice()))
        candidates.append(candidate(index, parts or [{"text": ""}], choice, state.finished.get(index)))
    response = _response(candidates, state.usage) | _about(state.rendering)
    return b"data: %b\r\n\r\n" % one_line(_ENCODE(response))


def _response(candidates: list[dict[str, Any]], usage: Usage | None) -> dict[str, Any]:
    reported: dict[str, Any] = {"candidates": candidates}
    if usage is not None:
        reported["usageMetadata"] = usage_json(usage)
    return reported


def _about(rendering: Rendering) -> dict[str, Any]:
    return {"modelVersion": rendering.call.model, "responseId": rendering.call_id}
