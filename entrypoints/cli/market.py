"""The commands about providers, credentials and rates."""

import os
import sys
from argparse import Namespace

from domain.books import Credential, ProviderRow, Rate
from domain.calls import CAPABILITIES, Capability
from domain.film import resolution
from domain.management import Denied
from domain.money import UNITS_PER_RATE, format_credits, format_credits_each
from domain.tiers import Leaves
from domain.variants import Variant, variant_each, variant_label
from domain.vendors import VENDORS
from entrypoints.cli.prices import tier_value
from entrypoints.cli.said import Complaint, Said, complaint, moment, table
from entrypoints.config import Settings
from entrypoints.usecases import providers, rates
from entrypoints.usecases.desk import Desk
from entrypoints.usecases.selling import sell_by_rule

_RATE_FIELDS = {
    "input": "input_nanos",
    "output": "output_nanos",
    "cache_read": "cache_read_nanos",
    "cache_write": "cache_write_nanos",
    "cache_write_1h": "cache_write_1h_nanos",
    "input_audio": "input_audio_nanos",
    "output_audio": "output_audio_nanos",
    "reasoning": "reasoning_nanos",
    "tool_use": "tool_use_nanos",
    "input_image": "input_image_nanos",
    "cache_read_audio": "cache_read_audio_nanos",
    "output_image": "output_image_nanos",
    "character": "character_nanos",
}
# What is sold by the piece is told for one piece.
_PIECE_FIELDS = {
    "image": "image_nanos",
    "second": "second_nanos",
    "video_second": "video_second_nanos",
    "request": "request_nanos",
}


async def add_provider(desk: Desk, settings: Settings, args: Namespace) -> Said:
    """`provider add`; adding one again with another URL moves it."""
    outcome = await providers.create_provider(
        desk, args.actor, args.name, args.dialect, args.base_url, args.priority, args.weight
    )
    if isinstance(outcome, Denied):
        raise complaint(outcome.refusal)
    row = outcome.row
    if not isinstance(row, ProviderRow):
        raise Complaint("nothing was added")
    await sell_by_rule(desk, settings.terms, row.name)
    vendor = VENDORS.get(row.name)
    hint = f"; give it a secret with `aihub credential add {row.name}`" if vendor and vendor.needs_credential else ""
    return Said(value=_provider(row), text=f"added provider {row.name}: {row.dialect} at {row.base_url}{hint}")


async def list_providers(desk: Desk, settings: Settings, args: Namespace) -> Said:
    """`provider list`."""
    found = await providers.providers(desk.storage)
    rows = [(row.name, row.dialect, row.base_url, row.priority, row.weight, moment(row.created_ms)) for row in found]
    heads = ("NAME", "DIALECT", "BASE URL", "PRIORITY", "WEIGHT", "ADDED")
    text = table(heads, rows, "There are no providers; see `aihub provider add -h`.")
    return Said(value=[*map(_provider, found)], text=text)


async def remove_provider(desk: Desk, settings: Settings, args: Namespace) -> Said:
    """`provider remove`."""
    outcome = await providers.delete_provider(desk, args.actor, args.name)
    if isinstance(outcome, Denied):
        raise complaint(outcome.refusal)
    return Said(value={"name": args.name, "removed": True}, text=f"removed provider {args.name} with its credentials")


async def add_credential(desk: Desk, settings: Settings, args: Namespace) -> Said:
    """`credential add`: the secret comes from standard input or a variable, never from the command line."""
    secret = read_secret(args.from_env, args.provider)
    outcome = await providers.create_credential(desk, args.actor, args.provider, secret, args.name, args.weight)
    if isinstance(outcome, Denied):
        raise complaint(outcome.refusal)
    if not isinstance(outcome.row, Credential):
        raise Complaint("nothing was added")
    text = f"added credential {outcome.row.id} ({outcome.row.masked}) for {args.provider}"
    return Said(value=_credential(outcome.row), text=text)


async def list_credentials(desk: Desk, settings: Settings, args: Namespace) -> Said:
    """`credential list`."""
    found = await providers.credentials(desk.storage)
    rows = [
        (row.id, row.provider, row.name, row.masked, row.weight, "active" if row.active else "inactive", row.error)
        for row in found
    ]
    heads = ("ID", "PROVIDER", "NAME", "SECRET", "WEIGHT", "STATE", "ERROR")
    return Said(value=[*map(_credential, found)], text=table(heads, rows, "There are no credentials yet."))


async def remove_credential(desk: Desk, settings: Settings, args: Namespace) -> Said:
    """`credential remove`."""
    outcome = await providers.delete_credential(desk, args.actor, args.id)
    if isinstance(outcome, Denied):
        raise complaint(outcome.refusal)
    return Said(value={"id": args.id, "removed": True}, text=f"removed credential {args.id}")


async def set_rate(desk: Desk, settings: Settings, args: Namespace) -> Said:
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
        **given,
        context_tokens=args.context,
        output_tokens_max=args.max_output,
        capabilities=_capabilities(args.capabilities),
        variants=variants,
    )
    since_ms = args.since(desk.clock.now_ms()) if args.since else None
    outcome = await rates.put_rate(desk, args.actor, args.model, prices, since_ms)
    if isinstance(outcome, Denied):
        raise complaint(outcome.refusal)
    if not isinstance(outcome.row, Rate):
        raise Complaint("no rate was set")
    return Said(value=_rate(outcome.row), text=f"{args.model} is sold from now on at {_sold(outcome.row)}")


async def list_rates(desk: Desk, settings: Settings, args: Namespace) -> Said:
    """`rate list`."""
    sold = [served.rate for served in await rates.rates(desk) if served.rate]
    found = [_rate(rate) for rate in sold]
    columns = ("model", "input", "output", "cache_read", "cache_write", "context", "max_output", "effective")
    heads = [*(column.upper().replace("_", " ") for column in columns), "BY THE PIECE"]
    rows = [
        [*(told[column] for column in columns), _by_the_piece(rate)] for told, rate in zip(found, sold, strict=True)
    ]
    text = table(heads, rows, "Nothing is sold yet; see `aihub rate set -h`.")
    return Said(value=found, text=text, note="in credits per million tokens; --json tells every price" if found else "")


async def remove_rate(desk: Desk, settings: Settings, args: Namespace) -> Said:
    """`rate remove`."""
    outcome = await rates.delete_rate(desk, args.actor, args.model)
    if isinstance(outcome, Denied):
        raise complaint(outcome.refusal)
    return Said(value={"model": args.model, "removed": True}, text=f"{args.model} is sold no more")


def read_secret(variable: str | None, provider: str) -> str:
    """The secret, from that variable, from a prompt, or from what is piped in; Complaint if there is none."""
    if variable is not None:
        secret = os.environ.get(variable, "").strip()
        if not secret:
            raise Complaint(f"--from-env: the variable {variable} is not set; export it, or pipe the secret in")
        if "," in secret:
            raise Complaint(
                f"--from-env: {variable} holds several secrets; add them one by one"
                " (those of vendors register themselves when the hub starts)"
            )
        return secret
    if sys.stdin.isatty():
        from getpass import getpass

        secret = getpass(f"secret for {provider}: ").strip()
    else:
        secret = sys.stdin.read(providers.SECRET_CHARACTERS_MAX + 2).strip()
    if not secret:
        raise Complaint("there is no secret on standard input; pipe it in, or use --from-env VAR")
    return secret


def _variants(args: Namespace) -> tuple[Variant, ...]:
    """What stands under --image-at and --video-second-at, the film's sizes as resolutions."""
    films = [(size and resolution(size), quality, nanos) for size, quality, nanos in args.video_second_at]
    try:
        return tuple(
            Variant(prices=Leaves(**{field: nanos * UNITS_PER_RATE}), size=size, quality=quality)
            for field, priced in (("image_nanos", args.image_at), ("video_second_nanos", films))
            for size, quality, nanos in priced
        )
    except ValueError as problem:
        raise Complaint(str(problem)) from None


def _capabilities(text: str | None) -> tuple[Capability, ...] | None:
    """What stands under --capabilities: words between commas, or `none` for a model of plain text alone."""
    if text is None:
        return None
    words = [] if text == "none" else [word.strip() for word in text.split(",")]
    known = tuple(word for word in CAPABILITIES if word in words)
    if len(known) != len(set(words)):
        raise Complaint(f"--capabilities: {text!r} does not do: write some of {','.join(CAPABILITIES)}, or none")
    return known


def _provider(row: ProviderRow) -> dict[str, object]:
    return {
        "name": row.name,
        "dialect": row.dialect,
        "base_url": row.base_url,
        "priority": row.priority,
        "weight": row.weight,
        "created": moment(row.created_ms),
    }


def _credential(row: Credential) -> dict[str, object]:
    return {
        "id": row.id,
        "provider": row.provider,
        "name": row.name,
        "secret": row.masked,
        "weight": row.weight,
        "active": row.active,
        "error": row.error,
        "created": moment(row.created_ms),
    }


def _each(nanos: int | None) -> str | None:
    return None if nanos is None else format_credits_each(nanos)


def _sold(rate: Rate) -> str:
    """The prices in a sentence: those of text, and those by the piece that there are."""
    pieces = _by_the_piece(rate)
    if pieces and rate.input_nanos == rate.output_nanos == 0:
        return pieces
    text = (
        f"{format_credits(rate.input_nanos)} in, {format_credits(rate.output_nanos)} out, in credits per million tokens"
    )
    return f"{text}, {pieces}" if pieces else text


def _by_the_piece(rate: Rate) -> str:
    """What one picture, second or call costs, the plain ones before those of a size."""
    priced = [("", rate), *((f" at {variant_label(variant)}", variant.prices) for variant in rate.variants)]
    pieces = [
        f"{format_credits_each(nanos)} for each {name.replace('_', ' ')}{at}"
        for at, prices in priced
        for name, field in _PIECE_FIELDS.items()
        if (nanos := getattr(prices, field)) is not None
    ]
    if rate.character_nanos is not None:
        pieces.append(f"{format_credits(rate.character_nanos)} credits per million characters")
    return ", ".join(pieces)


def _rate(rate: Rate) -> dict[str, object]:
    nanos = {name: getattr(rate, field) for name, field in _RATE_FIELDS.items()}
    return {
        "model": f"{rate.provider}/{rate.model}",
        **{name: None if amount is None else format_credits(amount) for name, amount in nanos.items()},
        **{name: _each(getattr(rate, field)) for name, field in _PIECE_FIELDS.items()},
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
