"""Exposure: what may still be owed to providers for the calls that are open, its caps, and the stop of paid calls."""

from collections.abc import Callable
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from domain.books.limit_scopes import ExposureScope, NamedLimitScope
from domain.limits import subjects
from domain.limits.rows import Limit
from domain.management import limits as changes
from domain.management.changes import Actor, Outcome
from domain.refusals import BadRequest, NotFound, Remedy
from entrypoints.usecases.management_context import ActionContext, Denial, ManagementContext, NoFields, actor, row_of
from entrypoints.usecases.public_types import Dollars

STOP = "paid_calls"

_Change: TypeAlias = Callable[[Limit | None, Actor, Limit], Outcome]


class ProviderExposure(msgspec.Struct, frozen=True, kw_only=True):
    """What may be owed to one provider for open calls, at most, and its cap."""

    provider: str
    owed_at_most: Dollars
    open_calls: int
    cap: Dollars | None


class ExposureView(msgspec.Struct, frozen=True, kw_only=True):
    """What may be owed to all providers for open calls, at most, and whether paid calls are stopped."""

    stopped: bool
    owed_at_most: Dollars
    open_calls: int
    providers: list[ProviderExposure]


class CapExposure(msgspec.Struct, frozen=True, kw_only=True):
    """The cap of a provider."""

    provider: Annotated[str, Meta(description="the name of the provider")]
    amount: Annotated[Dollars | None, Meta(description="US dollars for all open calls together (no cap)")] = None


async def show_exposure(context: ActionContext, request: NoFields) -> ExposureView | Denial:
    """What may be owed for the calls that are open now."""
    return await _shown(context.hub)


async def cap_exposure(context: ActionContext, request: CapExposure) -> ExposureView | Denial:
    """Calls that could make more be owed to the provider at once go to others, or are refused."""
    hub = context.hub
    if request.provider not in {row.name for row in (await hub.storage.catalog()).providers}:
        return NotFound(kind="provider", name=request.provider, remedy=Remedy("provider list"))
    if request.amount is not None and request.amount < 0:
        return BadRequest(field="amount", problem="write an amount of dollars, such as 50")
    who, subject = actor(hub, context.by), subjects.of("provider", request.provider)
    scope = ExposureScope(limit_id=subjects.exposure_of(request.provider))
    if request.amount is None:
        outcome = await hub.storage.decide(scope, lambda facts: changes.uncap_exposure(facts, who, request.provider))
    else:
        cap = Limit(
            id=scope.limit_id,
            subject=subject,
            measure="exposure",
            amount=int(request.amount),
            window_ms=0,
            created_ms=who.now_ms,
        )
        outcome = await hub.storage.decide(scope, lambda facts: changes.cap_exposure(facts, who, cap))
    made = row_of(outcome, Limit)
    return await _shown(hub) if isinstance(made, Limit) else made


async def stop_paid_calls(context: ActionContext, request: NoFields) -> ExposureView | Denial:
    """No call that may cost anything is made from now on, in any process; open ones end normally."""
    return await _switched(context, changes.stop_paid_calls)


async def resume_paid_calls(context: ActionContext, request: NoFields) -> ExposureView | Denial:
    """Paid calls are made again."""
    return await _switched(context, changes.resume_paid_calls)


async def _switched(context: ActionContext, change: _Change) -> ExposureView | Denial:
    hub = context.hub
    who = actor(hub, context.by)
    new = Limit(id=STOP, subject=subjects.HUB, measure="paid_calls", amount=0, window_ms=0, created_ms=who.now_ms)
    outcome = await hub.storage.decide(NamedLimitScope(limit_id=STOP), lambda switch: change(switch, who, new))
    made = row_of(outcome, Limit)
    return await _shown(hub) if isinstance(made, Limit) else made


async def _shown(hub: ManagementContext) -> ExposureView:
    limits = await hub.storage.limits()
    caps = {subjects.name_of(limit.subject): limit.amount for limit in limits if limit.measure == "exposure"}
    owed: dict[str, list[int]] = {provider: [] for provider in caps}
    open_calls = 0
    async with hub.storage.snapshot() as snapshot:
        async for hold in snapshot.holds():
            open_calls += 1
            for one in hold.reserved:
                if one.kind == "exposure":
                    owed.setdefault(subjects.name_of(one.subject), []).append(one.amount)
    return ExposureView(
        stopped=any(limit.measure == "paid_calls" for limit in limits),
        owed_at_most=Dollars(sum(map(sum, owed.values()))),
        open_calls=open_calls,
        providers=[
            ProviderExposure(
                provider=provider,
                owed_at_most=Dollars(sum(amounts)),
                open_calls=len(amounts),
                cap=Dollars(caps[provider]) if provider in caps else None,
            )
            for provider, amounts in sorted(owed.items())
        ],
    )
