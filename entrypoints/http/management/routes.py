"""The handlers of the action table over HTTP: key, permission, request, action, reply."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import msgspec

from domain.accounts.identity import Caller
from domain.accounts.key_access import management_refusal
from domain.accounts.permissions import denied
from domain.management.guarded_changes import Claim
from domain.refusals import BadRequest, PreconditionFailed, Refusal, StorageUnavailable
from entrypoints.actions.paths import Place, places
from entrypoints.http.dialects.openai_chat import OPENAI_CALLER
from entrypoints.http.exports import Exported
from entrypoints.http.keys import caller_of_request
from entrypoints.http.management.conditions import (
    GuardedStorage,
    RefusedError,
    RepeatedError,
    claim_of,
    etag_of,
    keep,
    kept_reply,
    matches,
    reads_of,
    repeated_reply,
)
from entrypoints.http.management.openapi import document
from entrypoints.http.management.requests import request_from, request_of
from entrypoints.http.replies import JSON_HEADER, refuse
from entrypoints.http.wire import Handler, Reply, Request, Route
from entrypoints.usecases import public_types
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.line_formats import LineFormat
from entrypoints.usecases.management_context import ActionContext, Denial
from ports.books import StorageError

OPENAPI = "/openapi.json"

_encode = msgspec.json.Encoder(enc_hook=public_types.written).encode


def management_routes(hub: CallContext) -> tuple[Route, ...]:
    """The routes of every action, and their description."""
    served = places()
    reads = reads_of(served)
    etags = frozenset(read.action.name for read in reads.values())
    handlers = [(at, _action_handler(hub, at, reads.get(at.action.name), at.action.name in etags)) for at in served]
    return (
        *(Route(method=at.method, template=at.template, handler=handler) for at, handler in handlers),
        Route(method="GET", template=OPENAPI, handler=_description_handler(served)),
    )


def _action_handler(hub: CallContext, place: Place, read: Place | None, has_etag: bool) -> Handler:
    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        try:
            answer = await _answered(hub, place, read, request)
        except StorageError as problem:
            answer = StorageUnavailable(reason=str(problem))
        if isinstance(answer, Refusal):
            yield refuse(OPENAI_CALLER, request, answer)
        elif isinstance(answer, Exported):
            yield answer.reply(request)
        elif isinstance(answer, Reply):
            yield answer
        else:
            is_whole = has_etag and not request.query
            yield _reply(request, answer, etag=etag_of(answer, place.action.moving) if is_whole else None)

    return handle


async def _answered(hub: CallContext, place: Place, read: Place | None, request: Request) -> Any:
    """What the action replies, or the refusal. The key is read again: a revoked one is refused at once."""
    caller = await caller_of_request(hub, request)
    if not isinstance(caller, Caller):
        return caller
    refusal = denied(caller, place.action.permission) or management_refusal(caller.key)
    if refusal is not None and not place.action.own:
        return refusal
    now_ms = hub.clock.now_ms()
    action_request = request_of(place, request, now_ms)
    if isinstance(action_request, BadRequest):
        return action_request
    # A key that a team pays for sees the team and its own calls, and not its user.
    own = None if refusal is None else caller.account
    acting = ActionContext(
        hub=hub,
        by=f"api:{caller.user.name}",
        role=caller.role,
        user_id=caller.user.id,
        policy=hub.policy,
        own=own.name if own is not None else None,
        own_key=caller.key.id if own is not None and own.is_team else None,
    )
    if not place.action.is_change:
        return await _carried_out(acting, place, action_request)
    claim = claim_of(request, caller.user.id, now_ms)
    if isinstance(claim, BadRequest):
        return claim
    return await _changed(hub, acting, Change(place=place, read=read, requested=action_request, request=request), claim)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A request that changes something: where it came, the place that shows what it changes, and its fields."""

    place: Place
    read: Place | None
    requested: msgspec.Struct
    request: Request


async def _changed(hub: CallContext, acting: ActionContext, change: Change, claim: Claim | None) -> Any:
    """The reply of a change under its conditions; an earlier request's reply if it had the same key."""
    request, holds = change.request, None
    if "if-match" in request.headers:
        if change.read is None:
            return BadRequest(field="If-Match", problem="Nothing that is read here has an ETag: leave it out.")
        holds = partial(_difference, acting, change.read, request)
    if claim is not None and (kept := await kept_reply(hub.storage, hub.vault, claim, request)) is not None:
        return kept
    if claim is None and holds is None:
        return _made(request, change.place, await _carried_out(acting, change.place, change.requested))
    user_id = claim.user_id if claim is not None else ""
    guarded = GuardedStorage(hub.storage, claim, user_id, holds)
    within = msgspec.structs.replace(acting, hub=dataclasses.replace(hub, storage=guarded))
    try:
        reply = _made(request, change.place, await _carried_out(within, change.place, change.requested))
    except RefusedError as refused:
        return refused.refusal
    except RepeatedError as repeated:
        assert claim is not None
        return repeated_reply(repeated.kept, hub.vault, claim, request)
    if claim is not None and isinstance(reply, Reply):
        await keep(hub.storage, hub.vault, claim, reply)
    return reply


async def _difference(acting: ActionContext, read: Place, request: Request) -> Refusal | None:
    """Why the request's If-Match does not hold now; None where it does."""
    wanted = {field.name for field in msgspec.structs.fields(read.action.request) if field.required} | {read.named}
    named = {name: text for name, text in request.path_values.items() if name in wanted}
    requested = request_from(read.action, named, 0)
    assert not isinstance(requested, BadRequest), requested
    reply = await _carried_out(acting, read, requested)
    if isinstance(reply, Denial) or not matches(request, etag_of(reply, read.action.moving)):
        path = read.template
        for name, text in named.items():
            path = path.replace(f"{{{name}:path}}", text).replace(f"{{{name}}}", text)
        return PreconditionFailed(read=path)
    return None


async def _carried_out(acting: ActionContext, place: Place, requested: msgspec.Struct) -> Any:
    reply = await place.action.handler(acting, requested)
    if place.action.is_streamed and not isinstance(reply, Refusal):
        form: LineFormat = getattr(requested, "format", "jsonl")
        return Exported(replies=reply, kind=place.action.reply, form=form, noun=place.action.name.partition(" ")[0])
    return reply if isinstance(reply, Denial) or not isinstance(reply, list) else {"data": reply}


def _made(request: Request, place: Place, reply: Any) -> Any:
    """The reply of a change as an answer; a refusal unchanged."""
    return reply if isinstance(reply, Refusal) else _reply(request, reply, 201 if place.is_creation else 200)


def _description_handler(served: tuple[Place, ...]) -> Handler:
    """`GET /openapi.json`, open to everybody: it reveals nothing of the books. It is made at the first request."""
    made: list[bytes] = []

    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        if not made:
            made.append(_encode(document(served)))
        headers = (JSON_HEADER, ("x-request-id", request.id), ("access-control-allow-origin", "*"))
        yield Reply(status=200, headers=headers, body=made[0])

    return handle


def _reply(request: Request, value: Any, status: int = 200, etag: str | None = None) -> Reply:
    """A reply that no cache keeps: it may contain a new key."""
    named = () if etag is None else (("etag", etag),)
    headers = (JSON_HEADER, ("x-request-id", request.id), ("cache-control", "no-store"), *named)
    return Reply(status=status, headers=headers, body=_encode(value))
