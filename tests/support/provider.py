"""A provider to test against: a real HTTP/1.1 server on 127.0.0.1 whose every answer is scripted.

    async def handler(request: Received, reply: Reply) -> None:
        await reply.start(200, {"content-type": "text/event-stream"})
        await reply.write(b"data: 1\\n\\n")
        await reply.cut()

    async with StubProvider(handler) as stub:
        ...  # stub.base_url; then stub.requests tells what came

It speaks just enough HTTP to be lied with: a handler can cut the connection at any byte, stay silent until the
client leaves (`await reply.hang_up()`), or write bytes that are no HTTP at all (`await reply.wire(...)`).
A handler that ends without `cut` ends its answer properly and leaves the connection open for the next request.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import msgspec


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it came over the wire; header names are lower case, `connection` counts from 1."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Cut(Exception):
    """The handler has cut the connection."""


class Reply:
    """The writer's end of one answer: chunked, unless the headers given tell a content-length."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: asyncio.Event) -> None:
        self._reader = reader
        self._writer = writer
        self._left = left
        self.started = False
        self._chunked = False

    async def start(self, status: int, headers: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        """Send the status line and the headers."""
        pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
        self.started = True
        self._chunked = not any(name.lower() == "content-length" for name, _ in pairs)
        if self._chunked:
            pairs.append(("transfer-encoding", "chunked"))
        phrase = next((known.phrase for known in HTTPStatus if known == status), "Unknown")  # 529 is no standard one
        lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in pairs)]
        await self.wire("\r\n".join([*lines, "", ""]).encode("latin-1"))

    async def write(self, data: bytes) -> None:
        """Send one piece of the body at once."""
        if data:
            await self.wire(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    async def send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a whole answer."""
        await self.start(status, {**headers, "content-length": str(len(body))})
        await self.write(body)

    async def end(self) -> None:
        """Say that the answer is whole."""
        if self._chunked:
            self._chunked = False
            await self.wire(b"0\r\n\r\n")

    async def wire(self, data: bytes) -> None:
        """Send bytes as they are, outside any framing."""
        self._writer.write(data)
        await self._writer.drain()

    async def cut(self) -> None:
        """Close the connection now, whatever was promised; what was written before still arrives."""
        raise Cut

    async def hang_up(self) -> None:
        """Wait, silently, until the client has closed the connection."""
        await self._reader.read()
        self._left.set()
        raise Cut


Handler = Callable[[Received, Reply], Awaitable[None]]


def answering(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> Handler:
    """A handler that gives every request the same whole answer, JSON unless the headers say otherwise."""

    async def handler(request: Received, reply: Reply) -> None:
        await reply.send(status, {"content-type": "application/json", **(headers or {})}, body)

    return handler


def streaming(*pieces: bytes, cut: bool = False, headers: Mapping[str, str] | None = None) -> Handler:
    """A handler that streams the pieces as server-sent events and then ends well, or cuts the connection."""

    async def handler(request: Received, reply: Reply) -> None:
        await reply.start(200, {"content-type": "text/event-stream", **(headers or {})})
        for piece in pieces:
            await reply.write(piece)
        if cut:
            await reply.cut()

    return handler


class StubProvider:
    """The server. `requests` are those that came, whole; `left` is set once a client hung up on `hang_up`."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.requests: list[Received] = []
        self.connections = 0
        self.left = asyncio.Event()
        self.port = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    @property
    def base_url(self) -> str:
        """What to configure as the provider's base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._open:
            task.cancel()
        failures = await asyncio.gather(*self._open, return_exceptions=True)
        await self._server.wait_closed()
        for failure in failures:  # A handler that raised is a bug of the test: let it fail.
            if isinstance(failure, Exception) and error is None:
                raise failure

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Not the callback's own task: asyncio reports an exception there instead of handing it to anybody.
        self.connections += 1
        self._open.add(asyncio.create_task(self._converse(reader, writer, self.connections)))

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        try:
            while (request := await _receive(reader, connection)) is not None:
                self.requests.append(request)
                reply = Reply(reader, writer, self.left)
                await self.handler(request, reply)
                await reply.end()
        except (Cut, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _receive(reader: asyncio.StreamReader, connection: int) -> Received | None:
    """The next request of a connection; None once the client has left."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method=method, path=path, headers=headers, body=body, connection=connection)
