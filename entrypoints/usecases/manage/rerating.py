"""Charging past calls again, where the rate that held for them has been corrected since."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta

from domain.billing.rerating import Rerated, charge_under, charged, is_due, rerate
from domain.books.rows import Call
from domain.books.scopes import RerateScope
from domain.catalog.catalog import Catalog, catalog_of, is_rated, known_at, rate_at, versions_of
from domain.ledger.rows import Adjustment
from domain.pricing.rate import Rate
from domain.refusals import BadRequest, Remedy, UnknownModel
from entrypoints.usecases.manage.rates import names_like
from entrypoints.usecases.manage.users import user_names
from entrypoints.usecases.management_context import ActionContext, Denial, ManagementContext
from entrypoints.usecases.public_types import Credits, Moment


class RerateCalls(msgspec.Struct, frozen=True, kw_only=True):
    """The calls to charge again: those of a model, since a moment."""

    model: Annotated[str, Meta(description="by any of its names, also a bare one")]
    since: Annotated[Moment, Meta(description="calls that began then or later")]
    until: Annotated[Moment | None, Meta(description="calls that began before then (now)")] = None
    apply: Annotated[bool, Meta(description="move the differences, and not only show them")] = False


class RecalculatedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call whose charge differs. `owed` is what the wallet lacked; null where nothing was owed or applied."""

    call: str
    started: Moment
    user: str
    rate_id: str
    before: Credits
    after: Credits
    difference: Credits
    owed: Credits | None


class CallsRerated(msgspec.Struct, frozen=True, kw_only=True):
    """The calls whose charge differs, whether the differences were applied, and their sums."""

    calls: list[RecalculatedCall]
    applied: bool
    moved: Credits
    owed: Credits


async def rerate_calls(context: ActionContext, request: RerateCalls) -> CallsRerated | Denial:
    """The adjustments that are due, or those that were made; repeating it changes nothing."""
    hub = context.hub
    found = await due(hub, request.model, request.since, request.until)
    if isinstance(found, UnknownModel):
        known = f"; known here: {', '.join(found.similar)}" if found.similar else ""
        problem = f"no model {found.model!r} has or had a rate{known}"
        return BadRequest(field=None, problem=problem, remedy=Remedy("rate list"))
    if request.apply:
        found = await apply(hub, found, context.policy.low_balance_nanos)
    names = await user_names(hub.storage)
    calls = [_view(one, names.get(one.call.user_id, one.call.user_id)) for one in found]
    return CallsRerated(
        calls=calls,
        applied=request.apply,
        moved=Credits(sum(call.difference for call in calls)),
        owed=Credits(sum(call.owed or 0 for call in calls)),
    )


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A call whose charge differs under the rate that holds for its moment as it is known now.

    `done` is the adjustment that was made; None in a dry run.
    """

    call: Call
    rate: Rate
    before_nanos: int
    after_nanos: int
    done: Adjustment | None = None


async def due(context: ManagementContext, model: str, since_ms: int, until_ms: int | None) -> list[Due] | UnknownModel:
    """The calls of a model that began in that time, "provider/model" by any of its names, or bare; writes nothing.

    UnknownModel if no rate was ever made for it: then no call can be due, and the name is likely misspelt.
    """
    found: list[Due] = []
    async with context.storage.snapshot() as snapshot:
        catalog = catalog_of(0, [], [], [rate async for rate in snapshot.rates()])
        if not is_rated(catalog, model):
            return UnknownModel(model=model, similar=await names_like(context, model))
        adjusted: dict[str, list[Adjustment]] = {}
        async for adjustment in snapshot.adjustments():
            adjusted.setdefault(adjustment.call_id, []).append(adjustment)
        async for call in snapshot.calls():
            if call.started_ms < since_ms or (until_ms is not None and call.started_ms >= until_ms):
                continue
            one = _due(catalog, call, adjusted.get(call.id, ()), model)
            if one is not None:
                found.append(one)
    return found


async def apply(context: ManagementContext, calls: Sequence[Due], low_balance_nanos: int | None = None) -> list[Due]:
    """Make the adjustments, each in its own decision; returns those that exist now, also if another made them first."""
    made: list[Due] = []
    for one in calls:
        now_ms = context.clock.now_ms()
        scope = RerateScope(call_id=one.call.id)
        rerated: Rerated = await context.storage.decide(
            scope,
            partial(rerate, rate=one.rate, now_ms=now_ms, low_balance_nanos=low_balance_nanos),
        )
        if rerated.adjustment is not None:
            made.append(msgspec.structs.replace(one, done=rerated.adjustment))
    return made


def _view(one: Due, user: str) -> RecalculatedCall:
    moved = one.done.amount_nanos if one.done else one.after_nanos - one.before_nanos
    return RecalculatedCall(
        call=one.call.id,
        started=Moment(one.call.started_ms),
        user=user,
        rate_id=one.rate.id,
        before=Credits(one.before_nanos),
        after=Credits(one.after_nanos),
        difference=Credits(moved),
        owed=Credits(one.done.owed_nanos) if one.done and one.done.owed_nanos else None,
    )


def _due(catalog: Catalog, call: Call, adjustments: Sequence[Adjustment], model: str) -> Due | None:
    provider, name = call.provider, call.provider_model
    if provider is None or name is None:
        return None
    rate = rate_at(catalog, provider, name, call.started_ms)
    then = known_at(versions_of(catalog, provider, name), call.started_ms)
    if then is not None and then.id != call.rate_id:
        return None  # The call was charged as quoted, and a quote is kept.
    if rate is None or not is_due(call, adjustments, rate) or model not in _names(provider, name, rate):
        return None
    before, after = charged(call, adjustments), charge_under(call, rate)
    return Due(call=call, rate=rate, before_nanos=before, after_nanos=after) if before != after else None


def _names(provider: str, name: str, rate: Rate) -> tuple[str, ...]:
    return (name, f"{provider}/{name}", rate.model, f"{provider}/{rate.model}")
