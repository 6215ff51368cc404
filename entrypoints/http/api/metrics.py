"""`GET /metrics`: what the hub measures, for Prometheus, to the holder of the token or of an operator's key."""

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import anyio.to_thread

from domain.accounts.identity import Caller
from domain.accounts.key_access import management_refusal
from domain.accounts.permissions import denied
from domain.refusals import Refusal, StorageUnavailable
from entrypoints.http.api.exposition import exposition
from entrypoints.http.dialects.openai_chat import OPENAI_CALLER
from entrypoints.http.keys import caller_of_request, keys_of
from entrypoints.http.replies import refuse
from entrypoints.http.wire import Handler, Reply, Request
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.metrics_figures import measured
from ports.books import StorageError


def metrics_handler(hub: CallContext) -> Handler:
    """The handler of `GET /metrics`. The answer is encoded in a thread, so that calls go on meanwhile."""

    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        refusal = await _refusal(hub, request)
        if refusal is None:
            try:
                figures = await measured(hub)
            except StorageError as problem:
                refusal = StorageUnavailable(reason=str(problem))
        if refusal is not None:
            yield refuse(OPENAI_CALLER, request, refusal)
            return
        encode = partial(exposition, figures, request.headers.get("accept", ""))
        body, content_type = await anyio.to_thread.run_sync(encode)
        headers = (("content-type", content_type), ("cache-control", "no-store"), ("x-request-id", request.id))
        yield Reply(status=200, headers=headers, body=body)

    return handle


async def _refusal(hub: CallContext, request: Request) -> Refusal | None:
    """None for the token of AIHUB_METRICS_TOKEN, and for the key of a user who may see metrics."""
    token = hub.metrics_token
    if token is not None and any(hmac.compare_digest(key.encode(), token.encode()) for key in keys_of(request)):
        return None
    caller = await caller_of_request(hub, request)
    if not isinstance(caller, Caller):
        return caller
    return denied(caller, "see metrics") or management_refusal(caller.key)
