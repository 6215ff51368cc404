"""Usage over time and by subject: a chart, and the tables with the same figures, which CSV has as well."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from domain.refusals import BadRequest, Refusal
from entrypoints.actions.action import find_action
from entrypoints.http.dashboard.csv_files import csv_of
from entrypoints.http.dashboard.page import Download, View, Visitor
from entrypoints.http.dashboard.rendering import text_of
from entrypoints.http.management.requests import request_from
from entrypoints.http.wire import Request
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.keys import keys_with_users
from entrypoints.usecases.manage.stats import ShowStats, StatsRow, StatsView, show_stats
from entrypoints.usecases.manage.stats_figures import Figures
from entrypoints.usecases.public_types import Moment

SPANS = ("1d", "7d", "30d", "90d", "365d")
INTERVALS = ("hour", "day", "week", "month")
SUBJECTS = ("model", "provider", "operation", "ending", "app", "run", "key", "user", "team", "credential")
FILTERS = ("user", "team", "key", "app", "run", "provider", "model", "operation", "ending")
# What only operators see apart, or filter by.
_OF_OPERATORS = frozenset(("user", "team", "credential", "provider"))
_COSTS = frozenset(("cost", "cost_unknown"))
# The rest of the rows is in the CSV: a page stays below 100 kB.
ROWS_MAX = 60


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What the page and its CSV are made of; the rows are by period, and by subject with the highest charge first."""

    wanted: dict[str, str]
    periods: StatsView
    subjects: list[StatsRow]
    labels: dict[str, str]

    def subject(self, row: StatsRow) -> str:
        """The value of the subject that the row sums, "" for calls without one."""
        return getattr(row, self.wanted["by"]) or ""

    def label(self, row: StatsRow) -> str:
        """The subject as people know it."""
        subject = self.subject(row)
        return self.labels.get(subject, subject)


async def usage_page(hub: CallContext, visitor: Visitor, request: Request) -> View | Refusal:
    """`GET /dashboard/usage`: operators see all, every other user their own."""
    shown = await _shown(hub, visitor, request)
    if not isinstance(shown, Shown):
        return shown
    wanted, periods = shown.wanted, shown.periods
    earlier = await _earlier(hub, visitor, shown)
    given = {name: text for name, text in wanted.items() if text}
    values = {
        "wanted": wanted,
        "spans": SPANS,
        "intervals": INTERVALS,
        "subjects": _subjects(visitor),
        "filters": _filters(visitor),
        "total": periods.total,
        "before": periods.before,
        "changes": _changes(periods.total, periods.before) if periods.before is not None else {},
        "zone": periods.time_zone,
        "since": periods.since,
        "until": periods.until,
        "periods": [row for row in periods.rows if row.figures.calls][: -ROWS_MAX - 1 : -1],
        "series": _series(periods.rows, earlier),
        "rows": shown.subjects[:ROWS_MAX],
        "left": max(0, len(shown.subjects) - ROWS_MAX),
        "label_of": shown.label,
        "subject_of": shown.subject,
        "sees_costs": visitor.may("see models"),
        "csv": {
            table: f"/dashboard/usage.csv?{urlencode({**given, 'table': table}).replace('%2C', ',')}"
            for table in ("subject", "period")
        },
        "query_with": lambda name, value: urlencode({**given, name: value}),
    }
    return View(template="usage.html", title="Usage", values=values)


async def usage_csv(hub: CallContext, visitor: Visitor, request: Request) -> Download | Refusal:
    """`GET /dashboard/usage.csv`: every row of the table by subject, or with `table=period` of the one by period."""
    shown = await _shown(hub, visitor, request)
    if not isinstance(shown, Shown):
        return shown
    left_out = frozenset() if visitor.may("see models") else _COSTS
    figures = [figure for figure in Figures.__struct_fields__ if figure not in left_out]
    by = shown.wanted["by"]
    rows: list[tuple[Moment | str | None, StatsRow]]
    if request.query_value("table") == "period":
        name, head, rows = shown.wanted["every"], "since", [(row.since, row) for row in shown.periods.rows]
    else:
        name, head, rows = by, by, [(shown.subject(row), row) for row in shown.subjects]
    lines = ([first, *(getattr(row.figures, figure) for figure in figures)] for first, row in rows)
    return csv_of(f"usage-by-{name}", [head, *figures], lines)


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


def change_of(now: int, before: int) -> str:
    """How much more or less than before, such as `+12.5 %`; empty where there was nothing."""
    if before <= 0:
        return ""
    tenths = abs(now - before) * 1000 // before
    return f"{'-' if now < before else '+'}{tenths // 10:,}.{tenths % 10} %"


def _subjects(visitor: Visitor) -> list[str]:
    return [one for one in SUBJECTS if visitor.may("see calls") or one not in _OF_OPERATORS]


def _filters(visitor: Visitor) -> list[str]:
    return [one for one in FILTERS if visitor.may("see calls") or one not in _OF_OPERATORS]


async def _shown(hub: CallContext, visitor: Visitor, request: Request) -> Shown | Refusal:
    wanted = {
        "since": _chosen(request, "since", "30d"),
        "until": _chosen(request, "until"),
        "every": _chosen(request, "every", "day"),
        "by": _chosen(request, "by", "model"),
        **{name: _chosen(request, name) for name in FILTERS},
    }
    subjects = _subjects(visitor)
    if wanted["by"] not in subjects:
        return BadRequest(field="by", problem=f"Usage is summed apart by one of {', '.join(subjects)}.")
    periods = await _stats(hub, visitor, wanted | {"by": "", "compare": "true"})
    if not isinstance(periods, StatsView):
        return periods
    by_subject = await _stats(hub, visitor, wanted | {"every": "whole"})
    if not isinstance(by_subject, StatsView):
        return by_subject
    labels: dict[str, str] = {}
    if wanted["by"] == "key":
        labels = {key.id: f"{key.name or key.prefix}, {user}" for key, user in await keys_with_users(hub.storage)}
    rows = sorted(by_subject.rows, key=lambda row: -row.figures.charge)
    return Shown(wanted=wanted, periods=periods, subjects=rows, labels=labels)


async def _stats(hub: CallContext, visitor: Visitor, wanted: dict[str, str]) -> StatsView | Refusal:
    """The sums, for visitors who see no others' calls of their own alone."""
    if not visitor.may("see calls"):
        wanted = wanted | {"user": visitor.name, "provider": "", "team": ""}
    request = stats_request(hub, **wanted)
    return request if isinstance(request, BadRequest) else await show_stats(visitor.acting(hub), request)


async def _earlier(hub: CallContext, visitor: Visitor, shown: Shown) -> list[StatsRow]:
    """The periods of the same length before, for the chart; none where there was no call in them."""
    now = shown.periods
    if now.before is None or not now.before.calls:
        return []
    moments = {"since": text_of(Moment(2 * now.since - now.until)), "until": text_of(now.since)}
    view = await _stats(hub, visitor, shown.wanted | {"by": ""} | moments)
    return view.rows[-len(now.rows) :] if isinstance(view, StatsView) else []


def _changes(now: Figures, before: Figures) -> dict[str, str]:
    pairs = {name: (getattr(now, name), getattr(before, name)) for name in ("charge", "calls", "cost")}
    return {name: change_of(*pair) for name, pair in pairs.items() if None not in pair}


def _series(rows: Sequence[StatsRow], earlier: Sequence[StatsRow]) -> str:
    """The points of the chart as JSON: seconds, calls, charges, and charges of the periods before, as decimals."""
    starts = [int(row.since or Moment(0)) // 1000 for row in rows]
    calls = [row.figures.calls for row in rows]
    charges = [text_of(row.figures.charge) for row in rows]
    before = [text_of(row.figures.charge) for row in earlier]
    return msgspec.json.encode([starts, calls, charges, [*before, *[None] * (len(rows) - len(before))]]).decode()


def _chosen(request: Request, name: str, default: str = "") -> str:
    return (request.query_value(name) or default).strip()
