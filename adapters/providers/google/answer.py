"""Answers of the Gemini API as events, whole or streamed.

House rule: a whole answer and the same answer streamed give the same events, for a stream is a list of answers, each
with more of the parts. Its last chunk looks like any other, so its terminal word is the end of the HTTP body: after a
`finishReason` of every choice the answer is whole (`END`, which `UntilTheEnd` puts there), before it is truncated.
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
    FINISHES,
    LACKS,
    RESPONSE,
    Candidate,
    Choice,
    Response,
    about,
    heard,
    searched,
)
from adapters.providers.google.usage import Report, reported
from adapters.providers.lenient_json import Lenient
from adapters.providers.usage_counts import is_reported
from domain.model_api.events import Broken, Ended, Event, Finished, ProviderBlock, Started

END = ServerEvent("end of stream", b"{}", b"")
"""The stream's bytes are over. No event of a provider's is like it, for each has bytes."""

_GENERATION = re.compile(r"gemini-(\d+)")


class State(msgspec.Struct, frozen=True):
    """What an answer said so far: its id and model, its choices, and what it searched for."""

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
    """Server-sent events, and after them `END`, unless the stream was cut inside an event."""

    __slots__ = ()

    def finish(self) -> list[ServerEvent]:
        """What the end of the bytes completes, then the end itself."""
        events = super().finish()
        return events if self.rest.strip() else [*events, END]


def start() -> State:
    """Before the first chunk."""
    return _START


def step(state: State, event: ServerEvent) -> tuple[State, tuple[Event, ...]]:
    """One chunk of a stream."""
    if not event.raw and event.name == END.name:
        return state, (Ended(),) if _is_whole(state) else ()
    if not event.data or event.data.isspace():
        return state, ()
    try:
        response = RESPONSE.decode(event.data)
        if response.error is not None:
            return state, (Broken(failure=error_event(response.error, event.data)),)
        return _heard(state, response)
    except DECODE_ERRORS as problem:
        return state, (malformed(f"a chunk makes no sense: {problem}"),)


def decode(body: bytes) -> tuple[Event, ...]:
    """A whole 2xx body as the events of its stream; the body's end is its terminal word."""
    try:
        response = RESPONSE.decode(body)
        if response.error is not None:
            return (Broken(failure=error_event(response.error, body)),)
        state, events = _heard(_START, response)
    except DECODE_ERRORS as problem:
        return (malformed(f"the body is no answer: {problem}"),)
    if events and isinstance(events[-1], Broken):
        return events
    if not state.choices:
        return (malformed("it has no candidates and does not say that the prompt was blocked"),)
    open_ = [
        Finished(reason="tool_calls" if choice.calls else "stop", choice=index)
        for index, choice in state.choices.items()
        if not choice.finished and (choice.spoke or choice.blocks or choice.thinking)
    ]
    return (*events, *open_, Ended())


def _is_whole(state: State) -> bool:
    return bool(state.choices) and all(choice.finished for choice in state.choices.values())


def _heard(state: State, response: Response) -> tuple[State, tuple[Event, ...]]:
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
        counted, told = reported(response.usage_metadata, state.counted, _tool_uses(state))
        state = msgspec.structs.replace(state, counted=counted)
        events += told
    events += _faults(state, response)
    return state, tuple(events)


def _candidate(state: State, index: int, candidate: Candidate, events: list[Event]) -> State:
    choice, queries, places = state.choices.get(index, Choice()), state.queries, state.places
    for raw in (candidate.content and candidate.content.parts) or ():
        choice = heard(choice, index, raw, state.id, events)
        if events and type(said := events[-1]) is ProviderBlock and said.name == "toolCall":
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
        events += citations(grounding, choice.said, index)
    if candidate.finish_reason and not choice.finished and not _is_fault(candidate, choice):
        _finish(choice, index, candidate, events)
        choice = msgspec.structs.replace(choice, finished=True)
    return State(state.started, state.id, state.model, {**state.choices, index: choice}, queries, places, state.counted)


def _finish(choice: Choice, index: int, candidate: Candidate, events: list[Event]) -> None:
    """The end of a choice. Google says STOP after a call as after a text; why it withheld an answer is kept."""
    word = candidate.finish_reason or ""
    reason = FINISHES.get(word, "stop")
    if reason == "stop" and choice.calls:
        reason = "tool_calls"
    if word not in ("STOP", "MAX_TOKENS"):
        why = {"finishReason": word, "finishMessage": candidate.finish_message}
        told: dict[str, object] = {name: value for name, value in why.items() if value}
        if _is_set(candidate.safety_ratings):
            told["safetyRatings"] = candidate.safety_ratings
        events.append(about("finish", told, index))
    events.append(Finished(reason=reason, choice=index))


def _blocked(state: State, feedback: msgspec.Raw, events: list[Event]) -> State:
    """The prompt itself was refused: an answer without a candidate, which ends at once.

    https://ai.google.dev/api/generate-content#PromptFeedback
    """
    if 0 in state.choices and state.choices[0].finished:
        return state
    events.append(about("promptFeedback", feedback))
    events.append(Finished(reason="content_filter"))
    blocked = msgspec.structs.replace(state.choices.get(0, Choice()), finished=True)
    return msgspec.structs.replace(state, choices={**state.choices, 0: blocked})


def _is_fault(candidate: Candidate, choice: Choice) -> bool:
    """Whether the answer failed; one that only lacks something is told with its reason beside it."""
    word = candidate.finish_reason
    return (
        word in FAULTS or (word in LACKS and not choice.spoke) or (word == "UNEXPECTED_TOOL_CALL" and not choice.calls)
    )


def _faults(state: State, response: Response) -> tuple[Broken, ...]:
    """The model ended in a way that leaves nothing to use."""
    for position, candidate in enumerate(response.candidates or ()):
        index = position if candidate.index is None else candidate.index
        if _is_fault(candidate, state.choices[index]):
            message = " ".join((candidate.finish_message or "").split())[:1_000]
            return (malformed(f"the model ended with {candidate.finish_reason}{f': {message}' if message else ''}"),)
    return ()


def _tool_uses(state: State) -> int:
    """What grounding is charged for: from Gemini 3 on every search, before that a prompt, however often it searched.

    https://ai.google.dev/gemini-api/docs/google-search#pricing
    """
    found = _GENERATION.search(state.model)
    if found is not None and int(found[1]) < 3:
        return int(bool(state.queries) or state.places)
    return len(state.queries) + state.places


def _is_set(raw: msgspec.Raw) -> bool:
    """Whether an optional field says anything: null and the empty object do not."""
    size = len(raw)
    return size > 8 or (size > 0 and bytes(raw).translate(None, b" \t\r\n") not in (b"", b"null", b"{}"))
