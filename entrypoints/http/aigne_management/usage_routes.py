"""AIGNE's usage by project: the app that a request names, or its key where it names none."""

from collections.abc import Iterable
from typing import Any

from domain.books.call_query import CallQuery
from domain.books.statistics.summary import UsageQuery, by_period, net_nanos, total
from domain.books.statistics.usage_sum import UsageSum
from domain.ledger.ledger import balance
from domain.refusals import BadRequest
from entrypoints.http.aigne_management.access import Problem, Visit, wrong
from entrypoints.http.aigne_management.call_routes import scope_of
from entrypoints.http.aigne_management.call_rows import app_view, names
from entrypoints.http.aigne_management.figures import averages, credits_number, success_rate, totals
from entrypoints.http.aigne_management.spans import DAY_MS, DAYS, Span, buckets_of, recent_span
from entrypoints.http.aigne_management.statistics import sums_of
from entrypoints.http.aigne_management.values import page_of
from entrypoints.http.api.models_and_health import CURRENCY

_FOREVER_DAYS = 999
_SORTS = ("totalCalls", "totalCredits")


async def quota(visit: Visit) -> Any:
    """`GET /api/usage/quota`: what is left, what was spent in all, and how many days the rest may last.

    The average is over the time since the first call, at most 30 days. `total` is what is left and what was spent.
    """
    hub, user_id = visit.acting.hub, visit.caller.user.id
    now_ms = hub.clock.now_ms()
    now = balance(await hub.storage.wallet(user_id), now_ms)
    everything = await hub.storage.usage(UsageQuery(from_ms=0, to_ms=now_ms + DAY_MS, user_id=user_id, by_slot=True))
    used_nanos = net_nanos(total(everything))
    since_ms = max(min((one.slot_ms for one in everything), default=now_ms), now_ms - DAYS * DAY_MS)
    recent_nanos = net_nanos(total(one for one in everything if one.slot_ms >= since_ms))
    days = max(1, -(-(now_ms - since_ms) // DAY_MS))
    left_nanos = now.available_nanos
    return {
        "total": credits_number(now.posted_nanos + used_nanos),
        "remaining": credits_number(left_nanos),
        "used": credits_number(used_nanos),
        "pendingCredit": credits_number(now.held_nanos),
        "estimatedDaysRemaining": _days_left(left_nanos, recent_nanos, days),
        "dailyAvgCredits": credits_number(recent_nanos // days),
        "currency": CURRENCY,
    }


def _days_left(left_nanos: int, recent_nanos: int, days: int) -> int:
    if left_nanos <= 0:
        return 0
    return _FOREVER_DAYS if recent_nanos <= 0 else min(_FOREVER_DAYS, max(1, left_nanos * days // recent_nanos))


async def projects(visit: Visit) -> Any:
    """`GET /api/usage/projects`: a page of the projects with calls in the time."""
    requested = _requested(visit)
    page = page_of(visit.request, 20)
    if not isinstance(requested, tuple):
        return requested
    if isinstance(page, BadRequest):
        return page
    sort, order = visit.request.query_value("sortBy") or _SORTS[0], visit.request.query_value("sortOrder") or "desc"
    if sort not in _SORTS:
        return wrong("sortBy", f"Write one of {', '.join(_SORTS)}.")
    if order not in ("asc", "desc"):
        return wrong("sortOrder", "Write asc or desc.")
    user_id, span = requested
    of_project = _by_project(await sums_of(visit, span, user_id))
    wholes = {project: total(sums) for project, sums in of_project.items()}
    sign = 1 if order == "asc" else -1

    def key(project: str) -> tuple[int, str]:
        whole = wholes[project]
        return sign * (whole.calls if sort == _SORTS[0] else net_nanos(whole)), project

    listed, known = sorted(wholes, key=key)[page.part], await names(visit)
    rows = [
        {
            **app_view(known, project),
            "totalCalls": wholes[project].calls,
            "totalCredits": credits_number(net_nanos(wholes[project])),
            "avgDuration": averages(wholes[project])["avgDuration"],
            "successRate": success_rate(wholes[project]),
            "lastCallTime": await _last_call_s(visit, project, user_id),
        }
        for project in listed
    ]
    return {"projects": rows, "total": len(wholes), "page": page.page, "pageSize": page.size}


async def group_trends(visit: Visit) -> Any:
    """`GET /api/usage/projects/group-trends`: every project's figures in every bucket of the time."""
    requested = _requested(visit)
    if not isinstance(requested, tuple):
        return requested
    user_id, span = requested
    buckets = buckets_of(visit, span)
    if isinstance(buckets, BadRequest):
        return buckets
    sums, known = await sums_of(visit, span, user_id, by_slot=True), await names(visit)
    found = [
        {**app_view(known, project), "lastCallTime": await _last_call_s(visit, project, user_id)}
        for project in _by_project(sums)
    ]
    trends = [
        {
            "timestamp": period.from_ms // 1000,
            "byProject": {project: _figures(some) for project, some in _by_project(period.sums).items()},
        }
        for period in by_period(sums, buckets[1])
    ]
    found.sort(key=lambda row: (-(row["lastCallTime"] or 0), row["appDid"]))
    return {"projects": found, "trends": trends, "granularity": buckets[0]}


async def trends(visit: Visit) -> Any:
    """`GET /api/usage/trends`: the figures of all users in every bucket of the time."""
    span = recent_span(visit)
    if isinstance(span, BadRequest):
        return span
    rows = await _trends(visit, span, None, None)
    return rows if isinstance(rows, BadRequest) else {"trends": rows}


async def project_trends(visit: Visit) -> Any:
    """`GET /api/usage/projects/trends`: the same for one project, of the caller or with `allUsers` of all."""
    requested = _requested(visit)
    if not isinstance(requested, tuple):
        return requested
    user_id, span = requested
    app_id = visit.request.query_value("appDid") or ""
    rows = await _trends(visit, span, user_id, app_id)
    if isinstance(rows, BadRequest):
        return rows
    for row in rows:
        del row["successRate"]
    return {"project": app_view(await names(visit), app_id), "trends": rows}


def _requested(visit: Visit) -> tuple[str | None, Span] | BadRequest | Problem:
    """The user and the time that are meant."""
    user_id, span = scope_of(visit), recent_span(visit)
    if isinstance(user_id, Problem):
        return user_id
    return span if isinstance(span, BadRequest) else (user_id, span)


async def _trends(
    visit: Visit, span: Span, user_id: str | None, app_id: str | None
) -> list[dict[str, Any]] | BadRequest:
    buckets = buckets_of(visit, span)
    if isinstance(buckets, BadRequest):
        return buckets
    sums = await sums_of(visit, span, user_id, by_slot=True)
    if app_id is not None:
        sums = [one for one in sums if _project(one) == app_id]
    return [_trend(period.from_ms, [*period.sums]) for period in by_period(sums, buckets[1])]


def _trend(from_ms: int, sums: list[UsageSum]) -> dict[str, Any]:
    whole, all_of_it = total(sums), totals(sums)
    return {
        "timestamp": from_ms // 1000,
        "calls": whole.calls,
        "successCalls": whole.completed,
        "successRate": success_rate(whole),
        **averages(whole),
        "totalCredits": all_of_it["totalCredits"],
        "totalUsage": all_of_it["totalUsage"],
    }


def _figures(sums: list[UsageSum]) -> dict[str, Any]:
    whole = total(sums)
    return {**totals(sums), "successCalls": whole.completed, **averages(whole)}


def _project(one: UsageSum) -> str:
    return one.app or one.key_id


def _by_project(sums: Iterable[UsageSum]) -> dict[str, list[UsageSum]]:
    found: dict[str, list[UsageSum]] = {}
    for one in sums:
        found.setdefault(_project(one), []).append(one)
    return found


async def _last_call_s(visit: Visit, project: str, user_id: str | None) -> int | None:
    """When the project's newest call began, of all time."""
    newest = await visit.acting.hub.storage.call_log(CallQuery(project=project, user_id=user_id, limit=1))
    return newest[0].call.started_ms // 1000 if newest else None
