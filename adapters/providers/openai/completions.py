"""OpenAI's completions, the legacy API that continues prompts: they pass through and are metered.

https://developers.openai.com/api/reference/resources/completions/methods/create
"""

from typing import Any

import msgspec

from adapters.providers.dialect import ProviderDialect, ServerEvent, never
from adapters.providers.framing.sse import EventFramer
from adapters.providers.lenient_json import Lenient
from adapters.providers.openai import asking_for_usage, headers, hidden_from_caller
from adapters.providers.openai.failure import malformed
from adapters.providers.openai.operations import failing_as, read
from adapters.providers.openai.usage import Reported, reported
from adapters.providers.usage_counts import UNREPORTED
from domain.dialects.stop_reasons import OPENAI
from domain.model_api.call import Attempt, ModelCall
from domain.model_api.events import Broken, Ended, Event, Finished, TextDelta

NAME = "openai-completions"
_ENCODER = msgspec.json.Encoder()


class _Choice(msgspec.Struct):
    text: str | None = None
    index: int = 0
    finish_reason: str | None = None


class _Answer(msgspec.Struct):
    """A chunk or a complete answer."""

    choices: list[_Choice] | None = None
    usage: msgspec.Raw = UNREPORTED
    error: Any = None
    service_tier: Any = None


_ANSWER = Lenient(_Answer)


def pass_through(call: ModelCall, attempt: Attempt) -> bytes:
    """Return the caller's fields with the model's name, the usage option, and OpenAI's default cap if there is none.

    OpenAI's default is 16 tokens; compatible servers have other defaults or none. Sending it bounds the call
    everywhere.
    """
    fields: dict[str, Any] = {**call.fields, "model": attempt.target.model}
    if bytes(call.fields.get("max_tokens", b"null")) == b"null":
        fields["max_tokens"] = call.output_tokens_max
    if call.stream:
        fields["stream_options"] = asking_for_usage(call.fields.get("stream_options"))
    return _ENCODER.encode(fields)


def decode(body: bytes) -> tuple[Event, ...]:
    """Return the events of a complete answer: the texts, the finish reasons, the usage."""
    answer = read(_ANSWER.decode, body)
    if isinstance(answer, Broken):
        return (answer,)
    if not answer.choices:
        return (malformed("it has no choices"),)
    return (*_events(Reported(), answer)[1], Ended())


class State(msgspec.Struct, frozen=True):
    """State of the fold: the finished choices and the counts."""

    finished: frozenset[int] = frozenset()
    counted: Reported = Reported()


def start() -> State:
    """Return the state before the first chunk."""
    return State()


def step(state: State, event: ServerEvent) -> tuple[State, tuple[Event, ...]]:
    """Fold one chunk, or the `[DONE]` at the end."""
    if event.data == b"[DONE]":
        return state, (Ended(),)
    answer = read(_ANSWER.decode, event.data)
    if isinstance(answer, Broken):
        return state, (answer,)
    counted, events = _events(state.counted, answer)
    finished = state.finished.union(choice.index for choice in answer.choices or () if choice.finish_reason)
    return State(finished, counted), events


def is_complete(state: State, call: ModelCall) -> bool:
    """Whether every choice of every prompt has finished; the `[DONE]` that follows carries nothing."""
    return len(state.finished) >= call.choices


def _events(counted: Reported, answer: _Answer) -> tuple[Reported, tuple[Event, ...]]:
    events: list[Event] = []
    for choice in answer.choices or ():
        if choice.text:
            events.append(TextDelta(text=choice.text, choice=choice.index))
        if choice.finish_reason:
            events.append(Finished(reason=OPENAI.get(choice.finish_reason, "stop"), choice=choice.index))
    counted, usage_events = reported(counted, answer.usage, answer.service_tier)
    return counted, (*events, *usage_events)


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
    hidden_from_caller=hidden_from_caller,
    is_complete=is_complete,
    terminal=b"data: [DONE]\n\n",
)
