"""The views of the actions on the price book."""

from collections.abc import Iterator

from domain.management.price_sync import tier_label
from domain.pricing.by_size import variant_label
from domain.usage import UNITS
from entrypoints.cli.output import Output, Views, table
from entrypoints.usecases.manage import price_actions as actions
from entrypoints.usecases.manage.unit_amounts import PriceAmounts, amount_of

_UP_TO_DATE = "The book is up to date."


def price_list(request: actions.ListPrices, reply: list[actions.PriceView]) -> Output:
    """`price list`."""
    rows = [
        (
            price.model,
            *(amount_of(price.prices, unit) for unit in ("input", "cache_read", "output")),
            price.context,
            len(price.tiers) or None,
            price.source,
        )
        for price in reply
    ]
    heads = ("MODEL", "INPUT", "CACHE READ", "OUTPUT", "CONTEXT", "TIERS", "SOURCE")
    note = "in dollars per million tokens; `aihub price show` shows every price of a model" if reply else ""
    return Output(text=table(heads, rows, "The book has no such prices."), note=note)


def price_shown(request: actions.ShowPrice, reply: list[actions.PriceView]) -> Output:
    """`price show`: every version, the newest last."""
    labelled = [(price, label, amounts) for price in reply for label, amounts in _labelled(price)]
    used = [unit.label for unit in UNITS if any(amount_of(amounts, unit.label) is not None for *_, amounts in labelled)]
    rows = [
        (
            price.effective or "the beginning",
            label,
            *(amount_of(amounts, unit) for unit in used),
            price.source,
        )
        for price, label, amounts in labelled
    ]
    heads = ("FROM", "FOR", *(unit.upper().replace("_", " ") for unit in used), "SOURCE")
    return Output(text=f"{reply[-1].model}, in dollars per million\n\n{table(heads, rows, '')}")


def price_diff(request: actions.ComparePrices, reply: list[actions.PriceChanges]) -> Output:
    """`price diff`."""
    return Output(text=_summary(reply) or _UP_TO_DATE)


def price_sync(request: actions.SyncPrices, reply: actions.PricesSynced | list[actions.PriceChanges]) -> Output:
    """`price sync`; exit code 1 if a price moves far and that was not accepted."""
    if isinstance(reply, list):
        return price_diff(request, reply)
    sells = "they are sold by AIHUB_MARGIN" if reply.sold else "`aihub rate bulk` sells by them"
    text = f"appended {reply.appended} prices; {sells}"
    if not reply.waiting:
        return Output(text=text if reply.appended else _UP_TO_DATE)
    names = ", ".join(changed.provider for changed in reply.waiting)
    note = f"prices of {names} move by more than a tenth; check them, then append them with --accept"
    return Output(text=f"{_summary(reply.waiting)}\n\n{text}", note=note, code=1)


def _summary(found: list[actions.PriceChanges]) -> str:
    """The moves as a table, and the new models in one line for each provider."""
    rows = [
        (move.model, move.label, move.price.replace("_", " "), move.before, move.after, move.move)
        for changed in found
        for move in changed.moves
    ]
    lines = [table(("MODEL", "FOR", "PRICE", "BEFORE", "AFTER", "MOVE"), rows, "")]
    lines += [
        f"{changed.provider}: {changed.prices} prices, {len(changed.new_models)} of models that are new"
        for changed in found
    ]
    return "\n".join(line for line in lines if line)


def _labelled(price: actions.PriceView) -> Iterator[tuple[str, PriceAmounts]]:
    """The ordinary prices under an empty label, then those of each tier and variant under its label."""
    yield "", price.prices
    for tier in price.tiers:
        yield tier_label(tier), tier.prices
    for variant in price.variants:
        yield variant_label(variant), variant.prices


VIEWS: Views = {
    "price list": price_list,
    "price show": price_shown,
    "price diff": price_diff,
    "price sync": price_sync,
}
