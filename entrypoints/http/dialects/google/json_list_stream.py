"""A stream as one JSON list of responses, which Google sends where the query lacks `alt=sse`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from entrypoints.http.renderers import EVENT_STREAM, JSON
from entrypoints.http.wire import Handler, Reply, Request


def as_list(ask: Handler) -> Handler:
    """The handler with its stream of events as one list; an error stays as it is."""

    @asynccontextmanager
    async def handle(request: Request) -> AsyncIterator[Reply]:
        async with ask(request) as reply:
            yield _as_list(reply)

    return handle


def _as_list(reply: Reply) -> Reply:
    headers = tuple((name, JSON if name == "content-type" else value) for name, value in reply.headers)
    if not isinstance(reply.body, bytes):
        return msgspec.structs.replace(reply, headers=headers, body=_listed(reply.body))
    if dict(reply.headers).get("content-type") != EVENT_STREAM:
        return reply
    body = b"[%b]" % b",\r\n".join(_data(reply.body))
    return msgspec.structs.replace(reply, headers=headers, body=body)


async def _listed(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    before = b"["
    async for piece in body:
        responses = _data(piece)
        if responses:
            yield before + b",\r\n".join(responses)
            before = b",\r\n"
    yield b"]" if before != b"[" else b"[]"


def _data(piece: bytes) -> list[bytes]:
    """The data of the complete events in a chunk."""
    reported: list[bytes] = []
    lines: list[bytes] = []
    for line in (*piece.splitlines(), b""):
        if line.startswith(b"data:"):
            lines.append(line[5:].strip())
        elif not line and lines:
            reported.append(b"\n".join(lines))
            lines = []
    return reported
