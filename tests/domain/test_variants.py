"""Prices by size and quality: the one that was made counts, and what nobody said is as dear as it can be."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.rerating import charge_under
from domain.billing.settlement import occasion_of
from domain.billing.verification import Difference, Totals
from domain.books.rows import Call
from domain.management.rates_from_prices import Terms, rate_of
from domain.model_api.call import ModelCall
from domain.model_api.events import Ended, Event, UsageReported
from domain.model_api.images import ImageResult
from domain.model_api.video import VideoResult, resolution
from domain.pricing.bounds import Bound, bound, is_sold
from domain.pricing.by_size import Variant, distinct, variant_label, variant_price, worded
from domain.pricing.charge import cost, price
from domain.pricing.price_book import Price
from domain.pricing.rate import PIECE_NANOS_MAX
from domain.pricing.tiers import Occasion, Tier, UnitPrices
from domain.usage import Usage
from tests.domain.build import (
    a_chat_call,
    a_grant,
    a_plan_request,
    a_rate,
    an_offer,
    an_outcome,
    books_with,
    candidates_for,
    proof,
    settle_in,
    started_in,
)

CENT = 10_000_000 * 1_000_000  # a hundredth of a credit for one piece, in nanos per million
FREE: dict[str, Any] = {"input_nanos": 0, "output_nanos": 0}


def at(cents: int, size: str | None = None, quality: str | None = None) -> Variant:
    return Variant(prices=UnitPrices(image_nanos=cents * CENT), size=size, quality=quality)


DALL = a_rate(**FREE, image_nanos=4 * CENT, variants=(at(8, "1024x1536"), at(9, None, "hd"), at(12, "1024x1536", "hd")))
VIDEO = a_rate(**FREE, video_second_nanos=30 * CENT, variants=(
    Variant(prices=UnitPrices(video_second_nanos=50 * CENT), size="1024p"),
    Variant(prices=UnitPrices(video_second_nanos=70 * CENT), size="1080p"),
))  # fmt: skip


@pytest.mark.parametrize(("size", "quality", "cents"), [
    ("1024x1024", "standard", 4),   # named by no variant: the plain price
    ("1024x1536", "standard", 8),
    ("1024x1024", "hd",       9),
    ("1024x1536", "hd",       12),  # who names most
    ("1024x1536", None,       12),  # it may have been hd
    (None,        "hd",       12),
    ("1024x1024", None,       9),
    (None,        "standard", 8),
    (None,        None,       12),
])  # fmt: skip
def test_an_image_costs_what_its_size_and_quality_cost(size: str | None, quality: str | None, cents: int) -> None:
    requested = a_chat_call(operation="images", choices=2, pieces=Usage(images=2), size=size, quality=quality)

    limit = bound(requested, DALL)

    assert isinstance(limit, Bound)
    assert 2 * cents * 10_000_000 == price(Usage(images=2), DALL, Occasion(size=size, quality=quality)).total_nanos
    assert 2 * cents * 10_000_000 == limit.nanos


@pytest.mark.parametrize(("size", "nanos"), [
    ("720p", 300_000_000), ("1024p", 500_000_000), ("1080p", 700_000_000), (None, 700_000_000),
])  # fmt: skip
def test_a_second_of_video_costs_what_its_resolution_costs(size: str | None, nanos: int) -> None:
    assert 8 * nanos == price(Usage(video_seconds=8), VIDEO, Occasion(size=size)).total_nanos


def test_of_a_size_and_a_quality_that_are_priced_alone_the_size_counts() -> None:
    assert 1 == variant_price((_of(1, "s", None), _of(2, None, "q")), "image_nanos", "s", "q", 3)


def _of(nanos: int, size: str | None, quality: str | None) -> Variant:
    return Variant(prices=UnitPrices(image_nanos=nanos), size=size, quality=quality)


def test_without_a_plain_price_what_no_variant_names_is_as_dear_as_the_dearest() -> None:
    rate = a_rate(**FREE, variants=(at(3, "1024x1024"), at(5, "1024x1536")))

    assert is_sold("images", rate)
    assert not is_sold("video", rate)
    assert not is_sold("chat", rate)
    assert 50_000_000 == price(Usage(images=1), rate, Occasion(size="99x99")).total_nanos


def test_a_variant_holds_in_every_tier_and_the_other_prices_are_the_tiers() -> None:
    batch = Tier(prices=UnitPrices(image_nanos=2 * CENT), service="batch")
    rate = a_rate(**FREE, image_nanos=4 * CENT, tiers=(batch,), variants=(at(8, "1024x1536"),))

    assert 20_000_000 == price(Usage(images=1), rate, Occasion(service="batch", size="1x1")).total_nanos
    assert 80_000_000 == price(Usage(images=1), rate, Occasion(service="batch", size="1024x1536")).total_nanos


def test_a_provider_price_by_size_gets_the_margin_for_each_size() -> None:
    requested = Price(
        id="p", provider="acme", model="small", effective_ms=0, known_ms=0, source="test", names=("=small",),
        prices=UnitPrices(image_nanos=4 * CENT), variants=(at(8, "1024x1536"),),
    )  # fmt: skip

    sold = rate_of(requested, Terms(margin_nanos=25 * 10**9, credit_price_nanos=10**9), "acme", "rate-9", 0)

    assert 80_000_000 == cost(Usage(images=1), requested, Occasion(size="1024x1536"))
    assert (at(10, "1024x1536"),) == sold.variants


@pytest.mark.parametrize(("size", "kept"), [
    ("1792x1024", "1024p"), ("1024x1792", "1024p"), ("1280X720", "720p"), ("1080p", "1080p"), ("4K", "2160p"),
    ("wide", "wide"), ("x", "x"),
])  # fmt: skip
def test_a_videos_size_is_its_resolution(size: str, kept: str) -> None:
    assert kept == resolution(size)


def test_words_are_compared_in_lower_case_and_kept_in_bounded_length() -> None:
    assert [None, None, None, "hd", "1024x1024"] == [worded(said) for said in (None, "", "AUTO", "HD", "1024x1024")]
    assert 33 == len(worded("9" * 5_000) or "")


@pytest.mark.parametrize("wrong", [
    lambda: Variant(prices=UnitPrices(image_nanos=1)),                              # the plain price says that
    lambda: Variant(prices=UnitPrices(), size="1x1"),
    lambda: Variant(prices=UnitPrices(input_nanos=1), size="1x1"),
    lambda: Variant(prices=UnitPrices(image_nanos=-1), size="1x1"),
    lambda: Variant(prices=UnitPrices(image_nanos=1), size="AUTO"),
    lambda: Variant(prices=UnitPrices(image_nanos=1), quality="HD"),
    lambda: Variant(prices=UnitPrices(video_second_nanos=1), size="1280x720"),      # no video would ever be of that size
    lambda: distinct((at(1, "1x1"), at(2, "1x1"))),
    lambda: a_rate(variants=(at(1, "1x1"), at(2, "1x1"))),
    lambda: a_rate(variants=(_of(PIECE_NANOS_MAX + 1, "1x1", None),)),
])  # fmt: skip
def test_a_variant_that_cannot_be_meant_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 — each says something of its own
        wrong()


def test_a_variant_is_named_by_what_it_is_for() -> None:
    assert ["1024x1536 hd", "hd", "1080p"] == [
        variant_label(at(1, *words)) for words in (("1024x1536", "hd"), (None, "hd"), ("1080p", None))
    ]


# --- the books ---------------------------------------------------------------------------------------------------


def settled(requested: ModelCall, *made: ImageResult) -> tuple[Call, Totals | Difference]:
    """A call for images by the rate that has variants, from its hold to the proof of the books."""
    books = books_with(DALL, a_grant(10**10))
    started_in(books, a_plan_request(call=requested, candidates=candidates_for(an_offer(DALL))))
    outcome = an_outcome(
        events=(*made, Ended()), rate=DALL, pieces=requested.pieces, size=requested.size, quality=requested.quality
    )
    ended = settle_in(books, outcome).call
    assert ended is not None
    return ended, proof(books)


def images(count: int, size: str | None = None, quality: str | None = None) -> ModelCall:
    return a_chat_call(
        operation="images", choices=count, pieces=Usage(images=count), size=size, quality=quality,
        output_tokens_max=None, cap_field=None,
    )  # fmt: skip


def test_what_was_made_is_charged_and_not_what_was_requested() -> None:
    call, proved = settled(images(1, "1024x1536", "hd"), ImageResult(size="1024x1024", quality="standard"))

    assert (120_000_000, 40_000_000) == (call.hold_nanos, call.charge_nanos)
    assert ("1024x1024", "standard") == (call.size, call.quality)
    assert isinstance(proved, Totals)


def test_what_the_answer_does_not_report_is_charged_as_requested() -> None:
    call, _ = settled(images(1, "1024x1536", "standard"), ImageResult())

    assert (80_000_000, "1024x1536", "standard") == (call.charge_nanos, call.size, call.quality)


def test_what_was_not_reported_is_charged_at_the_dearest() -> None:
    call, _ = settled(images(1), ImageResult())

    assert (120_000_000, None, None) == (call.charge_nanos, call.size, call.quality)


def test_a_video_is_held_at_the_dearest_and_charged_by_what_came() -> None:
    """Eight seconds at the dearest resolution are held; four of 1024p came."""
    books = books_with(VIDEO, a_grant(10**10))
    requested = a_chat_call(
        operation="video", pieces=Usage(video_seconds=8), output_tokens_max=None, cap_field=None
    )  # fmt: skip
    held = started_in(books, a_plan_request(call=requested, candidates=candidates_for(an_offer(VIDEO))))
    came = VideoResult(base64="", media_type="video/mp4", seconds=4, size="1024p")
    events = (came, UsageReported(usage=Usage(video_seconds=4)), Ended())

    call = settle_in(books, an_outcome(events=events, rate=VIDEO, pieces=requested.pieces)).call

    assert call is not None
    assert (5_600_000_000, 2_000_000_000, "1024p") == (held.hold_nanos, call.charge_nanos, call.size)
    assert isinstance(proof(books), Totals)


SIZES = st.sampled_from([None, "1024x1024", "1024x1536", "7x7"])
QUALITIES = st.sampled_from([None, "standard", "hd"])


@st.composite
def some_variants(draw: st.DrawFn) -> tuple[Variant, ...]:
    keys = draw(st.lists(st.tuples(SIZES, QUALITIES).filter(any), unique=True, max_size=6))
    return tuple(at(draw(st.integers(0, 50)), *key) for key in keys)


VARIANTS = some_variants()
PLAIN = st.none() | st.integers(0, 50 * CENT)


@given(VARIANTS, PLAIN, SIZES, QUALITIES)
def test_no_completion_of_what_is_unknown_costs_more_than_the_unknown(
    variants: tuple[Variant, ...], plain: int | None, size: str | None, quality: str | None
) -> None:
    dearest = variant_price(variants, "image_nanos", size, quality, plain)
    completed = [
        variant_price(variants, "image_nanos", size or one, quality or other, plain)
        for one in ("1024x1024", "1024x1536", "7x7", "else")
        for other in ("standard", "hd", "else")
    ]

    assert dearest == max((nanos for nanos in completed if nanos is not None), default=None)
    assert (dearest is None) == (plain is None and not variants), "unknown is never free"


@given(VARIANTS, PLAIN, SIZES.filter(bool), QUALITIES.filter(bool))
def test_the_variant_of_that_very_size_and_quality_counts_wherever_there_is_one(
    variants: tuple[Variant, ...], plain: int | None, size: str, quality: str
) -> None:
    named = {(each.size, each.quality): each.prices.image_nanos for each in variants}

    found = variant_price(variants, "image_nanos", size, quality, plain)

    for key in ((size, quality), (size, None), (None, quality)):
        if key in named:
            assert found == named[key]
            return
    assert plain is None or found == plain


@given(VARIANTS, PLAIN, st.integers(1, 10), SIZES, QUALITIES, SIZES, QUALITIES, st.integers(0, 12))
def test_no_charge_is_above_the_hold_whatever_was_made_and_the_books_prove_it(
    variants: tuple[Variant, ...],
    plain: int | None,
    count: int,
    size: str | None,
    quality: str | None,
    made_size: str | None,
    made_quality: str | None,
    made: int,
) -> None:
    rate = a_rate(**FREE, image_nanos=plain, request_nanos=1, variants=variants)
    requested = images(count, size, quality)
    books = books_with(rate, a_grant(10**12))
    held = started_in(books, a_plan_request(call=requested, candidates=candidates_for(an_offer(rate))))
    events: list[Event] = [*[ImageResult(size=made_size, quality=made_quality)] * made, Ended()]

    call = settle_in(
        books, an_outcome(events=events, rate=rate, pieces=requested.pieces, size=size, quality=quality)
    ).call

    assert call is not None
    assert call.charge_nanos <= held.hold_nanos
    if made <= count and size in (None, made_size or size) and quality in (None, made_quality or quality):
        assert 0 == call.uncollected_nanos, "what becomes of what was asked for is held for"
    assert call.charge_nanos == charge_under(call, rate)
    assert (
        call.charge_nanos + call.uncollected_nanos == price(call.usage or Usage(), rate, occasion_of(call)).total_nanos
    )
    assert isinstance(proof(books), Totals)
