"""What is not chat is bounded too: by texts with a context each, by images, characters, seconds, and sold by name."""

from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.metering import Measured, measure
from domain.billing.settlement import measured_of
from domain.model_api.call import ModelCall
from domain.model_api.events import AudioDelta, Ended, Event, TextDelta, UsageReported
from domain.model_api.images import ImageResult
from domain.model_api.operations import OPERATIONS, OperationName
from domain.pricing.bounds import INPUT_TOKENS_ADDED, OUTPUT_IMAGE_TOKENS_MAX, Bound, bound, is_sold, lowered
from domain.pricing.charge import price
from domain.pricing.rate import Rate
from domain.refusals import Unbounded, UnpricedFeature
from domain.usage import Usage
from tests.domain.build import a_chat_call, a_meter, a_rate, an_outcome, with_prices
from tests.domain.strategies import rates, usages

FREE = {"input_nanos": 0, "output_nanos": 0}
CENT = 10_000_000 * 1_000_000  # a hundredth of a credit for one piece, in nanos per million
OTHERS: tuple[OperationName, ...] = (
    *("completions", "embeddings", "images", "video", "speech", "transcription", "moderation", "rerank"),
)

PIECES_PRICED = (
    "image_nanos",
    "character_nanos",
    "second_nanos",
    "video_second_nanos",
    "request_nanos",
    "search_unit_nanos",
)


def a_call(operation: OperationName, **changes: Any) -> ModelCall:
    return a_chat_call(**{"operation": operation, "output_tokens_max": None, "cap_field": None, **changes})


def bounded(call: ModelCall, rate: Rate) -> Bound:
    limit = bound(call, rate)
    assert isinstance(limit, Bound), limit
    return limit


def test_three_images_at_a_cent_each_are_bounded_by_three_cents() -> None:
    call = a_call("images", choices=3, pieces=Usage(images=3))

    assert 30_000_000 == bounded(call, a_rate(**FREE, image_nanos=CENT)).nanos


def test_a_request_that_has_a_price_of_its_own_is_held_for() -> None:
    call = a_call("chat")

    assert CENT // 1_000_000 == bounded(call, a_rate(**FREE, request_nanos=CENT)).nanos


def test_a_recording_of_nine_seconds_is_bounded_by_ten_for_its_last_frame_may_be_padded() -> None:
    call = a_call("transcription", pieces=Usage(seconds=9))

    assert 100_000_000 == bounded(call, a_rate(**FREE, second_nanos=CENT)).nanos


def test_a_video_of_eight_seconds_is_bounded_by_its_seconds_and_not_by_those_of_audio() -> None:
    call = a_call("video", pieces=Usage(video_seconds=8))

    assert 80_000_000 == bounded(call, a_rate(**FREE, video_second_nanos=CENT, second_nanos=9 * CENT)).nanos


def test_a_batch_of_texts_is_bounded_by_a_context_for_each() -> None:
    batch = a_call("embeddings", body_bytes=100_000, inputs=10)

    assert 20_000 == bounded(batch, a_rate(context_tokens=2_000)).input_tokens
    assert 0 == bounded(batch, a_rate(context_tokens=2_000)).output_tokens


@pytest.mark.parametrize(("operation", "prices", "sold"), [
    ("chat",          {},                                            True),   # all at zero is a gift, and said
    ("chat",          {"image_nanos": CENT},                         False),  # nobody thought of its tokens
    ("chat",          {"image_nanos": CENT, "output_nanos": 1},      True),
    ("chat",          {"request_nanos": 0},                          True),
    ("embeddings",    {"second_nanos": CENT},                        False),
    ("moderation",    {},                                            True),
    ("images",        {},                                            False),  # no text's price is an image's
    ("images",        {"input_nanos": 1},                            False),
    ("images",        {"image_nanos": 0},                            True),   # explicit
    ("images",        {"output_image_nanos": 0},                     True),
    ("images",        {"output_nanos": 1},                           True),
    ("speech",        {"input_nanos": 1},                            False),
    ("speech",        {"character_nanos": 0},                        True),
    ("speech",        {"output_audio_nanos": 1},                     True),
    ("transcription", {"output_nanos": 1},                           False),
    ("transcription", {"second_nanos": 0},                           True),
    ("video",         {"second_nanos": 1, "output_nanos": 1},        False),  # sound and text are no video
    ("video",         {"video_second_nanos": 0},                     True),
    ("video",         {"request_nanos": 1},                          True),
    ("chat",          {"video_second_nanos": CENT},                  False),
    ("transcription", {"input_audio_nanos": 1},                      True),
    ("rerank",        {"search_unit_nanos": 0},                      True),
    ("rerank",        {"input_nanos": 1},                            True),   # by token, as most sell it
    ("rerank",        {"image_nanos": CENT},                         False),
    ("chat",          {"search_unit_nanos": CENT},                   False),
])  # fmt: skip
def test_an_operation_is_sold_by_a_price_that_is_made_for_it(
    operation: OperationName, prices: dict[str, int], sold: bool
) -> None:
    rate = a_rate(**{**FREE, **prices, "output_tokens_max": 1_000})

    assert sold == is_sold(operation, rate)
    refused = bound(a_call(operation), rate)
    assert sold or refused == UnpricedFeature(model="acme/small", feature=operation)


@pytest.mark.parametrize(("operation", "field"), [("speech", "input"), ("transcription", "file")])
def test_what_takes_no_cap_is_refused_where_the_models_own_is_not_known(operation: OperationName, field: str) -> None:
    rate = a_rate(output_audio_nanos=1, input_audio_nanos=1)

    assert Unbounded(model="acme/small", field=field, cause="output") == bound(a_call(operation), rate)
    assert 77 == bounded(a_call(operation), msgspec.structs.replace(rate, output_tokens_max=77)).output_tokens


def test_an_echoed_prompt_may_come_once_for_each_choice() -> None:
    """Two prompts with three choices each; the 2,032 tokens are both prompts and what may be added."""
    call = a_call("completions", choices=6, inputs=2, echoes=True, output_tokens_max=10)

    assert 6 * 10 + 3 * (500 + INPUT_TOKENS_ADDED + 32) == bounded(call, a_rate()).output_tokens


def test_a_video_whose_length_nobody_reported_is_as_long_as_requested() -> None:
    sold, pieces = a_rate(**FREE, video_second_nanos=CENT), Usage(video_seconds=8)

    whole = measured_of(an_outcome(events=(Ended(),), pieces=pieces, rate=sold))
    left = measured_of(an_outcome(events=(), ending="client_disconnected", pieces=pieces, rate=sold))

    assert whole == Measured(usage=pieces, source="provider")
    assert left == Measured(usage=pieces, source="estimated")
    assert measured_of(an_outcome(events=(), ending="provider_failed", pieces=pieces, rate=sold)) is None


@pytest.mark.parametrize("operation", [other for other in OTHERS if other != "completions"])
def test_no_cap_is_lowered_where_none_can_be_sent(operation: OperationName) -> None:
    call, rate = a_call(operation), a_rate(**dict.fromkeys(PIECES_PRICED, 1), output_tokens_max=9_000)

    assert lowered(call, rate, bounded(call, rate), 10**9) is None


PIECES = st.builds(
    Usage,
    images=st.integers(0, 10),
    characters=st.integers(0, 5_000),
    seconds=st.integers(0, 5_000),
    video_seconds=st.integers(0, 60),
)
PRICED = st.fixed_dictionaries({name: st.integers(0, CENT) for name in PIECES_PRICED})
CALLS = st.builds(
    lambda operation, size, count, pieces, echoes: a_call(
        operation, body_bytes=size, choices=count, pieces=pieces, echoes=echoes
    ),
    st.sampled_from(OTHERS),
    st.integers(0, 5_000),
    st.integers(1, 4),
    PIECES,
    st.booleans(),
)


@given(CALLS, rates(output_tokens_max=2_000), PRICED, st.data())
def test_no_usage_within_the_bound_is_charged_more_than_the_bound(
    call: ModelCall, rate: Rate, prices: dict[str, int], data: st.DataObject
) -> None:
    rate = with_prices(rate, **prices)
    limit = bounded(call, rate)
    used = data.draw(usages(limit.input_tokens, limit.output_tokens))
    pieces = {
        name: data.draw(st.integers(0, getattr(call.pieces, name)))
        for name in ("images", "characters", "seconds", "video_seconds")
    }
    reported = msgspec.structs.replace(used, **pieces)

    events = (UsageReported(usage=reported), Ended())
    estimated = min(125, limit.input_tokens)  # No estimate of the input is above its bound.

    measured = measured_of(an_outcome(events=events, rate=rate, pieces=call.pieces, input_tokens=estimated))

    assert measured is not None
    assert measured.usage.requests == 1
    assert price(measured.usage, rate).total_nanos <= limit.nanos


def test_what_an_image_may_come_to_is_the_models_own_maximum_or_the_most_there_is() -> None:
    call = a_call("images", choices=2)

    assert 2 * OUTPUT_IMAGE_TOKENS_MAX == bounded(call, a_rate()).output_tokens
    assert 2 * 1_290 == bounded(call, a_rate(output_tokens_max=1_290, context_tokens=100)).output_tokens


# --- the meter --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("events", "pieces", "usage"), [
    # Images that came are counted; while the answer runs, all that were asked for are on their way.
    ((ImageResult(), Ended()),           Usage(images=3),      Usage(input_tokens=125, images=1, output_image_tokens=4_160)),
    ((ImageResult(),),                   Usage(images=3),      Usage(input_tokens=125, images=3, output_image_tokens=12_480)),
    ((AudioDelta(byte_count=9),),     Usage(characters=40), Usage(input_tokens=125, characters=40, output_audio_tokens=80)),
    ((TextDelta(text="four"),),       Usage(seconds=6),     Usage(input_tokens=125, seconds=6, input_audio_tokens=60, output_tokens=1)),
])  # fmt: skip
def test_what_was_not_reported_is_estimated_by_the_request(
    events: tuple[Event, ...], pieces: Usage, usage: Usage
) -> None:
    measured = measure(a_meter(events), 125, pieces)

    assert (usage, "estimated") == (measured.usage, measured.source)


def test_what_the_provider_counts_stands_before_what_the_hub_counts() -> None:
    reported = Usage(seconds=61)

    assert Usage(seconds=61) == measure(a_meter((UsageReported(usage=reported), Ended())), 500, Usage(seconds=7)).usage
    assert (
        Usage(input_tokens=5, images=2)
        == measure(
            a_meter((ImageResult(), ImageResult(), UsageReported(usage=Usage(input_tokens=5)), Ended())),
            500,
            Usage(images=2),
        ).usage
    )


def test_characters_are_counted_and_not_estimated_where_they_are_all_that_is_charged() -> None:
    events, pieces = (AudioDelta(byte_count=9), Ended()), Usage(characters=40)

    by_character = measured_of(an_outcome(events=events, pieces=pieces, rate=a_rate(**FREE, character_nanos=CENT)))
    by_token = measured_of(an_outcome(events=events, pieces=pieces, rate=a_rate(output_audio_nanos=CENT)))

    assert by_character is not None
    assert by_token is not None
    assert ("provider", "estimated") == (by_character.source, by_token.source)


def test_audio_that_was_delivered_is_charged_though_the_provider_failed() -> None:
    failed = an_outcome(ending="provider_failed", events=(AudioDelta(byte_count=1),), pieces=Usage(characters=40))

    assert measured_of(failed) is not None
    assert measured_of(an_outcome(ending="provider_failed", events=(), pieces=Usage(characters=40))) is None


def test_every_operation_is_in_the_table_and_sold_by_units_that_exist() -> None:
    """So that a rule finds each, and a new one cannot be sold by what no usage counts."""
    assert get_args(OperationName) == tuple(OPERATIONS)
    for operation in OPERATIONS.values():
        assert {*operation.units, *(operation.tokens or ())} <= set(Usage.__struct_fields__)
        assert (operation.output == "by_model") == bool(operation.length_field)
