"""The commands about rates."""

from argparse import Namespace
from collections.abc import Iterator, Mapping
from typing import Any

from domain.catalog.catalog import catalog_of, versions_of
from domain.management.price_sync import tier_label
from domain.model_api.call import CAPABILITIES, Capability
from domain.model_api.video import resolution
from domain.money import UNITS_PER_RATE, format_credits, format_credits_each
from domain.pricing.by_size import Variant, variant_each, variant_label
from domain.pricing.rate import Rate
from domain.pricing.tiers import UnitPrices
from domain.refusals import NotFound, Remedy
from domain.usage import UNITS
from entrypoints.cli.output import Complaint, NotDone, Output, made, moment, table
from entrypoints.cli.prices import tier_value
from entrypoints.config import Settings
from entrypoints.usecases.manage import rates
from entrypoints.usecases.management_context import ManagementContext

_RATE_FIELDS = {unit.label: unit.price for unit in UNITS if not unit.shown_each}
# Units that are sold by the piece are shown with the price of one piece.
_PIECE_FIELDS = {unit.label: unit.price for unit in UNITS if unit.shown_each}
_ALL = (*_RATE_FIELDS, *_PIECE_FIELDS)
# Columns of a list that only appear if a model has such a price.
_SOMETIMES = ("cache_read", "cache_write", "character", *_PIECE_FIELDS)
_UNITS = (
    "in credits, for a million tokens, characters or tool uses, or for one image, second, video second, request or"
    " search unit"
)


async def set_rate(context: ManagementContext, settings: Settings, args: Namespace) -> Output:
    """`rate set`."""
    given = {field: getattr(args, name) for name, field in _RATE_FIELDS.items() if getattr(args, name) is not None}
    for name, field in _PIECE_FIELDS.items():
        if getattr(args, name) is not None:
            given[field] = getattr(args, name) * UNITS_PER_RATE
    if ("input_nanos" in given) != ("output_nanos" in given):
        raise Complaint("--input and --output belong together; --output 0 is right for a model that writes no text")
    variants = _variants(args)
    if not given and not variants:
        raise Complaint("say at least one price, such as --input 0.25 --output 2, or --image 0.04; 0 gives it away")
    prices = rates.Prices(
        units=UnitPrices(**given),
        context_tokens=args.context,
        output_tokens_max=args.max_output,
        capabilities=_capabilities(args.capabilities),
        variants=variants,
    )
    since_ms = args.since(context.clock.now_ms()) if args.since else None
    outcome = made(await rates.put_rate(context, args.actor, args.model, prices, since_ms))
    if not isinstance(outcome.row, Rate):
        raise Complaint("no rate was set")
    when = "from now on" if since_ms is None else f"for calls since {moment(since_ms)}"
    return Output(value=_rate(outcome.row), text=f"{args.model} is sold {when} at {_sold(outcome.row)}")


async def list_rates(context: ManagementContext, settings: Settings, args: Namespace) -> Output:
    """`rate list`."""
    sold = [served.rate for served in await rates.rates(context) if served.rate]
    found = [_rate(rate) for rate in sold]
    some = [name for name in _SOMETIMES if any(rate[name] is not None for rate in found)]
    columns = ("model", "input", "output", *some, "context", "max_output", "effective")
    rows = [[None if _is_omitted(rate, column) else rate[column] for column in columns] for rate in found]
    heads = [*map(_head, columns)]
    if any(rate.variants for rate in sold):
        heads.append("BY SIZE AND QUALITY")
        rows = [[*row, ", ".join(_of_variants(rate)) or None] for row, rate in zip(rows, sold, strict=True)]
    text = table(heads, rows, "Nothing is sold yet; see `aihub rate set -h`.")
    note = f"{_UNITS}; `aihub rate show` tells every price of a model"
    return Output(value=found, text=text, note=note if found else "")


async def show_rate(context: ManagementContext, settings: Settings, args: Namespace) -> Output:
    """`rate show`: every version of one model's rate, under any of its names, the newest last."""
    provider, _, name = args.model.partition("/")
    async with context.storage.snapshot() as snapshot:  # which also has what was taken from sale
        held = versions_of(catalog_of(0, [], [], [rate async for rate in snapshot.rates()]), provider, name)
    if not held:
        near = await rates.names_like(context, args.model)
        raise NotDone(NotFound(kind="rate", name=args.model, remedy=Remedy("rate list"), similar=near))
    value = [*map(_rate, held)]
    used = [name for name in _ALL if any(_has(rate, name) for rate in value)]
    rows = [
        (
            rate["effective"],
            label,
            *(None if _is_omitted(rate, name) else prices.get(name) for name in used),
            rate["context"],
            rate["max_output"],
            rate["source"],
            rate["id"],
        )
        for rate, version in zip(value, held, strict=True)
        for label, prices in _parts(rate, version)
    ]
    heads = ("FROM", "FOR", *map(_head, used), "CONTEXT", "MAX OUTPUT", "SOURCE", "ID")
    return Output(value=value, text=f"{provider}/{held[-1].model}\n\n{table(heads, rows, '')}", note=_UNITS)


async def remove_rate(context: ManagementContext, settings: Settings, args: Namespace) -> Output:
    """`rate remove`."""
    made(await rates.delete_rate(context, args.actor, args.model))
    return Output(value={"model": args.model, "removed": True}, text=f"{args.model} is sold no more")


def _variants(args: Namespace) -> tuple[Variant, ...]:
    """The values of --image-at and --video-second-at, the video's sizes as resolutions."""
    videos = [(size and resolution(size), quality, nanos) for size, quality, nanos in args.video_second_at]
    try:
        return tuple(
            Variant(prices=UnitPrices(**{field: nanos * UNITS_PER_RATE}), size=size, quality=quality)
            for field, priced in (("image_nanos", args.image_at), ("video_second_nanos", videos))
            for size, quality, nanos in priced
        )
    except ValueError as problem:
        raise Complaint(str(problem)) from None


def _capabilities(text: str | None) -> tuple[Capability, ...] | None:
    """The value of --capabilities: names between commas, or `none` for a model of plain text alone."""
    if text is None:
        return None
    names = [] if text == "none" else [name.strip() for name in text.split(",")]
    known = tuple(name for name in CAPABILITIES if name in names)
    if len(known) != len(set(names)):
        raise Complaint(f"--capabilities: invalid value {text!r}: expected some of {','.join(CAPABILITIES)}, or none")
    return known


def _parts(rate: Mapping[str, Any], version: Rate) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The prices of a version, each with the requests that it holds for."""
    if version.removed:
        yield "sold no more", {}
        return
    yield "", rate
    for tier in version.tiers:
        yield tier_label(tier), _prices(tier.prices)
    for variant in version.variants:
        yield variant_label(variant), _prices(variant.prices)


def _prices(units: UnitPrices) -> dict[str, str | None]:
    prices: dict[str, str | None] = {
        name: None if (nanos := getattr(units, field)) is None else format_credits(nanos)
        for name, field in _RATE_FIELDS.items()
    }
    return prices | {name: _each(getattr(units, field)) for name, field in _PIECE_FIELDS.items()}


def _has(rate: Mapping[str, Any], name: str) -> bool:
    return not _is_omitted(rate, name) and any(
        prices.get(name) is not None
        for prices in (rate, *(tier["prices"] for tier in rate["tiers"]), *rate["variants"])
    )


def _is_omitted(rate: Mapping[str, Any], name: str) -> bool:
    """Whether this is a text price of 0 for a model that is sold by the piece or the character."""
    by_piece = bool(rate["variants"]) or any(rate[piece] is not None for piece in ("character", *_PIECE_FIELDS))
    return name in ("input", "output") and by_piece and rate["input"] == rate["output"] == "0"


def _head(name: str) -> str:
    return name.upper().replace("_", " ")


def _each(nanos: int | None) -> str | None:
    return None if nanos is None else format_credits_each(nanos)


def _sold(rate: Rate) -> str:
    """The prices in a sentence: those of text, then those by the piece."""
    pieces = [*_each_of(rate.prices, ""), *_of_variants(rate)]
    if rate.prices.character_nanos is not None:
        pieces.append(f"{format_credits(rate.prices.character_nanos)} credits per million characters")
    if pieces and rate.input_nanos == rate.output_nanos == 0:
        return ", ".join(pieces)
    text = (
        f"{format_credits(rate.input_nanos)} in, {format_credits(rate.output_nanos)} out, in credits per million tokens"
    )
    return ", ".join((text, *pieces))


def _of_variants(rate: Rate) -> Iterator[str]:
    for variant in rate.variants:
        yield from _each_of(variant.prices, f" at {variant_label(variant)}")


def _each_of(prices: UnitPrices, at: str) -> Iterator[str]:
    for name, field in _PIECE_FIELDS.items():
        if (nanos := getattr(prices, field)) is not None:
            yield f"{format_credits_each(nanos)} for each {name.replace('_', ' ')}{at}"


def _rate(rate: Rate) -> dict[str, Any]:
    return {
        "model": f"{rate.provider}/{rate.model}",
        **_prices(rate.prices),
        "input": format_credits(rate.input_nanos),
        "output": format_credits(rate.output_nanos),
        "context": rate.context_tokens,
        "max_output": rate.output_tokens_max,
        "capabilities": None if rate.capabilities is None else list(rate.capabilities),
        "tiers": [*map(tier_value, rate.tiers)],
        "variants": [*map(variant_each, rate.variants)],
        "names": [*rate.names],
        "effective": moment(rate.effective_ms),
        "source": rate.source,
        "id": rate.id,
    }
