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
    WINDOW_MS,
    CallFilter,
    calls_page_of,
    every_matching,
    sees_all,
)
from entrypoints.http.dashboard.rendering import text_of
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
    start_ms = await _start_of_window(hub, wanted, before)
    page = await calls_page_of(hub, visitor, _since(wanted, start_ms), PAGE, before)
    kept = {name: text for name, text in given.items() if text}
    older = {**kept, "before": page.last} if page.last else {}
    if not older and start_ms is not None:
        older = {**kept, "until": text_of(Moment(start_ms))}
    values = {
        "calls": page.calls,
        "wanted": given,
        "states": STATES,
        "operations": tuple(OPERATIONS),
        "older": urlencode(older),
        "since": Moment(start_ms) if start_ms is not None and not page.last else None,
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


async def _start_of_window(hub: CallContext, wanted: CallFilter, before: str) -> int | None:
    """From when on calls are looked through; None: from the first, or from when the filter says."""
    if wanted.since_ms or not wanted.is_sparse:
        return None
    end_ms = hub.clock.now_ms() if wanted.until_ms is None else wanted.until_ms
    if before and (last := await hub.storage.call(before)) is not None:
        end_ms = last.started_ms
    past = await hub.storage.past_usage()
    start_ms = end_ms - WINDOW_MS
    return start_ms if past.first_ms is not None and past.first_ms < start_ms else None


def _since(wanted: CallFilter, start_ms: int | None) -> CallFilter:
    return wanted if start_ms is None else msgspec.structs.replace(wanted, since_ms=start_ms)


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
