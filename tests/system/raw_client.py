"""A caller without a library: raw HTTP/1.1 over asyncio, so that nothing is retried, hidden or tidied up.

`Response.whole` tells whether an answer came to the end that its framing promised.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec

from tests.system.scripted_answers import Script

OPENAI, ANTHROPIC = "/v1/chat/completions", "/v1/messages"
TIMEOUT_S = 30


class Dropped(Exception):
    """The connection ended before the answer did."""


class Response(msgspec.Struct, kw_only=True):
    """What a caller received of one answer; status 0 if not even its head. Times are monotonic, in seconds."""

    status: int = 0
    headers: dict[str, str] = {}
    body: bytes = b""
    whole: bool = False
    sent_at: float = 0.0
    ended_at: float = 0.0

    @property
    def call_id(self) -> str:
        """The call's id."""
        return self.headers["x-request-id"]

    def error(self) -> dict[str, Any]:
        """The error object of a refusal."""
        reported: dict[str, Any] = msgspec.json.decode(self.body)["error"]
        return reported


class Line:
    """One connection to the hub."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._chunked = False
        self._left = 0

    async def send(self, method: str, path: str, key: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send one request."""
        head = {"host": "hub", "authorization": f"Bearer {key}", "content-type": "application/json"}
        head |= {"content-length": str(len(body)), **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        self._writer.write(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body)
        await self._writer.drain()

    async def head(self) -> tuple[int, dict[str, str]]:
        """The status and the headers of the answer."""
        text = (await self._until(b"\r\n\r\n")).decode("latin-1")
        first, *lines = text[:-4].split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self._chunked = headers.get("transfer-encoding") == "chunked"
        self._left = int(headers.get("content-length", "0"))
        return int(first.split(" ")[1]), headers

    async def piece(self) -> bytes | None:
        """The next piece of the body, None at its proper end; Dropped if there is none."""
        if self._chunked:
            size = int(await self._until(b"\r\n"), 16)
            data = await self._exactly(size + 2)
            return data[:-2] if size else None
        if not self._left:
            return None
        data = await self._reader.read(self._left)
        if not data:
            raise Dropped
        self._left -= len(data)
        return data

    async def _until(self, mark: bytes) -> bytes:
        try:
            return await self._reader.readuntil(mark)
        except asyncio.IncompleteReadError:
            raise Dropped from None

    async def _exactly(self, size: int) -> bytes:
        try:
            return await self._reader.readexactly(size)
        except asyncio.IncompleteReadError:
            raise Dropped from None


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Line]:
    """A connection, closed abruptly when the block is left."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Line(reader, writer)
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def received_on(
    line: Line, path: str, key: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Response:
    """One request on an open connection, and all that comes of it."""
    received = Response(sent_at=time.monotonic())
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await line.send("POST" if body else "GET", path, key, body, headers or {})
            received.status, received.headers = await line.head()
            while (piece := await line.piece()) is not None:
                received.body += piece
        received.whole = True
    except (Dropped, OSError):
        pass
    received.ended_at = time.monotonic()
    return received


async def ask(
    port: int, key: str, body: bytes = b"", path: str = OPENAI, headers: Mapping[str, str] | None = None
) -> Response:
    """One request on a connection of its own; nobody listening gives an empty `Response`."""
    try:
        async with connected(port) as line:
            return await received_on(line, path, key, body, headers)
    except OSError:
        return Response()


def chat(script: Script, *, model: str = "stub/m", stream: bool = False, cap: int | None = 50) -> bytes:
    """A chat request whose prompt is the script; it reads the same in both dialects."""
    requested: dict[str, Any] = {"model": model, "stream": stream}
    requested["messages"] = [{"role": "user", "content": msgspec.json.encode(script).decode()}]
    return msgspec.json.encode(requested if cap is None else {**requested, "max_tokens": cap})


def events_of(body: bytes) -> list[tuple[str, Any]]:
    """The server-sent events of a body that have data: name, and the data as JSON or as text."""
    reported: list[tuple[str, Any]] = []
    for block in body.decode().split("\n\n"):
        lines = [line.partition(": ")[::2] for line in block.splitlines() if not line.startswith(":")]
        name = "".join(value for field, value in lines if field == "event")
        data = "\n".join(value for field, value in lines if field == "data")
        if data:
            reported.append((name, data if data == "[DONE]" else msgspec.json.decode(data)))
    return reported
