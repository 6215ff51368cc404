"""The whole price book: the prices that ship with the hub, then those that operators appended."""

from collections.abc import Iterable, Mapping

from domain.catalog.vendors import priced_as
from domain.pricing.price_book import Price, ProviderPrices, price_at, provider_prices_of
from ports.price_book import PriceBook
from ports.readers.catalog import CatalogReader


class PriceBookView:
    """The price book at one moment; the prices of a provider are read when they are first needed."""

    def __init__(self, shipped: PriceBook, appended: Iterable[Price], vendors: Mapping[str, str] | None = None) -> None:
        """`vendors` maps providers to the vendors whose prices hold there; others use the prices of their name."""
        self._shipped = shipped
        self._vendors = vendors or {}
        self._appended: dict[str, list[Price]] = {}
        for price in appended:
            self._appended.setdefault(price.provider, []).append(price)
        self._own: dict[str, ProviderPrices] = {}
        self._whole: dict[str, ProviderPrices] = {}

    def providers(self) -> list[str]:
        """The providers whose prices are known, by name."""
        return sorted({*self._shipped.providers(), *self._appended})

    def provider_prices(self, provider: str) -> ProviderPrices:
        """The prices of a provider, with those that it inherits from others."""
        if provider not in self._whole:
            vendor = self._vendors.get(provider, provider)
            lenders = [vendor] if vendor != provider else []
            lent = [self._of(lender) for lender in (*lenders, *self._shipped.borrows(vendor))]
            own = self._of(provider)
            self._whole[provider] = (
                ProviderPrices(provider=provider, prices=own.prices, borrowed=tuple(lent)) if lent else own
            )
        return self._whole[provider]

    def price_at(self, provider: str, model: str, at_ms: int) -> Price | None:
        """The provider's price for a model at a moment, as known now; None if the book has none."""
        return price_at(self.provider_prices(provider), model, at_ms)

    def _of(self, provider: str) -> ProviderPrices:
        if provider not in self._own:
            prices = (*self._shipped.prices(provider), *self._appended.get(provider, ()))
            self._own[provider] = provider_prices_of(provider, prices)
        return self._own[provider]


async def price_book_view(shipped: PriceBook, storage: CatalogReader) -> PriceBookView:
    """The book as it is now."""
    providers = (await storage.catalog()).providers
    vendors = {row.name: priced_as(row.name, row.base_url, row.dialect) for row in providers}
    return PriceBookView(shipped, await storage.prices(), vendors)
