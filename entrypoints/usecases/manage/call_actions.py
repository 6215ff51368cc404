"""The actions on the call log: their requests, replies and use cases."""

from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from msgspec import Meta

from domain.refusals import NotFound
from entrypoints.usecases.manage import call_log
from entrypoints.usecases.manage.call_view import (
    CallView,
    CallWithAdjustments,
    ExportedCall,
    adjustment_view,
    call_view,
)
from entrypoints.usecases.management_context import ActionContext, Denial
from entrypoints.usecases.public_types import Credits, Moment

LIMIT_MAX = 10_000


class ListCalls(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls to list, the newest first."""

    user: Annotated[str | None, Meta(description="only the calls of this user")] = None
    limit: Annotated[int, Meta(description="how many at most", ge=1, le=LIMIT_MAX)] = 20
    before: Annotated[
        str | None, Meta(description="only calls that began before the call of this id: the next page")
    ] = None


class ShowCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call by its id."""

    id: Annotated[str, Meta(description="the id of the call, as the header x-request-id of its answer has it")]


class ExportCalls(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls to export, the oldest first."""

    user: Annotated[str | None, Meta(description="only the calls of this user")] = None
    since: Annotated[Moment | None, Meta(description="calls that began then or later (the first)")] = None
    until: Annotated[Moment | None, Meta(description="calls that began before then (now)")] = None


async def list_calls(context: ActionContext, request: ListCalls) -> list[CallView] | Denial:
    """The newest calls, of one user or of all."""
    found = await call_log.newest_calls(context.hub.storage, request.user, request.limit, request.before)
    return found if isinstance(found, NotFound) else [*map(call_view, found)]


async def show_call(context: ActionContext, request: ShowCall) -> CallWithAdjustments | Denial:
    """One call with every field, and the adjustments of its charge."""
    found = await call_log.one_call(context.hub.storage, request.id)
    if isinstance(found, NotFound):
        return found
    adjustments = [*map(adjustment_view, await context.hub.storage.adjustments(request.id))]
    return CallWithAdjustments(**msgspec.structs.asdict(call_view(found)), adjustments=adjustments)


async def export_calls(context: ActionContext, request: ExportCalls) -> AsyncIterator[ExportedCall] | Denial:
    """Every call of a span, the oldest first, as of one moment."""
    found = await call_log.every_call(context.hub.storage, request.user, request.since, request.until)
    return found if isinstance(found, NotFound) else _exported(found)


async def _exported(calls: AsyncIterator[call_log.Exported]) -> AsyncIterator[ExportedCall]:
    async for one in calls:
        view = msgspec.structs.asdict(call_view(one.report))
        yield ExportedCall(**view, adjusted=Credits(one.adjusted_nanos))
