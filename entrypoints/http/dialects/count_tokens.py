"""Counting a request's tokens before it is made, in any dialect that has a route for it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec

from domain.model_api.call import ModelCall
from domain.refusals import BadRequest, Refusal, StorageUnavailable
from entrypoints.http.dialects.dialect import CallerDialect
from entrypoints.http.keys import fingerprint_of
from entrypoints.http.replies import refuse
from entrypoints.http.wire import Handler, Reply, Request
from entrypoints.usecases.call.ask import Ask
from entrypoints.usecases.call.count_tokens import Counted, count_tokens
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.identity import refusal_to
from ports.books import StorageError


def counting_handler(
    hub: CallContext,
    dialect: CallerDialect,
    read: Callable[[bytes], ModelCall | BadRequest],
    reply: Callable[[Request, Counted], Reply],
) -> Handler:
    """The handler of one route: `read` makes a call of a body, `reply` an answer of the count."""

    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        try:
            found = await _counted(hub, dialect, request, read)
        except StorageError as problem:
            found = StorageUnavailable(reason=str(problem))
        yield reply(request, found) if isinstance(found, Counted) else refuse(dialect, request, found)

    return handle


async def _counted(
    hub: CallContext, dialect: CallerDialect, request: Request, read: Callable[[bytes], ModelCall | BadRequest]
) -> Counted | Refusal:
    """The count. Only a caller with a valid key gets an explanation of a bad body."""
    fingerprint = await fingerprint_of(hub, request)
    if not isinstance(fingerprint, str):
        return fingerprint
    call = read(request.body)
    if isinstance(call, BadRequest):
        return await refusal_to(hub, fingerprint, call)
    if beta := request.headers.get("anthropic-beta"):
        call = msgspec.structs.replace(call, relay_headers=(("anthropic-beta", beta),))
    return await count_tokens(
        hub, Ask(call_id=request.id, fingerprint=fingerprint, call=call, to_request=dialect.to_request)
    )
