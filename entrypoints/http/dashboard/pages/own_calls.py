"""Calls as the visitor may see them: operators see all, every other user their own."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from domain.books.call_query import CallQuery
from domain.refusals import Refusal
from entrypoints.http.dashboard.page import Visitor
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.call_actions import ShowCall, show_call
from entrypoints.usecases.manage.call_log import page_of_calls
from entrypoints.usecases.manage.call_view import CallView, CallWithAdjustments, call_view, without_costs

STATES = ("completed", "errors", "disconnected", "running", "slow")
SLOW_MS = 30_000
PORTION = 200
# A filter that no index serves looks through so long a time at once.
WINDOW_MS = 3 * 86_400_000
_IN_STATE: dict[str, dict[str, Any]] = {
    "completed": {"endings": ("completed",)},
    "errors": {"endings": ("provider_failed", "timed_out", "lost")},
    "disconnected": {"endings": ("client_disconnected",)},
    "running": {"state": "running"},
    "slow": {"min_duration_ms": SLOW_MS + 1},
}


class CallFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls are wanted; what is empty limits nothing. `model` is a part of a model's name."""

    user: str = ""
    model: str = ""
    state: str = ""
    key: str = ""
    app: str = ""
    run: str = ""
    operation: str = ""
    since_ms: int = 0
    until_ms: int | None = None

    @property
    def is_sparse(self) -> bool:
        """Whether calls that match may be far apart."""
        return any((self.model, self.state, self.key, self.app, self.run, self.operation))

    def query(self, user_id: str | None, before: str, limit: int) -> CallQuery:
        """The query of the call log."""
        return CallQuery(
            user_id=user_id,
            model_part=self.model or None,
            key_id=self.key or None,
            app=self.app or None,
            run_id=self.run or None,
            operation=self.operation or None,
            from_ms=self.since_ms or None,
            to_ms=self.until_ms,
            beyond=before or None,
            limit=limit,
            **_IN_STATE.get(self.state, {}),
        )


class CallPage(msgspec.Struct, frozen=True, kw_only=True):
    """Calls that match, the newest first; `last` is the id after which older ones may match, "" if there are none."""

    calls: list[CallView]
    last: str = ""


def sees_all(visitor: Visitor) -> bool:
    """Whether the visitor sees the calls of all users."""
    return visitor.may("see calls")


async def newest_calls(hub: CallContext, visitor: Visitor, limit: int, user: str = "") -> list[CallView]:
    """The newest calls, of one user where it is named; none if there is no such user."""
    return (await calls_page_of(hub, visitor, CallFilter(user=user), limit)).calls


async def calls_page_of(
    hub: CallContext, visitor: Visitor, wanted: CallFilter, limit: int, before: str = ""
) -> CallPage:
    """The newest calls that match, at most `limit`."""
    user_name = wanted.user if sees_all(visitor) else visitor.name
    user = await hub.storage.user_named(user_name) if user_name else None
    if user_name and user is None:
        return CallPage(calls=[])
    query = wanted.query(user.id if user else None, before, limit)
    shown = call_view if sees_all(visitor) else lambda report: without_costs(call_view(report))
    calls = [*map(shown, await page_of_calls(hub.storage, query))]
    return CallPage(calls=calls, last=calls[-1].id if len(calls) == limit else "")


async def every_matching(hub: CallContext, visitor: Visitor, wanted: CallFilter) -> AsyncIterator[list[CallView]]:
    """All calls that match, the newest first, in portions."""
    page = await calls_page_of(hub, visitor, wanted, PORTION)
    while page.last:
        yield page.calls
        page = await calls_page_of(hub, visitor, wanted, PORTION, page.last)
    yield page.calls


async def one_call(hub: CallContext, visitor: Visitor, call_id: str) -> CallWithAdjustments | Refusal:
    """One call; without costs, and none of another user's, for a visitor who sees no others."""
    return await show_call(visitor.acting(hub), ShowCall(id=call_id))
