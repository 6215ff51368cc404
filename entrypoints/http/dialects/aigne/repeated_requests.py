"""Requests for a video that AIGNE's client repeats because its timeout was too short.

The client gives up after three minutes without an answer and sends the request again, up to three times
(`AIGNEHubVideoModel` of `@aigne/aigne-hub`, `BaseClient` of `@aigne/transport`). The first video is still being made
and will be charged, so an identical request with the same key after that timeout waits for the first video.

Other requests are not affected: a caller that needs several videos for the same prompt requests them at once, or one
after the other. Only this process knows the calls; an Idempotency-Key works across processes, so a request with one is
not handled here.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from domain.accounts.identity import Caller
from entrypoints.http.keys import caller_of_request, keys_of
from entrypoints.http.wire import Handler, Reply, Request
from entrypoints.usecases.call_context import CallContext

# The client's three minutes, minus the time until its first request may arrive.
REPEATED_AFTER_US = 175 * 1_000_000


class _Running:
    """A call that runs, and its reply once there is one."""

    def __init__(self, began_us: int) -> None:
        self.began_us = began_us
        self.over = anyio.Event()
        self.reply: Reply | None = None


def once_if_repeated(hub: CallContext, handle: Handler) -> Handler:
    """The handler; a repeated call gets the reply of the call that it repeats."""
    running: dict[bytes, _Running] = {}

    @asynccontextmanager
    async def handle_once(request: Request) -> AsyncIterator[Reply]:
        digest = _request_digest(request)
        first = running.get(digest)
        if (
            first is not None
            and request.started_us - first.began_us >= REPEATED_AFTER_US
            and await _is_known(hub, request)
        ):
            await first.over.wait()
            if first.reply is not None:
                yield first.reply
                return
        call = _Running(request.started_us)
        if "idempotency-key" not in request.headers:
            running.setdefault(digest, call)
        try:
            async with handle(request) as reply:
                call.reply = reply
                call.over.set()
                yield reply
        finally:
            call.over.set()
            if running.get(digest) is call:
                del running[digest]

    return handle_once


def _request_digest(request: Request) -> bytes:
    """The identity of a request, by key and body, without a secret in it."""
    digest = hashlib.sha256("\n".join(keys_of(request)).encode())
    digest.update(b"\n" + request.headers.get("idempotency-key", "").encode() + b"\n" + request.body)
    return digest.digest()


async def _is_known(hub: CallContext, request: Request) -> bool:
    """Whether the key still authenticates: a key that has been revoked since gets no video."""
    return isinstance(await caller_of_request(hub, request), Caller)
