"""No answer is thrown away for a detail: every field of every dialect's answers, whole and streamed, may be anything.

Only without what holds the text and the calls there is no answer. Usage is read apart from it and has tests of its own.
"""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.providers.anthropic import ANTHROPIC
from adapters.providers.bedrock import BEDROCK
from adapters.providers.cohere import COHERE
from adapters.providers.dialect import ProviderDialect, ServerEvent
from adapters.providers.google import GOOGLE
from adapters.providers.ollama import OLLAMA
from adapters.providers.openai import OPENAI
from adapters.providers.openai.completions import OPENAI_COMPLETIONS
from adapters.providers.openai_responses import RESPONSES
from adapters.providers.whole_body import understood
from domain.billing.metering import Meter, observe
from domain.model_api.call import ModelCall
from domain.model_api.events import Broken, Ended, Event, Finished, TextDelta
from tests.adapters.full_answers import STREAMS, WHOLES

DIALECTS = {
    dialect.name: dialect
    for dialect in (ANTHROPIC, BEDROCK, COHERE, GOOGLE, OLLAMA, OPENAI, OPENAI_COMPLETIONS, RESPONSES)
}
ODD: tuple[Any, ...] = (None, 7, -0.5, "odd", "", [], [5, "x", None], {}, {"odd": [1]}, True, False)
# What holds the text and the calls: where it is something else, there is none.
HOLDS = frozenset(
    (
        *("choices", "message", "content", "candidates", "parts", "output", "response", "delta", "text"),
        *("content_block", "item", "tool_calls", "start", "toolUse"),
    )
)
# What tells that the model is done, or failed: without the one a stream is cut, with the other it is no answer.
ENDS = frozenset(("finish_reason", "finishReason", "stop_reason", "stopReason", "done", "status", "type", "error"))
# These have or make another text.
TEXTS = frozenset(("type", "transcript", "thought"))
APART = frozenset(("usage", "usageMetadata", "prompt_eval_count", "eval_count"))
Path = tuple[str | int, ...]


def paths(value: Any, at: Path = ()) -> Iterator[Path]:
    """Every field and every element of a JSON value."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        if key not in APART:
            yield (*at, key)
            yield from paths(value[key], (*at, key))


def with_odd(value: Any, path: Path, odd: Any) -> Any:
    value = copy.deepcopy(value)
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = odd
    return value


def received(dialect: ProviderDialect, events: list[tuple[str, Any]]) -> tuple[Event, ...]:
    """What a stream of these events means."""
    state, meant = dialect.start(), list[Event]()
    for name, data in events:
        spelled = data.encode() if isinstance(data, str) else json.dumps(data).encode()
        state, more = dialect.step(state, ServerEvent(name, spelled, b"x"))
        meant += more
    return tuple(meant)


def call_of(name: str) -> ModelCall:
    operation = "completions" if name == OPENAI_COMPLETIONS.name else "chat"
    return ModelCall(dialect=name, operation=operation, model="m", fields={}, body_bytes=1)  # type: ignore[arg-type]


def text_of(events: tuple[Event, ...]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


@pytest.mark.parametrize("name", WHOLES)
def test_no_field_of_a_whole_answer_costs_the_answer(name: str) -> None:
    dialect, answer, call = DIALECTS[name], WHOLES[name], call_of(name)
    shielded = understood(dialect, call, json.dumps(answer).encode())
    assert text_of(shielded)
    assert isinstance(shielded[-1], Ended)
    for path in paths(answer):
        for odd in ODD:
            events = understood(dialect, call, json.dumps(with_odd(answer, path, odd)).encode())
            observe(Meter(), events)
            if (
                HOLDS.isdisjoint(path[-1:])
                and isinstance(path[-1], str)
                and path[-1] not in ("status", "error", "done")
            ):
                assert not isinstance(events[-1], Broken), (path, odd, events[-1])
                assert text_of(events) == text_of(shielded) or path[-1] in TEXTS, (path, odd)


@pytest.mark.parametrize("name", STREAMS)
def test_no_field_of_a_stream_breaks_it(name: str) -> None:
    dialect, stream = DIALECTS[name], STREAMS[name]
    shielded = received(dialect, stream)
    assert text_of(shielded)
    assert any(isinstance(event, Finished) for event in shielded)
    for at, (event, data) in enumerate(stream):
        for path in paths(data) if isinstance(data, dict) else ():
            for odd in ODD:
                changed = [*stream[:at], (event, with_odd(data, path, odd)), *stream[at + 1 :]]
                events = received(dialect, changed)
                observe(Meter(), events)
                if (HOLDS | ENDS).intersection(path[-1:]) or isinstance(path[-1], int):
                    continue
                if isinstance(odd, int) and str(path[-1]).lower().endswith("index"):
                    continue  # Another place, which is no odd one.
                assert not any(isinstance(each, Broken) for each in events), (at, path, odd, events[-1])
                assert text_of(events) == text_of(shielded), (at, path, odd)
