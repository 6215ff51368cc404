"""The call log with its filters, as a page and as CSV."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import msgspec

from domain.model_api.operations import OPERATIONS
from domain.refusals import BadRequest, Refusal
from domain.usage import Usage
from entrypoints.http.dashboard.csv_files import csv_stream
from entrypoints.http.dashboard.page import Download, View, Visitor
from entrypoints.http.dashboard.pages.own_calls import (
    STATES,
    CallFilter,
    calls_page_of,
    every_matching,
    sees_all,
)
from entrypoints.http.wire import Request
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.call_view import CallView
from entrypoints.usecases.public_types import Moment, read

PAGE = 50
_TEXTS = ("user", "model", "state", "key", "app", "run", "operation")
_MOMENTS = ("since", "until")
_COSTS = frozenset(("cost_usd", "price_id", "cost_unknown", "credential_id", "process"))
_APART = frozenset(("attempts", "usage"))
_UNITS = Usage.__struct_fields__


async def calls_page(hub: CallContext, visitor: Visitor, request: Request) -> View | Refusal:
    """`GET /dashboard/calls`: the newest calls that match the filters, and the way to older ones."""
    given = _given(request)
    wanted = _filter(hub, given)
    if not isinstance(wanted, CallFilter):
        return wanted
    before = (request.query_value("before") or "").strip()
    page = await calls_page_of(hub, visitor, wanted, PAGE, before)
    kept = {name: text for name, text in given.items() if text}
    values = {
        "calls": page.calls,
        "wanted": given,
        "states": STATES,
        "operations": tuple(OPERATIONS),
        "older": urlencode({**kept, "before": page.last}) if page.last else "",
        "show_user": sees_all(visitor),
        "is_live": not before and not given["until"] and request.query_value("live") != "off",
        "is_paused": request.query_value("live") == "off",
        "is_newest": not before,
        "query": urlencode(kept),
    }
    return View(template="calls.html", title="Calls", values=values)


async def calls_csv(hub: CallContext, visitor: Visitor, request: Request) -> Download | Refusal:
    """`GET /dashboard/calls.csv`: every call that matches, the newest first, with a column for each unit."""
    wanted = _filter(hub, _given(request))
    if not isinstance(wanted, CallFilter):
        return wanted
    left_out = _APART if visitor.may("see models") else _APART | _COSTS
    names = [name for name in CallView.__struct_fields__ if name not in left_out]

    async def portions() -> AsyncIterator[list[list[Any]]]:
        async for calls in every_matching(hub, visitor, wanted):
            yield [_cells(call, names) for call in calls]

    return csv_stream("calls", [*names, *_UNITS], portions())


def _cells(call: CallView, names: list[str]) -> list[Any]:
    return [*(getattr(call, name) for name in names), *(getattr(call.usage, unit, None) for unit in _UNITS)]


def _given(request: Request) -> dict[str, str]:
    return {name: (request.query_value(name) or "").strip() for name in (*_TEXTS, *_MOMENTS)}


def _filter(hub: CallContext, given: dict[str, str]) -> CallFilter | BadRequest:
    moments: dict[str, Any] = {}
    for name in _MOMENTS:
        if given[name]:
            try:
                moments[f"{name}_ms"] = read(hub.clock.now_ms(), Moment, given[name])
            except ValueError as problem:
                return BadRequest(field=name, problem=str(problem))
    return msgspec.convert({name: given[name] for name in _TEXTS} | moments, CallFilter)
