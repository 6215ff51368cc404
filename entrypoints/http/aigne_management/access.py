"""The common part of AIGNE's management routes: who may ask, and errors in its shapes.

AIGNE Hub has three shapes of errors. A refused caller gets `{"code": "forbidden", "error"}`, any other problem of these
routes `{"error": text}`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeAlias

import msgspec

from domain.accounts.identity import Caller
from domain.accounts.key_access import management_refusal
from domain.accounts.permissions import PERMISSIONS, Permission
from domain.refusals import BadRequest, InvalidKey, MissingKey, NotFound, Refusal, StorageUnavailable
from entrypoints.http.errors import error_of
from entrypoints.http.keys import caller_of_request
from entrypoints.http.replies import json_reply
from entrypoints.http.wire import Handler, Reply, Request
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.management_context import ActionContext
from ports.books import StorageError


class Problem(msgspec.Struct, frozen=True):
    """An error with AIGNE's own words; `more` are further fields of its body."""

    status: int
    error: str
    more: dict[str, Any] = {}


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """A request with its caller, and the context to act in."""

    request: Request
    caller: Caller
    acting: ActionContext
    is_admin: bool


Act: TypeAlias = Callable[[Visit], Awaitable[Any]]
_NO_KEY = Problem(401, "not authorized", {"code": "forbidden"})
_NO_ROLE = Problem(403, "no permission", {"code": "forbidden"})
_NOUNS = {"provider": "Provider", "credential": "Credential", "rate": "Model rate", "call": "Call"}


def admins(hub: CallContext, permission: Permission, act: Act) -> Handler:
    """A handler for owners and admins whose key may manage the hub."""
    return _handler(hub, act, permission)


def users(hub: CallContext, act: Act) -> Handler:
    """A handler for every caller; `is_admin` decides what to show."""
    return _handler(hub, act, None)


def _handler(hub: CallContext, act: Act, permission: Permission | None) -> Handler:
    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        try:
            answer = await _answered(hub, request, act, permission)
        except StorageError as error:
            answer = StorageUnavailable(reason=str(error))
        yield answer if isinstance(answer, Reply) else reply_of(request, answer)

    return handle


async def _answered(hub: CallContext, request: Request, act: Act, permission: Permission | None) -> Any:
    caller = await caller_of_request(hub, request)
    if isinstance(caller, MissingKey | InvalidKey):
        return _NO_KEY if permission is not None else Problem(401, "Unauthorized")
    if not isinstance(caller, Caller):
        return caller
    role: Permission = permission or "see accounts"
    is_admin = caller.role in PERMISSIONS[role] and management_refusal(caller.key) is None
    if permission is not None and not is_admin:
        return _NO_ROLE
    acting = ActionContext(
        hub=hub, by=f"api:{caller.user.name}", role=caller.role, user_id=caller.user.id, policy=hub.policy
    )
    if permission is None:  # A key that a team pays for sees the team, and not its user.
        caller = msgspec.structs.replace(caller, user=caller.account)
    return await act(Visit(request=request, caller=caller, acting=acting, is_admin=is_admin))


def reply_of(request: Request, answer: Any) -> Reply:
    """The answer as JSON, a problem or a refusal as an error."""
    if isinstance(answer, Refusal):
        answer = problem_of(answer)
    if isinstance(answer, Problem):
        return json_reply(request, {**answer.more, "error": answer.error}, answer.status)
    return json_reply(request, answer)


def problem_of(refusal: Refusal) -> Problem:
    """The refusal as AIGNE states it: what does not exist by its noun alone, any other by the hub's own words."""
    if isinstance(refusal, NotFound):
        return Problem(404, f"{_NOUNS.get(refusal.kind, refusal.kind.capitalize())} not found")
    error = error_of(refusal)
    return Problem(error.status, error.message)


def wrong(field: str, problem: str) -> BadRequest:
    """A wrong field of the request."""
    return BadRequest(field=field, problem=problem)


Kind = Literal["chatCompletion", "imageGeneration", "embedding", "video"]
