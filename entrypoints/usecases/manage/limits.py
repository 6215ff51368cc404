"""Limits of requests, tokens and open calls."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from domain.books.limit_scopes import LimitScope, NamedLimitScope
from domain.limits import rates
from domain.limits.rows import AMOUNT_MAX, RATES, WINDOW_MS_MAX, WINDOW_MS_MIN, Limit, fits
from domain.management import limits as changes
from domain.refusals import BadRequest
from entrypoints.usecases.manage.limit_subjects import KeyId, ModelName, TeamName, UserName, shown_subjects, subject_of
from entrypoints.usecases.management_context import ActionContext, Denial, actor, row_of
from entrypoints.usecases.public_types import Duration, Moment

Limited = Literal["requests", "tokens", "concurrency"]
MINUTE_MS = 60_000


class SetLimit(msgspec.Struct, frozen=True, kw_only=True):
    """A limit to set; it takes the place of one for the same measure and time."""

    measure: Annotated[Limited, Meta(description="what is limited; concurrency is calls at once")]
    amount: Annotated[int, Meta(description="at most so many", ge=1, le=AMOUNT_MAX)]
    per: Annotated[Duration | None, Meta(description="of requests or tokens: in any such time, 1s to 31d (1m)")] = None
    user: UserName = None
    key: KeyId = None
    team: TeamName = None
    model: ModelName = None


class LimitView(msgspec.Struct, frozen=True, kw_only=True):
    """A limit, and how much of it is left for each subject that has taken something."""

    id: str
    subject: str
    measure: Limited
    amount: int
    per: Duration | None
    created: Moment
    left: dict[str, int]


class ListLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Which limits to list."""

    user: Annotated[str | None, Meta(description="only this user's")] = None


class RemoveLimit(msgspec.Struct, frozen=True, kw_only=True):
    """The limit to remove."""

    id: Annotated[str, Meta(description="the id of the limit")]


class LimitRemoved(msgspec.Struct, frozen=True, kw_only=True):
    """The limit holds for no later call."""

    id: str
    removed: bool = True


async def set_limit(context: ActionContext, request: SetLimit) -> LimitView | Denial:
    """A limit, which holds for the next call in every process."""
    hub = context.hub
    subject = await subject_of(hub, request.user, request.key, request.model, request.team)
    if not isinstance(subject, str):
        return subject
    window_ms = int(request.per or MINUTE_MS) if request.measure in RATES else 0
    if request.measure in RATES and not WINDOW_MS_MIN <= window_ms <= WINDOW_MS_MAX:
        return BadRequest(field="per", problem="write a time from 1s to 31d")
    if not fits(request.amount, window_ms):
        problem = f"{request.amount} in so short a time cannot be counted exactly; write a rounder number"
        return BadRequest(field="amount", problem=problem)
    who = actor(hub, context.by)
    limit = Limit(
        id=hub.ids.new("limit"),
        subject=subject,
        measure=request.measure,
        amount=request.amount,
        window_ms=window_ms,
        created_ms=who.now_ms,
    )
    outcome = await hub.storage.decide(
        LimitScope(subject=subject), lambda standing: changes.set_limit(standing, who, limit)
    )
    made = row_of(outcome, Limit)
    return _view(made, subject, {}) if isinstance(made, Limit) else made


async def list_limits(context: ActionContext, request: ListLimits) -> list[LimitView] | Denial:
    """All limits, oldest first, with what is left of them now."""
    hub = context.hub
    names, now_ms = await shown_subjects(hub), hub.clock.now_ms()
    left: dict[str, dict[str, int]] = {}
    standing = [limit for limit in await hub.storage.limits() if limit.measure not in ("exposure", "paid_calls")]
    by_id = {limit.id: limit for limit in standing}
    for cell in await hub.storage.limit_cells():
        if (limit := by_id.get(cell.limit_id)) is not None:
            shown = names.get(cell.subject, cell.subject)
            left.setdefault(limit.id, {})[shown] = _left(limit, cell.value, now_ms)
    views = [_view(limit, names.get(limit.subject, limit.subject), left.get(limit.id, {})) for limit in standing]
    return [view for view in views if request.user is None or view.subject == f"user:{request.user}"]


async def remove_limit(context: ActionContext, request: RemoveLimit) -> LimitRemoved | Denial:
    """The limit holds for no later call."""
    who = actor(context.hub, context.by)
    outcome = await context.hub.storage.decide(
        NamedLimitScope(limit_id=request.id), lambda limit: changes.remove_limit(limit, who, request.id)
    )
    gone = row_of(outcome, Limit)
    return LimitRemoved(id=gone.id) if isinstance(gone, Limit) else gone


def _view(limit: Limit, subject: str, left: dict[str, int]) -> LimitView:
    assert limit.measure in ("requests", "tokens", "concurrency")
    return LimitView(
        id=limit.id,
        subject=subject,
        measure=limit.measure,
        amount=limit.amount,
        per=Duration(limit.window_ms) if limit.window_ms else None,
        created=Moment(limit.created_ms),
        left=left,
    )


def _left(limit: Limit, value: int, now_ms: int) -> int:
    if limit.measure in RATES:
        return rates.level(limit, value, now_ms).remaining
    return max(0, limit.amount - value)
