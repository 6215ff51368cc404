"""A newer catalogue: what is appended to the book, and what waits until somebody has looked."""

import pytest

from domain.books.rows import AuditEntry
from domain.management.changes import Actor
from domain.management.price_sync import append, difference, tier_label
from domain.pricing.by_size import Variant
from domain.pricing.price_book import Price
from domain.pricing.tiers import Tier, UnitPrices
from tests.domain.test_price_book import DOLLAR, a_price

ACTOR = Actor(name="test", now_ms=100, audit_id="audit-1")


def dearer(thousandths: int, known_ms: int = 50) -> Price:
    prices = UnitPrices(input_nanos=3 * DOLLAR * (1000 + thousandths) // 1000, output_nanos=15 * DOLLAR)
    return a_price(20, known_ms, prices=prices)


@pytest.mark.parametrize(("thousandths", "waits"), [
    (99, False), (100, False), (101, True), (-100, False), (-101, True), (-1_000, True),
])  # fmt: skip
def test_a_price_that_moves_by_more_than_a_tenth_waits(thousandths: int, waits: bool) -> None:
    changed = difference("acme", [a_price()], [dearer(thousandths)], 100)

    assert append(ACTOR, changed, accepted=False).appended is not waits
    assert append(ACTOR, changed, accepted=True).appended
    assert [move.unit for move in changed.moves] == ["input_nanos"]
    assert changed.moves[0].thousandths == thousandths


def test_a_price_that_becomes_known_or_that_goes_is_reported_and_only_the_going_waits() -> None:
    with_cache = a_price(
        20, 50, prices=UnitPrices(input_nanos=3 * DOLLAR, output_nanos=15 * DOLLAR, cache_read_nanos=1)
    )

    gains = difference("acme", [a_price()], [with_cache], 100)
    loses = difference("acme", [with_cache], [a_price(30, 60)], 100)

    assert append(ACTOR, gains, accepted=False).appended
    assert not append(ACTOR, loses, accepted=False).appended


def test_a_tier_that_moves_far_waits_too() -> None:
    was = a_price(tiers=(Tier(prices=UnitPrices(input_nanos=6 * DOLLAR), above_tokens=200_000),))
    becomes = a_price(20, 50, tiers=(Tier(prices=UnitPrices(input_nanos=9 * DOLLAR), above_tokens=200_000),))

    changed = difference("acme", [was], [becomes], 100)

    assert [(move.tier, move.thousandths) for move in changed.moves] == [("above 200000", 500)]
    assert not append(ACTOR, changed, accepted=False).appended


def test_a_variant_that_moves_far_waits_and_one_that_comes_is_appended() -> None:
    was, becomes = (
        a_price(*at, variants=(Variant(prices=UnitPrices(image_nanos=n * DOLLAR), size="1024x1536"),))
        for n, at in ((4, ()), (6, (20, 50)))
    )

    changed = difference("acme", [was], [becomes], 100)

    assert [(move.tier, move.thousandths) for move in changed.moves] == [("1024x1536", 500)]
    assert not append(ACTOR, changed, accepted=False).appended
    assert append(ACTOR, difference("acme", [a_price()], [becomes], 100), accepted=False).appended


def test_models_that_are_new_do_not_wait_and_what_is_appended_is_in_the_audit_log() -> None:
    changed = difference("acme", [], [a_price(), a_price(model="large")], 100)

    synced = append(ACTOR, changed, accepted=False)

    assert changed.new_models == ("small", "large")
    assert [row for row in synced.writes if isinstance(row, Price)] == list(changed.prices)
    assert [row.subject for row in synced.writes if isinstance(row, AuditEntry)] == ["acme"]


def test_what_is_known_is_not_appended_again() -> None:
    changed = difference("acme", [a_price()], [a_price(0, 50)], 100)

    assert changed.prices == ()
    assert not append(ACTOR, changed, accepted=True).appended


def test_tiers_are_printed_as_text() -> None:
    night = Tier(prices=UnitPrices(), service="batch", above_tokens=5, from_minute=990, until_minute=30)

    assert tier_label(night) == "batch above 5 16:30-00:30 UTC"
    assert tier_label(None) == ""
