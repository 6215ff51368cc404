"""Changing limits, budgets, purses and the caps of exposure: each change with its audit entry, in one decision."""

from collections.abc import Sequence

import msgspec

from domain.books.limit_scopes import ExposureFacts
from domain.books.rows import AuditEntry, Row
from domain.limits.rows import RATES, Budget, Limit, LimitCell, Run
from domain.limits.subjects import name_of
from domain.management.changes import Actor, Changed, Denied, Outcome, Unchanged
from domain.refusals import NotFound, Remedy


def set_limit(standing: Sequence[Limit], actor: Actor, limit: Limit) -> Outcome:
    """A limit of a subject; it takes the place of one of the same measure and window.

    A rate is replaced by the new row, because its cells count in steps of its own. Another limit keeps its id.
    """
    had = next((one for one in standing if (one.measure, one.window_ms) == (limit.measure, limit.window_ms)), None)
    if had is not None and had.amount == limit.amount:
        return Unchanged(row=had)
    detail = f"{limit.amount} {limit.measure} in {limit.window_ms} ms" if limit.window_ms else f"{limit.amount}"
    if had is None:
        return _changed(actor, "limit set", limit.subject, limit, detail=detail)
    if limit.measure in RATES:
        gone = msgspec.structs.replace(had, removed_ms=actor.now_ms)
        return _changed(actor, "limit set", limit.subject, limit, gone, detail=detail)
    changed = msgspec.structs.replace(had, amount=limit.amount)
    return _changed(actor, "limit set", limit.subject, changed, detail=detail)


def remove_limit(limit: Limit | None, actor: Actor, limit_id: str) -> Outcome:
    """The limit holds for no later call. Caps of exposure and the stop have actions of their own."""
    if limit is None or limit.removed_ms is not None or limit.measure in ("exposure", "paid_calls"):
        return Denied(refusal=NotFound(kind="limit", name=limit_id, remedy=Remedy("limit list")))
    return _changed(actor, "limit remove", limit_id, msgspec.structs.replace(limit, removed_ms=actor.now_ms))


def set_budget(standing: Sequence[Budget], actor: Actor, budget: Budget) -> Outcome:
    """A budget of a subject; what it has spent stays where the subject has one of the same period already."""
    had = next((one for one in standing if one.period == budget.period), None)
    new = budget if had is None else msgspec.structs.replace(budget, id=had.id, created_ms=had.created_ms)
    if had is not None:
        new = msgspec.structs.replace(new, override_nanos=had.override_nanos, override_until_ms=had.override_until_ms)
    return _budget(actor, "budget set", had, new)


def change_budget(budget: Budget | None, actor: Actor, budget_id: str, changes: dict[str, object]) -> Outcome:
    """Another amount, period, time zone, or other alerts; what was spent is only asked for another period."""
    if budget is None or budget.removed_ms is not None:
        return Denied(refusal=_no_budget(budget_id))
    return _budget(actor, "budget set", budget, msgspec.structs.replace(budget, **changes))


def override_budget(budget: Budget | None, actor: Actor, budget_id: str, nanos: int, until_ms: int) -> Outcome:
    """Another amount until then."""
    if budget is None or budget.removed_ms is not None:
        return Denied(refusal=_no_budget(budget_id))
    new = msgspec.structs.replace(budget, override_nanos=nanos, override_until_ms=until_ms)
    return _changed(actor, "budget override", budget_id, new, detail=f"{nanos} nanocredits until {until_ms}")


def remove_budget(budget: Budget | None, actor: Actor, budget_id: str) -> Outcome:
    """The budget holds for no later call; what it has spent stays in the books."""
    if budget is None or budget.removed_ms is not None:
        return Denied(refusal=_no_budget(budget_id))
    return _changed(actor, "budget remove", budget_id, msgspec.structs.replace(budget, removed_ms=actor.now_ms))


def set_purse(run: Run | None, actor: Actor, new: Run) -> Outcome:
    """What the run may spend in all, from now on; a stopped run goes on."""
    if run is None:
        return _changed(actor, "run set", new.run_id, new, detail=f"{new.purse_nanos} nanocredits")
    changed = msgspec.structs.replace(run, purse_nanos=new.purse_nanos, stopped_ms=None)
    if changed == run:
        return Unchanged(row=run)
    return _changed(actor, "run set", run.run_id, changed, detail=f"{new.purse_nanos} nanocredits")


def stop_run(run: Run | None, actor: Actor, new: Run) -> Outcome:
    """The run makes no later call; open ones end normally."""
    if run is not None and run.stopped_ms is not None:
        return Unchanged(row=run)
    stopped = msgspec.structs.replace(run or new, stopped_ms=actor.now_ms)
    return _changed(actor, "run stop", stopped.run_id, stopped)


def cap_exposure(facts: ExposureFacts, actor: Actor, cap: Limit) -> Outcome:
    """The most that may be owed to the provider for open calls; those that are open already count."""
    open_nanos = sum(one.amount for one in facts.open)
    cell = LimitCell(limit_id=cap.id, subject=cap.subject, value=open_nanos)
    if facts.limit is not None:
        cap = msgspec.structs.replace(facts.limit, amount=cap.amount, removed_ms=None)
        if cap == facts.limit:
            return Unchanged(row=cap)
    return _changed(actor, "exposure cap", name_of(cap.subject), cap, cell, detail=f"{cap.amount} nano-USD")


def uncap_exposure(facts: ExposureFacts, actor: Actor, provider: str) -> Outcome:
    """The provider has no cap from now on."""
    if facts.limit is None or facts.limit.removed_ms is not None:
        return Denied(refusal=NotFound(kind="cap", name=provider, remedy=Remedy("exposure show")))
    gone = msgspec.structs.replace(facts.limit, removed_ms=actor.now_ms)
    return _changed(actor, "exposure cap", provider, gone, detail="none")


def stop_paid_calls(switch: Limit | None, actor: Actor, new: Limit) -> Outcome:
    """No call that may cost anything is made from now on; open ones end normally."""
    if switch is not None and switch.removed_ms is None:
        return Unchanged(row=switch)
    stopped = new if switch is None else msgspec.structs.replace(switch, removed_ms=None)
    return _changed(actor, "exposure stop", "hub", stopped)


def resume_paid_calls(switch: Limit | None, actor: Actor, new: Limit) -> Outcome:
    """Paid calls are made again."""
    if switch is None or switch.removed_ms is not None:
        return Unchanged(row=switch or new)
    return _changed(actor, "exposure resume", "hub", msgspec.structs.replace(switch, removed_ms=actor.now_ms))


def _budget(actor: Actor, action: str, had: Budget | None, new: Budget) -> Outcome:
    if had == new:
        return Unchanged(row=new)
    detail = f"{new.amount_nanos} nanocredits for each {new.period}, {new.time_zone}"
    return _changed(actor, action, new.subject, new, detail=detail)


def _changed(actor: Actor, action: str, subject: str, row: Row, *more: Row, detail: str = "") -> Changed:
    entry = AuditEntry(
        id=actor.audit_id, at_ms=actor.now_ms, actor=actor.name, action=action, subject=subject, detail=detail
    )
    return Changed(row=row, writes=(row, *more, entry))


def _no_budget(budget_id: str) -> NotFound:
    return NotFound(kind="budget", name=budget_id, remedy=Remedy("budget list"))
