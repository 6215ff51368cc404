"""Maintenance: update the shipped book to the installed genai-prices. `make prices` runs it.

Existing entries stay; a price that differs in the catalogue is appended, known from today.
"""

import time

from adapters.price_book.genai import catalogue
from adapters.price_book.shipped import BOOK, ShippedBook, write
from domain.pricing.price_book import Price, news


def build() -> dict[str, int]:
    """Write the files of the book; return how many prices were appended, by provider."""
    now_ms = time.time_ns() // 1_000_000
    shipped = ShippedBook()
    appended = {}
    BOOK.mkdir(exist_ok=True)
    for provider, incoming in catalogue(now_ms).items():
        held = shipped.prices(provider)
        new = [
            price
            for model in dict.fromkeys(price.model for price in incoming)
            for price in news(_of(held, model), _of(incoming, model), now_ms)
        ]
        write(BOOK, provider, (*held, *new))
        appended[provider] = len(new)
    return appended


def _of(prices: list[Price] | tuple[Price, ...], model: str) -> list[Price]:
    return [price for price in prices if price.model == model]


if __name__ == "__main__":
    for provider, count in build().items():
        print(f"{provider:<16} {count:>5} appended")
