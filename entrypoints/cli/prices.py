"""The commands about the price book, and about selling by it."""

from argparse import Namespace
from pathlib import Path

from domain.management.price_sync import Difference, Move, tier_label
from domain.management.rates_from_prices import terms_of
from domain.money import format_credits
from domain.pricing.by_size import Variant, variant_label
from domain.pricing.price_book import Price, standing, versions
from domain.pricing.tiers import Tier, UnitPrices
from domain.refusals import BadRequest, NotFound, Remedy
from entrypoints.cli.output import Complaint, NotDone, Output, moment, table
from entrypoints.config import Settings
from entrypoints.usecases.manage import price_sync as booksync
from entrypoints.usecases.manage.price_book import price_book_view
from entrypoints.usecases.manage.price_file import PriceFileError, read_price_file
from entrypoints.usecases.manage.rates_from_prices import sell_by_book, sell_by_rule
from entrypoints.usecases.management_context import ManagementContext

CATALOGUE = "genai-prices"


async def list_prices(context: ManagementContext, settings: Settings, args: Namespace) -> Output:
    """`price list`: the prices that hold now."""
    book, now_ms = await price_book_view(context.book, context.storage), context.clock.now_ms()
    if args.provider is not None and args.provider not in book.providers():
        known = ", ".join(sorted(book.providers()))
        raise Complaint(f"the price book knows no provider {args.provider!r}; it knows {known}")
    found = [
        price
        for provider in book.providers()
        if args.provider in (None, provider)
        for held in book.provider_prices(provider).prices.values()
        if (price := standing(held, now_ms))
    ]
    rows = [
        (
            f"{price.provider}/{price.model}",
            *(_dollars(getattr(price.prices, f"{unit}_nanos")) for unit in ("input", "cache_read", "output")),
            price.context_tokens,
            len(price.tiers) or None,
            price.source,
        )
        for price in found
    ]
    heads = ("MODEL", "INPUT", "CACHE READ", "OUTPUT", "CONTEXT", "TIERS", "SOURCE")
    note = "in dollars per million tokens; `aihub price show` tells every price of a model" if found else ""
    return Output(value=[*map(_price, found)], text=table(heads, rows, "The book has no such prices."), note=note)


async def show_price(context: ManagementContext, settings: Settings, args: Namespace) -> Output:
    """`price show`: every version of one model's price, under any of its names."""
    provider, _, name = args.model.partition("/")
    held = versions((await price_book_view(context.book, context.storage)).provider_prices(provider), name)
    if not held:
        raise NotDone(NotFound(kind="price", name=args.model, remedy=Remedy("price list")))
    rows = [
        (
            moment(price.effective_ms) if price.effective_ms else "the beginning",
            label,
            *(_dollars(getattr(units, field)) for field in _used(held)),
            price.source,
        )
        for price in held
        for label, units in _labelled(price)
    ]
    heads = (
        "FROM",
        "FOR",
        *(field.removesuffix("_nanos").upper().replace("_", " ") for field in _used(held)),
        "SOURCE",
    )
    return Output(
        value=[*map(_price, held)],
        text=f"{provider}/{held[-1].model}, in dollars per million\n\n{table(heads, rows, '')}",
    )


async def diff_prices(context: ManagementContext, settings: Settings, args: Namespace) -> Output:
    """`price diff`: the changes that a sync would make."""
    found = await booksync.compare(context, _incoming(context, args.source))
    return Output(value=[*map(_difference, found)], text=_summary(found) or "The book is up to date.")


async def sync_prices(context: ManagementContext, settings: Settings, args: Namespace) -> Output:
    """`price sync`; exit code 1 if a price moves far and that was not accepted."""
    if args.dry_run:
        return await diff_prices(context, settings, args)
    synced = await booksync.sync(context, args.actor, _incoming(context, args.source), args.accept)
    await sell_by_rule(context, settings.terms)
    waiting = [each.difference for each in synced if not each.appended]
    appended = sum(len(each.difference.prices) for each in synced if each.appended)
    value = {
        "appended": appended,
        "waiting": [*map(_difference, waiting)],
        "providers": [each.difference.provider for each in synced if each.appended],
    }
    sells = "they are sold by AIHUB_MARGIN" if settings.terms else "`aihub rate bulk` sells by them"
    text = f"appended {appended} prices; {sells}"
    if not waiting:
        return Output(value=value, text=text if appended else "The book is up to date.")
    names = ", ".join(changed.provider for changed in waiting)
    note = f"prices of {names} move by more than a tenth; look at them and say --accept"
    return Output(value=value, text=f"{_summary(waiting)}\n\n{text}", note=note, code=1)


async def bulk_rates(context: ManagementContext, settings: Settings, args: Namespace) -> Output:
    """`rate bulk`."""
    terms = terms_of(args.margin, args.credit_price)
    if isinstance(terms, BadRequest):
        raise NotDone(terms)
    provider, model = args.provider, args.model
    if model and not provider:
        provider, _, model = model.partition("/")
        if not model:
            problem = "write PROVIDER/MODEL, or the provider as --provider"
            raise NotDone(BadRequest(field="--model", problem=problem))
    since_ms = args.since(context.clock.now_ms()) if args.since else None
    sold = await sell_by_book(context, args.actor, terms, provider, model, since_ms)
    if isinstance(sold, NotFound | BadRequest):
        raise NotDone(sold)
    value = [
        {
            "provider": each.provider,
            "sold": [rate.model for rate in each.rates],
            "unchanged": [*each.unchanged],
            "kept": [*each.kept],
            "impossible": [*each.impossible],
        }
        for each in sold
    ]
    rows = [
        (each.provider, len(each.rates), len(each.unchanged), len(each.kept), len(each.impossible)) for each in sold
    ]
    heads = ("PROVIDER", "SOLD", "UNCHANGED", "KEPT", "IMPOSSIBLE")
    legend = "KEPT were set by hand or taken from sale, IMPOSSIBLE have a price that could not be charged"
    note = legend if any(each.kept or each.impossible for each in sold) else ""
    return Output(value=value, text=table(heads, rows, "The book has no prices of the providers here."), note=note)


def _incoming(context: ManagementContext, source: str) -> dict[str, list[Price]]:
    """The prices of a catalogue or a file; Complaint if it cannot be read."""
    now_ms = context.clock.now_ms()
    if source == CATALOGUE:
        from entrypoints.wiring import CannotStart, public_catalogue

        try:
            return public_catalogue(now_ms)
        except CannotStart as missing:
            raise Complaint(str(missing)) from None
    try:
        return read_price_file(Path(source).read_bytes(), f"file {Path(source).name}", now_ms)
    except OSError as error:
        raise Complaint(f"{source} cannot be read: {error.strerror or error}") from None
    except PriceFileError as error:
        raise Complaint(f"{source}: {error}") from None


def _summary(found: list[Difference]) -> str:
    """The moves as a table, and the new models in one line for each provider."""
    moves = [move for changed in found for move in changed.moves]
    rows = [
        (
            f"{move.provider}/{move.model}",
            move.tier,
            move.unit.removesuffix("_nanos").replace("_", " "),
            _dollars(move.before_nanos),
            _dollars(move.after_nanos),
            _percent(move),
        )
        for move in moves
    ]
    lines = [table(("MODEL", "FOR", "PRICE", "BEFORE", "AFTER", "MOVE"), rows, "")]
    lines += [
        f"{changed.provider}: {len(changed.prices)} prices, {len(changed.new_models)} of models that are new"
        for changed in found
    ]
    return "\n".join(line for line in lines if line)


def _percent(move: Move) -> str:
    if move.before_nanos is None:
        return "new"
    if move.after_nanos is None:
        return "gone"
    if move.thousandths is None:
        return "from nothing"
    whole, tenth = divmod(abs(move.thousandths), 10)
    return f"{'-' if move.thousandths < 0 else '+'}{whole}.{tenth} %"


def _used(held: tuple[Price, ...]) -> list[str]:
    """The units that any version has a price for."""
    every = [units for price in held for _, units in _labelled(price)]
    return [
        field for field in UnitPrices.__struct_fields__ if any(getattr(units, field) is not None for units in every)
    ]


def _labelled(price: Price) -> list[tuple[str, UnitPrices]]:
    """The ordinary prices under an empty label, then those of each tier and variant under its label."""
    tiers = [(tier_label(tier), tier.prices) for tier in price.tiers]
    return [("", price.prices), *tiers, *((variant_label(each), each.prices) for each in price.variants)]


def _price(price: Price) -> dict[str, object]:
    return {
        "id": price.id,
        "model": f"{price.provider}/{price.model}",
        "names": [*price.names],
        "effective": moment(price.effective_ms),
        "known": moment(price.known_ms),
        "source": price.source,
        "prices": _units(price.prices),
        "tiers": [tier_value(tier) for tier in price.tiers],
        "variants": [variant_value(variant) for variant in price.variants],
        "context": price.context_tokens,
        "max_output": price.output_tokens_max,
    }


def tier_value(tier: Tier) -> dict[str, object]:
    """A tier for scripts, in decimals."""
    return {
        "service": tier.service,
        "above_tokens": tier.above_tokens,
        "from_minute": tier.from_minute,
        "until_minute": tier.until_minute,
        "prices": _units(tier.prices),
    }


def variant_value(variant: Variant) -> dict[str, object]:
    """A variant for scripts, in decimals."""
    return {"size": variant.size, "quality": variant.quality, "prices": _units(variant.prices)}


def _units(units: UnitPrices) -> dict[str, str]:
    """The present prices, in dollars per million, as a price list writes them."""
    return {
        field.removesuffix("_nanos"): format_credits(nanos)
        for field in UnitPrices.__struct_fields__
        if (nanos := getattr(units, field)) is not None
    }


def _difference(changed: Difference) -> dict[str, object]:
    return {
        "provider": changed.provider,
        "prices": len(changed.prices),
        "new_models": [*changed.new_models],
        "moves": [
            {
                "model": f"{move.provider}/{move.model}",
                "for": move.tier,
                "price": move.unit.removesuffix("_nanos"),
                "before": _dollars(move.before_nanos),
                "after": _dollars(move.after_nanos),
                "move": _percent(move),
                "large": move.is_large,
            }
            for move in changed.moves
        ],
    }


def _dollars(nanos: int | None) -> str | None:
    return None if nanos is None else format_credits(nanos)
