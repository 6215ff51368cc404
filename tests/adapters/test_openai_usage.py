"""OpenAI's usage object: what providers count, and what it is made of."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.providers.openai import OPENAI
from adapters.providers.openai.answer import decode
from adapters.providers.openai.usage import WireUsage, cost_nanos
from domain.model_api.events import Broken, Event, UsageReported
from domain.usage import UNITS_MAX, Usage
from tests.adapters.openai_events import chunk, folded, reported, whole


@pytest.mark.parametrize(
    ("usage", "units"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}, {"input_tokens": 5, "output_tokens": 7}),
        (
            {"prompt_tokens": 5, "completion_tokens": 7, "prompt_tokens_details": None, "total_tokens": 0},
            {"input_tokens": 5, "output_tokens": 7},
        ),
        (  # Cached and audio inside the prompt, reasoning and audio inside the completion: OpenAI.
            {
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "total_tokens": 150,
                "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 30},
                "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 10},
            },
            {
                "input_tokens": 10,
                "input_audio_tokens": 30,
                "cache_read_tokens": 60,
                "output_tokens": 20,
                "output_audio_tokens": 10,
                "reasoning_tokens": 20,
            },
        ),
        (  # A write that goes over what was cached already is not charged twice.
            {
                "prompt_tokens": 100,
                "completion_tokens": 1,
                "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 90},
            },
            {"cache_read_tokens": 60, "cache_write_tokens": 40, "output_tokens": 1},
        ),
        (  # Cached audio is counted in both details.
            {
                "prompt_tokens": 100,
                "completion_tokens": 1,
                "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 50, "cached_audio_tokens": 20},
            },
            {
                "input_tokens": 10,
                "input_audio_tokens": 30,
                "cache_read_tokens": 40,
                "cache_read_audio_tokens": 20,
                "output_tokens": 1,
            },
        ),
        (  # DeepSeek's word.
            {"prompt_tokens": 10, "completion_tokens": 1, "prompt_cache_hit_tokens": 4},
            {"input_tokens": 6, "cache_read_tokens": 4, "output_tokens": 1},
        ),
        (  # Mistral's count of its engine's cache, which it does not bill as cached.
            {"prompt_tokens": 10, "completion_tokens": 1, "num_cached_tokens": 4},
            {"input_tokens": 10, "output_tokens": 1},
        ),
        (  # Reasoning beside the completion: xAI.
            {
                "prompt_tokens": 32,
                "completion_tokens": 9,
                "total_tokens": 135,
                "completion_tokens_details": {"reasoning_tokens": 94},
            },
            {"input_tokens": 32, "output_tokens": 9, "reasoning_tokens": 94},
        ),
        (  # The same without a total: more reasoning than completion can only stand beside it.
            {"prompt_tokens": 1, "completion_tokens": 2, "completion_tokens_details": {"reasoning_tokens": 94}},
            {"input_tokens": 1, "output_tokens": 2, "reasoning_tokens": 94},
        ),
        (  # Thinking that only the total tells: Google's OpenAI endpoint.
            {"prompt_tokens": 8, "completion_tokens": 5, "total_tokens": 500},
            {"input_tokens": 8, "output_tokens": 5, "reasoning_tokens": 487},
        ),
        (  # Searches that OpenRouter charges.
            {"prompt_tokens": 1, "completion_tokens": 2, "server_tool_use_details": {"web_search_requests": 3}},
            {"input_tokens": 1, "output_tokens": 2, "tool_uses": 3},
        ),
    ],
)
def test_usage_becomes_disjoint_units(usage: dict[str, Any], units: dict[str, int]) -> None:
    for events in (folded([chunk(choices=[], usage=usage)]), OPENAI.decode(whole({"content": "x"}, usage=usage))):
        assert Usage(**units) == reported(events)["usage"]


def test_groqs_own_place_for_usage_is_read() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}

    events = folded([chunk(choices=[], x_groq={"id": "req", "usage": usage})])

    assert Usage(input_tokens=3, output_tokens=4) == reported(events)["usage"]


PARTS, OF = "prompt_tokens_details", "completion_tokens_details"


@pytest.mark.parametrize(
    ("usage", "units", "fields"),
    [
        ({PARTS: {"cached_tokens": 11}}, {"cache_read_tokens": 11, "output_tokens": 5}, ("cached_tokens", "prompt_tokens")),
        (
            {PARTS: {"cache_write_tokens": 11}},
            {"cache_write_tokens": 11, "output_tokens": 5},
            ("cache_write_tokens", "prompt_tokens"),
        ),
        ({PARTS: {"audio_tokens": 11}}, {"input_audio_tokens": 11, "output_tokens": 5}, ("audio_tokens", "prompt_tokens")),
        (
            {"prompt_cache_hit_tokens": 11},
            {"cache_read_tokens": 11, "output_tokens": 5},
            ("prompt_cache_hit_tokens", "prompt_tokens"),
        ),
        (  # Anthropic's way of counting, which the total shows.
            {PARTS: {"cached_tokens": 80}, "total_tokens": 95},
            {"input_tokens": 10, "cache_read_tokens": 80, "output_tokens": 5},
            ("cached_tokens", "prompt_tokens"),
        ),
        ({"total_tokens": 14}, {"input_tokens": 10, "output_tokens": 5}, ("total_tokens", "completion_tokens")),
        ({OF: {"audio_tokens": 6}}, {"input_tokens": 10, "output_audio_tokens": 6}, ("audio_tokens", "completion_tokens")),
        (
            {OF: {"audio_tokens": 4, "image_tokens": 3}},
            {"input_tokens": 10, "output_audio_tokens": 4, "output_image_tokens": 1},
            ("audio_tokens", "completion_tokens"),
        ),
        (
            {"total_tokens": 15, OF: {"reasoning_tokens": 6}},
            {"input_tokens": 10, "reasoning_tokens": 6},
            ("reasoning_tokens", "completion_tokens"),
        ),
        (
            {"total_tokens": 18, OF: {"reasoning_tokens": 2}},
            {"input_tokens": 10, "output_tokens": 5, "reasoning_tokens": 2},
            ("total_tokens", "reasoning_tokens"),
        ),
        ({"prompt_tokens": -1, "total_tokens": 0}, {"output_tokens": 5}, ("prompt_tokens",)),
        ({"prompt_tokens": -1, "total_tokens": 15}, {"input_tokens": 10, "output_tokens": 5}, ("prompt_tokens",)),
        ({"completion_tokens": "?", "total_tokens": 15}, {"input_tokens": 10, "output_tokens": 5}, ("completion_tokens",)),
        ({"prompt_tokens": 9.5}, {"input_tokens": 10, "output_tokens": 5}, ("prompt_tokens",)),
        ({PARTS: []}, {"input_tokens": 10, "output_tokens": 5}, (PARTS,)),
        ({"prompt_tokens": 10**15}, {"input_tokens": UNITS_MAX, "output_tokens": 5}, ("prompt_tokens",)),
        ({"prompt_tokens": 10.0, "completion_tokens": "5", "total_tokens": " 15 "}, {"input_tokens": 10, "output_tokens": 5}, ()),
        ({PARTS: None, "total_tokens": None}, {"input_tokens": 10, "output_tokens": 5}, ()),
    ],
)  # fmt: skip
def test_an_odd_usage_is_brought_to_the_nearest_reading_and_noted(
    usage: dict[str, Any], units: dict[str, int], fields: tuple[str, ...]
) -> None:
    reported_usage = {"prompt_tokens": 10, "completion_tokens": 5, **usage}

    for events in (
        folded([chunk(choices=[], usage=reported_usage)]),
        OPENAI.decode(whole({"content": "x"}, usage=reported_usage)),
    ):
        (report,) = (event for event in events if isinstance(event, UsageReported))
        assert Usage(**units) == report.usage
        assert bool(fields) == bool(report.notes)
        assert all(field in report.notes[0] for field in fields), report.notes
        assert not any(isinstance(event, Broken) for event in events)


@pytest.mark.parametrize("usage", ["n/a", 12_000, [1, 2], False])
def test_a_usage_that_cannot_be_read_counts_nothing_and_is_noted(usage: Any) -> None:
    (report,) = (e for e in folded([chunk(choices=[], usage=usage)]) if isinstance(e, UsageReported))

    assert (Usage(), True) == (report.usage, "usage cannot be read" in report.notes[0])


@pytest.mark.parametrize(
    "later", [{"prompt_tokens": 0, "completion_tokens": 0}, {"prompt_tokens": 7, "completion_tokens": 9}]
)
def test_a_counter_never_falls_in_any_field(later: dict[str, int]) -> None:
    first = {"prompt_tokens": 100, "completion_tokens": 9, PARTS: {"cached_tokens": 80}}
    last = {**later, PARTS: {"cached_tokens": 0}}

    events = folded([chunk(choices=[], usage=first), chunk(choices=[], usage=last)])

    assert Usage(input_tokens=20, cache_read_tokens=80, output_tokens=9) == reported(events)["usage"]


def test_usage_in_a_choice_is_read() -> None:
    """Moonshot puts it there."""
    choice = {"index": 0, "delta": {}, "finish_reason": "stop", "usage": {"prompt_tokens": 3, "completion_tokens": 4}}

    assert Usage(input_tokens=3, output_tokens=4) == reported(folded([chunk(choices=[choice], usage=None)]))["usage"]


def test_the_service_tier_is_the_last_reported_one() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    said = [chunk(choices=[{"index": 0, "delta": {"content": "x"}}], service_tier="flex")]

    assert ["flex"] == _tiers(folded([*said, chunk(choices=[], usage=usage)]))
    assert ["default"] == _tiers(folded([*said, chunk(choices=[], usage=usage, service_tier="default")]))
    assert ["flex", "default"] == _tiers(
        folded([*said, chunk(choices=[], usage=usage), chunk(choices=[], service_tier="default")])
    )


def _tiers(events: tuple[Event, ...]) -> list[str | None]:
    return [event.service_tier for event in events if isinstance(event, UsageReported)]


@pytest.mark.parametrize(("said", "nanos"), [
    (b'"cost": 0, "is_byok": true, "cost_details": {"upstream_inference_cost": 0.00034}',      340_000),
    (b'"cost": 0.00001, "is_byok": true, "cost_details": {"upstream_inference_cost": 0.00034}', 350_000),
    (b'"cost": 0.00001, "is_byok": false, "cost_details": {"upstream_inference_cost": 0.00034}', 10_000),
    (b'"cost": 0.00001, "is_byok": false, "cost_details": {"upstream_inference_cost": null}',    10_000),
    (b'"cost": 0, "is_byok": true, "cost_details": {"upstream_inference_cost": null}',              None),
    (b'"cost": 0, "is_byok": true, "cost_details": "none"',                                         None),
    (b'"cost": 0, "is_byok": true',                                                                 None),
])  # fmt: skip
def test_with_the_operators_own_key_the_vendors_cost_comes_on_top(said: bytes, nanos: int | None) -> None:
    usage = msgspec.json.decode(b'{"prompt_tokens": 1, "completion_tokens": 1, ' + said + b"}", type=WireUsage)

    assert nanos == cost_nanos(usage)


def test_a_usage_object_that_counts_nothing_is_no_report() -> None:
    assert None is reported(folded([chunk(choices=[], usage={})]))["usage"]


COUNT = st.integers(0, 10_000)


@given(COUNT, COUNT, st.data())
def test_the_units_add_up_to_the_providers_counts(prompt: int, completion: int, data: st.DataObject) -> None:
    cached = data.draw(st.integers(0, prompt))
    written = data.draw(st.integers(0, prompt))
    audio = data.draw(st.integers(0, prompt))
    stated = data.draw(st.integers(0, completion))
    thought = data.draw(st.integers(0, completion - stated))
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written, "audio_tokens": audio},
        "completion_tokens_details": {"reasoning_tokens": thought, "audio_tokens": stated},
    }

    counted = reported(folded([chunk(choices=[], usage=usage)]))["usage"]

    assert prompt == (
        counted.input_tokens + counted.input_audio_tokens + counted.cache_read_tokens + counted.cache_write_tokens
    )
    assert completion == counted.output_tokens + counted.output_audio_tokens + counted.reasoning_tokens
    assert (cached, thought, stated) == (
        counted.cache_read_tokens,
        counted.reasoning_tokens,
        counted.output_audio_tokens,
    )


@pytest.mark.parametrize(("said", "nanos"), [
    (b"0.00014",               140_000),
    (b"7.79e-05",               77_900),
    (b"0",                           0),
    (b"0.0000000001",                1),   # rounded up once
    (b"3",               3_000_000_000),
    (b'"0.5"',                    None),   # a text means something else
    (b'{"total_cost": 1}',        None),
    (b"null",                     None),
    (b"-1",                       None),
    (b"1e300",                    None),
])  # fmt: skip
def test_a_reported_cost_is_taken_to_the_nano_dollar(said: bytes, nanos: int | None) -> None:
    usage = msgspec.json.decode(b'{"prompt_tokens": 1, "completion_tokens": 1, "cost": ' + said + b"}", type=WireUsage)

    assert cost_nanos(usage) == nanos


def test_the_service_tier_of_an_answer_is_reported_with_its_usage() -> None:
    body = (
        b'{"id": "1", "model": "m", "service_tier": "priority", "usage": {"prompt_tokens": 1, "completion_tokens": 1},'
        b' "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}]}'
    )

    (report,) = (event for event in decode(body) if isinstance(event, UsageReported))

    assert (report.service_tier, report.cost_nanos) == ("priority", None)
