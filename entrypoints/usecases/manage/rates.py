"""The rates of models: a rate is never changed, only followed by a newer version."""

import msgspec

from domain.books.management_scopes import ProviderFacts, ProviderScope
from domain.catalog.catalog import Served, priced, similar
from domain.management.changes import Denied, Outcome, set_rate
from domain.model_api.call import Capability
from domain.pricing.by_size import VARIED, Variant, distinct
from domain.pricing.money import format_credits, format_credits_each
from domain.pricing.price_book import Names, checked_names
from domain.pricing.rate import PIECE_NANOS_MAX, PIECE_RATES, RATE_NANOS_MAX, Rate
from domain.pricing.tiers import Tier, UnitPrices
from domain.refusals import BadRequest
from entrypoints.usecases.management_context import ManagementContext, actor

RATE_SOURCE = "operator"


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """A rate to make: nanocredits per million of each unit, and the model's bounds in tokens. None: see `Rate`.

    If it `keeps_listing`, the model is shown as before; else as this says.
    """

    units: UnitPrices = UnitPrices()
    context_tokens: int | None = None
    output_tokens_max: int | None = None
    capabilities: tuple[Capability, ...] | None = None
    variants: tuple[Variant, ...] = ()
    tiers: tuple[Tier, ...] = ()
    names: Names = ()
    display_name: str | None = None
    hidden: bool = False
    source: str = RATE_SOURCE
    keeps_listing: bool = True


async def put_rate(
    context: ManagementContext, by: str, model: str, prices: Prices, since_ms: int | None = None
) -> Outcome:
    """Sell `model` ("provider/model") at these prices from a moment on, or from now. Past calls stay: see `rerate`."""
    for field, tokens in (("context", prices.context_tokens), ("max_output", prices.output_tokens_max)):
        if tokens is not None and tokens < 1:
            return Denied(refusal=BadRequest(field=field, problem="write a number of tokens, such as 128000"))
    given = {name: nanos for name, nanos in msgspec.structs.asdict(prices.units).items() if nanos}
    varied = [getattr(variant.prices, name) or 0 for variant in prices.variants for name in VARIED]
    if max(varied, default=0) > PIECE_NANOS_MAX or any(
        nanos > (PIECE_NANOS_MAX if name in PIECE_RATES else RATE_NANOS_MAX) for name, nanos in given.items()
    ):
        problem = (
            f"the ceiling of a rate is {format_credits(RATE_NANOS_MAX)} credits per million, or"
            f" {format_credits_each(PIECE_NANOS_MAX)} for one piece: beyond it the largest call that is possible could"
            " come to more than 64 bits of nanocredits hold, and would not be charged exactly"
        )
        return Denied(refusal=BadRequest(field=None, problem=problem))
    try:
        distinct(prices.variants)
    except ValueError as twice:
        return Denied(refusal=BadRequest(field=None, problem=str(twice)))
    return await _add_version(context, by, model, prices, removed=False, since_ms=since_ms)


async def delete_rate(context: ManagementContext, by: str, model: str) -> Outcome:
    """From now on `model` is not sold."""
    return await _add_version(context, by, model, Prices(), removed=True)


async def rates(context: ManagementContext) -> list[Served]:
    """Every model that is sold now, with its rate."""
    return priced((await context.storage.catalog()).indexed(), context.clock.now_ms())


async def names_like(context: ManagementContext, model: str) -> tuple[str, ...]:
    """A few models that are sold now and have a similar name; all, if there are only a few."""
    return similar((await context.storage.catalog()).indexed(), model, context.clock.now_ms())


async def _add_version(
    context: ManagementContext, by: str, model: str, prices: Prices, removed: bool, since_ms: int | None = None
) -> Outcome:
    provider, _, name = model.partition("/")
    if not provider or not name or not model.isprintable() or " " in model or len(model) > 300:
        problem = f"{model!r} is no model: write PROVIDER/MODEL, such as openai/gpt-5-mini"
        return Denied(refusal=BadRequest(field="model", problem=problem))
    who = actor(context, by)
    rate_id = context.ids.new("rate")

    def rule(facts: ProviderFacts) -> Outcome:
        rate = Rate(
            id=rate_id,
            provider=provider,
            model=name,
            effective_ms=who.now_ms if since_ms is None else since_ms,
            known_ms=who.now_ms,
            source=prices.source,
            removed=removed,
            prices=msgspec.structs.replace(
                prices.units,
                input_nanos=prices.units.input_nanos or 0,
                output_nanos=prices.units.output_nanos or 0,
            ),
            context_tokens=prices.context_tokens,
            output_tokens_max=prices.output_tokens_max,
            capabilities=prices.capabilities,
            variants=prices.variants,
            tiers=prices.tiers,
            names=checked_names(prices.names),
            display_name=prices.display_name,
            hidden=prices.hidden,
        )
        return set_rate(facts, who, rate, prices.keeps_listing)

    return await context.storage.decide(ProviderScope(name=provider), rule)
