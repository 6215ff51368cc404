"""A page of a list, as Anthropic's SDK asks for it: `limit`, `after_id`, `before_id`.

https://platform.claude.com/docs/en/api/models/list
"""

from collections.abc import Sequence

import msgspec

from domain.refusals import BadRequest
from entrypoints.http.wire import Request

LIMIT_MAX = 1000


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """From where to where in the list, and whether there is more in the direction that was asked."""

    start: int
    end: int
    has_more: bool


def page_of(request: Request, ids: Sequence[str]) -> Page | BadRequest:
    """The page that the query asks for; without a `limit` it is all that is left, since clients ask once."""
    asked = request.asked("limit")
    if asked is not None and not (asked.isascii() and asked.isdigit() and int(asked[:9]) > 0):
        return BadRequest(field="limit", problem=f"Send a whole number from 1 to {LIMIT_MAX}.")
    limit = len(ids) if asked is None else min(int(asked[:9]), LIMIT_MAX)
    after, before = request.asked("after_id"), request.asked("before_id")
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
