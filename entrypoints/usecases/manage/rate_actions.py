"""The actions on rates: their requests, replies and use cases."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from domain.books.management_scopes import ProviderScope
from domain.catalog.catalog import catalog_of, versions_of
from domain.management.changes import Denied
from domain.management.provider_changes import list_model
from domain.management.rates_from_prices import terms_of
from domain.model_api.call import Capability
from domain.model_api.video import resolution
from domain.pricing.by_size import Variant
from domain.pricing.price_book import Names
from domain.pricing.rate import Rate
from domain.pricing.tiers import UnitPrices
from domain.refusals import BadRequest, NotFound, Remedy
from entrypoints.usecases.manage import rates
from entrypoints.usecases.manage.providers import display_name_problem
from entrypoints.usecases.manage.rate_changes import AmountChange, changed_amounts
from entrypoints.usecases.manage.rates_from_prices import as_decided, previewed, sell_by_book
from entrypoints.usecases.manage.unit_amounts import (
    RateAmounts,
    RatedModel,
    RateVariant,
    TierView,
    amounts_of,
    rate_variant,
    tier_view,
    unit_prices,
)
from entrypoints.usecases.management_context import ActionContext, Denial, NoFields, acting, row_of
from entrypoints.usecases.public_types import Credits, Dollars, Moment, Percent


class SetRate(RatedModel, frozen=True, kw_only=True):
    """What a model is sold for; a unit without an amount is sold as its description states."""

    variants: Annotated[
        tuple[RateVariant, ...], Meta(description="what one piece of a size, a quality or both is sold for")
    ] = ()
    effective: Annotated[Moment | None, Meta(description="for calls that begin then or later (now)")] = None
    context: Annotated[int | None, Meta(description="the most tokens that the model reads and writes")] = None
    max_output: Annotated[int | None, Meta(description="the most tokens that it writes")] = None
    capabilities: Annotated[
        tuple[Capability, ...] | None, Meta(description="all input capabilities of the model (not known)")
    ] = None


class RateView(RatedModel, frozen=True, kw_only=True):
    """One version of a model's rate. Amounts are for a million units, or for one piece."""

    context: int | None
    max_output: int | None
    capabilities: list[Capability] | None
    tiers: list[TierView[RateAmounts]]
    variants: list[RateVariant]
    names: Annotated[Names, Meta(description="the patterns of the names that the rate holds for")]
    effective: Moment
    source: str
    id: str
    removed: Annotated[bool, Meta(description="whether this version ended the sale")]
    display_name: str | None
    hidden: Annotated[bool, Meta(description="whether the model is left out of lists; it can be called")]


class NamedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model by its name."""

    model: Annotated[str, Meta(description="PROVIDER/MODEL, such as openai/gpt-5-mini")]


class ChangeRate(msgspec.Struct, frozen=True, kw_only=True):
    """How lists show a model; its prices stay."""

    model: Annotated[str, Meta(description="PROVIDER/MODEL, such as openai/gpt-5-mini")]
    display_name: Annotated[str | None, Meta(description="what people see; empty for the model's name")] = None
    listing: Annotated[
        Literal["listed", "hidden"] | None, Meta(description="a hidden model is in no list, and can be called")
    ] = None


class RateRemoved(msgspec.Struct, frozen=True, kw_only=True):
    """The model is not sold from now on."""

    model: str
    removed: bool = True


class SellByPriceBook(msgspec.Struct, frozen=True, kw_only=True):
    """Terms for selling what the price book knows: everything, one provider's models, or one model."""

    margin: Annotated[Percent, Meta(description="percent on top of the provider's price")]
    credit_price: Annotated[Dollars, Meta(description="the price of one credit, in dollars")]
    provider: Annotated[str | None, Meta(description="only this provider's models (all)")] = None
    model: Annotated[str | None, Meta(description="only this model, also if it was taken from sale")] = None
    effective: Annotated[Moment | None, Meta(description="for calls that begin then or later (now)")] = None
    dry_run: Annotated[bool, Meta(description="only report every change, and make none")] = False


class SoldView(msgspec.Struct, frozen=True, kw_only=True):
    """The models of a provider, by what was done with them.

    `kept` were set by hand or taken from sale, `impossible` have a price that could not be charged. `changes` are the
    amounts of the models that were sold, or that would be.
    """

    provider: str
    sold: list[str]
    unchanged: list[str]
    kept: list[str]
    impossible: list[str]
    changes: list[AmountChange]


async def define_rate(context: ActionContext, request: SetRate) -> RateView | Denial:
    """A new version of the model's rate."""
    units = unit_prices(request)
    try:
        variants = tuple(map(read_variant, request.variants))
    except ValueError as error:
        return BadRequest(field="variants", problem=str(error))
    if (problem := amounts_problem(units, variants)) is not None:
        return problem
    prices = rates.Prices(
        units=units,
        context_tokens=request.context,
        output_tokens_max=request.max_output,
        capabilities=request.capabilities,
        variants=variants,
    )
    rate = row_of(await rates.put_rate(context.hub, context.by, request.model, prices, request.effective), Rate)
    return rate_view(rate) if isinstance(rate, Rate) else rate


def amounts_problem(units: UnitPrices, variants: tuple[Variant, ...]) -> BadRequest | None:
    """The refusal of prices that do not make a rate."""
    missing = [name for name in ("input", "output") if getattr(units, f"{name}_nanos") is None]
    if len(missing) == 1:
        problem = f"`input` and `output` belong together; 0 as `{missing[0]}` is right for a model that has none"
        return BadRequest(field=missing[0], problem=problem)
    if units == type(units)() and not variants:
        problem = "give at least one price, such as `input` and `output`, or `image`; 0 gives it away"
        return BadRequest(field=None, problem=problem)
    return None


async def list_rates(context: ActionContext, request: NoFields) -> list[RateView] | Denial:
    """The rates of all models that are sold now."""
    return [rate_view(served.rate) for served in await rates.rates(context.hub) if served.rate]


async def show_rate(context: ActionContext, request: NamedModel) -> list[RateView] | Denial:
    """Every version of one model's rate, under any of its names, the newest last."""
    provider, _, name = request.model.partition("/")
    async with context.hub.storage.snapshot() as snapshot:  # which also has what was taken from sale
        held = versions_of(catalog_of(0, [], [], [rate async for rate in snapshot.rates()]), provider, name)
    if not held:
        near = await rates.names_like(context.hub, request.model)
        return NotFound(kind="rate", name=request.model, remedy=Remedy("rate list"), similar=near)
    return [*map(rate_view, held)]


async def change_rate(context: ActionContext, request: ChangeRate) -> RateView | Denial:
    """The model under another display name, or in or out of lists."""
    if (problem := display_name_problem(request.display_name)) is not None:
        return problem
    new: dict[str, Any] = {} if request.display_name is None else {"display_name": request.display_name or None}
    if request.listing is not None:
        new["hidden"] = request.listing == "hidden"
    who, rate_id = acting(context), context.hub.ids.new("rate")
    provider = request.model.partition("/")[0]
    outcome = await context.hub.storage.decide(
        ProviderScope(name=provider), lambda facts: list_model(facts, who, request.model, rate_id, new)
    )
    rate = row_of(outcome, Rate)
    return rate_view(rate) if isinstance(rate, Rate) else rate


async def remove_rate(context: ActionContext, request: NamedModel) -> RateRemoved | Denial:
    """From now on the model is not sold."""
    outcome = await rates.delete_rate(context.hub, context.by, request.model)
    return outcome.refusal if isinstance(outcome, Denied) else RateRemoved(model=request.model)


async def sell_by_price_book(context: ActionContext, request: SellByPriceBook) -> list[SoldView] | Denial:
    """Rates at these terms, provider by provider; what the operator set stays."""
    terms = terms_of(request.margin, request.credit_price)
    if isinstance(terms, BadRequest):
        return terms
    provider, model = request.provider, request.model
    if model and not provider:
        provider, _, model = model.partition("/")
        if not model:
            return BadRequest(field="model", problem="write PROVIDER/MODEL, or the provider as `provider`")
    ending = previewed if request.dry_run else as_decided
    sold = await sell_by_book(context.hub, context.by, terms, provider, model, request.effective, ending)
    if isinstance(sold, NotFound | BadRequest):
        return sold
    return [
        SoldView(
            provider=each.provider,
            sold=[rate.model for rate in each.rates],
            unchanged=[*each.unchanged],
            kept=[*each.kept],
            impossible=[*each.impossible],
            changes=[*changed_amounts(each.changes)],
        )
        for each in sold
    ]


def rate_view(rate: Rate) -> RateView:
    """A rate, to show it."""
    text = {"input": Credits(rate.input_nanos), "output": Credits(rate.output_nanos)}
    return RateView(
        model=f"{rate.provider}/{rate.model}",
        **(amounts_of(rate.prices) | text),
        context=rate.context_tokens,
        max_output=rate.output_tokens_max,
        capabilities=None if rate.capabilities is None else [*rate.capabilities],
        tiers=[tier_view(tier, RateAmounts(**amounts_of(tier.prices))) for tier in rate.tiers],
        variants=[*map(rate_variant, rate.variants)],
        names=rate.names,
        effective=Moment(rate.effective_ms),
        source=rate.source,
        id=rate.id,
        removed=rate.removed,
        display_name=rate.display_name,
        hidden=rate.hidden,
    )


def read_variant(given: RateVariant) -> Variant:
    """The variant as the books have it, a video's size as its resolution; ValueError if there can be none."""
    prices = unit_prices(given)
    size = given.size and resolution(given.size) if prices.video_second_nanos is not None else given.size
    return Variant(prices=prices, size=size, quality=given.quality)
