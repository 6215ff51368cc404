"""A server in front of an application of a few lines, and a caller who chooses every byte."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.util import find_spec

import pytest

from entrypoints.server import REFUSED
from entrypoints.server.exchange import App, Message
from entrypoints.server.limits import CONNECTION_TIMEOUTS, ConnectionTimeouts, Limits
from entrypoints.server.listening import Listener
from entrypoints.server.supervisor import listening_socket

GUARD_S = 20.0
GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
ROOMY = Limits(requests=100, connections=200)
QUICK = ConnectionTimeouts(head_s=0.05, idle_s=0.05, drain_s=0.05, probe_s=0.01, look_s=0.01)
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
# Both event loops that a hub may run on, for the fixture `anyio_backend`.
LOOPS = [
    pytest.param(("asyncio", {"use_uvloop": False}), id="asyncio"),
    pytest.param(
        ("asyncio", {"use_uvloop": True}),
        id="uvloop",
        marks=pytest.mark.skipif(find_spec("uvloop") is None, reason="uvloop is not installed"),
    ),
]


@asynccontextmanager
async def serving(
    app: App, limits: Limits = ROOMY, timeouts: ConnectionTimeouts = CONNECTION_TIMEOUTS
) -> AsyncIterator[int]:
    """The application, served on a port."""
    listener = Listener(app, limits, timeouts)
    sock = listening_socket("127.0.0.1", 0)
    await listener.listen(sock)
    async with asyncio.timeout(GUARD_S):
        yield sock.getsockname()[1]
        await listener.stop()


async def exchange(port: int, sent: bytes, eof: bool = False) -> bytes:
    """Everything that is answered to these bytes, until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    if eof:
        writer.write_eof()
    try:
        return await reader.read()
    finally:
        writer.close()


async def body_of(receive: Receive) -> tuple[bytes, bool]:
    """The body, and whether it came to its end."""
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message["more_body"]:
            return body, True
    return body, False


async def reply(send: Send, *pieces: bytes, status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    for piece in pieces[:-1]:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": pieces[-1]})


async def telling(scope: Message, receive: Receive, send: Send) -> None:
    """Tells in its answer what it was asked."""
    if REFUSED in scope:
        await reply(send, scope[REFUSED].encode(), status=400)
        return
    body, whole = await body_of(receive)
    reported = (
        f"{scope['http_version']} {scope['method']} {scope['path']} {scope['query_string'].decode()} {body.decode()} "
    )
    await reply(send, f"{reported}{'whole' if whole else 'cut'};".encode())
