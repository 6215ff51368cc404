"""Calls as the visitor may see them: operators see all, every other user their own."""

from collections.abc import AsyncIterator

import msgspec

from domain.books.ids import CALL, unpacked
from domain.books.rows import Call
from domain.refusals import NotFound, Refusal
from entrypoints.http.dashboard.page import Visitor
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.call_actions import ShowCall, show_call
from entrypoints.usecases.manage.call_log import CallReport
from entrypoints.usecases.manage.call_view import CallView, CallWithAdjustments, call_view
from entrypoints.usecases.manage.users import user_names

STATES = ("completed", "errors", "disconnected", "running", "slow")
SLOW_MS = 30_000
# How many calls are read at once: while they are, other readers of the books wait.
PORTION = 200
_CLOCKS_MS = 60_000
_ENDINGS = {
    "completed": ("completed",),
    "errors": ("provider_failed", "timed_out", "lost"),
    "disconnected": ("client_disconnected",),
    "running": (None,),
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

    def matches(self, call: Call) -> bool:
        """Whether the call is wanted; its user is not looked at."""
        names = f"{call.model} {call.provider or ''}/{call.provider_model or ''}"
        exact = ((self.key, call.key_id), (self.app, call.app), (self.run, call.run_id))
        return (
            self.model in names
            and self.since_ms <= call.started_ms < (self.until_ms or call.started_ms + 1)
            and all(not wanted or wanted == value for wanted, value in exact)
            and self.operation in ("", call.operation)
            and self._is_in_state(call)
        )

    def _is_in_state(self, call: Call) -> bool:
        if self.state == "slow":
            return call.ended_ms is not None and call.ended_ms - call.started_ms > SLOW_MS
        return self.state not in _ENDINGS or call.ending in _ENDINGS[self.state]


class CallPage(msgspec.Struct, frozen=True, kw_only=True):
    """Calls that match, the newest first; `last` is the id after which older ones may match, "" if there are none."""

    calls: list[CallView]
    last: str = ""


def sees_all(visitor: Visitor) -> bool:
    """Whether the visitor sees the calls of all users."""
    return visitor.may("see calls")


async def newest_calls(hub: CallContext, visitor: Visitor, limit: int, user: str = "") -> list[CallView]:
    """The newest calls, of one user where it is named; none if there is no such user."""
    return (await calls_page_of(hub, visitor, CallFilter(user=user), limit, limit)).calls


async def calls_page_of(
    hub: CallContext, visitor: Visitor, wanted: CallFilter, limit: int, scanned_max: int, before: str = ""
) -> CallPage:
    """The newest calls that match, at most `limit`; no more than about `scanned_max` are looked through for them."""
    found: list[CallView] = []
    scanned, last = 0, ""
    async for portion, matching in _portions(hub, visitor, wanted, before, min(PORTION, 2 * limit)):
        scanned += len(portion)
        found += matching
        if len(found) >= limit:
            return CallPage(calls=found[:limit], last=found[limit - 1].id)
        last = portion[-1].id
        if scanned >= scanned_max:
            return CallPage(calls=found, last=last)
    return CallPage(calls=found)


async def every_matching(hub: CallContext, visitor: Visitor, wanted: CallFilter) -> AsyncIterator[list[CallView]]:
    """All calls that match, the newest first, in portions."""
    async for _, matching in _portions(hub, visitor, wanted, "", PORTION):
        yield matching


async def _portions(
    hub: CallContext, visitor: Visitor, wanted: CallFilter, before: str, size: int
) -> AsyncIterator[tuple[list[Call], list[CallView]]]:
    """The calls that are looked through, and those of them that match."""
    user_name = wanted.user if sees_all(visitor) else visitor.name
    user = await hub.storage.user_named(user_name) if user_name else None
    if user_name and user is None:
        return
    names = await user_names(hub.storage)
    start = before or (None if wanted.until_ms is None else _first_id(wanted.until_ms))
    while True:
        calls = await hub.storage.calls(user.id if user else None, size, start)
        inside = [call for call in calls if call.started_ms >= wanted.since_ms]
        if inside:
            reports = [
                CallReport(call=call, user=names.get(call.user_id, call.user_id))
                for call in inside
                if wanted.matches(call)
            ]
            yield inside, [*map(call_view, reports)]
        if len(calls) < size or len(inside) < len(calls):
            return
        start = calls[-1].id


def _first_id(at_ms: int) -> str:
    """An id that is after those of the calls until then, also where the clocks of two machines differ."""
    return unpacked((at_ms + _CLOCKS_MS).to_bytes(6, "big") + bytes(10), CALL)


async def one_call(hub: CallContext, visitor: Visitor, call_id: str) -> CallWithAdjustments | Refusal:
    """One call with every field; another user's call does not exist for a visitor who may not see it."""
    found = await show_call(visitor.acting(hub), ShowCall(id=call_id))
    if isinstance(found, CallWithAdjustments) and not sees_all(visitor) and found.user != visitor.name:
        return NotFound(kind="call", name=call_id)
    return found
