"""The actions on the call log: their requests, replies and use cases."""

from collections.abc import AsyncIterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from domain.books.call_query import CallQuery
from domain.refusals import NotFound, Remedy
from entrypoints.usecases.manage import call_log
from entrypoints.usecases.manage.call_log import CallFilter
from entrypoints.usecases.manage.call_view import CallView, CallWithAdjustments, call_in_full, call_view, without_costs
from entrypoints.usecases.manage.own_view import sees_costs
from entrypoints.usecases.management_context import ActionContext, Denial

LIMIT_MAX = 10_000


class ListCalls(CallFilter, frozen=True, kw_only=True):
    """Which calls to list, the newest first."""

    limit: Annotated[int, Meta(description="how many at most", ge=1, le=LIMIT_MAX)] = 20
    before: Annotated[
        str | None, Meta(description="only calls that began before the call of this id: the next page")
    ] = None


class ShowCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call by its id."""

    id: Annotated[str, Meta(description="the id of the call, as the header x-request-id of its answer has it")]


class ExportCalls(CallFilter, frozen=True, kw_only=True):
    """Which calls to export, the oldest first."""

    format: Annotated[Literal["csv", "jsonl"], Meta(description="CSV, or a JSON object for each line")] = "csv"


async def list_calls(context: ActionContext, request: ListCalls) -> list[CallView] | Denial:
    """The newest calls, of one user or of all."""
    query = await call_log.query_of(context, request)
    if not isinstance(query, CallQuery):
        return query
    if request.before is not None:
        known = CallQuery(ids=(request.before,), user_id=query.user_id, key_id=query.key_id)
        if not await context.hub.storage.call_count(known):
            return NotFound(kind="call", name=request.before, remedy=Remedy("call list"))
    query = msgspec.structs.replace(query, beyond=request.before, limit=request.limit)
    return [_shown(context, report) for report in await call_log.page_of_calls(context.hub.storage, query)]


async def show_call(context: ActionContext, request: ShowCall) -> CallWithAdjustments | Denial:
    """One call with every field, the adjustments of its charge, and the lines of the journal that it caused."""
    found = await call_log.one_call(context, request.id)
    if isinstance(found, NotFound):
        return found
    shown = call_in_full(found)
    return shown if sees_costs(context) else without_costs(shown)


async def export_calls(context: ActionContext, request: ExportCalls) -> AsyncIterator[CallView] | Denial:
    """Every call that the filter describes and that began before now, the oldest first."""
    query = await call_log.query_of(context, request)
    if not isinstance(query, CallQuery):
        return query
    if query.to_ms is None:
        query = msgspec.structs.replace(query, to_ms=context.hub.clock.now_ms() + 1)
    return _exported(context, query)


async def _exported(context: ActionContext, query: CallQuery) -> AsyncIterator[CallView]:
    async for report in call_log.every_call(context.hub.storage, query):
        yield _shown(context, report)


def _shown(context: ActionContext, report: call_log.CallReport) -> CallView:
    view = call_view(report)
    return view if sees_costs(context) else without_costs(view)
