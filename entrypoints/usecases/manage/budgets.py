"""Budgets: how much a subject may be charged in a period of the calendar."""

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from domain.books.limit_scopes import BudgetScope, NamedBudgetScope
from domain.limits import budgets as rules
from domain.limits.budgets import CALENDAR
from domain.limits.rows import Budget, BudgetSpent, Period
from domain.management import limits as changes
from domain.refusals import BadRequest, NotFound, Remedy
from entrypoints.usecases.manage.limit_subjects import KeyId, ModelName, TeamName, UserName, shown_subjects, subject_of
from entrypoints.usecases.management_context import ActionContext, Denial, ManagementContext, NoFields, actor, row_of
from entrypoints.usecases.public_types import Credits, Moment, moment

PERIODS_MAX = 120


class SetBudget(msgspec.Struct, frozen=True, kw_only=True):
    """A budget to set; it takes the place of one for the same period, or changes that of the id."""

    amount: Annotated[Credits, Meta(description="credits, such as 20 or 0.5")]
    period: Annotated[Period, Meta(description="how long it is for; run: for each run of a key's calls")] = "month"
    user: UserName = None
    key: KeyId = None
    team: TeamName = None
    model: ModelName = None
    time_zone: Annotated[str, Meta(description="whose calendar has the periods, such as Europe/Berlin")] = "UTC"
    alerts: Annotated[str, Meta(description="percentages that are reported when reached, such as 80,100")] = ""
    id: Annotated[str | None, Meta(description="the budget to change, its period too")] = None


class NamedBudget(msgspec.Struct, frozen=True, kw_only=True):
    """A budget by its id."""

    id: Annotated[str, Meta(description="the id of the budget")]


class OverrideBudget(msgspec.Struct, frozen=True, kw_only=True):
    """Another amount for some periods, the present one included."""

    id: Annotated[str, Meta(description="the id of the budget")]
    amount: Annotated[Credits, Meta(description="credits")]
    periods: Annotated[int, Meta(description="for how many periods", ge=1, le=PERIODS_MAX)] = 1


class SpentView(msgspec.Struct, frozen=True, kw_only=True):
    """What one subject has spent of a budget in the present period, and what its open calls hold."""

    subject: str
    spent: Credits
    held: Credits
    left: Credits


class BudgetView(msgspec.Struct, frozen=True, kw_only=True):
    """A budget, its present period, and what was spent of it."""

    id: str
    subject: str
    amount: Credits
    period: Period
    time_zone: str
    begins: Moment | None
    ends: Moment | None
    alerts: list[int]
    override: Credits | None
    override_until: Moment | None
    spent: list[SpentView]


class BudgetRemoved(msgspec.Struct, frozen=True, kw_only=True):
    """The budget holds for no later call."""

    id: str
    removed: bool = True


async def set_budget(context: ActionContext, request: SetBudget) -> BudgetView | Denial:
    """A budget, which holds for the next call; what was spent already counts where it is changed."""
    hub = context.hub
    alerts = _alerts(request.alerts)
    if not isinstance(alerts, tuple):
        return alerts
    if (problem := _problem(hub, request)) is not None:
        return problem
    subject = await subject_of(hub, request.user, request.key, request.model, request.team)
    if not isinstance(subject, str):
        return subject
    who = actor(hub, context.by)
    budget = Budget(
        id=hub.ids.new("budget"),
        subject=subject,
        amount_nanos=int(request.amount),
        period=request.period,
        time_zone=request.time_zone,
        created_ms=who.now_ms,
        alerts=alerts,
    )
    if request.id is not None:
        changed = {name: getattr(budget, name) for name in ("amount_nanos", "period", "time_zone", "alerts")}
        named = request.id
        outcome = await hub.storage.decide(
            NamedBudgetScope(budget_id=named), lambda had: changes.change_budget(had, who, named, changed)
        )
    else:
        outcome = await hub.storage.decide(
            BudgetScope(subject=subject), lambda standing: changes.set_budget(standing, who, budget)
        )
    made = row_of(outcome, Budget)
    return await _shown(hub, made) if isinstance(made, Budget) else made


async def list_budgets(context: ActionContext, request: NoFields) -> list[BudgetView] | Denial:
    """All budgets, oldest first."""
    hub = context.hub
    names, now_ms = await shown_subjects(hub), hub.clock.now_ms()
    spent: dict[str, list[BudgetSpent]] = {}
    for row in await hub.storage.budget_spent():
        spent.setdefault(row.budget_id, []).append(row)
    return [_view(hub, one, spent.get(one.id, []), names, now_ms) for one in await hub.storage.budgets()]


async def show_budget(context: ActionContext, request: NamedBudget) -> BudgetView | Denial:
    """One budget with what was spent of it."""
    found = next((one for one in await context.hub.storage.budgets() if one.id == request.id), None)
    if found is None:
        return NotFound(kind="budget", name=request.id, remedy=Remedy("budget list"))
    return await _shown(context.hub, found)


async def remove_budget(context: ActionContext, request: NamedBudget) -> BudgetRemoved | Denial:
    """The budget holds for no later call."""
    who = actor(context.hub, context.by)
    outcome = await context.hub.storage.decide(
        NamedBudgetScope(budget_id=request.id), lambda had: changes.remove_budget(had, who, request.id)
    )
    gone = row_of(outcome, Budget)
    return BudgetRemoved(id=gone.id) if isinstance(gone, Budget) else gone


async def override_budget(context: ActionContext, request: OverrideBudget) -> BudgetView | Denial:
    """Another amount until the last of the periods has ended."""
    hub = context.hub
    had = next((one for one in await hub.storage.budgets() if one.id == request.id), None)
    if had is None:
        return NotFound(kind="budget", name=request.id, remedy=Remedy("budget list"))
    if had.period not in CALENDAR:
        problem = f"a budget for each {had.period} has no periods of the calendar; set another amount"
        return BadRequest(field="periods", problem=problem)
    who = actor(hub, context.by)
    until_ms = hub.calendar.after(had.time_zone, had.period, who.now_ms, request.periods)
    outcome = await hub.storage.decide(
        NamedBudgetScope(budget_id=request.id),
        lambda budget: changes.override_budget(budget, who, request.id, int(request.amount), until_ms),
    )
    made = row_of(outcome, Budget)
    return await _shown(hub, made) if isinstance(made, Budget) else made


def _problem(hub: ManagementContext, request: SetBudget) -> BadRequest | None:
    if request.amount < 0:
        return BadRequest(field="amount", problem="write an amount of credits, such as 20")
    if not hub.calendar.knows(request.time_zone):
        problem = f"{request.time_zone[:60]!r} is no time zone; write one such as Europe/Berlin"
        return BadRequest(field="time_zone", problem=problem)
    return None


def _alerts(text: str) -> tuple[int, ...] | BadRequest:
    parts = [part.strip() for part in text.split(",")] if text else []
    if any(not re.fullmatch("[1-9][0-9]?|100", part) for part in parts):
        return BadRequest(field="alerts", problem="write percentages from 1 to 100, such as 80,100")
    return tuple(sorted({int(part) for part in parts}))


async def _shown(hub: ManagementContext, budget: Budget) -> BudgetView:
    spent = await hub.storage.budget_spent(budget.id)
    return _view(hub, budget, spent, await shown_subjects(hub), hub.clock.now_ms())


def _view(
    hub: ManagementContext, budget: Budget, rows: list[BudgetSpent], names: dict[str, str], now_ms: int
) -> BudgetView:
    edges = hub.calendar.edges(budget.time_zone, now_ms)
    span = edges.of(budget.period)
    overridden = budget.override_nanos is not None and now_ms < budget.override_until_ms
    return BudgetView(
        id=budget.id,
        subject=names.get(budget.subject, budget.subject),
        amount=Credits(budget.amount_nanos),
        period=budget.period,
        time_zone=budget.time_zone,
        begins=moment(span.start_ms if span else None),
        ends=moment(span.end_ms if span else None),
        alerts=list(budget.alerts),
        override=Credits(budget.override_nanos or 0) if overridden else None,
        override_until=moment(budget.override_until_ms) if overridden else None,
        spent=[
            SpentView(
                subject=names.get(row.subject, row.subject),
                spent=Credits(rules.spent_in(row, budget.period)),
                held=Credits(row.held_nanos),
                left=Credits(max(0, rules.remaining(budget, row, now_ms))),
            )
            for row in (rules.rolled(one, edges) for one in rows)
        ],
    )
