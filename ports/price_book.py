"""The price book that ships with the hub, as the inside sees it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from domain.pricing.price_book import Price


class CatalogueMissing(Exception):
    """The public catalogue is not installed; the message says how to install it."""


class PriceBook(Protocol):
    """Prices by provider. A second request for a provider's prices is cheap, and reads no other provider."""

    def providers(self) -> Sequence[str]:
        """The providers whose prices the book has, by name."""
        ...

    def prices(self, provider: str) -> Sequence[Price]:
        """Every version of every price of a provider; none if the book does not know it."""
        ...

    def borrows(self, provider: str) -> Sequence[str]:
        """The providers whose models this one offers under their names and prices, where it has none of its own."""
        ...

    def catalogue(self, known_ms: int) -> Mapping[str, Sequence[Price]]:
        """The prices of the public catalogue by provider, for updating the book. Raises CatalogueMissing."""
        ...
