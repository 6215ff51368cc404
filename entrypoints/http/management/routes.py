"""The handlers of the action table over HTTP: key, permission, request, action, reply."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from domain.accounts.identity import Caller
from domain.accounts.key_access import management_refusal
from domain.accounts.permissions import denied
from domain.refusals import BadRequest, Refusal, StorageUnavailable
from entrypoints.actions.places import Place, places
from entrypoints.http.dialects.openai_chat import OPENAI_CALLER
from entrypoints.http.exports import Exported
from entrypoints.http.keys import caller_of_request
from entrypoints.http.management.openapi import document
from entrypoints.http.management.requests import request_of
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
    return (
        *(Route(method=at.method, template=at.template, handler=_action_handler(hub, at)) for at in served),
        Route(method="GET", template=OPENAPI, handler=_description_handler(served)),
    )


def _action_handler(hub: CallContext, place: Place) -> Handler:
    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        answer = await _answered(hub, place, request)
        if isinstance(answer, Refusal):
            yield refuse(OPENAI_CALLER, request, answer)
        elif isinstance(answer, Exported):
            yield answer.reply(request)
        else:
            yield _reply(request, answer, 201 if place.is_creation else 200)

    return handle


async def _answered(hub: CallContext, place: Place, request: Request) -> Any:
    """What the action replies, or the refusal. The key is read again: a revoked one is refused at once."""
    caller = await caller_of_request(hub, request)
    if not isinstance(caller, Caller):
        return caller
    refusal = denied(caller, place.action.permission) or management_refusal(caller.key)
    if refusal is not None and not place.action.own:
        return refusal
    action_request = request_of(place, request, hub.clock.now_ms())
    if isinstance(action_request, BadRequest):
        return action_request
    name = caller.user.name
    own = None if refusal is None else name
    acting = ActionContext(hub=hub, by=f"api:{name}", role=caller.role, policy=hub.policy, own=own)
    try:
        reply = await place.action.handler(acting, action_request)
    except StorageError as problem:
        return StorageUnavailable(reason=str(problem))
    if place.action.is_streamed and not isinstance(reply, Refusal):
        form: LineFormat = getattr(action_request, "format", "jsonl")
        return Exported(replies=reply, kind=place.action.reply, form=form, noun=place.action.name.partition(" ")[0])
    return reply if isinstance(reply, Denial) or not isinstance(reply, list) else {"data": reply}


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


def _reply(request: Request, value: Any, status: int) -> Reply:
    """A reply that no cache keeps: it may contain a new key."""
    headers = (JSON_HEADER, ("x-request-id", request.id), ("cache-control", "no-store"))
    return Reply(status=status, headers=headers, body=_encode(value))
