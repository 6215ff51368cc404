"""A page of a list, as Anthropic's SDK asks for it: `limit`, `after_id`, `before_id`.

https://platform.claude.com/docs/en/api/models/list
"""

from collections.abc import Sequence

import msgspec

from domain.refusals import BadRequest
from entrypoints.http.wire import Request

LIMIT_MAX = 1000


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The start and end in the list, and whether there is more in the requested direction."""

    start: int
    end: int
    has_more: bool


def page_of(request: Request, ids: Sequence[str]) -> Page | BadRequest:
    """The requested page; without a `limit` it is the whole rest, since clients ask once."""
    requested = request.query_value("limit")
    if requested is not None and not (requested.isascii() and requested.isdigit() and int(requested[:9]) > 0):
        return BadRequest(field="limit", problem=f"Send a whole number from 1 to {LIMIT_MAX}.")
    limit = len(ids) if requested is None else min(int(requested[:9]), LIMIT_MAX)
    after, before = request.query_value("after_id"), request.query_value("before_id")
    for name, cursor in (("after_id", after), ("before_id", before)):
        if cursor is not None and cursor not in ids:
            return BadRequest(field=name, problem="There is no model of that id. Send an id of the page before.")
    if before is not None:
        end = ids.index(before)
        start = max(0, end - limit)
        return Page(start=start, end=end, has_more=start > 0)
    start = 0 if after is None else ids.index(after) + 1
    end = min(len(ids), start + limit)
    return Page(start=start, end=end, has_more=end < len(ids))
