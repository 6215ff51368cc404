"""AIGNE's statistics of a user, or of all: totals, days, models, and the time before.

Every sum of the books is written with its call, so its jobs of recomputing have nothing to do and report that.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.books.statistics.summary import UsageQuery, by_period, total
from domain.books.statistics.usage_sum import UsageSum
from domain.refusals import BadRequest
from entrypoints.http.aigne_management.access import Visit, wrong
from entrypoints.http.aigne_management.figures import by_type, growth, totals
from entrypoints.http.aigne_management.spans import BUCKETS_MAX, Days, Span, day_of, required_span
from entrypoints.http.aigne_management.values import body_of
from entrypoints.usecases.manage.exact_usage import exact_usage

_TOP = 5


async def own_statistics(visit: Visit) -> Any:
    """`GET /api/user/usage-stats`: the caller's calls in a time."""
    return await _statistics(visit, visit.caller.user.id)


async def all_statistics(visit: Visit) -> Any:
    """`GET /api/user/admin/user-stats`: the calls of all users in a time, or of `userDid`."""
    return await _statistics(visit, visit.request.query_value("userDid"))


async def sums_of(visit: Visit, span: Span, user_id: str | None, by_slot: bool = False) -> list[UsageSum]:
    """The sums of a time by app, key, provider, model and operation."""
    return await exact_usage(
        visit.acting.hub,
        UsageQuery(
            from_ms=span.from_ms,
            to_ms=span.to_ms,
            user_id=user_id,
            by=("app", "key_id", "provider", "model", "operation"),
            by_slot=by_slot,
        ),
    )


async def _statistics(visit: Visit, user_id: str | None) -> Any:
    span, days = required_span(visit.request), day_of(visit)
    if isinstance(span, BadRequest):
        return span
    if isinstance(days, BadRequest):
        return days
    sums = await sums_of(visit, span, user_id, by_slot=True)
    daily = _days(sums, days)
    if isinstance(daily, BadRequest):
        return daily
    models = {one.model for one in sums}
    return {
        "summary": {**totals(sums), "byType": by_type(sums), "modelCount": len(models)},
        "dailyStats": daily,
        "modelStats": {"list": await _models(visit, sums), "totalModelCount": len(models)},
        "trendComparison": await _compared(visit, span, user_id, sums),
    }


def _days(sums: list[UsageSum], days: Days) -> list[dict[str, Any]] | BadRequest:
    """The days with calls, the oldest first."""
    if not sums:
        return []
    edges, last_ms = [days.edges(min(one.slot_ms for one in sums))[0]], max(one.slot_ms for one in sums)
    while edges[-1] <= last_ms:
        if len(edges) > BUCKETS_MAX:
            return wrong("startTime", f"The time has more than {BUCKETS_MAX} days.")
        edges.append(days.edges(edges[-1])[1])
    return [_day(days.date(period.from_ms), [*period.sums]) for period in by_period(sums, edges) if period.sums]


def _day(date: datetime, sums: list[UsageSum]) -> dict[str, Any]:
    whole = totals(sums)
    return {
        "date": f"{date:%Y-%m-%d}",
        "timestamp": int(datetime(date.year, date.month, date.day, tzinfo=UTC).timestamp()),
        **whole,
        "byType": by_type(sums),
        # As AIGNE's documentation names them.
        "credits": whole["totalCredits"],
        "tokens": total(sums).input_tokens + total(sums).output_tokens,
        "requests": whole["totalCalls"],
    }


async def _models(visit: Visit, sums: list[UsageSum]) -> list[dict[str, Any]]:
    """The models with the most calls; of several providers of a model the first by its id."""
    calls: dict[str, int] = {}
    providers: dict[str, str] = {}
    for one in sums:
        calls[one.model] = calls.get(one.model, 0) + one.calls
        providers[one.model] = min(filter(None, (providers.get(one.model), one.provider)), default="")
    shown = {row.name: row.shown_name for row in (await visit.acting.hub.storage.catalog()).providers}
    top = sorted(calls, key=lambda model: (-calls[model], model))[:_TOP]
    return [
        {
            "providerId": providers[model],
            "provider": {
                "id": providers[model],
                "name": providers[model],
                "displayName": shown.get(providers[model], providers[model]),
            },
            "model": model,
            "totalCalls": calls[model],
        }
        for model in top
    ]


async def _compared(visit: Visit, span: Span, user_id: str | None, current: list[UsageSum]) -> dict[str, Any]:
    before = await sums_of(visit, span.before, user_id) if span.before.from_ms >= 0 else []
    return {**_both(current, before), "growth": growth(current, before)}


def _both(current: list[UsageSum], before: list[UsageSum]) -> dict[str, Any]:
    return {
        name: {**totals(sums), "byType": by_type(sums)} for name, sums in (("current", current), ("previous", before))
    }


def comparison(period: Callable[[Visit, str, int], Span]) -> Callable[[Visit], Awaitable[Any]]:
    """`GET /api/user/weekly-comparison` and `/monthly-comparison`: this period and the one before, both whole."""

    async def compare(visit: Visit) -> Any:
        zone = visit.request.query_value("timezone") or visit.acting.policy.time_zone
        if not visit.acting.hub.calendar.knows(zone):
            return wrong("timezone", "Write the name of a time zone, such as Europe/Berlin.")
        this = period(visit, zone, visit.acting.hub.clock.now_ms())
        last = period(visit, zone, this.from_ms - 1)
        current, before = [await sums_of(visit, span, visit.caller.user.id) for span in (this, last)]
        return {"current": totals(current), "previous": totals(before), "growth": growth(current, before)}

    return compare


def week(visit: Visit, zone: str, at_ms: int) -> Span:
    """The week from Sunday to Saturday that contains the moment."""
    edges = visit.acting.hub.calendar.edges
    monday = edges(zone, edges(zone, at_ms).day.end_ms).week
    return Span(
        from_ms=edges(zone, monday.start_ms - 1).day.start_ms, to_ms=edges(zone, monday.end_ms - 1).day.start_ms
    )


def month(visit: Visit, zone: str, at_ms: int) -> Span:
    """The month that contains the moment."""
    found = visit.acting.hub.calendar.edges(zone, at_ms).month
    return Span(from_ms=found.start_ms, to_ms=found.end_ms)


async def backfill(visit: Visit) -> Any:
    """`POST /api/usage/stats/backfill`: which days that would be; nothing is recomputed."""
    given = body_of(visit.request)
    if isinstance(given, BadRequest):
        return given
    dates = []
    for name in ("startDate", "endDate"):
        text = given.get(name) or visit.request.query_value(name)
        try:
            dates.append(datetime.fromisoformat(str(text)).replace(tzinfo=UTC))
        except ValueError:
            return wrong(name, "Write a date such as 2026-01-31.")
    if dates[1] < dates[0]:
        return wrong("endDate", "The end must not be before startDate.")
    start, end = (date.replace(hour=0, minute=0, second=0, microsecond=0) for date in dates)
    ranges = {"startTime": int(start.timestamp()), "endTime": int((end + timedelta(days=1)).timestamp()) - 1}
    return {"processed": 0, "ranges": [ranges]}


async def clean_up(visit: Visit) -> Any:
    """`POST /api/user/cleanup-daily-stats`: sums of days are not kept, so none is deleted."""
    checked = _checked_job(visit)
    return checked or {"message": "Daily data cleanup completed", "deleted": 0}


async def recalculate(visit: Visit) -> Any:
    """`POST /api/user/recalculate-stats`: the sums are those of the calls already."""
    checked = _checked_job(visit)
    if checked is not None:
        return checked
    body = body_of(visit.request)
    assert not isinstance(body, BadRequest)
    if body.get("dryRun") is True:
        message = "Nothing differs: each sum is written with its calls"
        return {
            "message": message,
            "userDid": body["userDid"],
            "willDeleteStats": 0,
            "willRecalculateHours": 0,
        }
    return {"message": "Rebuild completed", "deleted": 0, "success": 0, "failed": 0}


def _checked_job(visit: Visit) -> BadRequest | None:
    body = body_of(visit.request)
    if isinstance(body, BadRequest):
        return body
    if not isinstance(body.get("userDid"), str):
        return wrong("userDid", "Write the id of a user.")
    for name in ("startTime", "endTime"):
        if isinstance(body.get(name), bool) or not isinstance(body.get(name), int):
            return wrong(name, "Write seconds since 1970.")
    return None
