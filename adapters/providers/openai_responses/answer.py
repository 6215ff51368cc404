"""Answers of OpenAI's Responses API, whole and streamed, as events.

House rule: only the events that mean something are decoded, each by its own shape; what a server adds means nothing.
The end of a stream is `response.completed`, `.incomplete` or `.failed`; no `[DONE]` is waited for.

https://developers.openai.com/api/reference/resources/responses/streaming-events
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.dialect import ServerEvent
from adapters.providers.lenient_json import Lenient
from adapters.providers.openai_responses.failure import malformed, reported_error
from adapters.providers.openai_responses.items import BETWEEN_PARTS, Item, Seen, begun, citation, done, read, whole
from adapters.providers.openai_responses.usage import Used, reported
from adapters.providers.openai_responses.wire import About, Annotation, Delta, ItemEvent, Response, Typed
from domain.model_api.events import (
    Broken,
    Ended,
    Event,
    Finished,
    FinishReason,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
)

_INCOMPLETE: dict[str, FinishReason] = {
    "max_output_tokens": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
}


class State(msgspec.Struct, frozen=True):
    """What a stream said so far: of each item, how many tools it called, and which items are done.

    `last` is the item that was begun last, and meant where none is named.
    """

    started: bool = False
    items: dict[int, Seen] = {}
    calls: int = 0
    used: tuple[Used, ...] = ()
    last: int = 0


_Step: TypeAlias = tuple[State, tuple[Event, ...]]

_ABOUT = Lenient(About)
_ITEM_EVENT = Lenient(ItemEvent)
_DELTA = Lenient(Delta)
_ANNOTATION = Lenient(Annotation)
_TYPED = Lenient(Typed)
_RESPONSE = Lenient(Response)
_USED = Lenient(Used)
_NOTHING: tuple[Event, ...] = ()


def start() -> State:
    """Before the first event."""
    return State()


def step(state: State, event: ServerEvent) -> _Step:
    """One event of a stream; what nobody promised to send means nothing."""
    data = event.data
    if not data or data.isspace() or data[:6] == b"[DONE]":
        return state, _NOTHING
    try:
        handle = _HANDLERS.get(event.name)
        if handle is None:  # OpenRouter sends no names, which the data repeats.
            handle = _HANDLERS.get(_TYPED.decode(data).type)
        return handle(state, data) if handle is not None else _unknown(state, data)
    except DECODE_ERRORS as problem:
        return state, (malformed(f"{event.name or 'an event'} makes no sense: {problem}"),)


def decode(body: bytes) -> tuple[Event, ...]:
    """A whole answer as the events of its stream; the body's end is its terminal word."""
    try:
        response = _RESPONSE.decode(body)
        if response.output is None:
            return (reported_error(response.error),) if response.error else (malformed("it has no output"),)
        items, calls = whole(response.output)
        return (_started(response), *items, *_ending(response, State(calls=calls)))
    except DECODE_ERRORS as problem:
        return (malformed(str(problem)),)


def _started(response: Response) -> Started:
    return Started(id=response.id or "", model=response.model or "", service_tier=_tier(response))


def _tier(response: Response) -> str | None:
    return response.service_tier if isinstance(response.service_tier, str) else None


def _ending(response: Response, state: State) -> tuple[Event, ...]:
    """What was counted, why the model stopped, and the end; an answer that failed is broken instead."""
    used = [_USED.part(item) or Used() for item in response.output or ()] or state.used
    usage = reported(response.usage, used, response.tool_usage, _tier(response))
    if response.status == "failed" or (response.error and response.status != "completed"):
        return (*usage, reported_error(response.error or {"message": "The provider could not finish the answer."}))
    if response.status == "cancelled":
        return (*usage, reported_error({"message": "The answer was cancelled at the provider."}))
    if response.status in ("queued", "in_progress"):
        return (*usage, Ended())  # Told in the background: the model has not finished.
    if not used and not state.items and response.status != "incomplete":
        return (*usage, malformed("it is over, and nothing was put out"))
    called = bool(state.calls) or any(item.type == "custom_tool_call" for item in used)
    return (*usage, Finished(reason=_reason(response, called)), Ended())


def _reason(response: Response, called: bool) -> FinishReason:
    if response.status == "incomplete":
        why = response.incomplete_details
        return _INCOMPLETE.get(why.reason or "", "pause") if why is not None else "length"
    return "tool_calls" if called else "stop"


# --- the events of a stream -----------------------------------------------------------------------------


def _created(state: State, data: bytes) -> _Step:
    if state.started:
        return state, _NOTHING
    return msgspec.structs.replace(state, started=True), (_started(_ABOUT.decode(data).response),)


def _text(state: State, data: bytes) -> _Step:
    delta = _DELTA.decode(data)
    place = state.last if delta.output_index is None else delta.output_index
    said = TextDelta(text=delta.delta, block=place)
    return _saying(state, place), (said,) if delta.delta else _NOTHING


def _refusal(state: State, data: bytes) -> _Step:
    delta = _DELTA.decode(data)
    place = state.last if delta.output_index is None else delta.output_index
    return _saying(state, place), (RefusalDelta(text=delta.delta),) if delta.delta else _NOTHING


def _summary(state: State, data: bytes) -> _Step:
    delta = _DELTA.decode(data)
    return _thought(state, delta, ("summary", delta.summary_index))


def _reasoning_text(state: State, data: bytes) -> _Step:
    delta = _DELTA.decode(data)
    return _thought(state, delta, ("content", delta.content_index))


def _thought(state: State, delta: Delta, part: tuple[str, int]) -> _Step:
    if not delta.delta:
        return state, _NOTHING
    place = state.last if delta.output_index is None else delta.output_index
    seen = state.items.get(place, Seen())
    text = delta.delta
    if not seen.said or seen.part != part:
        text = BETWEEN_PARTS + text if seen.said else text
        state = _with(state, place, msgspec.structs.replace(seen, said=True, part=part))
    return state, (ReasoningDelta(text=text, block=place),)


def _arguments(state: State, data: bytes) -> _Step:
    delta = _DELTA.decode(data)
    place = state.last if delta.output_index is None else delta.output_index
    seen = state.items.get(place)
    if seen is None or seen.call is None:  # Its place cannot be read: then it is of the call that was begun last.
        place = next((at for at, item in reversed(state.items.items()) if item.call is not None), -1)
        seen = state.items.get(place)
    if seen is None or seen.call is None:
        raise ValueError(f"it adds to the arguments of item {delta.output_index}, which is no tool call")
    if not delta.delta:
        return state, _NOTHING
    return _saying(state, place), (ToolCallDelta(index=seen.call, arguments=delta.delta),)


def _annotated(state: State, data: bytes) -> _Step:
    event = _ANNOTATION.decode(data)
    if bytes(event.annotation) == b"null":
        return state, _NOTHING
    place = state.last if event.output_index is None else event.output_index
    seen = state.items.get(place, Seen())
    cited = msgspec.structs.replace(seen, citations=seen.citations + 1)
    return _with(state, place, cited), (citation(event.annotation),)


def _item_added(state: State, data: bytes) -> _Step:
    event = _ITEM_EVENT.decode(data)
    following = max(state.items, default=-1) + 1
    return _added(state, read(event.item), following if event.output_index is None else event.output_index)


def _added(state: State, item: Item, index: int) -> _Step:
    is_call = item.type == "function_call"
    opened = _with(state, index, Seen(call=state.calls if is_call else None))
    return msgspec.structs.replace(opened, calls=state.calls + is_call, last=index), begun(item, state.calls)


def _item_done(state: State, data: bytes) -> _Step:
    event = _ITEM_EVENT.decode(data)
    raw = msgspec.Raw(bytes(event.item))
    item = read(raw)
    events: tuple[Event, ...] = ()
    place = state.last if event.output_index is None else event.output_index
    if place not in state.items:
        state, events = _added(state, item, place)
    seen = state.items[place]
    state = msgspec.structs.replace(state, used=(*state.used, _USED.part(raw) or Used()))
    return state, (*events, *done(item, raw, place, seen))


def _closed(state: State, data: bytes) -> _Step:
    """The end. A server that streams no items has them all here."""
    response = _ABOUT.decode(data).response
    events: list[Event] = [] if state.started else [_started(response)]
    if not state.items and response.output:
        items, calls = whole(response.output)
        events += items
        state = msgspec.structs.replace(state, calls=calls)
    state = msgspec.structs.replace(state, started=True)
    return state, (*events, *_ending(response, state))


def _error(state: State, data: bytes) -> _Step:
    """OpenAI's reference has the error's fields in the event itself; on the wire they may stand in `error`."""
    said = msgspec.json.decode(data)
    return state, (_told(said),)


def _unknown(state: State, data: bytes) -> _Step:
    """An event that nobody knows, unless it is an error without a type, as proxies send it."""
    if b'"error"' not in data[:64]:
        return state, _NOTHING
    said = msgspec.json.decode(data)
    return state, (_told(said),) if isinstance(said, dict) and said.get("error") else _NOTHING


def _told(said: Any) -> Broken:
    inner = said.get("error") if isinstance(said, dict) else None
    if not isinstance(said, dict) or inner:
        return reported_error(inner or said)
    return reported_error({name: value for name, value in said.items() if name != "type"})


def _saying(state: State, index: int) -> State:
    """The state in which something was said of the item; the same one, if that was so before."""
    seen = state.items.get(index)
    if seen is not None and seen.said:
        return state
    return _with(state, index, msgspec.structs.replace(seen or Seen(), said=True))


def _with(state: State, index: int, seen: Seen) -> State:
    return msgspec.structs.replace(state, items={**state.items, index: seen})


_HANDLERS: dict[str, Callable[[State, bytes], _Step]] = {
    "response.created": _created,
    "response.output_item.added": _item_added,
    "response.output_text.delta": _text,
    "response.refusal.delta": _refusal,
    "response.reasoning_summary_text.delta": _summary,
    "response.reasoning_text.delta": _reasoning_text,
    "response.function_call_arguments.delta": _arguments,
    "response.output_text.annotation.added": _annotated,
    "response.output_item.done": _item_done,
    "response.completed": _closed,
    "response.incomplete": _closed,
    "response.failed": _closed,
    "response.cancelled": _closed,
    "error": _error,
}
