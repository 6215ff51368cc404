"""Fold Ollama's answers, complete and streamed, into events.

House rule: a complete answer is a stream of one line, so one function reads both. Tool calls are sent complete, with
their arguments as an object.
"""

from typing import Annotated, Any

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS, Count
from adapters.providers.dialect import ServerEvent
from adapters.providers.lenient_json import SPELLED, Lenient
from adapters.providers.openai.failure import failure as openai_failure
from adapters.providers.openai.failure import malformed
from adapters.providers.tool_arguments import arguments_text
from adapters.providers.usage_counts import Reader, usage_of
from domain.dialects.stop_reasons import OLLAMA
from domain.failures import Failure
from domain.model_api.events import (
    Broken,
    Ended,
    Event,
    Finished,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)

NAME = "ollama"


class _Function(msgspec.Struct, frozen=True):
    name: str
    arguments: msgspec.Raw = msgspec.Raw(b"{}")


class _Call(msgspec.Struct, frozen=True):
    function: _Function
    id: str | None = None


class _Message(msgspec.Struct, frozen=True):
    content: Annotated[str, SPELLED] = ""
    thinking: str | None = None
    tool_calls: list[_Call] | None = None


class _Line(msgspec.Struct, frozen=True):
    """A line of a stream, or a complete answer. The counts are on the last line and are read separately."""

    model: str = ""
    created_at: str = ""
    message: _Message | None = None
    done: Any = None
    done_reason: str | None = None
    error: str | None = None


class _Counts(msgspec.Struct, frozen=True):
    prompt_eval_count: Count | None = None
    eval_count: Count | None = None


_COUNTS = Reader(_Counts)


class State(msgspec.Struct, frozen=True):
    """State of a stream: its creation time, once known, and the number of tool calls."""

    began: str | None = None
    calls: int = 0


START = State()
_LINE = Lenient(_Line)


def failure(status: int, headers: dict[str, str], body: bytes) -> Failure:
    """Return an answer that is not 2xx as a failure: `{"error": "…"}`, read like a compatible server's."""
    return msgspec.structs.replace(openai_failure(status, headers, body), dialect=NAME)


def decode(body: bytes) -> tuple[Event, ...]:
    """Return a complete answer; one without `done` is malformed."""
    state, events = step(START, ServerEvent("", body, body))
    if events and isinstance(events[-1], (Ended, Broken)):
        return events
    line = _LINE.part(body)
    if line is None or line.message is None or line.done is False:
        return (malformed("it is not done"),)
    return (*events, *_ending(state, line, _reported(body)))


def step(state: State, event: ServerEvent) -> tuple[State, tuple[Event, ...]]:
    """Fold one line."""
    if not event.data:
        return state, ()
    try:
        line = _LINE.decode(event.data)
        if line.error is not None:
            return state, (Broken(failure=Failure(kind="unavailable", message=line.error, dialect=NAME)),)
        if line.message is None and not line.done:
            raise ValueError("a line has neither a message nor the end")
        events: list[Event] = []
        if state.began is None:
            state = State(began=line.created_at)
            events.append(Started(id="", model=line.model))
        state = _content(state, line.message or _Message(), events)
        if line.done:
            events += _ending(state, line, _reported(event.data))
        return state, tuple(events)
    except DECODE_ERRORS as problem:
        return state, (malformed(str(problem)),)


def _content(state: State, message: _Message, events: list[Event]) -> State:
    if message.thinking:
        events.append(ReasoningDelta(text=message.thinking))
    if message.content:
        events.append(TextDelta(text=message.content))
    for index, call in enumerate(message.tool_calls or (), state.calls):
        events.append(
            ToolCallDelta(
                index=index,
                # Older servers send no id. The hub's own is made of the answer's time, so it is stable and unique.
                id=call.id or f"call_{''.join(filter(str.isalnum, state.began or ''))}_{index}",
                name=call.function.name,
                arguments=arguments_text(call.function.arguments),
            )
        )
    return State(began=state.began, calls=state.calls + len(message.tool_calls or ()))


def _reported(line: bytes) -> tuple[UsageReported, ...]:
    """Return the counts of the last line. Older servers do not count a cached prompt."""
    notes: list[str] = []
    counts = _COUNTS.read(msgspec.Raw(line), notes) or _Counts()
    if counts.prompt_eval_count is None and counts.eval_count is None and not notes:
        return ()
    units = {"input_tokens": counts.prompt_eval_count or 0, "output_tokens": counts.eval_count or 0}
    return (UsageReported(usage=usage_of(notes, units), notes=tuple(notes)),)


def _ending(state: State, line: _Line, counted: tuple[UsageReported, ...]) -> list[Event]:
    """Return the counts, the finish reason and the end."""
    events: list[Event] = [*counted]
    reason = OLLAMA.get(line.done_reason or "stop", "stop")
    events.append(Finished(reason="tool_calls" if state.calls and reason == "stop" else reason))
    events.append(Ended())
    return events
