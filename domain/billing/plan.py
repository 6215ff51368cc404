"""Whether a call may start, and what is held for it: one rule over the present state of the books.

The rule runs inside the storage's transaction: no other transaction can revoke the key or spend the wallet between
check and hold, and the hold is written before anything is sent to a provider.
"""

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from domain.accounts.identity import Caller, identify
from domain.accounts.key_access import calling_refusal, may_call
from domain.accounts.rows import ApiKey, User
from domain.billing import limits_of_call
from domain.billing.limits_of_call import NOTHING_HELD, CostRate, Limited, limited
from domain.books.rows import IDEMPOTENCY_KEPT_MS, Call, Hold, Idempotency, Row
from domain.books.scopes import CallFacts
from domain.catalog.catalog import Served
from domain.catalog.vendors import passes_through
from domain.ledger.ledger import available, hold
from domain.ledger.rows import HoldLine
from domain.limits import reserve
from domain.limits.budgets import Calendar
from domain.limits.notices import watched
from domain.limits.refusals import PaidCallsStopped
from domain.limits.reserve import Ceiling, RateStanding
from domain.limits.rows import Reservation
from domain.model_api.call import ModelCall
from domain.model_api.origin import NOWHERE, Origin
from domain.pricing.bounds import Bound, bound, lowered
from domain.pricing.rate import Rate
from domain.refusals import (
    IdempotencyConflict,
    IdempotencyUnavailable,
    InsufficientCredit,
    InvalidKey,
    KeyNotAllowed,
    Refusal,
    Unbounded,
    UnpricedFeature,
    UsageUnavailable,
)
from domain.routing.order import Candidate


class PlanRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A call that is to start: the request, the candidates that can serve it, and the circumstances.

    `version` is the version of the catalogue that the candidates come from. `digest` is of the route and the body.
    `calendar` gives the edges of budgets' periods, and `cost_rate` what a provider asks for a model, as a rate.
    """

    call_id: str
    call: ModelCall
    version: int
    candidates: tuple[Candidate, ...]
    cost_rate: CostRate
    calendar: Calendar
    billed: bool
    owner: str
    deadline_ms: int
    digest: str = ""
    idempotency_key: str | None = None
    payment_link: str | None = None
    low_balance_nanos: int | None = None
    origin: Origin = NOWHERE


class Affordable(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate with the bound of its charge; None if billing is off."""

    candidate: Candidate
    bound: Bound | None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The call starts: its hold, the candidates that it covers, in order, and what is left of the caller's `rates`."""

    hold: Hold
    key: ApiKey
    user: User
    affordable: tuple[Affordable, ...]
    writes: tuple[Row, ...]
    rates: tuple[RateStanding, ...] = ()


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The call does not start, and nothing is written."""

    refusal: Refusal
    writes: tuple[Row, ...] = ()


class Stale(msgspec.Struct, frozen=True, kw_only=True):
    """The catalogue changed since it was read: read it and plan again."""

    writes: tuple[Row, ...] = ()


class Duplicate(msgspec.Struct, frozen=True, kw_only=True):
    """A call with the same Idempotency-Key and body is running: wait for its ending and plan again."""

    hold: Hold
    writes: tuple[Row, ...] = ()


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """A call with the same Idempotency-Key and body has ended: its answer is repeated."""

    kept: Idempotency
    charge_nanos: int
    writes: tuple[Row, ...] = ()


Planned: TypeAlias = Plan | Refused | Stale | Duplicate | Replay


def plan_call(facts: CallFacts, request: PlanRequest, now_ms: int) -> Planned:
    """Decide a call's start: its hold, or why not."""
    caller = identify(facts.key, facts.user, now_ms, facts.team)
    if isinstance(caller, InvalidKey):
        return Refused(refusal=caller)
    key, user = caller.key, caller.user
    if facts.duplicate is not None:
        earlier = _as_duplicate(facts.duplicate, facts.duplicate_hold, facts.duplicate_call, request, now_ms)
        if earlier is not None:
            return earlier
    if facts.version != request.version:
        return Stale()
    candidates = permitted(key, request.call, request.candidates)
    if isinstance(candidates, KeyNotAllowed):
        return Refused(refusal=candidates)
    limits: Limited | None = None
    if facts.limits is not None:
        found = limited(facts.limits, request.call, candidates, request.calendar, now_ms)
        if not isinstance(found, Limited):
            return Refused(refusal=found)
        limits, candidates = found, found.candidates
    affordable: tuple[Affordable, ...] | Refusal = tuple([Affordable(candidate=one, bound=None) for one in candidates])
    if request.billed:
        affordable = _affordable(facts, request, candidates, limits, now_ms)
    if not isinstance(affordable, tuple):
        return Refused(refusal=affordable)
    owed_nanos: dict[str, int] = {}
    if limits is not None and limits.limits.has_caps:
        owed_nanos = limits_of_call.owed(request.call, affordable, request.cost_rate)
        within = limits_of_call.within_caps(limits.limits, affordable, owed_nanos)
        if not isinstance(within, tuple):
            return Refused(refusal=within)
        affordable = within
    held_nanos = max(entry.bound.nanos if entry.bound else 0 for entry in affordable)
    if limits is not None and limits_of_call.is_stopped(limits.limits) and (held_nanos or not request.billed):
        return Refused(refusal=PaidCallsStopped())
    taken = NOTHING_HELD
    if limits is not None:
        taken = limits_of_call.held(limits, affordable, owed_nanos, user.id, held_nanos, now_ms)
    moves = hold(facts.grants, request.call_id, held_nanos, now_ms)
    held = _hold_of(request, caller, held_nanos, moves.lines, taken.reserved, now_ms)
    writes = (*moves.grants, *moves.transfers, held, *_claim(request, user, now_ms), *taken.rows)
    return Plan(hold=held, key=key, user=user, affordable=affordable, writes=writes, rates=taken.rates)


def _hold_of(
    request: PlanRequest,
    caller: Caller,
    held_nanos: int,
    lines: tuple[HoldLine, ...],
    reserved: tuple[Reservation, ...],
    now_ms: int,
) -> Hold:
    call, origin, key = request.call, request.origin, caller.key
    return Hold(
        id=request.call_id,
        user_id=caller.user.id,
        key_id=key.id,
        dialect=call.dialect,
        model=call.model,
        stream=call.stream,
        billed=request.billed,
        started_ms=now_ms,
        deadline_ms=request.deadline_ms,
        owner=request.owner,
        hold_nanos=held_nanos,
        hold_lines=lines,
        idempotency_key=request.idempotency_key,
        wallet_id=key.team_id if key.wallet == "team" else None,
        app=origin.app or key.app,
        run_id=origin.run_id,
        trace_id=origin.trace_id,
        client=origin.client,
        reserved=watched(reserved, key.payer_id, caller.account.low_balance_nanos, request.low_balance_nanos),
        operation=call.operation,
        team_id=key.team_id,
    )


def permitted(key: ApiKey, call: ModelCall, candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...] | KeyNotAllowed:
    """The candidates that the key may call: all if it may call the name that was requested, else one by one."""
    if (refusal := calling_refusal(key, call.operation)) is not None:
        return refusal
    if may_call(key, call.model):
        return candidates
    allowed = [c for c in candidates if may_call(key, f"{c.target.provider}/{c.target.model}", c.target.model)]
    return tuple(allowed) or KeyNotAllowed(what=f"call the model `{call.model}`")


class _Choice(msgspec.Struct, frozen=True):
    """A candidate with its full bound, what may be held for it, and the budget or purse that allows no more."""

    candidate: Candidate
    rate: Rate
    full: Bound
    has_nanos: int
    top: Ceiling | None


def _affordable(
    facts: CallFacts, request: PlanRequest, candidates: Sequence[Candidate], limits: Limited | None, now_ms: int
) -> tuple[Affordable, ...] | Refusal:
    """The candidates that wallet, budgets and purse cover: at their full bound, or else by a lower output cap."""
    wallet_nanos = available(facts.grants, now_ms)
    choices = _choices(request, candidates, limits, wallet_nanos)
    if not isinstance(choices, list):
        return choices
    fitting = [(one, one.full) for one in choices if one.full.nanos <= one.has_nanos]
    if not fitting:
        fitting = [
            (one, less)
            for one in choices
            if (less := lowered(as_served(request.call, one.candidate.served), one.rate, one.full, one.has_nanos))
        ]
    if not fitting:
        return _too_dear(min(choices, key=lambda one: one.full.nanos), request, limits, wallet_nanos, now_ms)
    if limits is not None:  # A budget of one model must cover what is held, whichever model answers.
        held_nanos = max(limit.nanos for _, limit in fitting)
        fitting = [(one, limit) for one, limit in fitting if held_nanos <= one.has_nanos]
    return tuple([Affordable(candidate=one.candidate, bound=limit) for one, limit in fitting])


def _choices(
    request: PlanRequest, candidates: Sequence[Candidate], limits: Limited | None, wallet_nanos: int
) -> list[_Choice] | Refusal:
    """The candidates whose charge has a bound."""
    found: list[_Choice] = []
    why_not: Unbounded | UsageUnavailable | UnpricedFeature | None = None
    for n, candidate in enumerate(candidates):
        rate = candidate.served.rate
        assert rate is not None, "with billing on, only what has a rate is a candidate"
        full = bound(as_served(request.call, candidate.served), rate)
        if isinstance(full, Bound):
            top = limits.ceilings[n] if limits is not None else None
            has_nanos = wallet_nanos if top is None else min(wallet_nanos, max(0, top.nanos))
            found.append(_Choice(candidate, rate, full, has_nanos, top))
        else:
            why_not = why_not or full
    if not found:
        assert why_not is not None, "a call is planned for at least one candidate"
        return why_not
    return found


def _too_dear(one: _Choice, request: PlanRequest, limits: Limited | None, wallet_nanos: int, now_ms: int) -> Refusal:
    """The refusal of a call that is covered for no candidate, by the wallet, a budget or the purse."""
    if limits is None or one.top is None or wallet_nanos <= one.top.nanos:
        return InsufficientCredit(
            bound_nanos=one.full.nanos, available_nanos=wallet_nanos, payment_link=request.payment_link
        )
    return reserve.over(one.top, limits.limits, one.full.nanos, request.calendar, now_ms)


def as_served(call: ModelCall, served: Served) -> ModelCall:
    """The call as it is sent to a provider: without the tools that providers run, where its dialect has none of them.

    Where it is translated, the fields by which the hub bounds such tools are not those of the provider.
    """
    if not call.hosted_tools:
        return call
    if not served.hosted:
        return msgspec.structs.replace(call, hosted_tools=(), hosted_uses_max=None, hosted_unbounded=0)
    if passes_through(call, served.dialect or served.provider.dialect):
        return call
    return msgspec.structs.replace(call, hosted_unbounded=0)


def _as_duplicate(
    kept: Idempotency, hold: Hold | None, call: Call | None, request: PlanRequest, now_ms: int
) -> Planned | None:
    """The outcome if an earlier call had the same key; None if this call may run.

    An earlier call that delivered nothing and charged nothing (refused by the provider, lost in a crash) may be run
    again. One that was charged and whose answer is not kept may not: the same key is never charged twice.
    """
    if hold is None and (call is None or kept.created_ms + IDEMPOTENCY_KEPT_MS <= now_ms):
        return None
    if kept.digest != request.digest:
        return Refused(refusal=IdempotencyConflict(key=kept.key))
    if hold is not None:
        return Duplicate(hold=hold)
    assert call is not None, "an earlier call runs or has ended"
    if kept.answer is not None:
        return Replay(kept=kept, charge_nanos=call.charge_nanos)
    if not call.complete and call.charge_nanos == 0:
        return None
    why = "its answer was too large to keep" if call.complete else f"it ended early ({call.ending})"
    return Refused(refusal=IdempotencyUnavailable(key=kept.key, call_id=call.id, reason=why))


def _claim(request: PlanRequest, user: User, now_ms: int) -> tuple[Idempotency, ...]:
    """From now on the key belongs to this call."""
    if request.idempotency_key is None:
        return ()
    key, digest = request.idempotency_key, request.digest
    return (Idempotency(user_id=user.id, key=key, digest=digest, call_id=request.call_id, created_ms=now_ms),)
