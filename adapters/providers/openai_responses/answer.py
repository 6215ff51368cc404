"""Answers of OpenAI's Responses API, complete and streamed, as events.

House rule: only the events that the hub uses are decoded, each by its own shape; all others are ignored. A stream ends
with `response.completed`, `.incomplete` or `.failed`; the hub does not wait for `[DONE]`.

https://developers.openai.com/api/reference/resources/responses/streaming-events
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.dialect import ServerEvent
from adapters.providers.lenient_json import Lenient
from adapters.providers.openai_responses.failure import malformed, reported_error
from adapters.providers.openai_responses.items import (
    BETWEEN_PARTS,
    Item,
    Seen,
    citation,
    complete_items,
    finished_item,
    read,
    started_item,
)
from adapters.providers.openai_responses.usage import Used, reported
from adapters.providers.openai_responses.wire import About, Annotation, Delta, ItemEvent, Response, Typed
from domain.dialects.stop_reasons import OPENAI_RESPONSES
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


class State(msgspec.Struct, frozen=True):
    """State of a stream: its items, the number of tool calls, and the finished items.

    `last` is the index of the latest item, used where an event names none.
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
    """Return the state before the first event."""
    return State()


def step(state: State, event: ServerEvent) -> _Step:
    """Fold one event of a stream; events that the API does not document are ignored."""
    data = event.data
    if not data or data.isspace() or data[:6] == b"[DONE]":
        return state, _NOTHING
    try:
        handle = _HANDLERS.get(event.name)
        if handle is None:  # OpenRouter sends no event names; the data repeats them.
            handle = _HANDLERS.get(_TYPED.decode(data).type)
        return handle(state, data) if handle is not None else _unknown(state, data)
    except DECODE_ERRORS as problem:
        return state, (malformed(f"{event.name or 'an event'} makes no sense: {problem}"),)


def decode(body: bytes) -> tuple[Event, ...]:
    """Return a complete answer as the events of its stream; the end of the body ends the answer."""
    try:
        response = _RESPONSE.decode(body)
        if response.output is None:
            return (reported_error(response.error),) if response.error else (malformed("it has no output"),)
        items, calls = complete_items(response.output)
        return (_started(response), *items, *_ending(response, State(calls=calls)))
    except DECODE_ERRORS as problem:
        return (malformed(str(problem)),)


def _started(response: Response) -> Started:
    return Started(id=response.id or "", model=response.model or "", service_tier=_tier(response))


def _tier(response: Response) -> str | None:
    return response.service_tier if isinstance(response.service_tier, str) else None


def _ending(response: Response, state: State) -> tuple[Event, ...]:
    """Return the usage, the finish reason and the end; a failed answer gives `Broken` instead."""
    used = [_USED.part(item) or Used() for item in response.output or ()] or state.used
    usage = reported(response.usage, used, response.tool_usage, _tier(response))
    if response.status == "failed" or (response.error and response.status != "completed"):
        return (*usage, reported_error(response.error or {"message": "The provider could not finish the answer."}))
    if response.status == "cancelled":
        return (*usage, reported_error({"message": "The answer was cancelled at the provider."}))
    if response.status in ("queued", "in_progress"):
        return (*usage, Ended())  # A background response: the model has not finished.
    if not used and not state.items and response.status != "incomplete":
        return (*usage, malformed("it is over, and nothing was put out"))
    called = bool(state.calls) or any(item.type == "custom_tool_call" for item in used)
    return (*usage, Finished(reason=_reason(response, called)), Ended())


def _reason(response: Response, called: bool) -> FinishReason:
    if response.status == "incomplete":
        why = response.incomplete_details
        return OPENAI_RESPONSES.get(why.reason or "", "pause") if why is not None else "length"
    return "tool_calls" if called else "stop"


# --- the events of a stream -----------------------------------------------------------------------------


def _created(state: State, data: bytes) -> _Step:
    if state.started:
        return state, _NOTHING
    return msgspec.structs.replace(state, started=True), (_started(_ABOUT.decode(data).response),)


def _text(state: State, data: bytes) -> _Step:
    delta = _DELTA.decode(data)
    place = state.last if delta.output_index is None else delta.output_index
    event = TextDelta(text=delta.delta, block=place)
    return _with_content(state, place), (event,) if delta.delta else _NOTHING


def _refusal(state: State, data: bytes) -> _Step:
    delta = _DELTA.decode(data)
    place = state.last if delta.output_index is None else delta.output_index
    return _with_content(state, place), (RefusalDelta(text=delta.delta),) if delta.delta else _NOTHING


def _summary(state: State, data: bytes) -> _Step:
    delta = _DELTA.decode(data)
    return _reasoning(state, delta, ("summary", delta.summary_index))


def _reasoning_text(state: State, data: bytes) -> _Step:
    delta = _DELTA.decode(data)
    return _reasoning(state, delta, ("content", delta.content_index))


def _reasoning(state: State, delta: Delta, part: tuple[str, int]) -> _Step:
    if not delta.delta:
        return state, _NOTHING
    place = state.last if delta.output_index is None else delta.output_index
    seen = state.items.get(place, Seen())
    text = delta.delta
    if not seen.has_content or seen.part != part:
        text = BETWEEN_PARTS + text if seen.has_content else text
        state = _with(state, place, msgspec.structs.replace(seen, has_content=True, part=part))
    return state, (ReasoningDelta(text=text, block=place),)


def _arguments(state: State, data: bytes) -> _Step:
    delta = _DELTA.decode(data)
    place = state.last if delta.output_index is None else delta.output_index
    seen = state.items.get(place)
    if seen is None or seen.call is None:  # The index is unreadable, so the event belongs to the latest tool call.
        place = next((at for at, item in reversed(state.items.items()) if item.call is not None), -1)
        seen = state.items.get(place)
    if seen is None or seen.call is None:
        raise ValueError(f"it adds to the arguments of item {delta.output_index}, which is no tool call")
    if not delta.delta:
        return state, _NOTHING
    return _with_content(state, place), (ToolCallDelta(index=seen.call, arguments=delta.delta),)


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
    next_index = max(state.items, default=-1) + 1
    return _added(state, read(event.item), next_index if event.output_index is None else event.output_index)


def _added(state: State, item: Item, index: int) -> _Step:
    is_call = item.type == "function_call"
    opened = _with(state, index, Seen(call=state.calls if is_call else None))
    return msgspec.structs.replace(opened, calls=state.calls + is_call, last=index), started_item(item, state.calls)


def _item_finished(state: State, data: bytes) -> _Step:
    event = _ITEM_EVENT.decode(data)
    raw = msgspec.Raw(bytes(event.item))
    item = read(raw)
    events: tuple[Event, ...] = ()
    place = state.last if event.output_index is None else event.output_index
    if place not in state.items:
        state, events = _added(state, item, place)
    seen = state.items[place]
    state = msgspec.structs.replace(state, used=(*state.used, _USED.part(raw) or Used()))
    return state, (*events, *finished_item(item, raw, place, seen))


def _closed(state: State, data: bytes) -> _Step:
    """End the stream. A server that streams no items has all of them in this event."""
    response = _ABOUT.decode(data).response
    events: list[Event] = [] if state.started else [_started(response)]
    if not state.items and response.output:
        items, calls = complete_items(response.output)
        events += items
        state = msgspec.structs.replace(state, calls=calls)
    state = msgspec.structs.replace(state, started=True)
    return state, (*events, *_ending(response, state))


def _error(state: State, data: bytes) -> _Step:
    """Return the error. OpenAI's reference has its fields in the event itself; on the wire they may be in `error`."""
    body = msgspec.json.decode(data)
    return state, (_failed(body),)


def _unknown(state: State, data: bytes) -> _Step:
    """Ignore an unknown event, unless it is an error without a type, as proxies send it."""
    if b'"error"' not in data[:64]:
        return state, _NOTHING
    body = msgspec.json.decode(data)
    return state, (_failed(body),) if isinstance(body, dict) and body.get("error") else _NOTHING


def _failed(body: Any) -> Broken:
    inner = body.get("error") if isinstance(body, dict) else None
    if not isinstance(body, dict) or inner:
        return reported_error(inner or body)
    return reported_error({name: value for name, value in body.items() if name != "type"})


def _with_content(state: State, index: int) -> State:
    """Return the state in which the item has sent content."""
    seen = state.items.get(index)
    if seen is not None and seen.has_content:
        return state
    return _with(state, index, msgspec.structs.replace(seen or Seen(), has_content=True))


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
    "response.output_item.done": _item_finished,
    "response.completed": _closed,
    "response.incomplete": _closed,
    "response.failed": _closed,
    "response.cancelled": _closed,
    "error": _error,
}
