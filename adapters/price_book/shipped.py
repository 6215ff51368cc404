"""The shipped price book: one file for each provider, read when that provider is first needed.

A file is a JSON array with one version of one price per line, so that a change of the book is a readable diff.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from domain.pricing.by_size import Variant
from domain.pricing.price_book import Names, Price, price_id
from domain.pricing.tiers import Tier, UnitPrices

BOOK = Path(__file__).parent / "book"
# Providers that offer another vendor's models under its names and at its prices, where they have no prices of their
# own.
BORROWS: Mapping[str, tuple[str, ...]] = {
    "azure": ("openai", "anthropic", "deepseek", "xai", "moonshotai"),
    "bedrock-mantle": ("bedrock",),
    "google-vertex": ("anthropic",),
}


class _Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"effective_ms": "from"}):
    """A price as in the file of its provider."""

    model: str
    names: Names
    effective_ms: int = 0
    known_ms: int
    source: str
    prices: UnitPrices
    tiers: tuple[Tier, ...] = ()
    variants: tuple[Variant, ...] = ()
    context_tokens: int | None = None
    output_tokens_max: int | None = None


_DECODER = msgspec.json.Decoder(list[_Line])


class ShippedBook:
    """The prices that came with this version of the hub. Read only; a file is decoded once."""

    def __init__(self, folder: Path = BOOK) -> None:
        self._folder = folder
        self._read: dict[str, tuple[Price, ...]] = {}

    def providers(self) -> tuple[str, ...]:
        return tuple(sorted(path.stem for path in self._folder.glob("*.json")))

    def prices(self, provider: str) -> tuple[Price, ...]:
        if provider not in self._read:
            path = self._folder / f"{provider}.json"
            known = provider in self.providers() and path.is_file()
            self._read[provider] = _prices(provider, path.read_bytes()) if known else ()
        return self._read[provider]

    def borrows(self, provider: str) -> tuple[str, ...]:
        return BORROWS.get(provider, ())

    def catalogue(self, known_ms: int) -> dict[str, list[Price]]:
        from adapters.price_book.genai import catalogue

        return catalogue(known_ms)


def write(folder: Path, provider: str, prices: Iterable[Price]) -> None:
    """Replace the file of a provider by these prices, ordered by model and time."""
    ordered = sorted(prices, key=lambda price: (price.model, price.effective_ms, price.known_ms))
    lines = [
        msgspec.json.encode(_Line(**{name: getattr(price, name) for name in _Line.__struct_fields__})).decode()
        for price in ordered
    ]
    (folder / f"{provider}.json").write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def _prices(provider: str, content: bytes) -> tuple[Price, ...]:
    return tuple(
        Price(
            id=price_id(provider, line.model, line.effective_ms, line.known_ms),
            provider=provider,
            **{name: getattr(line, name) for name in _Line.__struct_fields__},
        )
        for line in _DECODER.decode(content)
    )
