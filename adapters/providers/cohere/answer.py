"""Fold Cohere's answers, complete and streamed, into events.

House rule: a complete answer and the same answer streamed give the same events.

The plan that a model makes before it calls tools (`tool_plan`, "a chain-of-thought style reflection") is reasoning. A
signature records the field's name, so that it goes back under that name. `billed_units` are charged; `tokens` also
counts Cohere's own instructions, and `cached_tokens` is a part of that
(https://docs.cohere.com/docs/how-does-cohere-pricing-work).
"""

from collections.abc import Callable

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS, Count
from adapters.providers.dialect import ServerEvent
from adapters.providers.lenient_json import Lenient
from adapters.providers.openai.failure import failure as openai_failure
from adapters.providers.openai.failure import malformed
from adapters.providers.usage_counts import UNREPORTED, Reader, usage_of
from domain.dialects.signatures import carried, carry
from domain.dialects.stop_reasons import COHERE
from domain.failures import Failure
from domain.model_api.events import (
    Broken,
    CitationDelta,
    Ended,
    Event,
    Finished,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from domain.model_api.requests import Reasoning

NAME = "cohere"
_PLAN_BLOCK = 1_000  # Beyond the indexes of any content.
_PLAN = carry(NAME, {"as": "tool_plan"})

_FAULTS = frozenset({"ERROR", "TIMEOUT", "USER_CANCEL"})

_NOTHING = msgspec.Raw(b"null")


class _Units(msgspec.Struct, frozen=True):
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    search_units: Count | None = None


class _Usage(msgspec.Struct, frozen=True):
    billed_units: _Units | None = None
    tokens: _Units | None = None


_USAGE = Reader(_Usage)


class _Content(msgspec.Struct, frozen=True):
    type: str = ""
    text: str | None = None
    thinking: str | None = None


class _Function(msgspec.Struct, frozen=True):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct, frozen=True):
    id: str | None = None
    function: _Function | None = None


class _Message(msgspec.Struct, frozen=True):
    """A complete message, or the addition of one stream event, which has single objects instead of lists."""

    content: list[_Content] | _Content | str | None = None
    tool_plan: str | None = None
    tool_calls: list[_Call] | _Call | None = None
    citations: msgspec.Raw = _NOTHING


class _Delta(msgspec.Struct, frozen=True):
    message: _Message | None = None
    finish_reason: str | None = None
    usage: msgspec.Raw = UNREPORTED
    error: str | None = None


class _Event(msgspec.Struct, frozen=True):
    type: str = ""
    id: str | None = None
    index: int = 0
    delta: _Delta | None = None
    message: str | None = None


class _Answer(msgspec.Struct, frozen=True):
    message: _Message
    id: str = ""
    finish_reason: str | None = None
    usage: msgspec.Raw = UNREPORTED


class State(msgspec.Struct, frozen=True):
    """State of a stream: whether a plan is open, and the calls by Cohere's own index."""

    planning: bool = False
    calls: tuple[int, ...] = ()


START = State()
_EVENT = Lenient(_Event)
_ANSWER = Lenient(_Answer)
_CITATIONS: Lenient[list[msgspec.Raw] | None] = Lenient(list[msgspec.Raw] | None)
_NO_DELTA, _NO_MESSAGE = _Delta(), _Message()
_Step = tuple[State, tuple[Event, ...]]


def is_plan(reasoning: Reasoning) -> bool:
    """Whether the reasoning is a plan from Cohere."""
    return carried(NAME, reasoning.signature) == {"as": "tool_plan"}


def failure(status: int, headers: dict[str, str], body: bytes) -> Failure:
    """Return an answer that is not 2xx as a failure: `{"message": …}`, read like a compatible server's."""
    return msgspec.structs.replace(openai_failure(status, headers, body), dialect=NAME)


def decode(body: bytes) -> tuple[Event, ...]:
    """Return a complete answer as the events of its stream."""
    try:
        answer = _ANSWER.decode(body)
        message = answer.message
        events: list[Event] = [Started(id=answer.id, model="")]
        content = message.content
        for index, part in enumerate(content if isinstance(content, list) else (_part(content),)):
            events += _content(part, index)
        if message.tool_plan:
            events += [_planned(message.tool_plan), *_plan_over()]
        for index, call in enumerate(message.tool_calls if isinstance(message.tool_calls, list) else ()):
            events.append(_called(call, index))
        reason = answer.finish_reason or ("COMPLETE" if len(events) > 1 else None)
        events += [_cited(each) for each in _CITATIONS.part(message.citations) or ()]
        return (*events, *_ending(_run(reason, message.tool_calls), answer.usage, None, body))
    except DECODE_ERRORS as problem:
        return (malformed(str(problem)),)


def step(state: State, event: ServerEvent) -> _Step:
    """Fold one event of a stream; events that the API does not document are ignored."""
    if not event.data or event.data[:6] == b"[DONE]":
        return state, ()
    try:
        decoded = _EVENT.decode(event.data)
        handle = _HANDLERS.get(decoded.type or event.name)
        if handle is not None:
            return handle(state, decoded, event.data)
        if event.name == "error" or decoded.type == "error" or (not decoded.type and decoded.message):
            return state, (_broken(decoded.message or "", event.data),)
        return state, ()
    except DECODE_ERRORS as problem:
        return state, (malformed(str(problem)),)


# --- pieces ---------------------------------------------------------------------------------------------


def _part(content: _Content | str | None) -> _Content:
    """Return a single part; compatible servers send a text without a part around it."""
    return content if isinstance(content, _Content) else _Content(text=content)


def _content(content: _Content, index: int) -> list[Event]:
    events: list[Event] = []
    if content.thinking:
        events.append(ReasoningDelta(text=content.thinking, block=index))
    if content.text:
        events.append(TextDelta(text=content.text, block=index))
    return events


def _planned(text: str) -> Event:
    return ReasoningDelta(text=text, block=_PLAN_BLOCK)


def _plan_over() -> tuple[Event, ...]:
    return (ReasoningDelta(signature=_PLAN, block=_PLAN_BLOCK),)


def _called(call: _Call, index: int) -> Event:
    function = call.function or _Function()
    return ToolCallDelta(index=index, id=call.id, name=function.name, arguments=function.arguments or "")


def _cited(citation: msgspec.Raw) -> Event:
    return CitationDelta(citation=msgspec.Raw(bytes(citation)), dialect=NAME)


def _ending(reason: str | None, usage: msgspec.Raw, error: str | None, body: bytes) -> tuple[Event, ...]:
    """Return usage, finish reason and end, or the error that is reported in place of the reason."""
    usage_events = _reported(usage)
    if error or reason in _FAULTS:
        return (*usage_events, _broken(error or f"The provider ended the answer with {reason}.", body))
    return (*usage_events, *(() if reason is None else (Finished(reason=COHERE.get(reason, "stop")),)), Ended())


def _run(reason: str | None, calls: object) -> str | None:
    """Return the finish reason, a call of a tool if there is one, and only then: an agent relies on it."""
    if reason not in ("TOOL_CALL", "COMPLETE"):
        return reason
    return "TOOL_CALL" if calls else "COMPLETE"


def _reported(raw: msgspec.Raw) -> tuple[UsageReported, ...]:
    """Return what is billed, or what was counted if that is not reported, or reported as 0."""
    notes: list[str] = []
    usage = _USAGE.read(raw, notes) or _Usage()
    units = usage.billed_units or usage.tokens or _Units()
    if usage.tokens is not None and not (units.input_tokens or units.output_tokens):
        units = msgspec.structs.replace(usage.tokens, search_units=units.search_units)
    if units.input_tokens is None and units.output_tokens is None and not notes:
        return ()
    counts = {
        "input_tokens": units.input_tokens or 0,
        "output_tokens": units.output_tokens or 0,
        "tool_uses": units.search_units or 0,
    }
    return (UsageReported(usage=usage_of(notes, counts), notes=tuple(notes)),)


def _broken(message: str, body: bytes) -> Broken:
    text = message or "The provider reported an error without a message."
    return Broken(failure=Failure(kind="unavailable", message=text, dialect=NAME, body=body))


# --- the stream's events --------------------------------------------------------------------------------


def _message_start(state: State, event: _Event, _data: bytes) -> _Step:
    return state, (Started(id=event.id or "", model=""),)


def _content_delta(state: State, event: _Event, _data: bytes) -> _Step:
    content = _message(event).content
    return state, () if isinstance(content, list) else tuple(_content(_part(content), event.index))


def _plan_delta(state: State, event: _Event, _data: bytes) -> _Step:
    text = _message(event).tool_plan
    return (State(True, state.calls), (_planned(text),)) if text else (state, ())


def _call_start(state: State, event: _Event, _data: bytes) -> _Step:
    call = _message(event).tool_calls
    if not isinstance(call, _Call):
        raise ValueError("a tool call begins without the call")
    before: tuple[Event, ...] = _plan_over() if state.planning else ()
    return State(False, (*state.calls, event.index)), (*before, _called(call, len(state.calls)))


def _call_delta(state: State, event: _Event, _data: bytes) -> _Step:
    call = _message(event).tool_calls
    place = event.index if event.index in state.calls else next(reversed(state.calls), None)
    if place is None:
        raise ValueError(f"it adds to tool call {event.index}, which did not begin")
    arguments = call.function.arguments if isinstance(call, _Call) and call.function is not None else None
    index = len(state.calls) - 1 - state.calls[::-1].index(place)
    return state, (ToolCallDelta(index=index, arguments=arguments),) if arguments else ()


def _citation_start(state: State, event: _Event, _data: bytes) -> _Step:
    citation = _message(event).citations
    return state, () if bytes(citation) == b"null" else (_cited(citation),)


def _message_end(state: State, event: _Event, data: bytes) -> _Step:
    before: tuple[Event, ...] = _plan_over() if state.planning else ()
    delta = event.delta or _NO_DELTA
    return State(False, state.calls), (
        *before,
        *_ending(_run(delta.finish_reason, state.calls), delta.usage, delta.error, data),
    )


def _message(event: _Event) -> _Message:
    return (event.delta or _NO_DELTA).message or _NO_MESSAGE


_HANDLERS: dict[str, Callable[[State, _Event, bytes], _Step]] = {
    "message-start": _message_start,
    "content-start": _content_delta,
    "content-delta": _content_delta,
    "tool-plan-delta": _plan_delta,
    "tool-call-start": _call_start,
    "tool-call-delta": _call_delta,
    "citation-start": _citation_start,
    "message-end": _message_end,
}
