"""`stats show`: what was used and charged, by period and by subject, from the sums that each settlement writes."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from domain.books.statistics.summary import Period, Subject, UsageQuery, by_period, merged, slots_of, total
from domain.books.statistics.usage_sum import SLOT_MS, UsageSum
from domain.refusals import BadRequest, NotFound, Remedy
from entrypoints.usecases.manage.exact_usage import exact_usage
from entrypoints.usecases.manage.own_view import key_in_scope, sees_costs, user_in_scope
from entrypoints.usecases.manage.stats_figures import Figures, figures_for_users, figures_of
from entrypoints.usecases.manage.stats_groups import Apart, Group, by_key, groups_of, sums_of_calls
from entrypoints.usecases.manage.teams import standing_members, visible_team
from entrypoints.usecases.manage.users import user_names
from entrypoints.usecases.management_context import ActionContext, Denial, ManagementContext
from entrypoints.usecases.public_types import Moment

DAY_MS = 86_400_000
DEFAULT_DAYS = 30
PERIODS_MAX = 3_000

Interval: TypeAlias = Literal["whole", "quarter_hour", "hour", "day", "week", "month", "quarter"]
By: TypeAlias = Literal[
    "user", "team", "key", "app", "run", "provider", "credential", "model", "operation", "ending"
]  # fmt: skip

_FIXED_MS: Mapping[Interval, int] = {"quarter_hour": SLOT_MS, "hour": 3_600_000}
_SUBJECTS: Mapping[By, Subject] = {
    "user": "user_id",
    "key": "key_id",
    "app": "app",
    "provider": "provider",
    "credential": "credential_id",
    "model": "model",
    "operation": "operation",
    "ending": "ending",
}


class ShowStats(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls are summed, by when they began, and how the sums are divided."""

    since: Annotated[Moment | None, Meta(description="a moment, or how long ago, such as 7d (30d)")] = None
    until: Annotated[Moment | None, Meta(description="a moment, or how long ago (now)")] = None
    every: Annotated[Interval, Meta(description="the periods that are summed one by one")] = "whole"
    time_zone: Annotated[str, Meta(description="whose days they are, such as Europe/Berlin (AIHUB_TIME_ZONE)")] = ""
    by: Annotated[tuple[By, ...], Meta(description="what is summed apart")] = ()
    user: Annotated[str | None, Meta(description="only the calls of this user")] = None
    team: Annotated[str | None, Meta(description="only those with a key of this team")] = None
    key: Annotated[str | None, Meta(description="only those with this key")] = None
    run: Annotated[str | None, Meta(description="only those of this run")] = None
    app: Annotated[str | None, Meta(description="only those of this app")] = None
    provider: Annotated[str | None, Meta(description="only those that this provider answered")] = None
    model: Annotated[str | None, Meta(description="only those of this model, without its provider")] = None
    operation: Annotated[str | None, Meta(description="only those for this operation, such as chat")] = None
    ending: Annotated[str | None, Meta(description="only those that ended so, such as completed")] = None
    compare: Annotated[bool, Meta(description="also sum the time of the same length before")] = False


class StatsRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The sums of one period and one subject. Fields that the request does not sum apart are left out."""

    since: Moment | None = None
    user: str | None = None
    team: str | None = None
    key: str | None = None
    app: str | None = None
    run: str | None = None
    provider: str | None = None
    credential: str | None = None
    model: str | None = None
    operation: str | None = None
    ending: str | None = None
    figures: Figures


class StatsView(msgspec.Struct, frozen=True, kw_only=True):
    """The sums. The time is as it was asked for, or in whole periods where these are summed one by one."""

    since: Moment
    until: Moment
    time_zone: str
    total: Figures
    before: Figures | None
    rows: list[StatsRow]


async def show_stats(context: ActionContext, request: ShowStats) -> StatsView | Denial:
    """The sums of the calls that the request describes."""
    hub = context.hub
    zone = request.time_zone or context.policy.time_zone
    if not hub.calendar.knows(zone):
        return BadRequest(field="time_zone", problem=f"{zone[:80]!r} is no time zone: write such as Europe/Berlin")
    if "credential" in request.by and not sees_costs(context):
        return BadRequest(field="by", problem="only operators see usage by credential")
    edges = _edges(hub, request, zone)
    if isinstance(edges, BadRequest):
        return edges
    query = await _query(context, request, edges[0], edges[-1])
    if not isinstance(query, UsageQuery):
        return query
    apart = await _apart(context, request)
    if not isinstance(apart, Apart):
        return apart
    groups = await _groups(hub, request, zone, query, apart)
    if isinstance(groups, BadRequest):
        return groups
    before = await _before(hub, request, zone, query, apart) if request.compare else None
    if isinstance(before, BadRequest):
        return before
    names = await user_names(hub.storage) if "user" in request.by else {}
    shown = figures_of if sees_costs(context) else figures_for_users
    rows = [row for group in groups for row in _rows(request, group, edges, names, shown)]
    return StatsView(
        since=Moment(edges[0]),
        until=Moment(edges[-1]),
        time_zone=zone,
        total=shown(total(one for group in groups for one in group.sums)),
        before=shown(before) if before is not None else None,
        rows=sorted(rows, key=lambda row: row.since or 0),
    )


async def _apart(context: ActionContext, request: ShowStats) -> Apart | NotFound:
    """What is meant of teams and runs."""
    team = None
    if request.team is not None:
        team = await visible_team(context, await standing_members(context), request.team)
    if isinstance(team, NotFound):
        return team
    by = request.by
    return Apart(
        by_team="team" in by, by_run="run" in by, team_id=team.id if team is not None else None, run=request.run
    )


async def _groups(
    hub: ManagementContext, request: ShowStats, zone: str, query: UsageQuery, apart: Apart
) -> list[Group] | BadRequest:
    """The sums by team and run where these are apart; else one group with all of them."""
    if apart.needs_calls:
        found = await sums_of_calls(hub, query, apart.run)
        return found if isinstance(found, BadRequest) else await groups_of(hub, found, query, apart)
    sums = await _sums(hub, request, zone, by_key(query, apart))
    if not apart.needs_keys:
        return [Group(sums=sums)]
    return await groups_of(hub, (("", one) for one in sums), query, apart)


def _edges(hub: ManagementContext, request: ShowStats, zone: str) -> list[int] | BadRequest:
    """The edges of the periods: at least two."""
    now_ms = hub.clock.now_ms()
    until_ms = now_ms if request.until is None else int(request.until)
    since_ms = until_ms - DEFAULT_DAYS * DAY_MS if request.since is None else int(request.since)
    if not 0 <= since_ms < until_ms:
        return BadRequest(field="since", problem="the time must begin before it ends, and not before 1970")
    start_ms, end_ms = slots_of(since_ms, until_ms)
    if request.every == "whole":
        return [since_ms, until_ms]
    edges = [_first(hub, request.every, zone, start_ms)]
    while edges[-1] < end_ms and len(edges) <= PERIODS_MAX:
        edges.append(_next(hub, request.every, zone, edges[-1]))
    if edges[-1] < end_ms:
        return BadRequest(field="every", problem=f"that is more than {PERIODS_MAX} periods: choose longer ones")
    return edges


def _first(hub: ManagementContext, every: Interval, zone: str, at_ms: int) -> int:
    if every in _FIXED_MS:
        return at_ms - at_ms % _FIXED_MS[every]
    span = getattr(hub.calendar.edges(zone, at_ms), every)
    return int(span.start_ms)


def _next(hub: ManagementContext, every: Interval, zone: str, at_ms: int) -> int:
    if every in _FIXED_MS:
        return at_ms + _FIXED_MS[every]
    span = getattr(hub.calendar.edges(zone, at_ms), every)
    return int(span.end_ms)


async def _query(context: ActionContext, request: ShowStats, from_ms: int, to_ms: int) -> UsageQuery | NotFound:
    name, key_id, user_id = user_in_scope(context, request.user), key_in_scope(context, request.key), None
    if isinstance(name, NotFound):
        return name
    if isinstance(key_id, NotFound):
        return key_id
    if name is not None:
        user = await context.hub.storage.user_named(name)
        if user is None:
            return NotFound(kind="user", name=name, remedy=Remedy("user list"))
        user_id = user.id
    return UsageQuery(
        from_ms=from_ms,
        to_ms=to_ms,
        user_id=user_id,
        key_id=key_id,
        app=request.app,
        provider=request.provider,
        model=request.model,
        operation=request.operation,
        ending=request.ending,
        by=tuple(dict.fromkeys(_SUBJECTS[name] for name in request.by if name in _SUBJECTS)),
        by_slot=request.every != "whole",
    )


async def _sums(hub: ManagementContext, request: ShowStats, zone: str, query: UsageQuery) -> Sequence[UsageSum]:
    """The sums that the query asks for; a process that serves remembers the days that are over."""
    past = hub.usage_past
    if request.every == "whole":
        return await exact_usage(hub, query, None if past is None else partial(past.usage, hub, zone))
    if past is None or request.every == "quarter_hour":
        return await hub.storage.usage(query)
    return await past.usage_by_hour(hub, zone, query) if request.every == "hour" else await past.usage(hub, zone, query)


async def _before(
    hub: ManagementContext, request: ShowStats, zone: str, query: UsageQuery, apart: Apart
) -> UsageSum | BadRequest:
    """The sums of the time of the same length before."""
    length_ms = query.to_ms - query.from_ms
    earlier = msgspec.structs.replace(
        query, from_ms=query.from_ms - length_ms, to_ms=query.from_ms, by=(), by_slot=False
    )
    groups = await _groups(hub, request, zone, earlier, apart)
    return groups if isinstance(groups, BadRequest) else total(one for group in groups for one in group.sums)


def _rows(
    request: ShowStats,
    group: Group,
    edges: Sequence[int],
    names: Mapping[str, str],
    shown: Callable[[UsageSum], Figures],
) -> list[StatsRow]:
    """The rows of a group, period by period."""
    if request.every == "whole":
        periods: Sequence[Period] = (Period(from_ms=edges[0], to_ms=edges[-1], sums=merged(group.sums)),)
    else:
        periods = by_period(group.sums, edges)
    return [row for period in periods for row in _rows_of_period(request, group, period, names, shown)]


def _rows_of_period(
    request: ShowStats, group: Group, period: Period, names: Mapping[str, str], shown: Callable[[UsageSum], Figures]
) -> list[StatsRow]:
    """A row for each subject of the period; a period without calls has one row of zeros, unless subjects are apart."""
    since = None if request.every == "whole" else Moment(period.from_ms)
    if since is None and not request.by:
        return []
    sums = period.sums or (() if request.by else (total(()),))
    return [
        StatsRow(since=since, team=group.team, run=group.run, **_named(request, one, names), figures=shown(one))
        for one in sums
    ]


def _named(request: ShowStats, one: UsageSum, names: Mapping[str, str]) -> dict[str, str]:
    values: dict[str, str] = {name: str(getattr(one, _SUBJECTS[name])) for name in request.by if name in _SUBJECTS}
    if "user" in values:
        values["user"] = names.get(values["user"], values["user"])
    return values
