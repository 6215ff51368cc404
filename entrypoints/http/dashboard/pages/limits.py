"""Limits, budgets, runs and exposure, from the actions that list and show them."""

from typing import Any

import msgspec

from domain.refusals import Refusal
from entrypoints.actions.action import Action
from entrypoints.http.dashboard.action_pages import offered, path_of
from entrypoints.http.dashboard.page import View, Visitor
from entrypoints.http.wire import Request
from entrypoints.usecases.call_context import CallContext

NOUNS = {"limit": "list", "budget": "list", "run": "list", "exposure": "show"}


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """What there is of a noun, and its other actions."""

    noun: str
    reply: Any
    actions: list[Action[Any, Any]]


async def limits_page(hub: CallContext, visitor: Visitor, request: Request) -> View:
    """`GET /dashboard/limits`."""
    groups = []
    for noun, verb in NOUNS.items():
        actions = [
            one for name, one in offered().items() if name.startswith(f"{noun}-") and visitor.may(one.permission)
        ]
        reads = next((one for one in actions if one.name == f"{noun} {verb}"), None)
        if reads is None:
            continue
        reply = await reads.handler(visitor.acting(hub), reads.request())
        others = [one for one in actions if one is not reads]
        groups.append(Listed(noun=noun, reply=None if isinstance(reply, Refusal) else reply, actions=others))
    return View(template="limits.html", title="Limits and runs", values={"groups": groups, "path_of": path_of})
