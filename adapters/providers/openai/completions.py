"""OpenAI's completions, the legacy API of prompts that are continued: they pass through and are metered on the way.

https://developers.openai.com/api/reference/resources/completions/methods/create
"""

from typing import Any

import msgspec

from adapters.providers.dialect import ProviderDialect, ServerEvent, never
from adapters.providers.framing.sse import EventFramer
from adapters.providers.lenient_json import Lenient
from adapters.providers.openai import asking_for_usage, headers, hides
from adapters.providers.openai.failure import malformed
from adapters.providers.openai.operations import failing_as, read
from adapters.providers.openai.usage import Told, reported
from adapters.providers.usage_counts import UNTOLD
from domain.model_api.call import Attempt, ModelCall
from domain.model_api.events import Broken, Ended, Event, Finished, FinishReason, TextDelta

NAME = "openai-completions"
_ENCODER = msgspec.json.Encoder()
_FINISHES: dict[str, FinishReason] = {"length": "length", "content_filter": "content_filter"}


class _Choice(msgspec.Struct):
    text: str | None = None
    index: int = 0
    finish_reason: str | None = None


class _Answer(msgspec.Struct):
    """A chunk or a whole answer."""

    choices: list[_Choice] | None = None
    usage: msgspec.Raw = UNTOLD
    error: Any = None
    service_tier: Any = None


_ANSWER = Lenient(_Answer)


def pass_through(call: ModelCall, attempt: Attempt) -> bytes:
    """The caller's own fields with the model's name, the usage option, and OpenAI's cap where the caller gave none.

    That cap is 16, and compatible servers have others or none: said aloud, it bounds the call everywhere alike.
    """
    fields: dict[str, Any] = {**call.fields, "model": attempt.target.model}
    if bytes(call.fields.get("max_tokens", b"null")) == b"null":
        fields["max_tokens"] = call.output_tokens_max
    if call.stream:
        fields["stream_options"] = asking_for_usage(call.fields.get("stream_options"))
    return _ENCODER.encode(fields)


def decode(body: bytes) -> tuple[Event, ...]:
    """A whole answer: the texts, their endings, the usage."""
    answer = read(_ANSWER.decode, body)
    if isinstance(answer, Broken):
        return (answer,)
    if not answer.choices:
        return (malformed("it has no choices"),)
    return (*_events(Told(), answer)[1], Ended())


class State(msgspec.Struct, frozen=True):
    """What the fold remembers: which choices have finished, and what was counted."""

    finished: frozenset[int] = frozenset()
    counted: Told = Told()


def start() -> State:
    """Before the first chunk."""
    return State()


def step(state: State, event: ServerEvent) -> tuple[State, tuple[Event, ...]]:
    """One chunk, or the terminal word."""
    if event.data == b"[DONE]":
        return state, (Ended(),)
    answer = read(_ANSWER.decode, event.data)
    if isinstance(answer, Broken):
        return state, (answer,)
    counted, events = _events(state.counted, answer)
    finished = state.finished.union(choice.index for choice in answer.choices or () if choice.finish_reason)
    return State(finished, counted), events


def whole_at(state: State, call: ModelCall) -> bool:
    """Whether every choice has finished, of every prompt: then `[DONE]` tells nothing more."""
    return len(state.finished) >= call.choices


def _events(counted: Told, answer: _Answer) -> tuple[Told, tuple[Event, ...]]:
    events: list[Event] = []
    for choice in answer.choices or ():
        if choice.text:
            events.append(TextDelta(text=choice.text, choice=choice.index))
        if choice.finish_reason:
            events.append(Finished(reason=_FINISHES.get(choice.finish_reason, "stop"), choice=choice.index))
    counted, told = reported(counted, answer.usage, answer.service_tier)
    return counted, (*events, *told)


OPENAI_COMPLETIONS = ProviderDialect(
    name=NAME,
    path=lambda model, stream: "completions",
    headers=headers,
    encode=never,
    refuses=never,
    decode=decode,
    start=start,
    step=step,
    failure=failing_as(NAME),
    framer=EventFramer,
    pass_through=pass_through,
    hides=hides,
    whole_at=whole_at,
    terminal=b"data: [DONE]\n\n",
)
