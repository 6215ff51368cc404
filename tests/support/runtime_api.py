"""Lambda's Runtime API on this machine: real sockets, and a record of what the runtime did and in which order.

    async with RuntimeApiDouble() as api:
        ...  # start a runtime with AWS_LAMBDA_RUNTIME_API=api.address
        invoked = await api.invoke(url_event("GET", "/healthz"))
        await invoked.whole(); invoked.prelude; invoked.payload

Each chunk of a response is seen when it arrives (`await invoked.chunk()`), so that a test can relate it to what
happens elsewhere without a clock.
"""

import asyncio
import base64
import json
import time
from types import TracebackType
from typing import Any, NamedTuple, Self

WAIT_S = 30
TIMEOUT_S = 900
_END = bytes(8)
# Rounds of the event loop after which the end of a connection that the kernel knows of is noticed.
NOTICED = 5


class Request(NamedTuple):
    """The head of one request of the runtime; names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]


class Invoked:
    """One invocation, as Lambda sees it."""

    def __init__(self, number: int, event: bytes, deadline_ms: int) -> None:
        self.id = f"8476a536-e9f4-11e8-9739-{number:012d}"
        self.attempt = f"attempt-{number}"
        self.event = event
        self.deadline_ms = deadline_ms
        self.request: Request | None = None
        self.body = b""
        self.trailers: dict[str, str] = {}
        self.error: Any = None
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._whole = asyncio.Event()
        self.accept = asyncio.Event()  # Lambda answers the response then.
        self.accept.set()

    async def chunk(self) -> bytes | None:
        """The next chunk as it arrives, the prelude first; None at the end."""
        async with asyncio.timeout(WAIT_S):
            return await self._chunks.get()

    async def whole(self) -> "Invoked":
        """Return once the response or an error has arrived whole."""
        async with asyncio.timeout(WAIT_S):
            await self._whole.wait()
        return self

    @property
    def is_whole(self) -> bool:
        return self._whole.is_set()

    @property
    def prelude(self) -> dict[str, Any]:
        """Status, headers and cookies."""
        prelude: dict[str, Any] = json.loads(self.body.partition(_END)[0])
        return prelude

    @property
    def payload(self) -> bytes:
        """The answer's body."""
        return self.body.partition(_END)[2]

    def take(self, data: bytes) -> None:
        self.body += data
        self._chunks.put_nowait(data)

    def end(self) -> None:
        self._chunks.put_nowait(None)
        self._whole.set()


class RuntimeApiDouble:
    """The service that a function's process talks to. It delivers an event to each request for the next invocation."""

    def __init__(self, cut_responses: bool = False) -> None:
        self.address = ""
        self.requested = 0  # Requests for the next invocation.
        self.init_error: Any = None
        self.init_error_type = ""
        self.log: list[str] = []
        self._cut_responses = cut_responses
        self._count = 0
        self._events: asyncio.Queue[Invoked | None] = asyncio.Queue()
        self._connections: set[asyncio.Task[None]] = set()
        self._running: dict[str, Invoked] = {}
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for invoked in self._running.values():
            invoked.accept.set()
        for _ in range(self.requested):
            self._events.put_nowait(None)
        if self._connections:
            await asyncio.wait(self._connections, timeout=WAIT_S)

    async def invoke(self, event: dict[str, Any], timeout_s: float = TIMEOUT_S, held: bool = False) -> Invoked:
        """Queue one invocation. `held`: Lambda does not accept its response before `accept` is set."""
        self._count += 1
        invoked = Invoked(self._count, json.dumps(event).encode(), int((time.time() + timeout_s) * 1000))
        if held:
            invoked.accept.clear()
        self._running[invoked.id] = invoked
        await self._events.put(invoked)
        return invoked

    async def until(self, requested: int) -> None:
        """Return once the runtime has asked for the next invocation that often."""
        await self._wait(lambda: self.requested >= requested)

    async def until_init_error(self) -> None:
        """Return once the runtime has reported that it cannot start."""
        await self._wait(lambda: self.init_error is not None)

    async def _wait(self, holds: Any) -> None:
        async with asyncio.timeout(WAIT_S), self._changed:
            await self._changed.wait_for(holds)

    async def _note(self, what: str) -> None:
        self.log.append(what)
        async with self._changed:
            self._changed.notify_all()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        try:
            while (request := await _head(reader)) is not None and await self._answer(request, reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; returns whether another may follow on the connection."""
        path = request.path.removeprefix("/2018-06-01/runtime/")
        if path == "invocation/next":
            self.requested += 1
            await self._note("next")
            invoked = await self._next(reader)
            if invoked is None:
                return False
            headers = {
                "Lambda-Runtime-Aws-Request-Id": invoked.id,
                "Lambda-Runtime-Invocation-Id": invoked.attempt,
                "Lambda-Runtime-Deadline-Ms": str(invoked.deadline_ms),
                "Content-Type": "application/json",
            }
            await _send(writer, 200, headers, invoked.event)
        elif path == "init/error":
            self.init_error_type = request.headers["lambda-runtime-function-error-type"]
            self.init_error = json.loads(await reader.readexactly(int(request.headers["content-length"])))
            await self._note("init error")
            await _send(writer, 202, {}, b'{"status":"OK"}')
        else:
            return await self._finish(request, path, reader, writer)
        return True

    async def _next(self, reader: asyncio.StreamReader) -> Invoked | None:
        """The next invocation, None if the runtime ends before it comes."""
        event, gone = asyncio.ensure_future(self._events.get()), asyncio.ensure_future(reader.read(1))
        await asyncio.wait({event, gone}, return_when=asyncio.FIRST_COMPLETED)
        for _ in range(NOTICED):
            await asyncio.sleep(0)
        if not gone.done():
            gone.cancel()
            await asyncio.wait({gone})
            return event.result()
        if event.done():  # The runtime was killed just before: the event is another's.
            self._events.put_nowait(event.result())
        event.cancel()
        await asyncio.wait({event})
        return None

    async def _finish(
        self, request: Request, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        _, identity, end = path.split("/")
        invoked = self._running[identity]
        invoked.request = request
        if request.headers.get("transfer-encoding") == "chunked":
            while data := await _chunk(reader):
                invoked.take(data)
                if self._cut_responses and len(invoked.payload):
                    return False
            invoked.trailers = await _headers(reader)
        else:
            invoked.take(await reader.readexactly(int(request.headers["content-length"])))
        if end == "error":
            invoked.error = json.loads(invoked.body)
        await self._note(end)
        invoked.end()
        await invoked.accept.wait()
        await _send(writer, 202, {}, b'{"status":"OK"}')
        return True


def url_event(
    method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None, query: str = ""
) -> dict[str, Any]:
    """What a function URL makes of a request (payload format 2.0)."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        # A header that is sent twice arrives once, joined by commas.
        "headers": {"host": "hub.lambda-url.eu-west-1.on.aws", **(headers or {})},
        "requestContext": {
            "accountId": "anonymous",
            "domainName": "hub.lambda-url.eu-west-1.on.aws",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": (headers or {}).get("user-agent", ""),
            },
            "stage": "$default",
        },
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


async def _head(reader: asyncio.StreamReader) -> Request | None:
    line = await reader.readline()
    if not line:
        return None
    method, path, _ = line.decode().split()
    return Request(method, path, await _headers(reader))


async def _headers(reader: asyncio.StreamReader) -> dict[str, str]:
    headers = {}
    while line := (await reader.readline()).decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return headers


async def _chunk(reader: asyncio.StreamReader) -> bytes:
    size = int(await reader.readuntil(b"\r\n"), 16)
    data = await reader.readexactly(size)
    if size:
        assert await reader.readexactly(2) == b"\r\n"
    return data


async def _send(writer: asyncio.StreamWriter, status: int, headers: dict[str, str], body: bytes) -> None:
    lines = [f"HTTP/1.1 {status} OK", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body)
    await writer.drain()
