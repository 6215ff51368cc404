"""OpenRouter's routes of keys: who may use them, and what they do with the hub's own actions."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeAlias

import msgspec

from domain.accounts.identity import Caller, flaw
from domain.accounts.key_access import management_refusal
from domain.accounts.permissions import Permission, denied
from domain.accounts.rows import ApiKey
from domain.refusals import BadRequest, NotFound, Refusal, StorageUnavailable
from entrypoints.http.errors import error_of
from entrypoints.http.keys import caller_of_request
from entrypoints.http.openrouter_keys.bodies import (
    KEY_CHANGE,
    NEW_KEY,
    PERIODS,
    KeyChange,
    NewKey,
    Reset,
    amount_of,
    body_of,
    moment_of,
)
from entrypoints.http.openrouter_keys.views import budgets_of, own, shown
from entrypoints.http.replies import json_reply
from entrypoints.http.wire import Handler, Reply, Request, Route
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage import budgets, keys
from entrypoints.usecases.management_context import ActionContext
from entrypoints.usecases.public_types import Credits, Duration
from ports.books import StorageError

PREFIX = "/openrouter/api/v1"
PAGE = 100


class Created(msgspec.Struct, frozen=True):
    """The reply of a creation, which has a status of its own."""

    reply: dict[str, Any]


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """A request with its caller, and the context to act in."""

    hub: CallContext
    request: Request
    caller: Caller
    acting: ActionContext


Act: TypeAlias = Callable[[Visit], Awaitable[Any]]


def openrouter_key_routes(hub: CallContext) -> tuple[Route, ...]:
    """OpenRouter's routes of keys. The caller's own key is at `/api/v1/key` as well."""
    table: tuple[tuple[str, str, Permission | None, Act], ...] = (
        ("GET", "/keys", "see accounts", list_keys),
        ("POST", "/keys", "manage accounts", create_key),
        ("GET", "/keys/{hash}", "see accounts", show_key),
        ("PATCH", "/keys/{hash}", "manage accounts", change_key),
        ("DELETE", "/keys/{hash}", "manage accounts", delete_key),
        ("GET", "/key", None, own_key),
    )
    return (
        *(
            Route(method=method, template=PREFIX + path, handler=_handler(hub, may, act))
            for method, path, may, act in table
        ),
        Route(method="GET", template="/api/v1/key", handler=_handler(hub, None, own_key)),
    )


def _handler(hub: CallContext, permission: Permission | None, act: Act) -> Handler:
    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        try:
            answer = await _answered(hub, permission, act, request)
        except StorageError as problem:
            answer = StorageUnavailable(reason=str(problem))
        if isinstance(answer, Refusal):
            error = error_of(answer)
            yield json_reply(request, {"error": {"code": error.status, "message": error.message}}, error.status)
        elif isinstance(answer, Created):
            yield json_reply(request, answer.reply, 201)
        else:
            yield json_reply(request, answer)

    return handle


async def _answered(hub: CallContext, permission: Permission | None, act: Act, request: Request) -> Any:
    caller = await caller_of_request(hub, request)
    if not isinstance(caller, Caller):
        return caller
    if permission is not None and (refusal := denied(caller, permission) or management_refusal(caller.key)) is not None:
        return refusal
    acting = ActionContext(hub=hub, by=f"api:{caller.user.name}", role=caller.role, policy=hub.policy)
    return await act(Visit(hub=hub, request=request, caller=caller, acting=acting))


async def list_keys(visit: Visit) -> Any:
    """`GET /keys`: a page of 100 keys for models, the newest first; `offset`, `include_disabled`."""
    offset = visit.request.query_value("offset") or "0"
    if not (offset.isascii() and offset.isdigit() and len(offset) < 10):
        return BadRequest(field="offset", problem="Write a whole number from 0.")
    found = sorted(await _standing(visit.hub), key=lambda key: (key.created_ms, key.id), reverse=True)
    if visit.request.query_value("include_disabled") in ("false", "0"):
        found = [key for key in found if flaw(key, visit.hub.clock.now_ms()) != "disabled"]
    return {"data": await shown(visit.hub, found[int(offset) :][:PAGE])}


async def show_key(visit: Visit) -> Any:
    """`GET /keys/{hash}`."""
    key = await _named(visit)
    return key if isinstance(key, NotFound) else await _data(visit.hub, key)


async def create_key(visit: Visit) -> Any:
    """`POST /keys`: a key for models, of the caller's user or another; its `limit` is a budget of the key."""
    body = body_of(visit.request.body, NEW_KEY)
    if isinstance(body, BadRequest):
        return body
    terms = _terms(body, visit.hub.clock.now_ms())
    if isinstance(terms, BadRequest):
        return terms
    lasts, amount = terms
    user = body.user or visit.caller.user.name
    made = await keys.issue_key(visit.acting, keys.CreateKey(user=user, name=body.name, expires_in=lasts))
    if not isinstance(made, keys.KeyCreated):
        return made
    if amount is not None and (refusal := await _set_limit(visit, made.id, amount, body.limit_reset)) is not None:
        return refusal
    (key,) = [one for one in await _standing(visit.hub) if one.id == made.id]
    return Created({**await _data(visit.hub, key), "key": made.key})


async def change_key(visit: Visit) -> Any:
    """`PATCH /keys/{hash}`: name, switch, and limit."""
    key, body = await _named(visit), body_of(visit.request.body, KEY_CHANGE)
    if isinstance(key, NotFound):
        return key
    if isinstance(body, BadRequest):
        return body
    amount = amount_of(body.limit) if body.limit else None
    if isinstance(amount, BadRequest):
        return amount
    named = keys.NamedKey(id=key.id)
    steps: list[Callable[[], Awaitable[Any]]] = []
    if isinstance(body.name, str):
        steps.append(partial(keys.change_key, visit.acting, keys.ChangeKey(id=key.id, name=body.name)))
    if isinstance(body.disabled, bool):
        steps.append(partial(keys.disable_key if body.disabled else keys.enable_key, visit.acting, named))
    steps.append(partial(_change_limit, visit, key.id, body))
    for step in steps:
        if isinstance(answer := await step(), Refusal):
            return answer
    (key,) = [one for one in await _standing(visit.hub) if one.id == key.id]
    return await _data(visit.hub, key)


async def delete_key(visit: Visit) -> Any:
    """`DELETE /keys/{hash}`: the key authenticates no later call."""
    key = await _named(visit)
    if isinstance(key, NotFound):
        return key
    gone = await keys.revoke_key(visit.acting, keys.NamedKey(id=key.id))
    return {"deleted": True} if isinstance(gone, keys.KeyRevoked) else gone


async def own_key(visit: Visit) -> Any:
    """`GET /key`: the key of the request."""
    return {"data": await own(visit.hub, visit.caller.key)}


def _terms(body: NewKey, now_ms: int) -> tuple[Duration | None, Credits | None] | BadRequest:
    """How long the key lasts, and its limit."""
    amount = None if body.limit is None else amount_of(body.limit)
    if isinstance(amount, BadRequest):
        return amount
    if body.expires_at is None:
        return None, amount
    expires = moment_of(body.expires_at)
    if isinstance(expires, BadRequest):
        return expires
    if expires <= now_ms:
        return BadRequest(field="expires_at", problem="Write a moment that is still to come.")
    return Duration(expires - now_ms), amount


async def _change_limit(visit: Visit, key_id: str, body: KeyChange) -> Refusal | None:
    """The limit as the body has it; the amount or the reset that it leaves out stays."""
    had = (await budgets_of(visit.hub)).get(key_id)
    if body.limit is None:
        gone = None if had is None else await budgets.remove_budget(visit.acting, budgets.NamedBudget(id=had.id))
        return gone if isinstance(gone, Refusal) else None
    if isinstance(body.limit, msgspec.UnsetType):
        if had is None or isinstance(body.limit_reset, msgspec.UnsetType):
            return None
        return await _set_limit(visit, key_id, Credits(had.amount_nanos), body.limit_reset, had.id)
    amount = amount_of(body.limit)
    if isinstance(amount, BadRequest):
        return amount
    kept = next((name for name, period in PERIODS.items() if had is not None and period == had.period), None)
    reset = kept if isinstance(body.limit_reset, msgspec.UnsetType) else body.limit_reset
    return await _set_limit(visit, key_id, amount, reset, None if had is None else had.id)


async def _set_limit(
    visit: Visit, key_id: str, amount: Credits, reset: Reset | None, budget_id: str | None = None
) -> Refusal | None:
    subject = {"id": budget_id} if budget_id is not None else {"key": key_id}
    made = await budgets.set_budget(visit.acting, budgets.SetBudget(amount=amount, period=PERIODS[reset], **subject))
    return made if isinstance(made, Refusal) else None


async def _standing(hub: CallContext) -> list[ApiKey]:
    """The keys that may call models and are not revoked."""
    now_ms = hub.clock.now_ms()
    found = [key for key in await hub.storage.keys() if key.purpose != "management"]
    return [key for key in found if flaw(key, now_ms) != "revoked"]


async def _named(visit: Visit) -> ApiKey | NotFound:
    """The key of the path."""
    wanted = visit.request.path_values["hash"]
    found = [key for key in await _standing(visit.hub) if key.id == wanted]
    return found[0] if found else NotFound(kind="key", name=wanted)


async def _data(hub: CallContext, key: ApiKey) -> dict[str, Any]:
    (view,) = await shown(hub, [key])
    return {"data": view}
