"""Reading the calls that another gateway made, as an action: its request, reply and use case."""

from typing import Annotated

import msgspec
from msgspec import Meta

from domain.books.rows import ImportedCall
from domain.usage import Usage
from entrypoints.usecases.management_context import ActionContext, Denial
from entrypoints.usecases.public_types import Credits, Moment

LISTED_MAX = 1_000


class ListImportedCalls(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls to list, the newest first."""

    user: Annotated[str | None, Meta(description="only this user's")] = None
    limit: Annotated[int, Meta(description="how many at most", ge=1, le=LISTED_MAX)] = 20
    before: Annotated[str | None, Meta(description="only calls before the one of this id")] = None


class ImportedCallView(msgspec.Struct, frozen=True, kw_only=True):
    """A call that another gateway made, as its log has it. Nothing of it is in the ledger or in the statistics."""

    id: str
    user: str
    app: str | None
    provider: str | None
    model: str
    operation: str
    status: str
    started: Moment
    duration_ms: int | None
    first_byte_ms: int | None
    usage: Usage | None
    charged: Annotated[Credits | None, Meta(description="what it was charged there")]
    error: str | None
    request_id: str | None
    trace_id: str | None


async def list_imported_calls(context: ActionContext, request: ListImportedCalls) -> list[ImportedCallView] | Denial:
    """The newest calls that were imported."""
    found = await context.hub.storage.imported_calls(request.user, request.limit, request.before)
    return [*map(_view, found)]


def _view(row: ImportedCall) -> ImportedCallView:
    return ImportedCallView(
        id=row.id,
        user=row.caller,
        app=row.app,
        provider=row.provider,
        model=row.model,
        operation=row.operation,
        status=row.status,
        started=Moment(row.started_ms),
        duration_ms=row.duration_ms,
        first_byte_ms=row.first_byte_ms,
        usage=row.usage,
        charged=None if row.credits_nanos is None else Credits(row.credits_nanos),
        error=row.error,
        request_id=row.request_id,
        trace_id=row.trace_id,
    )
