"""Reading the models that can be called, and their prices."""

from typing import Protocol

from domain.catalog.catalog import CatalogRows
from domain.pricing.price_book import Price


class CatalogReader(Protocol):
    """Reads providers, credentials, rates, aliases and prices, as of the last commit."""

    async def catalog_version(self) -> int:
        """The number that grows with every change of providers, credentials, rates and aliases."""
        ...

    async def catalog(self) -> CatalogRows:
        """The version with all that is not removed; of each rate all versions since it was last removed."""
        ...

    async def prices(self) -> list[Price]:
        """Every price that operators appended to the book, oldest first; a new one makes a new catalogue version."""
        ...
