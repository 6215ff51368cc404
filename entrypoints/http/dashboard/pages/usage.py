"""Usage over time and by subject: a chart, and the tables with the same figures."""

from typing import Any
from urllib.parse import urlencode

import msgspec

from domain.refusals import BadRequest, Refusal
from entrypoints.actions.action import find_action
from entrypoints.http.dashboard.page import View, Visitor
from entrypoints.http.dashboard.rendering import text_of
from entrypoints.http.management.requests import request_from
from entrypoints.http.wire import Request
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.stats import ShowStats, StatsRow, StatsView, show_stats
from entrypoints.usecases.public_types import Moment

SPANS = ("1d", "7d", "30d", "90d", "365d")
INTERVALS = ("hour", "day", "week", "month")
SUBJECTS = ("model", "provider", "operation", "ending", "app", "key", "user", "credential")
# What only operators see apart.
_OF_OPERATORS = frozenset(("user", "credential", "provider"))
ROWS_MAX = 300


async def usage_page(hub: CallContext, visitor: Visitor, request: Request) -> View | Refusal:
    """`GET /dashboard/usage`: operators see all, every other user their own."""
    sees_all = visitor.may("see calls")
    subjects = [one for one in SUBJECTS if sees_all or one not in _OF_OPERATORS]
    wanted = {
        "since": _chosen(request, "since", "30d"),
        "every": _chosen(request, "every", "day"),
        "by": _chosen(request, "by", "model"),
        "user": _chosen(request, "user", "") if sees_all else visitor.name,
        "model": _chosen(request, "model", ""),
    }
    if wanted["by"] not in subjects:
        return BadRequest(field="by", problem=f"Usage is summed apart by one of {', '.join(subjects)}.")
    periods = await _stats(hub, visitor, wanted | {"by": ""})
    by_subject = await _stats(hub, visitor, wanted | {"every": "whole"})
    for view in (periods, by_subject):
        if not isinstance(view, StatsView):
            return view
    assert isinstance(periods, StatsView)
    assert isinstance(by_subject, StatsView)
    values = {
        "wanted": wanted,
        "spans": SPANS,
        "intervals": INTERVALS,
        "subjects": subjects,
        "total": periods.total,
        "before": periods.before,
        "zone": periods.time_zone,
        "periods": periods.rows[-ROWS_MAX:],
        "series": _series(periods.rows),
        "rows": sorted(by_subject.rows, key=lambda row: -row.figures.charge)[:ROWS_MAX],
        "subject_of": lambda row: getattr(row, wanted["by"]) or "–",  # noqa: RUF001  # a dash for what has no name
        "sees_costs": visitor.may("see models"),
        "show_user": sees_all,
        "command": urlencode({"since": wanted["since"], "every": wanted["every"], "by": wanted["by"]}),
    }
    return View(template="usage.html", title="Usage", values=values)


def stats_request(hub: CallContext, **given: str) -> ShowStats | BadRequest:
    """The request of `stats show` from texts, with the errors of the action."""
    action = find_action("stats show")
    assert action is not None
    fields: dict[str, Any] = {name: text for name, text in given.items() if text}
    if "by" in fields:
        fields["by"] = [fields["by"]]
    made = request_from(action, fields, hub.clock.now_ms())
    assert isinstance(made, (ShowStats, BadRequest))
    return made


async def _stats(hub: CallContext, visitor: Visitor, wanted: dict[str, str]) -> StatsView | Refusal:
    request = stats_request(hub, **wanted, compare="true")
    return request if isinstance(request, BadRequest) else await show_stats(visitor.acting(hub), request)


def _series(rows: list[StatsRow]) -> str:
    """The points of the chart as JSON: seconds, calls, and charges as exact decimals, by period."""
    starts = [int(row.since or Moment(0)) // 1000 for row in rows]
    calls = [row.figures.calls for row in rows]
    charges = [text_of(row.figures.charge) for row in rows]
    return msgspec.json.encode([starts, calls, charges]).decode()


def _chosen(request: Request, name: str, default: str) -> str:
    return (request.query_value(name) or default).strip()
