"""Anthropic's usage: cumulative reports, the lifetimes of cache writes, and irregular counts."""

import json
from typing import Any

import pytest

from adapters.providers.anthropic import ANTHROPIC
from domain.model_api.events import Ended, UsageReported
from domain.usage import Usage
from tests.support.anthropic import event, fold


def usage_of(events: tuple[Any, ...]) -> Usage:
    return [reported.usage for reported in events if isinstance(reported, UsageReported)][-1]


@pytest.mark.parametrize(("thinking", "units"), [
    (0,    {"output_tokens": 50}),
    (33,   {"output_tokens": 17, "reasoning_tokens": 33}),
    (50,   {"reasoning_tokens": 50}),
    (51,   {"output_tokens": 50}),
    (None, {"output_tokens": 50}),
])  # fmt: skip
def test_reasoning_is_counted_separately_where_it_is_reported(thinking: int | None, units: dict[str, int]) -> None:
    """`output_tokens` is the authoritative total; what is more than that is no part of it."""
    counted = {"input_tokens": 5, "output_tokens": 50, "output_tokens_details": {"thinking_tokens": thinking}}
    started = {"id": "m", "model": "c", "usage": {"input_tokens": 5, "output_tokens": 1}}
    whole = {"type": "message", "content": [], "stop_reason": "end_turn", "usage": counted}

    streamed = fold([event("message_start", message=started), event("message_delta", delta={}, usage=counted)])
    assert Usage(input_tokens=5, **units) == usage_of(streamed)
    assert Usage(input_tokens=5, **units) == usage_of(ANTHROPIC.decode(json.dumps(whole).encode()))


@pytest.mark.parametrize(
    ("written", "parts", "expected"),
    [
        (500, (0, 0), (500, 0)),  # what a whole answer that searched the web tells
        (500, (100, 200), (300, 200)),
        (7, (5, 0), (7, 0)),
        (100, (80, 60), (80, 60)),  # each part was counted
        (0, (80, 60), (80, 60)),
    ],
)
def test_cache_writes_that_do_not_add_up_are_read_as_they_are_billed_and_noted(
    written: int, parts: tuple[int, int], expected: tuple[int, int]
) -> None:
    created = {"ephemeral_5m_input_tokens": parts[0], "ephemeral_1h_input_tokens": parts[1]}
    usage = {"input_tokens": 1, "output_tokens": 2, "cache_creation_input_tokens": written, "cache_creation": created}
    whole = {"type": "message", "content": [], "stop_reason": "end_turn", "usage": usage}
    started = event("message_start", message={"id": "m", "model": "c", "usage": usage})

    for events in (ANTHROPIC.decode(json.dumps(whole).encode()), fold([started])):
        reported = next(event for event in events if isinstance(event, UsageReported))
        assert expected == (reported.usage.cache_write_tokens, reported.usage.cache_write_1h_tokens)
        assert f"cache_creation_input_tokens is {written}, but the parts" in reported.notes[0]


@pytest.mark.parametrize("later", [0, 3, None, "n/a", -1])
def test_a_counter_never_falls(later: Any) -> None:
    """Some servers fill `message_delta` with zeros."""
    reported = {"input_tokens": 100, "cache_read_input_tokens": 1_000, "output_tokens": 1}
    delta = {"input_tokens": later, "cache_read_input_tokens": later, "output_tokens": 20}

    usage = usage_of(
        fold(
            [
                event("message_start", message={"id": "m", "model": "c", "usage": reported}),
                event("message_delta", delta={}, usage=delta),
            ]
        )
    )
    assert Usage(input_tokens=100, cache_read_tokens=1_000, output_tokens=20) == usage


@pytest.mark.parametrize(("reported", "tokens", "noted"), [
    (12.0, 12, False), ("12", 12, False), (12.2, 13, True), (-1, 0, True), (True, 0, True), ("many", 0, True), ([], 0, True),
])  # fmt: skip
def test_a_count_is_read_however_it_is_spelled(reported: Any, tokens: int, noted: bool) -> None:
    events = fold([event("message_delta", delta={}, usage={"input_tokens": 5, "output_tokens": reported})])

    (report,) = (each for each in events if isinstance(each, UsageReported))
    assert (tokens, noted) == (report.usage.output_tokens, bool(report.notes))


@pytest.mark.parametrize("usage", ["n/a", 7, [], True, "null", {"cache_creation": "none", "output_tokens": []}])
def test_a_usage_that_cannot_be_read_does_not_cost_the_answer(usage: Any) -> None:
    whole = {"type": "message", "content": [{"type": "text", "text": "So."}], "stop_reason": "end_turn", "usage": usage}

    events = ANTHROPIC.decode(json.dumps(whole).encode())

    assert isinstance(events[-1], Ended)
    assert all(event.notes and event.usage == Usage() for event in events if isinstance(event, UsageReported))


@pytest.mark.parametrize(
    ("at_start", "at_end", "expected"),
    [
        ((10, 0), None, (10, 0)),
        ((10, 0), 10, (10, 0)),
        ((10, 5), 15, (10, 5)),
        ((10, 0), 25, (25, 0)),  # new writes live as long as those before
        ((0, 10), 25, (0, 25)),
        ((10, 5), 25, (20, 5)),  # and five minutes where both kinds were reported
        ((0, 0), 25, (25, 0)),
        ((10, 5), 3, (10, 5)),  # a counter never falls
    ],
)
def test_cache_writes_keep_their_lifetime(
    at_start: tuple[int, int], at_end: int | None, expected: tuple[int, int]
) -> None:
    parts = {"ephemeral_5m_input_tokens": at_start[0], "ephemeral_1h_input_tokens": at_start[1]}
    started = {"id": "m", "model": "c", "usage": {"cache_creation": parts, "output_tokens": 1}}
    ended = {"output_tokens": 2} | ({} if at_end is None else {"cache_creation_input_tokens": at_end})

    usage = usage_of(fold([event("message_start", message=started), event("message_delta", delta={}, usage=ended)]))
    assert (usage.cache_write_tokens, usage.cache_write_1h_tokens) == expected
