"""A meter reads along; what the provider did not tell is estimated from what was delivered, and labelled so."""

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.billing.metering import Measured, Meter, measure, observe
from domain.model_api.events import (
    Broken,
    CitationDelta,
    Ended,
    Event,
    Finished,
    ProviderBlock,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
)
from domain.model_api.events import UsageReported as Reported
from domain.model_api.images import ImageResult
from domain.usage import Usage
from tests.domain.build import a_failure, a_meter, an_answer
from tests.domain.strategies import ANSWERS

INPUT_TOKENS = st.integers(0, 10_000)
JSON = msgspec.Raw(b'{"a": "long reason"}')


def test_the_usage_of_a_whole_answer_is_what_the_provider_reported() -> None:
    reported = Usage(input_tokens=7, output_tokens=3)

    measured = measure(a_meter(an_answer("Hello, world", reported)), input_tokens=500)

    assert Measured(usage=reported, source="provider") == measured


def test_a_usage_that_nobody_reported_is_estimated_at_four_bytes_a_token_rounded_up() -> None:
    measured = measure(a_meter([TextDelta(text="x" * 21), Ended()]), input_tokens=3)

    assert Measured(usage=Usage(input_tokens=3, output_tokens=6), source="estimated") == measured


def test_a_part_of_an_answer_is_estimated_at_five_bytes_a_token_rounded_up() -> None:
    """So that who leaves just before the end does not pay more than for the whole."""
    measured = measure(a_meter([TextDelta(text="x" * 21)]), input_tokens=3)

    assert Measured(usage=Usage(input_tokens=3, output_tokens=5), source="estimated") == measured


@pytest.mark.parametrize("reported", [Usage(), Usage(output_tokens=3)])
def test_a_prompt_that_the_provider_counts_as_nothing_is_estimated(reported: Usage) -> None:
    measured = measure(a_meter(an_answer("Hello, world", reported)), input_tokens=7)

    assert (Usage(input_tokens=7, output_tokens=3), "estimated") == (measured.usage, measured.source)
    assert "the provider counts no input" in (measured.note or "")


@pytest.mark.parametrize("reported", [Usage(cache_read_tokens=1, output_tokens=3), Usage(cache_write_1h_tokens=1, output_tokens=3),
                                  Usage(input_audio_tokens=1, output_tokens=3), Usage(seconds=3), Usage(images=1)])  # fmt: skip
def test_a_prompt_that_was_counted_in_any_unit_or_by_the_piece_is_not_estimated(reported: Usage) -> None:
    assert Measured(usage=reported, source="provider") == measure(
        a_meter([Reported(usage=reported), Ended()]), input_tokens=7
    )


def test_an_odd_count_is_charged_and_labelled_adjusted_with_a_note() -> None:
    reported = Usage(input_tokens=7, output_tokens=3)
    events: list[Event] = [
        TextDelta(text="Hello"),
        Reported(usage=reported, notes=("a is 1.5, counted as 2", "b is odd")),
        Ended(),
    ]

    assert Measured(usage=reported, source="adjusted", note="a is 1.5, counted as 2; b is odd") == (
        measure(a_meter(events), input_tokens=9)
    )


@pytest.mark.parametrize(("events", "usage", "source"), [
    ([TextDelta(text="x" * 20)], Usage(input_tokens=9, output_tokens=4, reasoning_tokens=30), "estimated"),
    ([TextDelta(text="x" * 80)], Usage(input_tokens=9, output_tokens=12, reasoning_tokens=30), "estimated"),
    ([TextDelta(text="x" * 20), Ended()], Usage(input_tokens=169, output_tokens=12, reasoning_tokens=30), "provider"),
])  # fmt: skip
def test_a_count_that_may_yet_be_revised_is_no_more_than_an_estimate_until_the_end(
    events: list[Event], usage: Usage, source: str
) -> None:
    """Gemini has counted 169 tokens at first and 79 in the end. Thinking is only known by its count."""
    reported = Reported(usage=Usage(input_tokens=169, output_tokens=12, reasoning_tokens=30), running=True)

    measured = measure(a_meter([reported, *events]), input_tokens=9)

    assert (usage, source) == (measured.usage, measured.source)


def test_a_running_count_below_the_estimate_stands() -> None:
    reported = Usage(input_tokens=5, output_tokens=1)

    assert Measured(usage=reported, source="provider") == (
        measure(a_meter([TextDelta(text="Hello"), Reported(usage=reported, running=True)]), input_tokens=9)
    )


def test_images_that_a_provider_did_not_make_before_it_failed_are_not_charged() -> None:
    broken = Broken(failure=a_failure())

    assert 1 == measure(a_meter([ImageResult(), broken]), 0, Usage(images=3)).usage.images
    assert 3 == measure(a_meter([ImageResult()]), 0, Usage(images=3)).usage.images


def test_an_input_that_was_reported_early_is_completed_by_what_was_delivered_since() -> None:
    """Anthropic tells its input when the answer starts and its output when it ends. (G4)"""
    reported_at_start = Usage(input_tokens=20, cache_read_tokens=1_000, output_tokens=1)

    measured = measure(a_meter([Reported(usage=reported_at_start), TextDelta(text="x" * 40)]), input_tokens=9_999)

    assert Measured(usage=Usage(input_tokens=20, cache_read_tokens=1_000, output_tokens=8), source="estimated") == (
        msgspec.structs.replace(measured, note=None)
    )
    assert measured.note == "the provider does not count all of the output, so it is estimated"


def test_the_last_usage_that_was_reported_stands() -> None:
    first, last = Usage(output_tokens=1), Usage(output_tokens=9)

    measured = measure(a_meter([Reported(usage=first), Reported(usage=last), Finished(reason="stop")]), input_tokens=0)

    assert Measured(usage=last, source="provider") == measured


def test_output_that_was_delivered_is_estimated_where_the_provider_counts_none_of_it() -> None:
    """A whole answer of which its provider says that it came to nothing is not free. (G6)"""
    measured = measure(a_meter(an_answer("Hello, world", Usage(input_tokens=7))), input_tokens=500)

    assert (Usage(input_tokens=7, output_tokens=3), "estimated") == (measured.usage, measured.source)


def test_what_a_provider_reports_about_its_answer_is_no_output() -> None:
    """Why an answer was withheld is not charged as if it were the answer."""
    why = ProviderBlock(dialect="google", name="finish", block=msgspec.Raw(b'{"a":"long reason"}'), generated=False)
    reported = Usage(input_tokens=7)

    assert Measured(usage=reported, source="provider") == measure(
        a_meter([why, Reported(usage=reported), Ended()]), input_tokens=9
    )


@pytest.mark.parametrize(("event", "delivered"), [
    (TextDelta(text="Hello"),                                        5),
    (TextDelta(text="日本"),                                          6),
    (RefusalDelta(text="No"),                                        2),
    (ReasoningDelta(text="Hmm"),                                     3),
    (ToolCallDelta(index=0, id="1", name="find", arguments="{}"),    6),
    (ToolCallDelta(index=0, arguments='{"a":1}'),                    7),
    (ReasoningDelta(redacted="c2VhbGVk" * 99),                       0),
    (ReasoningDelta(signature="c2VhbGVk" * 99),                      0),
    (CitationDelta(citation=JSON, dialect="x"),                      0),
    (ProviderBlock(dialect="x", name="web_search", block=msgspec.Raw(b'{"id":"srv_1","input":{"query":"sea"}}')), 3),
    (ProviderBlock(dialect="x", name="result", block=msgspec.Raw(b'{"content":[{"text":"found","encrypted":"c2Vh"}]}')), 0),
    (Finished(reason="stop"),                                        0),
    (Ended(),                                                        0),
])  # fmt: skip
def test_what_counts_as_text_that_a_model_wrote(event: Event, delivered: int) -> None:
    """A tokenizer sees no seals, and nobody charges an output for what a tool has found."""
    assert a_meter([event]).output_bytes == delivered


@pytest.mark.parametrize(("event", "delivered"), [
    (ReasoningDelta(redacted="c2VhbGVk"),                            True),
    (ProviderBlock(dialect="x", name="result", block=JSON),           True),
    (ProviderBlock(dialect="x", name="n", block=JSON, generated=False), False),
    (Started(id="1", model="m"),                                     False),
    (Finished(reason="stop"),                                        False),
])  # fmt: skip
def test_what_was_delivered_without_text_is_delivered_too(event: Event, delivered: bool) -> None:
    assert a_meter([event]).delivered is delivered


def test_the_last_report_of_the_service_counts_wherever_it_stands() -> None:
    started, reported = Started(id="1", model="m", service_tier="flex"), Reported(usage=Usage(input_tokens=1))

    assert "flex" == a_meter([started, reported]).service_tier
    assert "default" == a_meter([started, msgspec.structs.replace(reported, service_tier="default")]).service_tier


@given(ANSWERS, st.lists(st.integers(0, 12), max_size=4))
def test_however_an_answer_is_cut_into_batches_the_meter_reads_the_same(events: list[Event], cuts: list[int]) -> None:
    """Whole equals stream. (G6)"""
    in_batches = Meter()
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(events)], strict=True):
        in_batches = observe(in_batches, events[start:end])

    assert observe(Meter(), events) == in_batches


@given(ANSWERS, INPUT_TOKENS)
def test_a_usage_is_exactly_the_providers_or_is_labelled_estimated(events: list[Event], input_tokens: int) -> None:
    meter = a_meter(events)

    measured = measure(meter, input_tokens)

    assert measured.source == ("provider" if measured.usage == meter.reported else "estimated")


@given(ANSWERS, INPUT_TOKENS)
def test_an_estimate_is_never_more_than_what_was_delivered_and_the_requests_own_input(
    events: list[Event], input_tokens: int
) -> None:
    """What was reported stands; only what is added to it is an estimate. (G5)"""
    meter = a_meter(events)
    assume(meter.reported is None)

    usage = measure(meter, input_tokens).usage

    assert usage.input_tokens == input_tokens
    assert usage.output_tokens <= meter.output_bytes
    assert Usage(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens) == usage


@given(ANSWERS, INPUT_TOKENS)
def test_what_was_reported_is_only_ever_completed_by_output_that_was_delivered(
    events: list[Event], input_tokens: int
) -> None:
    """Neither the input nor a unit of the cache is ever estimated once any of it was reported. (G5)"""
    meter = a_meter(events)
    assume(meter.reported is not None)
    reported = meter.reported
    assert reported is not None

    usage = measure(meter, input_tokens).usage

    assert _without_output(usage) == _without_output(reported) or (
        not _input(reported)
        and usage == msgspec.structs.replace(reported, input_tokens=input_tokens, output_tokens=usage.output_tokens)
    )
    assert usage.output_tokens >= reported.output_tokens
    assert _output(usage) <= max(_output(reported), meter.output_bytes)


@given(ANSWERS, INPUT_TOKENS)
def test_output_that_was_delivered_never_comes_to_zero(events: list[Event], input_tokens: int) -> None:
    """Unknown is never free. (G4, G6)"""
    meter = a_meter(events)
    assume(meter.output_bytes > 0)

    assert _output(measure(meter, input_tokens).usage) > 0


@given(ANSWERS, st.integers(1, 10_000))
def test_a_prompt_is_never_free(events: list[Event], input_tokens: int) -> None:
    usage = measure(a_meter(events), input_tokens).usage

    assert _input(usage) > 0


@given(ANSWERS, st.integers(0, 12), INPUT_TOKENS)
def test_a_part_is_never_estimated_above_the_whole(events: list[Event], cut: int, input_tokens: int) -> None:
    """Who leaves pays no more than who stays, where nobody counts."""
    unreported = [event for event in events if not isinstance(event, Reported)]

    part = measure(a_meter(unreported[:cut]), input_tokens).usage
    whole = measure(a_meter([*unreported, Ended()]), input_tokens).usage

    assert part.output_tokens <= whole.output_tokens
    assert part.input_tokens == whole.input_tokens


def _output(usage: Usage) -> int:
    return usage.output_tokens + usage.output_audio_tokens + usage.reasoning_tokens


def _input(usage: Usage) -> int:
    return (
        usage.input_tokens
        + usage.input_audio_tokens
        + usage.input_image_tokens
        + usage.cache_read_tokens
        + usage.cache_read_audio_tokens
        + usage.cache_write_tokens
        + usage.cache_write_1h_tokens
    )


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
