"""Fold answers in OpenAI's dialect into events; the wire shapes are in `wire`.

House rule: a complete answer and the same answer streamed give the same events, because both use `_choice_events`. Only
fields with a meaning for the hub are decoded; fields that a server adds are ignored.
"""

from typing import Any

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.dialect import ServerEvent
from adapters.providers.lenient_json import Lenient, plain
from adapters.providers.openai.extras import audio_events, custom_call, other_blocks
from adapters.providers.openai.failure import NAME, decoded, malformed, reported_error
from adapters.providers.openai.logprobs import logprobs
from adapters.providers.openai.reasoning import detail_event
from adapters.providers.openai.tool_calls import Calls, ToolCallChunk
from adapters.providers.openai.usage import Reported, reported
from adapters.providers.openai.wire import Answer, Choice, ContentPart, Delta, usage_elsewhere
from adapters.providers.usage_counts import UNREPORTED
from domain.dialects.stop_reasons import OPENAI
from domain.model_api.call import ModelCall
from domain.model_api.events import (
    Broken,
    CitationDelta,
    Ended,
    Event,
    Finished,
    FinishReason,
    ProviderBlock,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
)

# Values that mean that the answer failed: OpenRouter's "error"
# (https://openrouter.ai/docs/api/reference/errors-and-debugging), and those of DeepSeek and Z.AI.
_FAULTS = frozenset({"error", "insufficient_system_resource", "network_error"})


class State(msgspec.Struct, frozen=True):
    """State of the fold: the answer's id, tool calls, finished choices, number of cited pages and counts."""

    started: bool = False
    id: str = ""
    calls: Calls = Calls()
    finished: tuple[int, ...] = ()
    cited: int = 0
    counted: Reported = Reported()


START = State()
_ANSWER = Lenient(Answer)
_PART = Lenient(ContentPart)
_READ_PARTS = ("", "text", "thinking", "refusal")
_NULL_BYTES = len(b"null")
_NOTHING: tuple[Event, ...] = ()
_ENDED: tuple[Event, ...] = (Ended(),)


def step(state: State, event: ServerEvent) -> tuple[State, tuple[Event, ...]]:
    """Fold one stream event.

    A chunk with nothing but usage yields exactly one `UsageReported`, see `hidden_from_caller`.
    """
    data = event.data
    if data[:6] == b"[DONE]":
        return state, (*_held_arguments(state), Ended()) if state.calls.begun else _ENDED
    if not data or data.isspace():
        return state, _NOTHING
    try:
        chunk = _ANSWER.decode(data)
    except DECODE_ERRORS as problem:
        return state, (malformed(str(problem)),)
    events: list[Event] = []
    if not state.started and (chunk.choices or chunk.id):
        # Azure opens with a chunk of content-filter results that has no id, no model and no choices.
        state = State(started=True, id=chunk.id or "", counted=state.counted)
        events.append(_started(chunk))
    if chunk.citations:
        state = _cited(state, chunk.citations, events)
    if chunk.choices:
        state = _choices(state, chunk.choices, False, events)
    return _closed(state, chunk, event, events)


def decode(body: bytes) -> tuple[Event, ...]:
    """Return a complete answer as the events of its stream; the end of the body ends the answer."""
    try:
        answer = _ANSWER.decode(body)
    except DECODE_ERRORS as problem:
        return (malformed(str(problem)),)
    if not answer.choices:
        if error := answer.error or _bare_error(ServerEvent("", body, b"")):
            return (reported_error(error, body),)
        return (malformed("it has no choices"),)
    if any(choice.message is None and choice.delta is None for choice in answer.choices):
        fault = _fault(answer.choices)  # OpenRouter may report the error in a choice.
        return (reported_error(fault, body) if fault else malformed("a choice has no message"),)
    events: list[Event] = [_started(answer)]
    state = State(started=True, id=answer.id or "")
    if answer.citations:
        state = _cited(state, answer.citations, events)
    _choices(state, answer.choices, True, events)
    _, closing = _closed(state, answer, ServerEvent("", body, b""), events)
    return closing if isinstance(closing[-1], Broken) else (*closing, Ended())


def _closed(state: State, chunk: Answer, event: ServerEvent, events: list[Event]) -> tuple[State, tuple[Event, ...]]:
    """Append the usage, which any chunk may contain, and then the error, which is always the last event."""
    usage, tier = chunk.usage, chunk.service_tier
    if len(usage) <= _NULL_BYTES:
        choices = chunk.choices
        elsewhere = chunk.x_groq is not None or (choices and len(choices[0].usage))
        usage = usage_elsewhere(chunk) if elsewhere else UNREPORTED
    if len(usage) or (tier is not None and tier != state.counted.service):
        counted, usage_events = reported(state.counted, usage, tier)
        if counted is not state.counted:
            state = State(state.started, state.id, state.calls, state.finished, state.cited, counted)
        if usage_events and chunk.choices and not events:
            # A chunk with usage alone may be hidden from the caller; this one must not look like it.
            events.append(TextDelta(text=""))
        events += usage_events
    error = _error(chunk.error) or (chunk.x_groq and _error(chunk.x_groq.error)) or _fault(chunk.choices)
    if error is None and (event.name == "error" or (not chunk.choices and b'"error"' in event.data)):
        error = _bare_error(event)
    if error and not (events and isinstance(events[-1], Broken)):
        events.append(reported_error(error, event.data))
    return state, tuple(events)


def _error(value: Any) -> Any:
    """Return the error object, or None where the field is a number or the like next to an answer."""
    return value if isinstance(value, (dict, str)) else None


def _started(answer: Answer) -> Started:
    tier = answer.service_tier
    return Started(
        id=answer.id or "", model=answer.model or "", service_tier=tier if isinstance(tier, str) and tier else None
    )


def _fault(choices: list[Choice] | None) -> Any:
    for choice in choices or ():
        if error := _error(choice.error):
            return error
        if choice.finish_reason in _FAULTS:
            return {"message": f"The provider ended the answer with {choice.finish_reason}."}
    return None


def _bare_error(event: ServerEvent) -> Any:
    """Return an error without the `error` key: an `error` event, or vLLM's `{"object": "error", "message": ...}`."""
    body = decoded(event.data)
    if not isinstance(body, dict):
        return None
    return body if event.name == "error" or body.get("object") == "error" else None


def _choices(state: State, choices: list[Choice], is_complete_answer: bool, events: list[Event]) -> State:
    """Append the events of the choices and return the new state."""
    for position, choice in enumerate(choices):
        index = choice.index if choice.index is not None else position
        delta = choice.delta or choice.message
        if delta is not None:
            state = _choice_events(state, index, delta, events)
        if bytes(choice.logprobs) not in (b"", b"null"):
            events += logprobs(choice.logprobs, index)
        reason = choice.finish_reason
        if reason in _FAULTS:
            continue
        if is_complete_answer and not reason:
            # Snowflake leaves the finish reason empty. The body is complete, so the model has finished, unless it
            # produced nothing.
            reason = "tool_calls" if state.calls.any_of(index) else "stop" if events[1:] else None
        if reason and index not in state.finished:
            # OpenRouter repeats the finish reason on its last chunk.
            state = _finished(state, index, OPENAI.get(reason, "stop"), choice.stop_reason, events)
    return state


def _finished(state: State, choice: int, reason: FinishReason, stop_reason: Any, events: list[Event]) -> State:
    """End a choice. The reason is `tool_calls` only if there is a call: an agent would wait for it, or loop."""
    calls, held = state.calls.settled(choice)
    events += held
    if reason == "tool_calls" and not calls.any_of(choice):
        reason = "stop"
    met = stop_reason if isinstance(stop_reason, str) else None  # vLLM's field
    events.append(Finished(reason=reason, choice=choice, stop_sequence=met))
    return State(True, state.id, calls, (*state.finished, choice), state.cited, state.counted)


def _held_arguments(state: State) -> tuple[Event, ...]:
    """Return the held arguments of tool calls in choices that never reported a finish reason."""
    return tuple(
        event for choice in {call.choice for call in state.calls.begun} for event in state.calls.settled(choice)[1]
    )


def is_complete(state: State, call: ModelCall) -> bool:
    """Whether every choice has finished. Some servers leave out the `[DONE]` that follows, which carries nothing."""
    return len(state.finished) >= call.choices


def _choice_events(state: State, choice: int, delta: Delta, events: list[Event]) -> State:
    content = delta.content
    if content and state.calls.begun:  # Text after tool calls: the calls are complete.
        calls, held = state.calls.settled(choice)
        events += held
        state = State(True, state.id, calls, state.finished, state.cited, state.counted)
    details = delta.reasoning_details or ()
    # Then the text is taken from the details, which name its block.
    is_in_details = any(detail.text or detail.summary for detail in details)
    if not is_in_details and (reasoning := delta.reasoning_content or delta.reasoning):
        # DeepSeek's field, then that of OpenRouter and Groq.
        events.append(ReasoningDelta(text=reasoning, choice=choice))
    events += [event for detail in details if (event := detail_event(detail, choice)) is not None]
    if content:
        if isinstance(content, str):
            events.append(TextDelta(text=content, choice=choice))
        else:
            _parts(choice, content, events)
    if delta.refusal:
        events.append(RefusalDelta(text=delta.refusal, choice=choice))
    if isinstance(delta.audio, dict):
        events += audio_events(delta.audio, choice)
    if delta.annotations:
        for annotation in delta.annotations:
            events.append(CitationDelta(citation=msgspec.Raw(bytes(annotation)), dialect=NAME, choice=choice))
    if delta.images or delta.executed_tools:
        events += [
            *other_blocks("images", delta.images, choice),
            *other_blocks("executed_tools", delta.executed_tools, choice),
        ]
    if delta.tool_calls:
        state = _tool_calls(state, choice, delta.tool_calls, events)
    if delta.function_call and (delta.function_call.name or delta.function_call.arguments):
        chunk = ToolCallChunk(
            index=0, function=delta.function_call
        )  # The field before tool_calls: one call without an id.
        state = _tool_calls(state, choice, [chunk], events)
    return state


def _parts(choice: int, parts: list[msgspec.Raw], events: list[Event]) -> None:
    for raw in parts:
        part = _PART.part(raw)
        if part is None:  # A bare string, which some servers send, or something unreadable.
            events += [TextDelta(text=text, choice=choice)] if isinstance(text := plain(bytes(raw)), str) else []
            continue
        if part.type not in _READ_PARTS:
            block = msgspec.Raw(bytes(raw))
            events.append(ProviderBlock(dialect=NAME, name=part.type, block=block, choice=choice, generated=False))
        if part.text:
            events.append(TextDelta(text=part.text, choice=choice))
        if part.refusal:
            events.append(RefusalDelta(text=part.refusal, choice=choice))
        if part.thinking:
            texts = [part.thinking] if isinstance(part.thinking, str) else [inner.text for inner in part.thinking]
            events += [ReasoningDelta(text=text, choice=choice) for text in texts if text]


def _tool_calls(state: State, choice: int, chunks: list[ToolCallChunk], events: list[Event]) -> State:
    calls = state.calls
    for chunk in chunks:
        if (custom := chunk.custom) is not None and custom.name:
            events.append(custom_call(choice, chunk, custom))
            calls = calls.with_custom(choice)
            continue
        calls, new_events = calls.received(choice, chunk, state.id)
        events += new_events
    return State(True, state.id, calls, state.finished, state.cited, state.counted)


def _cited(state: State, pages: Any, events: list[Event]) -> State:
    """Append the pages that xAI and Perplexity cite for the whole answer, as OpenAI's URL citations.

    Perplexity repeats all of them with every chunk; xAI reports them with the last
    (https://docs.x.ai/docs/guides/live-search#returning-citations).
    """
    urls = [page for page in pages if isinstance(page, str)] if isinstance(pages, list) else []
    for url in urls[state.cited :]:
        citation = msgspec.json.encode({"type": "url_citation", "url_citation": {"url": url}})
        events.append(CitationDelta(citation=msgspec.Raw(citation), dialect=NAME))
    return State(state.started, state.id, state.calls, state.finished, max(state.cited, len(urls)), state.counted)
