"""Recorded answers, changed as servers differ: what they say survives, and nothing that they lack makes anybody raise.

Fields that nobody knows, keys in another order, null where a field was left out, and events that nobody promised change
nothing. A field that is missing may leave nothing to understand, which is reported, and no exception.
Skipped where the recordings are not (AIHUB_RECORDINGS, else `../shared/recordings` beside the repository).
"""

import base64
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.providers.anthropic import ANTHROPIC
from adapters.providers.bedrock import BEDROCK
from adapters.providers.cohere import COHERE
from adapters.providers.dialect import ProviderDialect, ServerEvent
from adapters.providers.google import GOOGLE
from adapters.providers.openai import OPENAI
from adapters.providers.openai_responses import RESPONSES
from domain.model_api.events import (
    Broken,
    Ended,
    Event,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)
from tests.recordings.seen import files, recorded

UNKNOWN = "x_unheard_of"
# What stands in these is the model's or the tool's own, and a field more is another meaning.
FREE = ("input", "args", "arguments", "additionalModelResponseFields")
Path = tuple[str | int, ...]


def _dialect(file: str) -> ProviderDialect | None:
    api = file.removesuffix("-stream")
    if api.endswith("-responses"):
        return RESPONSES
    return {"anthropic-messages": ANTHROPIC, "bedrock-converse": BEDROCK, "cohere-cohere-chat": COHERE}.get(api) or (
        GOOGLE if api.endswith("-generateContent") else OPENAI if api.endswith("-chat") else None
    )


STATED = [file for file in files() if _dialect(file) is not None]


@cache
def _answers(file: str) -> list[list[ServerEvent]]:
    """The answers of a file as events; of a whole one there is one, without a name."""
    dialect, found = _dialect(file), []
    assert dialect is not None
    for exchange in recorded(file):
        reported = exchange["response"]
        if reported["status"] != 200:
            continue
        body = base64.b64decode(reported["base64"]) if reported.get("base64") else reported["text"].encode()
        if "json" in reported["content_type"]:
            found.append([ServerEvent("", body, b"")])
        else:
            framer = dialect.framer()
            found.append([event for event in (*framer.feed(body), *framer.finish()) if event.data])
    return found


def _reported(file: str, answer: list[ServerEvent]) -> tuple[Event, ...]:
    dialect = _dialect(file)
    assert dialect is not None
    if not file.endswith("-stream") and len(answer) == 1:
        return dialect.decode(answer[0].data)
    state, reported = dialect.start(), list[Event]()
    for event in answer:
        state, events = dialect.step(state, event)
        reported += events
    return tuple(reported)


def _meaning(events: Iterable[Event]) -> dict[str, Any]:
    """What a caller of any dialect is reported; the last count stands."""
    said: dict[str, Any] = {"text": "", "thinking": "", "calls": defaultdict(lambda: ["", ""]), "finish": []}
    for event in events:
        match event:
            case TextDelta() | RefusalDelta():
                said["text"] += event.text
            case ReasoningDelta():
                said["thinking"] += event.text + (event.redacted or "")
            case ToolCallDelta():
                call = said["calls"][event.choice, event.index]
                call[:] = call[0] + (event.name or ""), call[1] + event.arguments
            case UsageReported():
                said["usage"] = event.usage
            case Finished():
                said["finish"].append(event.reason)
            case Ended():
                said["ended"] = True
            case Broken():
                said["broken"] = event.failure.kind
            case _:
                pass
    said["calls"] = {place: (name, _as_json(text)) for place, (name, text) in said["calls"].items()}
    return said


def _as_json(text: str) -> Any:
    try:
        return json.loads(text or "{}")
    except ValueError:
        return text


# --- how answers differ ---------------------------------------------------------------------------------


def _changed(answer: list[ServerEvent], change: Any) -> list[ServerEvent]:
    return [
        ServerEvent(event.name, json.dumps(change(value)).encode(), event.raw)
        if isinstance(value := _as_json(event.data.decode()), dict)
        else event
        for event in answer
    ]


def _written_again(value: Any, chance: Random, path: Path = (), known: dict[Path, set[str]] | None = None) -> Any:
    """The same with an unknown field in every object, keys in another order, and null for what was left out."""
    if isinstance(value, list):
        return [_written_again(inner, chance, (*path, "*"), known) for inner in value]
    if not isinstance(value, dict):
        return value
    fields = {
        name: inner if name in FREE else _written_again(inner, chance, (*path, name), known)
        for name, inner in value.items()
    }
    fields[UNKNOWN] = chance.choice(["", 1.5, None, [], {"a": [None]}])
    fields |= dict.fromkeys((known or {}).get((*path, value.get("type", "")), set()) - fields.keys())
    names = list(fields)
    chance.shuffle(names)
    return {name: fields[name] for name in names}


@cache
def _known(file: str) -> dict[Path, set[str]]:
    """The fields that were seen at a place in any answer of the file, by the type that the object names."""
    found: dict[Path, set[str]] = defaultdict(set)
    for answer in _answers(file):
        for event in answer:
            for path, value in _objects(_as_json(event.data.decode()), ()):
                found[*path, value.get("type", "")].update(value)
    return found


def _objects(value: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    if isinstance(value, dict):
        yield path, value
        for name, inner in value.items():
            if name not in FREE:
                yield from _objects(inner, (*path, name))
    for inner in value if isinstance(value, list) else ():
        yield from _objects(inner, (*path, "*"))


def _places(value: Any, path: Path = ()) -> Iterator[Path]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield (*path, name)
        yield from _places(each, (*path, name))


# --- laws -----------------------------------------------------------------------------------------------

quickly = settings(max_examples=15, suppress_health_check=list(HealthCheck), deadline=None)


@pytest.mark.parametrize("file", STATED)
@given(chance=st.randoms(use_true_random=False))
@quickly
def test_what_nobody_knows_and_what_is_null_changes_nothing(file: str, chance: Random) -> None:
    answer = chance.choice(_answers(file))
    again = _changed(answer, lambda value: _written_again(value, chance, (), _known(file)))
    if len(again) > 1:
        for _ in range(3):
            stranger = ServerEvent(UNKNOWN, json.dumps({"type": UNKNOWN, "x": [1]}).encode(), b"")
            again.insert(chance.randrange(len(again)), stranger)

    assert _meaning(_reported(file, again)) == _meaning(_reported(file, answer))


@pytest.mark.parametrize("file", STATED)
@given(chance=st.randoms(use_true_random=False))
@quickly
def test_what_is_missing_or_of_another_kind_makes_nobody_raise(file: str, chance: Random) -> None:
    answer = chance.choice(_answers(file))
    place = chance.randrange(len(answer))
    value = _as_json(answer[place].data.decode())
    where = [*_places(value)]
    if not where:
        return
    *within, last = chance.choice(where)
    inner = value
    for step in within:
        inner = inner[step]
    if chance.random() < 0.3:
        del inner[last]
    else:
        inner[last] = chance.choice([None, "", UNKNOWN, 0, -1, 2**70, 1.5, True, [], {}, [None], {UNKNOWN: None}])
    event = ServerEvent(answer[place].name, json.dumps(value).encode(), answer[place].raw)
    reported = _reported(file, [*answer[:place], event, *answer[place + 1 :]])

    assert len(answer) > 1 or isinstance(reported[-1], Ended | Broken)
