"""What providers ask: dated, sourced prices, and how the name of a model finds its own.

A price is never changed; a newer version follows it. `effective_ms` is when the provider begins to ask it, `known_ms`
when the book learned it. The book consists of the shipped prices and then those that operators appended.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec

from domain.pricing.by_size import Variant
from domain.pricing.tiers import Tier, UnitPrices

# One name, by what comes first: `=` exactly, `^` beginning, `$` ending, `*` part, `/` a regular expression. Names are
# compared in lower case. A list of them is met by any; a list within it only by all.
Clause = str | tuple[str, ...]
Names = tuple[Clause, ...]

_COMPACT_DATE = re.compile(r"-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """One version of what a provider asks for a model, in nano-USD per million units.

    `names` are all names that the provider has for the model, `model` is the book's own. `source` is where the price is
    from.
    """

    id: str
    provider: str
    model: str
    effective_ms: int
    known_ms: int
    source: str
    names: Names
    prices: UnitPrices
    tiers: tuple[Tier, ...] = ()
    variants: tuple[Variant, ...] = ()
    context_tokens: int | None = None
    output_tokens_max: int | None = None


class ProviderPrices(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """All prices of one provider, by model, the newest version last.

    `borrowed` are the prices of vendors whose models the provider offers under the same names (Azure: OpenAI's), used
    if it has no price of its own. Compared by identity, so that it can be a cheap cache key.
    """

    provider: str
    prices: dict[str, tuple[Price, ...]]
    borrowed: tuple["ProviderPrices", ...] = ()


def provider_prices_of(
    provider: str, prices: Iterable[Price], borrowed: Sequence[ProviderPrices] = ()
) -> ProviderPrices:
    """Sort prices: by model, then by when they begin to hold and when they became known."""
    by_model: dict[str, list[Price]] = {}
    for price in prices:
        by_model.setdefault(price.model, []).append(price)
    return ProviderPrices(
        provider=provider,
        prices={
            model: tuple(sorted(versions, key=lambda price: (price.effective_ms, price.known_ms, price.id)))
            for model, versions in by_model.items()
        },
        borrowed=tuple(borrowed),
    )


@lru_cache(maxsize=4096)
def versions(provider_prices: ProviderPrices, name: str) -> tuple[Price, ...]:
    """All versions of the price of the model of that name, oldest first; none if it is not known."""
    for spelled in spellings(name):
        for own_or_lent in (provider_prices, *provider_prices.borrowed):
            for held in own_or_lent.prices.values():
                if matches(held[-1].names, spelled):
                    return held
    return ()


def price_at(provider_prices: ProviderPrices, name: str, at_ms: int) -> Price | None:
    """What the provider asks for the model of that name at a moment; None if the book does not know."""
    for price in reversed(versions(provider_prices, name)):
        if price.effective_ms <= at_ms:
            return price
    return None


def spellings(name: str) -> tuple[str, ...]:
    """The ways to look a name up, in lower case: as it is, and a date in it with dashes (-20250929: -2025-09-29)."""
    plain = name.lower()
    return tuple(dict.fromkeys((plain, _COMPACT_DATE.sub(r"-\1-\2-\3", plain))))


def news(held: Sequence[Price], incoming: Sequence[Price], now_ms: int) -> list[Price]:
    """The incoming prices of one model that differ from the held ones of the same model.

    A version is news where another price holds at its moment, earlier news included. If the catalogue withdraws a
    version, its current price holds from now on.
    """
    found: list[Price] = []
    for price in sorted(incoming, key=lambda price: price.effective_ms):
        if _differs(standing([*held, *found], price.effective_ms), price):
            found.append(price)
    current = standing(incoming, now_ms)
    if current is not None and _differs(standing([*held, *found], now_ms), current):
        again_id = price_id(current.provider, current.model, now_ms, current.known_ms)
        found.append(msgspec.structs.replace(current, id=again_id, effective_ms=now_ms))
    return found


def price_id(provider: str, model: str, effective_ms: int, known_ms: int) -> str:
    """The id of a version, the same in every hub."""
    return f"{provider}/{model}@{effective_ms}:{known_ms}"


def standing(prices: Iterable[Price], at_ms: int) -> Price | None:
    """The version of one model's price that holds at a time."""
    holding = [price for price in prices if price.effective_ms <= at_ms]
    return max(holding, key=lambda price: (price.effective_ms, price.known_ms), default=None)


def _differs(held: Price | None, price: Price) -> bool:
    if held is None:
        return True
    fields = ("names", "prices", "tiers", "variants", "context_tokens", "output_tokens_max")
    return any(getattr(held, field) != getattr(price, field) for field in fields)


def matches(names: Names, name: str) -> bool:
    """Whether a name, in lower case, is one of those."""
    return any(
        _meets(clause, name) if isinstance(clause, str) else all(_meets(part, name) for part in clause)
        for clause in names
    )


def checked_names(names: Names) -> Names:
    """The same names; ValueError if one is not written as a clause."""
    for part in (part for clause in names for part in ((clause,) if isinstance(clause, str) else clause)):
        if len(part) < 2 or part[0] not in "=^$*/":
            raise ValueError(f"invalid name {part!r}: expected one of = ^ $ * / and then the text")
        if part[0] == "/":
            try:
                _compiled(part[1:])
            except re.error as error:
                raise ValueError(f"invalid regular expression {part!r}: {error}") from None
    return names


def _meets(clause: str, name: str) -> bool:
    sign, text = clause[0], clause[1:]
    match sign:
        case "=":
            return name == text
        case "^":
            return name.startswith(text)
        case "$":
            return name.endswith(text)
        case "*":
            return text in name
        case _:
            return _compiled(text).search(name) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
