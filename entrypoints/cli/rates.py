"""The views of the actions on rates, and on the charges of past calls under them."""

from collections.abc import Iterator

import msgspec

from domain.management.price_sync import tier_label
from domain.pricing.by_size import variant_label
from domain.usage import UNITS
from entrypoints.cli.output import Output, Views, table
from entrypoints.usecases.manage import rate_actions as actions
from entrypoints.usecases.manage.rate_actions import RateView
from entrypoints.usecases.manage.rerating import CallsRerated, RerateCalls
from entrypoints.usecases.manage.unit_amounts import amount_of
from entrypoints.usecases.management_context import NoFields
from entrypoints.usecases.public_types import written

_PIECES = tuple(unit.label for unit in UNITS if unit.shown_each)
_ALL = (*(unit.label for unit in UNITS if not unit.shown_each), *_PIECES)
# Columns of a list that only appear if a model has such a price.
_SOMETIMES = ("cache_read", "cache_write", "character", *_PIECES)
_UNITS = (
    "in credits, for a million tokens, characters or tool uses, or for one image, second, video second, request or"
    " search unit"
)


def rate_set(request: actions.SetRate, reply: RateView) -> Output:
    """`rate set`."""
    when = "from now on" if request.effective is None else f"for calls since {written(request.effective)}"
    return Output(text=f"{reply.model} is sold {when} at {_sold(reply)}")


def rate_changed(request: actions.ChangeRate, reply: RateView) -> Output:
    """`rate change`."""
    named = f" as {reply.display_name!r}" if reply.display_name else ""
    return Output(text=f"{reply.model} is {'hidden' if reply.hidden else 'listed'}{named}")


def rate_list(request: NoFields, reply: list[RateView]) -> Output:
    """`rate list`."""
    some = [name for name in _SOMETIMES if any(getattr(rate, name) is not None for rate in reply)]
    columns = ("model", "input", "output", *some, "context", "max_output", "effective")
    rows = [[None if _is_omitted(rate, column) else getattr(rate, column) for column in columns] for rate in reply]
    heads = [*map(_head, columns)]
    if any(rate.variants for rate in reply):
        heads.append("BY SIZE AND QUALITY")
        rows = [[*row, ", ".join(_of_variants(rate)) or None] for row, rate in zip(rows, reply, strict=True)]
    text = table(heads, rows, "Nothing is sold yet; see `aihub rate set -h`.")
    return Output(text=text, note=f"{_UNITS}; `aihub rate show` shows every price of a model" if reply else "")


def rate_shown(request: actions.NamedModel, reply: list[RateView]) -> Output:
    """`rate show`: every version, the newest last."""
    used = [name for name in _ALL if any(_has(rate, name) for rate in reply)]
    rows = [
        (
            rate.effective,
            label,
            *(None if _is_omitted(rate, name) else amount_of(amounts, name) for name in used),
            rate.context,
            rate.max_output,
            rate.source,
            rate.id,
        )
        for rate in reply
        for label, amounts in _parts(rate)
    ]
    heads = ("FROM", "FOR", *map(_head, used), "CONTEXT", "MAX OUTPUT", "SOURCE", "ID")
    return Output(text=f"{reply[-1].model}\n\n{table(heads, rows, '')}", note=_UNITS)


def rate_removed(request: actions.NamedModel, reply: actions.RateRemoved) -> Output:
    """`rate remove`."""
    return Output(text=f"{reply.model} is sold no more")


def rate_bulk(request: actions.SellByPriceBook, reply: list[actions.SoldView]) -> Output:
    """`rate bulk`."""
    rows = [
        (each.provider, len(each.sold), len(each.unchanged), len(each.kept), len(each.impossible)) for each in reply
    ]
    heads = ("PROVIDER", "SOLD", "UNCHANGED", "KEPT", "IMPOSSIBLE")
    legend = "KEPT were set by hand or taken from sale, IMPOSSIBLE have a price that could not be charged"
    note = legend if any(each.kept or each.impossible for each in reply) else ""
    text = table(heads, rows, "The book has no prices of the providers here.")
    if not request.dry_run:
        return Output(text=text, note=note)
    columns = ("model", "unit", "requests", "before", "after", "cost")
    lines = [[getattr(change, column) for column in columns] for each in reply for change in each.changes]
    changes = table([column.upper() for column in columns], lines, "Nothing would change.")
    return Output(text=f"{text}\n\n{changes}", note="; ".join(filter(None, (note, "nothing was changed"))))


def calls_rerated(request: RerateCalls, reply: CallsRerated) -> Output:
    """`rerate`."""
    columns = ("call", "started", "user", "before", "after", "difference", "owed")
    rows = [[getattr(call, column) for column in columns] for call in reply.calls]
    text = table([column.upper() for column in columns], rows, "No charge differs.")
    if not reply.calls:
        return Output(text=text)
    verb = "were" if reply.applied else "would be"
    sums = f"{len(rows)} calls {verb} charged again, {written(reply.moved)} credits in all"
    sums += f"; {written(reply.owed)} are owed by wallets that lack them" if reply.owed else ""
    note = "" if reply.applied else "nothing was changed; --apply charges them"
    return Output(text=f"{text}\n\n{sums}", note=note)


def _parts(rate: RateView) -> Iterator[tuple[str, msgspec.Struct | None]]:
    """The prices of a version, each with the requests that it holds for."""
    if rate.removed:
        yield "sold no more", None
        return
    yield "", rate
    for tier in rate.tiers:
        yield tier_label(tier), tier.prices
    for variant in rate.variants:
        yield variant_label(variant), variant


def _has(rate: RateView, name: str) -> bool:
    priced = (rate, *(tier.prices for tier in rate.tiers), *rate.variants)
    return not _is_omitted(rate, name) and any(amount_of(amounts, name) is not None for amounts in priced)


def _is_omitted(rate: RateView, name: str) -> bool:
    """Whether this is a text price of 0 for a model that is sold by the piece or the character."""
    by_piece = bool(rate.variants) or any(getattr(rate, piece) is not None for piece in ("character", *_PIECES))
    return name in ("input", "output") and by_piece and not amount_of(rate, "input") and not amount_of(rate, "output")


def _head(name: str) -> str:
    return name.upper().replace("_", " ")


def _sold(rate: RateView) -> str:
    """The prices in a sentence: those of text, then those by the piece."""
    pieces = [*_each_of(rate, ""), *_of_variants(rate)]
    character, given, produced = (amount_of(rate, name) for name in ("character", "input", "output"))
    if character is not None:
        pieces.append(f"{written(character)} credits per million characters")
    if pieces and not given and not produced:
        return ", ".join(pieces)
    return ", ".join((f"{written(given)} in, {written(produced)} out, in credits per million tokens", *pieces))


def _of_variants(rate: RateView) -> Iterator[str]:
    for variant in rate.variants:
        yield from _each_of(variant, f" at {variant_label(variant)}")


def _each_of(amounts: msgspec.Struct, at: str) -> Iterator[str]:
    for name in _PIECES:
        if (amount := amount_of(amounts, name)) is not None:
            yield f"{written(amount)} for each {name.replace('_', ' ')}{at}"


VIEWS: Views = {
    "rate set": rate_set,
    "rate change": rate_changed,
    "rate list": rate_list,
    "rate show": rate_shown,
    "rate remove": rate_removed,
    "rate bulk": rate_bulk,
    "rerate": calls_rerated,
}
