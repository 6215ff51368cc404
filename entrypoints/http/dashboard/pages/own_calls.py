"""Calls as the visitor may see them: operators see all, every other user their own."""

from domain.refusals import NotFound, Refusal
from entrypoints.http.dashboard.page import Visitor
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.call_actions import ListCalls, ShowCall, list_calls, show_call
from entrypoints.usecases.manage.call_view import CallView, CallWithAdjustments


def sees_all(visitor: Visitor) -> bool:
    """Whether the visitor sees the calls of all users."""
    return visitor.may("see calls")


async def newest_calls(
    hub: CallContext, visitor: Visitor, limit: int, user: str | None = None, before: str | None = None
) -> list[CallView]:
    """The newest calls, of one user where it is named; none if there is no such user."""
    wanted = (user or None) if sees_all(visitor) else visitor.name
    found = await list_calls(visitor.acting(hub), ListCalls(user=wanted, limit=limit, before=before))
    return found if isinstance(found, list) else []


async def one_call(hub: CallContext, visitor: Visitor, call_id: str) -> CallWithAdjustments | Refusal:
    """One call with every field; another user's call does not exist for a visitor who may not see it."""
    found = await show_call(visitor.acting(hub), ShowCall(id=call_id))
    if isinstance(found, CallWithAdjustments) and not sees_all(visitor) and found.user != visitor.name:
        return NotFound(kind="call", name=call_id)
    return found
