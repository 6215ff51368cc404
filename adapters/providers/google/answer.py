"""Answers of the Gemini API as events, complete or streamed.

House rule: a complete answer and the same answer streamed give the same events, because a stream is a list of answers
with more parts each. The last chunk looks like any other, so the end of the HTTP body ends the stream: after a
`finishReason` for every choice the answer is complete (`UntilTheEnd` adds `END`), before that it is truncated.
https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent
"""

import re

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.dialect import ServerEvent
from adapters.providers.framing.sse import EventFramer
from adapters.providers.google.failure import error_event, malformed
from adapters.providers.google.grounding import GROUNDING, Grounding, citations
from adapters.providers.google.logprobs import logprobs
from adapters.providers.google.parts import (
    FAULTS,
    INCOMPLETE,
    RESPONSE,
    Candidate,
    Choice,
    Response,
    about,
    part_events,
    searched,
)
from adapters.providers.google.usage import Report, reported
from adapters.providers.lenient_json import Lenient
from adapters.providers.usage_counts import is_reported
from domain.dialects.stop_reasons import GOOGLE
from domain.model_api.events import Broken, Ended, Event, Finished, ProviderBlock, Started

END = ServerEvent("end of stream", b"{}", b"")
"""The end of the stream's bytes. No provider event equals it, because each has bytes."""

_GENERATION = re.compile(r"gemini-(\d+)")


class State(msgspec.Struct, frozen=True):
    """State of an answer: its id and model, its choices, and its searches."""

    started: bool = False
    id: str = ""
    model: str = ""
    choices: dict[int, Choice] = {}
    queries: frozenset[str] = frozenset()
    places: bool = False
    counted: Report | None = None


class _Blocked(msgspec.Struct, frozen=True, rename="camel"):
    block_reason: str | None = None


_BLOCKED = Lenient(_Blocked)
_START = State()


class UntilTheEnd(EventFramer):
    """Server-sent events, followed by `END` unless the stream was cut inside an event."""

    __slots__ = ()

    def finish(self) -> list[ServerEvent]:
        """Return the events that the end of the bytes completes, then the end itself."""
        events = super().finish()
        return events if self.rest.strip() else [*events, END]


def start() -> State:
    """Return the state before the first chunk."""
    return _START


def step(state: State, event: ServerEvent) -> tuple[State, tuple[Event, ...]]:
    """Fold one chunk of a stream."""
    if not event.raw and event.name == END.name:
        return state, (Ended(),) if _is_finished(state) else ()
    if not event.data or event.data.isspace() or event.data[:6] == b"[DONE]":  # Some proxies end every stream with it.
        return state, ()
    try:
        response = RESPONSE.decode(event.data)
        if response.error is not None:
            return state, (Broken(failure=error_event(response.error, event.data)),)
        return _response(state, response)
    except DECODE_ERRORS as problem:
        return state, (malformed(f"a chunk makes no sense: {problem}"),)


def decode(body: bytes) -> tuple[Event, ...]:
    """Return a complete 2xx body as the events of its stream; the end of the body ends the answer."""
    try:
        response = RESPONSE.decode(body)
        if response.error is not None:
            return (Broken(failure=error_event(response.error, body)),)
        state, events = _response(_START, response)
    except DECODE_ERRORS as problem:
        return (malformed(f"the body is no answer: {problem}"),)
    if events and isinstance(events[-1], Broken):
        return events
    if not state.choices:
        return (malformed("it has no candidates and does not report that the prompt was blocked"),)
    open_ = [
        Finished(reason="tool_calls" if choice.calls else "stop", choice=index)
        for index, choice in state.choices.items()
        if not choice.finished and (choice.has_content or choice.blocks or choice.thinking)
    ]
    return (*events, *open_, Ended())


def _is_finished(state: State) -> bool:
    return bool(state.choices) and all(choice.finished for choice in state.choices.values())


def _response(state: State, response: Response) -> tuple[State, tuple[Event, ...]]:
    events: list[Event] = []
    if not state.started and (response.candidates or response.response_id or _is_set(response.prompt_feedback)):
        started = Started(id=response.response_id or "", model=response.model_version or "")
        state = State(started=True, id=started.id, model=started.model, counted=state.counted)
        events.append(started)
    for position, candidate in enumerate(response.candidates or ()):
        index = position if candidate.index is None else candidate.index
        state = _candidate(state, index, candidate, events)
    if _is_set(response.prompt_feedback) and (_BLOCKED.part(response.prompt_feedback) or _Blocked()).block_reason:
        state = _blocked(state, response.prompt_feedback, events)
    if is_reported(response.usage_metadata):
        counted, usage_events = reported(response.usage_metadata, state.counted, _tool_uses(state))
        state = msgspec.structs.replace(state, counted=counted)
        events += usage_events
    events += _faults(state, response)
    return state, tuple(events)


def _candidate(state: State, index: int, candidate: Candidate, events: list[Event]) -> State:
    choice, queries, places = state.choices.get(index, Choice()), state.queries, state.places
    for raw in (candidate.content and candidate.content.parts) or ():
        choice = part_events(choice, index, raw, state.id, events)
        if events and type(last := events[-1]) is ProviderBlock and last.name == "toolCall":
            queries |= {query for query in searched(raw) if query}
    for name, value in (
        ("citationMetadata", candidate.citation_metadata),
        ("urlContextMetadata", candidate.url_context_metadata),
        ("groundingMetadata", candidate.grounding_metadata),
    ):
        if _is_set(value):
            events.append(about(name, value, index))
    if _is_set(candidate.logprobs_result):
        events.append(logprobs(candidate.logprobs_result, index))
    if _is_set(candidate.grounding_metadata):
        grounding = GROUNDING.part(candidate.grounding_metadata) or Grounding()
        queries |= grounding.queries
        places = places or grounding.places
        events += citations(grounding, choice.full_text, index)
    if candidate.finish_reason and not choice.finished and not _is_fault(candidate, choice):
        _finish(choice, index, candidate, events)
        choice = msgspec.structs.replace(choice, finished=True)
    return State(state.started, state.id, state.model, {**state.choices, index: choice}, queries, places, state.counted)


def _finish(choice: Choice, index: int, candidate: Candidate, events: list[Event]) -> None:
    """End a choice. Google's reason is STOP after a call as well as after text.

    A reason to withhold an answer is kept.
    """
    finish = candidate.finish_reason or ""
    reason = GOOGLE.get(finish, "stop")
    if reason == "stop" and choice.calls:
        reason = "tool_calls"
    if finish not in ("STOP", "MAX_TOKENS"):
        why = {"finishReason": finish, "finishMessage": candidate.finish_message}
        details: dict[str, object] = {name: value for name, value in why.items() if value}
        if _is_set(candidate.safety_ratings):
            details["safetyRatings"] = candidate.safety_ratings
        events.append(about("finish", details, index))
    events.append(Finished(reason=reason, choice=index))


def _blocked(state: State, feedback: msgspec.Raw, events: list[Event]) -> State:
    """End an answer whose prompt was refused; it has no candidate.

    https://ai.google.dev/api/generate-content#PromptFeedback
    """
    if 0 in state.choices and state.choices[0].finished:
        return state
    events.append(about("promptFeedback", feedback))
    events.append(Finished(reason="content_filter"))
    blocked = msgspec.structs.replace(state.choices.get(0, Choice()), finished=True)
    return msgspec.structs.replace(state, choices={**state.choices, 0: blocked})


def _is_fault(candidate: Candidate, choice: Choice) -> bool:
    """Whether the answer failed; an answer that is only incomplete is returned with its reason."""
    finish = candidate.finish_reason
    return (
        finish in FAULTS
        or (finish in INCOMPLETE and not choice.has_content)
        or (finish == "UNEXPECTED_TOOL_CALL" and not choice.calls)
    )


def _faults(state: State, response: Response) -> tuple[Broken, ...]:
    """Return a failure if the model ended in a way that leaves nothing to use."""
    for position, candidate in enumerate(response.candidates or ()):
        index = position if candidate.index is None else candidate.index
        if _is_fault(candidate, state.choices[index]):
            message = " ".join((candidate.finish_message or "").split())[:1_000]
            return (malformed(f"the model ended with {candidate.finish_reason}{f': {message}' if message else ''}"),)
    return ()


def _tool_uses(state: State) -> int:
    """Return the charged uses of grounding: every search from Gemini 3 on, before that one per prompt.

    https://ai.google.dev/gemini-api/docs/google-search#pricing
    """
    found = _GENERATION.search(state.model)
    if found is not None and int(found[1]) < 3:
        return int(bool(state.queries) or state.places)
    return len(state.queries) + state.places


def _is_set(raw: msgspec.Raw) -> bool:
    """Whether an optional field has content: null and the empty object do not count."""
    size = len(raw)
    return size > 8 or (size > 0 and bytes(raw).translate(None, b" \t\r\n") not in (b"", b"null", b"{}"))
