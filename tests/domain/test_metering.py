"""A meter reads along; what the provider did not tell is estimated from what was delivered, and labelled so."""

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.chat import Ended, Event, Finished, ForeignBlock, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta
from domain.chat import UsageReported as Told
from domain.metering import Measured, Meter, measure, observe
from domain.usage import Usage
from tests.domain.build import a_meter, an_answer
from tests.domain.strategies import ANSWERS

INPUT_BYTES = st.integers(0, 10_000)


def test_the_usage_of_a_whole_answer_is_what_the_provider_told() -> None:
    told = Usage(input_tokens=7, output_tokens=3)

    measured = measure(a_meter(an_answer("Hello, world", told)), input_bytes=500)

    assert Measured(usage=told, source="provider") == measured


def test_a_usage_that_nobody_told_is_estimated_at_four_bytes_a_token_rounded_up() -> None:
    measured = measure(a_meter([TextDelta(text="Hello")]), input_bytes=9)

    assert Measured(usage=Usage(input_tokens=3, output_tokens=2), source="estimated") == measured


def test_an_input_that_was_told_early_is_completed_by_what_was_delivered_since() -> None:
    """Anthropic tells its input when the answer starts and its output when it ends. (G4)"""
    told_at_start = Usage(input_tokens=20, cache_read_tokens=1_000, output_tokens=1)

    measured = measure(a_meter([Told(usage=told_at_start), TextDelta(text="x" * 40)]), input_bytes=9_999)

    assert Measured(usage=Usage(input_tokens=20, cache_read_tokens=1_000, output_tokens=10), source="estimated") == (
        measured
    )


def test_the_last_usage_that_was_told_stands() -> None:
    first, last = Usage(output_tokens=1), Usage(output_tokens=9)

    measured = measure(a_meter([Told(usage=first), Told(usage=last), Finished(reason="stop")]), input_bytes=0)

    assert Measured(usage=last, source="provider") == measured


def test_output_that_was_delivered_is_estimated_where_the_provider_counts_none_of_it() -> None:
    """A whole answer of which its provider says that it came to nothing is not free. (G6)"""
    measured = measure(a_meter(an_answer("Hello, world", Usage(input_tokens=7))), input_bytes=500)

    assert Measured(usage=Usage(input_tokens=7, output_tokens=3), source="estimated") == measured


def test_what_a_provider_says_about_its_answer_is_no_output() -> None:
    """Why an answer was withheld is not charged as if it were the answer."""
    why = ForeignBlock(dialect="google", name="finish", block=msgspec.Raw(b'{"a":"long reason"}'), generated=False)
    told = Usage(input_tokens=7)

    assert Measured(usage=told, source="provider") == measure(a_meter([why, Told(usage=told), Ended()]), input_bytes=9)


@pytest.mark.parametrize(("event", "delivered"), [
    (TextDelta(text="Hello"),                                        5),
    (TextDelta(text="日本"),                                          6),
    (RefusalDelta(text="No"),                                        2),
    (ReasoningDelta(text="Hmm"),                                     3),
    (ToolCallDelta(index=0, id="1", name="find", arguments="{}"),    6),
    (ToolCallDelta(index=0, arguments='{"a":1}'),                    7),
    (Finished(reason="stop"),                                        0),
    (Ended(),                                                        0),
])  # fmt: skip
def test_what_counts_as_delivered(event: Event, delivered: int) -> None:
    assert a_meter([event]).output_bytes == delivered


@given(ANSWERS, st.lists(st.integers(0, 12), max_size=4))
def test_however_an_answer_is_cut_into_batches_the_meter_reads_the_same(events: list[Event], cuts: list[int]) -> None:
    """Whole equals stream. (G6)"""
    in_batches = Meter()
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(events)], strict=True):
        in_batches = observe(in_batches, events[start:end])

    assert observe(Meter(), events) == in_batches


@given(ANSWERS, INPUT_BYTES)
def test_a_usage_is_the_providers_word_for_word_or_is_labelled_estimated(events: list[Event], input_bytes: int) -> None:
    meter = a_meter(events)

    measured = measure(meter, input_bytes)

    assert measured.source == ("provider" if measured.usage == meter.told else "estimated")


@given(ANSWERS, INPUT_BYTES)
def test_an_estimate_is_never_more_than_what_was_delivered_and_the_requests_own_input(
    events: list[Event], input_bytes: int
) -> None:
    """What was told stands; only what is added to it is an estimate, a token for four bytes. (G5)"""
    meter = a_meter(events)
    assume(meter.told is None)

    usage = measure(meter, input_bytes).usage

    assert usage.input_tokens <= input_bytes
    assert usage.output_tokens <= meter.output_bytes
    assert Usage(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens) == usage


@given(ANSWERS, INPUT_BYTES)
def test_what_was_told_is_only_ever_completed_by_output_that_was_delivered(
    events: list[Event], input_bytes: int
) -> None:
    """Neither the input nor a leaf of the cache is ever estimated once it was told. (G5)"""
    meter = a_meter(events)
    assume(meter.told is not None)
    told = meter.told
    assert told is not None

    usage = measure(meter, input_bytes).usage

    assert _without_output(usage) == _without_output(told)
    assert usage.output_tokens >= told.output_tokens
    assert _output(usage) <= max(_output(told), meter.output_bytes)


@given(ANSWERS, INPUT_BYTES)
def test_output_that_was_delivered_never_comes_to_zero(events: list[Event], input_bytes: int) -> None:
    """Unknown is never free. (G4, G6)"""
    meter = a_meter(events)
    assume(meter.output_bytes > 0)

    assert _output(measure(meter, input_bytes).usage) > 0


def _output(usage: Usage) -> int:
    return usage.output_tokens + usage.output_audio_tokens + usage.reasoning_tokens


def _without_output(usage: Usage) -> tuple[int, ...]:
    return (
        usage.input_tokens,
        usage.input_audio_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.cache_write_1h_tokens,
        usage.output_audio_tokens,
        usage.reasoning_tokens,
        usage.tool_uses,
    )
