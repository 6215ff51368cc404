"""A video that is asked for again because nobody waited long enough for it, as AIGNE's client does.

It gives up when three minutes bring no answer, and asks anew, up to three times (`AIGNEHubVideoModel` of
`@aigne/aigne-hub`, `BaseClient` of `@aigne/transport`). The video that it gave up on is still being made and will be
charged, so whoever asks for the same with the same key, word for word, when that patience is over, waits for that one.

Nobody else is meant: who wants several videos of the same words asks for them at once, or one after the other. This is
known to this process alone; an Idempotency-Key does it everywhere, so what bears one is left to that.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from domain.accounts.identity import Caller
from entrypoints.http.keys import caller_of_request, keys_of
from entrypoints.http.wire import Handler, Reply, Request
from entrypoints.usecases.call_context import CallContext

# The client's three minutes, less what may pass before its first question is heard.
PATIENCE_US = 175 * 1_000_000


class _Running:
    """A call that runs, and its reply once there is one."""

    def __init__(self, began_us: int) -> None:
        self.began_us = began_us
        self.over = anyio.Event()
        self.reply: Reply | None = None


def once_for_the_impatient(hub: CallContext, handle: Handler) -> Handler:
    """The handler, with a repeated call given the reply of the one that it repeats."""
    running: dict[bytes, _Running] = {}

    @asynccontextmanager
    async def handle_once(request: Request) -> AsyncIterator[Reply]:
        asked = _what_is_asked(request)
        first = running.get(asked)
        if first is not None and request.started_us - first.began_us >= PATIENCE_US and await _is_known(hub, request):
            await first.over.wait()
            if first.reply is not None:
                yield first.reply
                return
        call = _Running(request.started_us)
        if "idempotency-key" not in request.headers:
            running.setdefault(asked, call)
        try:
            async with handle(request) as reply:
                call.reply = reply
                call.over.set()
                yield reply
        finally:
            call.over.set()
            if running.get(asked) is call:
                del running[asked]

    return handle_once


def _what_is_asked(request: Request) -> bytes:
    """By whom and what, without a secret in it."""
    said = hashlib.sha256("\n".join(keys_of(request)).encode())
    said.update(b"\n" + request.headers.get("idempotency-key", "").encode() + b"\n" + request.body)
    return said.digest()


async def _is_known(hub: CallContext, request: Request) -> bool:
    """Whether the key still authenticates: one that was revoked since gets no video."""
    return isinstance(await caller_of_request(hub, request), Caller)
