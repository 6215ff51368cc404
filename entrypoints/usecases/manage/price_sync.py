"""Finds the prices of a catalogue that are new to the price book, and appends them."""

from collections.abc import Mapping, Sequence

from domain.books.management_scopes import PriceScope
from domain.management.changes import Actor
from domain.management.price_sync import Difference, Synced, append, difference
from domain.pricing.price_book import Price
from entrypoints.usecases.management_context import ManagementContext, actor


async def compare(context: ManagementContext, incoming: Mapping[str, Sequence[Price]]) -> list[Difference]:
    """The changes that the incoming prices would make, provider by provider; nothing is written."""
    appended = await context.storage.prices()
    now_ms = context.clock.now_ms()
    found = []
    for provider, prices in sorted(incoming.items()):
        own = [price for price in appended if price.provider == provider]
        changed = difference(provider, [*context.book.prices(provider), *own], prices, now_ms)
        if changed.prices:
            found.append(changed)
    return found


async def sync(
    context: ManagementContext, by: str, incoming: Mapping[str, Sequence[Price]], accepted: bool
) -> list[Synced]:
    """Append the new prices. If a provider's prices move far, none of them is appended until that is accepted."""
    found = []
    for provider, prices in sorted(incoming.items()):
        who, shipped = actor(context, by), context.book.prices(provider)

        def rule(
            appended: tuple[Price, ...],
            provider: str = provider,
            prices: Sequence[Price] = prices,
            shipped: Sequence[Price] = shipped,
            who: Actor = who,
        ) -> Synced:
            return append(who, difference(provider, [*shipped, *appended], prices, who.now_ms), accepted)

        synced = await context.storage.decide(PriceScope(provider=provider), rule)
        if synced.difference.prices:
            found.append(synced)
    return found
