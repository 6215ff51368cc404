"""Admitting a call: route it, plan it against the books, and wait for a duplicate where there is one.

The catalogue in memory may be a version behind. So a refusal is returned only after the version was compared with the
books, and a plan is made only at the version of the books: an operator's change holds for the next call in every
process.
"""

from collections.abc import Awaitable
from functools import partial
from typing import TypeVar

import anyio

from domain.billing.plan import Duplicate, Plan, Planned, PlanRequest, Refused, Replay, Stale, plan_call
from domain.books.rows import Hold
from domain.books.scopes import CallScope
from domain.catalog.catalog import Catalog
from domain.model_api.call import ModelCall
from domain.refusals import (
    NoCredential,
    Refusal,
    StorageUnavailable,
)
from domain.routing.eligibility import eligible
from domain.routing.order import Candidate, Circumstances, order
from domain.routing.tree import Route, providers_of
from entrypoints.usecases.call.ask import Ask
from entrypoints.usecases.call.filters import refused_by
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.identity import refusal_to
from entrypoints.usecases.manage.maintenance import sweep_own
from ports.books import StorageError

# A call that receives chunks has no limit but this one: its hold is released after this many times the allowed silence.
DEADLINE_SILENCES = 6
DUPLICATE_POLL_S = 0.05

D = TypeVar("D")


async def admit(context: CallContext, ask: Ask) -> Plan | Replay | Refusal:
    """Hold credit for the call, or return the refusal. Nothing is held unless a Plan is returned."""
    if context.unsettled.is_full:
        return StorageUnavailable(reason="too many calls wait to be settled")
    try:
        if context.filters and (refusal := await refused_by(context.filters, ask)) is not None:
            return await refusal_to(context, ask.fingerprint, refusal)
        catalog = await context.catalog()
        while True:
            found = _route(context, ask, catalog)
            if not isinstance(found, tuple):
                newer = await context.current_catalog()
                if newer.version == catalog.version:
                    return await refusal_to(context, ask.fingerprint, found)
                catalog = newer
                continue
            planned = await _plan(context, ask, catalog, found)
            match planned:
                case Stale():
                    catalog = await context.current_catalog()
                case Duplicate():
                    await _ending_of(context, planned.hold)
                case Refused():
                    return planned.refusal
                case Plan() | Replay():
                    return planned
    except StorageError as problem:
        return StorageUnavailable(reason=str(problem))


async def candidates_for(context: CallContext, ask: Ask) -> tuple[Candidate, ...] | Refusal:
    """The candidates for the call by the books as they are now, or the refusal. Nothing is held."""
    return _route(context, ask, await context.current_catalog())


def _route(context: CallContext, ask: Ask, catalog: Catalog) -> tuple[Candidate, ...] | Refusal:
    """The candidates for the call, in order, or the refusal. Takes a turn in the rotations."""
    now_ms = context.clock.now_ms()
    call = ask.call
    route = context.route(catalog, call.model, now_ms)
    if not isinstance(route, Route):
        return route
    able = eligible(route, ask, catalog, context.providers.unsupported)
    if not isinstance(able, Route):
        return able
    at = Circumstances(catalog=catalog, advice=context.advice, call=call, caller=ask.fingerprint, now_ms=now_ms)
    ask.route, ask.order = able, order(able.root, at)
    context.advice = ask.order.advice
    if ask.order.ranks:
        return ask.order.candidates
    return NoCredential(model=call.model, providers=providers_of(able.root))


async def _plan(context: CallContext, ask: Ask, catalog: Catalog, found: tuple[Candidate, ...]) -> Planned:
    now_ms = catalog.present_ms(context.clock.now_ms())
    request = PlanRequest(
        call_id=ask.call_id,
        call=ask.call,
        version=catalog.version,
        candidates=found,
        cost_rate=partial(context.cost_rate, now_ms),
        calendar=context.calendar.edges,
        billed=context.billed,
        owner=context.liveness.own(),
        deadline_ms=now_ms + DEADLINE_SILENCES * context.upstream_timeout_ms,
        digest=ask.digest,
        idempotency_key=ask.idempotency_key,
        payment_link=context.payment_link,
        low_balance_nanos=context.policy.low_balance_nanos,
        origin=ask.origin,
    )
    call, scope = ask.call, scope_of(ask, found)
    planned: Planned = await shielded(
        call, context.storage.decide(scope, lambda facts: plan_call(facts, request, now_ms))
    )
    return planned


def scope_of(ask: Ask, found: tuple[Candidate, ...]) -> CallScope:
    """The scope of the plan: the key, and all that may limit the call."""
    names = [ask.call.model]
    for candidate in found:
        target = candidate.target
        names += (f"{target.provider}/{target.model}", target.model)
    return CallScope(
        fingerprint=ask.fingerprint,
        idempotency_key=ask.idempotency_key,
        models=tuple(dict.fromkeys(names)),
        providers=tuple({candidate.target.provider for candidate in found}),
        run_id=ask.origin.run_id,
    )


def shielded(call: ModelCall, decision: Awaitable[D]) -> Awaitable[D]:
    """The decision, which a hang-up does not cancel: a hold that is being written must reach the code that settles it.

    Only streamed calls are cancelled by a hang-up; for any other, the cancel scope would cost more than its plan.
    """
    return _shielded(decision) if call.stream else decision


async def _shielded(decision: Awaitable[D]) -> D:
    with anyio.CancelScope(shield=True):
        decided = await decision
    return decided  # noqa: RET504  # A return inside the scope would seem to be suppressible.


async def _ending_of(context: CallContext, duplicate: Hold) -> None:
    """Wait until the earlier call has ended; a lost call is swept at once."""
    while True:
        now = await context.storage.call(duplicate.id)
        if now is None or now.ending is not None:
            return
        await anyio.sleep(DUPLICATE_POLL_S)
        if context.liveness.is_gone(duplicate.owner) is not False:
            await sweep_own(context)
