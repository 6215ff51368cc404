"""Peers of the transport over real sockets: a few lines of asyncio that say exactly what is to be said."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import httpx2

GUARD_S = 5.0

SMALL = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Peer:
    """A server whose connections are talked to by `talk`; `requested` and `gone` are set by a request and by a leave."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.received: list[bytes] = []
        self.connections = 0
        self.requested = asyncio.Event()
        self.gone = asyncio.Event()
        self.port = 0
        self.tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.tasks.add(asyncio.create_task(self.converse(reader, writer)))

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await self.talk(reader, writer)
        finally:
            writer.close()

    async def receive(self, reader: asyncio.StreamReader) -> bytes:
        """One whole request."""
        head = await reader.readuntil(b"\r\n\r\n")
        body = b""
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length: "):
                body = await reader.readexactly(int(line[16:]))
            elif line == b"transfer-encoding: chunked":
                body = await reader.readuntil(b"0\r\n\r\n")
        self.received.append(head + body)
        self.requested.set()
        return head + body

    async def hang_up(self, reader: asyncio.StreamReader) -> None:
        """Wait until the client has left."""
        with suppress(ConnectionError):
            await reader.read()
        self.gone.set()


@asynccontextmanager
async def serve(peer: Peer, tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    server = await asyncio.start_server(peer.accept, "127.0.0.1", 0, ssl=tls)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        async with asyncio.timeout(GUARD_S * 2):
            yield peer
    finally:
        server.close()
        for task in peer.tasks:
            task.cancel()
        await asyncio.gather(*peer.tasks, return_exceptions=True)
        await server.wait_closed()


def saying(*answers: bytes) -> Peer:
    """A peer that answers every request of a connection with the bytes given, then closes the connection."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await peer.receive(reader)
            writer.write(answer)
            await writer.drain()

    peer = Peer(talk)
    return peer


def keeping_alive(answer: bytes = SMALL) -> Peer:
    """A peer that answers every request with the bytes given for as long as the client stays."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await peer.receive(reader):
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            peer.gone.set()

    peer = Peer(talk)
    return peer


def falling_silent(after: bytes) -> Peer:
    """A peer that answers with the bytes given and then says nothing more until the client leaves."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.receive(reader)
        writer.write(after)
        await writer.drain()
        await peer.hang_up(reader)

    peer = Peer(talk)
    return peer


def ask(
    url: str,
    method: str = "POST",
    headers: list[tuple[str, str]] | None = None,
    content: bytes | AsyncIterator[bytes] | None = None,
    connect: float | None = None,
    read: float | None = None,
) -> httpx2.Request:
    timeout = {"connect": connect, "read": read, "write": read, "pool": connect}
    return httpx2.Request(method, url, headers=headers, content=content, extensions={"timeout": timeout})


async def whole(response: httpx2.Response) -> bytes:
    return await response.aread()
