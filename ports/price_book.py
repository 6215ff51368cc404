"""The price book that ships with the hub, as the inside sees it."""

from collections.abc import Sequence
from typing import Protocol

from domain.pricing.price_book import Price


class PriceBook(Protocol):
    """Prices by provider. To ask for one provider's is cheap the second time, and costs nothing of the others."""

    def providers(self) -> Sequence[str]:
        """Those whose prices the book has, by name."""
        ...

    def prices(self, provider: str) -> Sequence[Price]:
        """Every version of every price of a provider; none if the book does not know it."""
        ...

    def borrows(self, provider: str) -> Sequence[str]:
        """Whose models the provider offers under their own names and prices, where it has none of its own."""
        ...
