"""Every model of the shipped price book that is dearer for long requests: to the token."""

import pytest

from adapters.price_book.shipped import ShippedBook
from domain.pricing.charge import cost
from domain.pricing.price_book import Price
from domain.usage import Usage

MILLION = 1_000_000


def _tiered() -> list[Price]:
    book = ShippedBook()
    return [
        price
        for provider in book.providers()
        for price in book.prices(provider)
        if any(tier.above_tokens and tier.service is None for tier in price.tiers)
    ]


@pytest.mark.parametrize("requested", _tiered(), ids=lambda requested: requested.id)
def test_every_threshold_of_the_book_holds_from_the_first_token_past_it(requested: Price) -> None:
    """One token less, exactly so many, and one more, worked out by hand. (G11)"""
    tiers = [tier for tier in requested.tiers if tier.service is None and tier.from_minute == tier.until_minute]
    ordinary = requested.prices.input_nanos
    assert ordinary is not None
    prices = {0: ordinary} | {
        tier.above_tokens: ordinary if tier.prices.input_nanos is None else tier.prices.input_nanos for tier in tiers
    }

    for threshold in prices:
        for tokens in (threshold - 1, threshold, threshold + 1):
            if tokens > 0:
                nanos = tokens * prices[max(past for past in prices if past < tokens)]
                assert -(-nanos // MILLION) == cost(Usage(input_tokens=tokens), requested), (requested.id, tokens)
