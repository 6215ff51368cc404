"""Answers in OpenAI's dialect as events: a fold over what `wire` says they look like.

House rule: a whole answer and the same answer streamed give the same events, for both go through `_choice_events`.
Only the fields that mean something are decoded, and what a server adds is passed over.
"""

from typing import Any

import msgspec

from adapters.providers.decode_errors import NONSENSE
from adapters.providers.dialect import ServerEvent
from adapters.providers.lenient_json import Lenient, plain
from adapters.providers.openai.extras import asides, custom_call, heard
from adapters.providers.openai.failure import NAME, decoded, malformed, told
from adapters.providers.openai.logprobs import logprobs
from adapters.providers.openai.reasoning import detail_event
from adapters.providers.openai.tool_calls import Calls, Piece
from adapters.providers.openai.usage import Told, reported
from adapters.providers.openai.wire import Answer, Choice, ContentPart, Delta, usage_elsewhere
from adapters.providers.usage_counts import UNTOLD
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

# OpenAI's five words, then those of compatible servers. A word that nobody knows is a plain stop: the text is whole.
_FINISHES: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "max_tokens": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",  # Z.AI's, https://docs.z.ai/api-reference/llm/chat-completion
    "tool_use": "tool_calls",
    "sensitive": "content_filter",
    "safety": "content_filter",
    "refusal": "refusal",
}

# These say that the answer failed: OpenRouter's "error"
# (https://openrouter.ai/docs/api/reference/errors-and-debugging), DeepSeek's and Z.AI's words.
_FAULTS = frozenset({"error", "insufficient_system_resource", "network_error"})


class State(msgspec.Struct, frozen=True):
    """What the fold remembers: the answer's id, the calls begun, the choices finished, the pages cited, the counts."""

    started: bool = False
    id: str = ""
    calls: Calls = Calls()
    finished: tuple[int, ...] = ()
    cited: int = 0
    counted: Told = Told()


START = State()
_ANSWER = Lenient(Answer)
_PART = Lenient(ContentPart)
_READ_PARTS = ("", "text", "thinking", "refusal")
_NULL_BYTES = len(b"null")
_NOTHING: tuple[Event, ...] = ()
_ENDED: tuple[Event, ...] = (Ended(),)


def step(state: State, event: ServerEvent) -> tuple[State, tuple[Event, ...]]:
    """One stream event. A chunk with nothing but usage yields exactly one `UsageReported`, see `hides`."""
    data = event.data
    if data[:6] == b"[DONE]":
        return state, (*_waited(state), Ended()) if state.calls.begun else _ENDED
    if not data or data.isspace():
        return state, _NOTHING
    try:
        chunk = _ANSWER.decode(data)
    except NONSENSE as problem:
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
    """A whole answer as the events of its stream; the body's end is its terminal word."""
    try:
        answer = _ANSWER.decode(body)
    except NONSENSE as problem:
        return (malformed(str(problem)),)
    if not answer.choices:
        if error := answer.error or _bare_error(ServerEvent("", body, b"")):
            return (told(error, body),)
        return (malformed("it has no choices"),)
    if any(choice.message is None and choice.delta is None for choice in answer.choices):
        fault = _fault(answer.choices)  # OpenRouter may say in a choice why there is none.
        return (told(fault, body) if fault else malformed("a choice has no message"),)
    events: list[Event] = [_started(answer)]
    state = State(started=True, id=answer.id or "")
    if answer.citations:
        state = _cited(state, answer.citations, events)
    _choices(state, answer.choices, True, events)
    _, told_events = _closed(state, answer, ServerEvent("", body, b""), events)
    return told_events if isinstance(told_events[-1], Broken) else (*told_events, Ended())


def _closed(state: State, chunk: Answer, event: ServerEvent, events: list[Event]) -> tuple[State, tuple[Event, ...]]:
    """Usage, which may stand on any chunk, and then the error, for nothing follows an error."""
    usage, tier = chunk.usage, chunk.service_tier
    if len(usage) <= _NULL_BYTES:
        choices = chunk.choices
        elsewhere = chunk.x_groq is not None or (choices and len(choices[0].usage))
        usage = usage_elsewhere(chunk) if elsewhere else UNTOLD
    if len(usage) or (tier is not None and tier != state.counted.service):
        counted, told_usage = reported(state.counted, usage, tier)
        if counted is not state.counted:
            state = State(state.started, state.id, state.calls, state.finished, state.cited, counted)
        if told_usage and chunk.choices and not events:
            # It must not look like the chunk of usage alone, which a caller may not be shown.
            events.append(TextDelta(text=""))
        events += told_usage
    error = _error(chunk.error) or (chunk.x_groq and _error(chunk.x_groq.error)) or _fault(chunk.choices)
    if error is None and (event.name == "error" or (not chunk.choices and b'"error"' in event.data)):
        error = _bare_error(event)
    if error and not (events and isinstance(events[-1], Broken)):
        events.append(told(error, event.data))
    return state, tuple(events)


def _error(told: Any) -> Any:
    """What is told of an error; beside an answer a number or the like is none."""
    return told if isinstance(told, (dict, str)) else None


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
    """An error without the `error` key: an event of that name, or vLLM's `{"object": "error", "message": ...}`."""
    said = decoded(event.data)
    if not isinstance(said, dict):
        return None
    return said if event.name == "error" or said.get("object") == "error" else None


def _choices(state: State, choices: list[Choice], whole: bool, events: list[Event]) -> State:
    """Append what the choices say; the state after it."""
    for position, choice in enumerate(choices):
        index = choice.index if choice.index is not None else position
        said = choice.delta or choice.message
        if said is not None:
            state = _choice_events(state, index, said, events)
        if bytes(choice.logprobs) not in (b"", b"null"):
            events += logprobs(choice.logprobs, index)
        reason = choice.finish_reason
        if reason in _FAULTS:
            continue
        if whole and not reason:
            # Snowflake leaves the word empty. The whole body is there, so the model is done, if it was at work at all.
            reason = "tool_calls" if state.calls.any_of(index) else "stop" if events[1:] else None
        if reason and index not in state.finished:
            # OpenRouter repeats the word on its last chunk.
            state = _finished(state, index, _FINISHES.get(reason, "stop"), choice.stop_reason, events)
    return state


def _finished(state: State, choice: int, reason: FinishReason, stop_reason: Any, events: list[Event]) -> State:
    """The end of a choice. It ends in calls only if there is one: agents would wait for it, or ask for ever."""
    calls, waited = state.calls.settled(choice)
    events += waited
    if reason == "tool_calls" and not calls.any_of(choice):
        reason = "stop"
    met = stop_reason if isinstance(stop_reason, str) else None  # vLLM's word
    events.append(Finished(reason=reason, choice=choice, stop_sequence=met))
    return State(True, state.id, calls, (*state.finished, choice), state.cited, state.counted)


def _waited(state: State) -> tuple[Event, ...]:
    """What still waited to be said of calls in choices that never said why they finished."""
    return tuple(
        event for choice in {call.choice for call in state.calls.begun} for event in state.calls.settled(choice)[1]
    )


def whole_at(state: State, call: ModelCall) -> bool:
    """Whether every choice has finished: then `[DONE]`, which some servers leave out, tells nothing more."""
    return len(state.finished) >= call.choices


def _choice_events(state: State, choice: int, said: Delta, events: list[Event]) -> State:
    content = said.content
    if content and state.calls.begun:  # A text after calls: nothing more comes of them.
        calls, waited = state.calls.settled(choice)
        events += waited
        state = State(True, state.id, calls, state.finished, state.cited, state.counted)
    details = said.reasoning_details or ()
    told_in_detail = any(detail.text or detail.summary for detail in details)  # Then by the block it belongs to.
    if not told_in_detail and (thought := said.reasoning_content or said.reasoning):
        events.append(ReasoningDelta(text=thought, choice=choice))  # DeepSeek's name, then OpenRouter's and Groq's.
    events += [event for detail in details if (event := detail_event(detail, choice)) is not None]
    if content:
        if isinstance(content, str):
            events.append(TextDelta(text=content, choice=choice))
        else:
            _parts(choice, content, events)
    if said.refusal:
        events.append(RefusalDelta(text=said.refusal, choice=choice))
    if isinstance(said.audio, dict):
        events += heard(said.audio, choice)
    if said.annotations:
        for annotation in said.annotations:
            events.append(CitationDelta(citation=msgspec.Raw(bytes(annotation)), dialect=NAME, choice=choice))
    if said.images or said.executed_tools:
        events += [*asides("images", said.images, choice), *asides("executed_tools", said.executed_tools, choice)]
    if said.tool_calls:
        state = _tool_calls(state, choice, said.tool_calls, events)
    if said.function_call and (said.function_call.name or said.function_call.arguments):
        piece = Piece(index=0, function=said.function_call)  # The word before tool_calls: one call, without an id.
        state = _tool_calls(state, choice, [piece], events)
    return state


def _parts(choice: int, parts: list[msgspec.Raw], events: list[Event]) -> None:
    for raw in parts:
        part = _PART.part(raw)
        if part is None:  # A bare text, as some servers write it, or nothing that can be read.
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


def _tool_calls(state: State, choice: int, pieces: list[Piece], events: list[Event]) -> State:
    calls = state.calls
    for piece in pieces:
        if (custom := piece.custom) is not None and custom.name:
            events.append(custom_call(choice, piece, custom))
            calls = calls.with_custom(choice)
            continue
        calls, told = calls.heard(choice, piece, state.id)
        events += told
    return State(True, state.id, calls, state.finished, state.cited, state.counted)


def _cited(state: State, pages: Any, events: list[Event]) -> State:
    """The pages that xAI and Perplexity cite for the whole answer, as OpenAI's citations of a page.

    Perplexity repeats all of them with every chunk, xAI tells them with the last
    (https://docs.x.ai/docs/guides/live-search#returning-citations).
    """
    urls = [page for page in pages if isinstance(page, str)] if isinstance(pages, list) else []
    for url in urls[state.cited :]:
        citation = msgspec.json.encode({"type": "url_citation", "url_citation": {"url": url}})
        events.append(CitationDelta(citation=msgspec.Raw(citation), dialect=NAME))
    return State(state.started, state.id, state.calls, state.finished, max(state.cited, len(urls)), state.counted)
