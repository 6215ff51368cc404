"""The WSGI application behind the hub's own server: its threads on one side, the server's event loop on the other.

The server's side reads the bodies, so that no thread waits for a slow sender; each running call has a thread.
"""

import asyncio
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from io import BytesIO
from typing import Any

import anyio
import anyio.from_thread

from domain.refusals import HubFull
from entrypoints.asgi_exchange import Scope, Send
from entrypoints.http.bodies import BodyMemory, BodyReader, Receive
from entrypoints.http.wire import joined
from entrypoints.server_refusals import ALWAYS_SERVED, refused, send_refusal
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.maintenance import sweep_regularly
from entrypoints.usecases.manage.notice_delivery import deliver_regularly
from entrypoints.wsgi import BODY, PIECES_MAX, falcon_app

# Every running call occupies a thread, also while its provider works.
THREADS = 256
# Threads for requests that are served however many calls run.
THREADS_SPARE = 4

Messages = tuple[MutableMapping[str, Any], ...]


def create_app() -> "ThreadedApp":
    """The application for the hub's server, configured by the environment."""
    from entrypoints.wiring import hub_from_environment

    return ThreadedApp(hub_from_environment)


class ThreadedApp:
    """An ASGI application that runs Falcon's WSGI application in threads."""

    def __init__(self, open_hub: Callable[[], AbstractAsyncContextManager[CallContext]]) -> None:
        self._open_hub = open_hub
        self._hub: CallContext | None = None
        self._wsgi: Any = None
        self._memory = BodyMemory(0)
        self._threads = ThreadPoolExecutor(THREADS + THREADS_SPARE, thread_name_prefix="call")
        self._busy = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            assert self._hub is not None
            await self._serve(self._hub, scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        async with (
            self._open_hub() as hub,
            anyio.create_task_group() as background,
            anyio.from_thread.BlockingPortal() as portal,
        ):
            background.start_soon(sweep_regularly, hub)
            background.start_soon(deliver_regularly, hub)
            self._hub, self._memory = hub, BodyMemory(hub.body_memory_bytes)
            self._wsgi = falcon_app(hub, portal)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            background.cancel_scope.cancel()
        self._threads.shutdown(wait=False)
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, hub: CallContext, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = refused(hub, scope)
        if refusal is None and self._busy >= THREADS and scope["path"] not in ALWAYS_SERVED:
            refusal = HubFull()
        if refusal is not None:
            await send_refusal(hub, scope, send, refusal)
            return
        reader = BodyReader(hub, self._memory)
        try:
            query = scope["query_string"].decode("latin-1")
            body = await reader.read(scope["method"], query, joined(scope["headers"]), receive)
            if isinstance(body, bytes):
                await self._run(scope, body, receive, send)
            else:
                await send_refusal(hub, scope, send, body)
        finally:
            reader.release()

    async def _run(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        answer = Answer(loop)
        environ = environ_of(scope, body) | {BODY: body}
        self._busy += 1
        running = loop.run_in_executor(self._threads, run, self._wsgi, environ, answer)
        watch: asyncio.Task[None] | None = None
        try:
            while (messages := await answer.next()) is not None:
                if watch is None and messages[-1].get("more_body"):
                    watch = loop.create_task(_watch(receive, answer))
                for message in messages:
                    await send(message)
            await running
        finally:
            answer.gone = True
            self._busy -= 1
            if watch is not None:
                watch.cancel()


class Answer:
    """The messages of a thread on their way to the loop: a few ahead of its caller."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.gone = False  # The caller has left.
        self._loop = loop
        self._queue: deque[Messages | None] = deque()
        self._room = threading.Semaphore(PIECES_MAX)
        self._news = asyncio.Event()

    def put(self, messages: Messages | None) -> None:
        """Put a message, from the thread; None at the end. Waits while the caller is slow."""
        self._room.acquire()
        self._queue.append(messages)
        self._loop.call_soon_threadsafe(self._news.set)

    async def next(self) -> Messages | None:
        """The next message, on the loop."""
        while not self._queue:
            self._news.clear()
            await self._news.wait()
        self._room.release()
        return self._queue.popleft()


async def _watch(receive: Receive, answer: Answer) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    answer.gone = True


def run(wsgi: Any, environ: dict[str, Any], answer: Answer) -> None:
    """Run the WSGI application in this thread. PEP 3333."""
    head: MutableMapping[str, Any] = {"type": "http.response.start"}

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> None:
        head["status"] = int(status[:3])
        head["headers"] = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]

    def message_of(body: bytes, more: bool) -> MutableMapping[str, Any]:
        return {"type": "http.response.body", "body": body, "more_body": more}

    try:
        pieces: Iterable[bytes] = wsgi(environ, start_response)
        if isinstance(pieces, list):
            answer.put((head, message_of(b"".join(pieces), False)))
        else:
            _stream(pieces, head, message_of, answer)
    finally:
        answer.put(None)


def _stream(
    pieces: Iterable[bytes],
    head: MutableMapping[str, Any],
    message_of: Callable[[bytes, bool], MutableMapping[str, Any]],
    answer: Answer,
) -> None:
    """Pass on a body piece by piece. Its `close` is always called, because it ends the call."""
    opening: Messages = (head,)
    try:
        for piece in pieces:
            if answer.gone:
                return
            if piece:
                answer.put((*opening, message_of(piece, True)))
                opening = ()
        answer.put((*opening, message_of(b"", False)))
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()


def environ_of(scope: Scope, body: bytes) -> dict[str, Any]:
    """The request as PEP 3333 requires it: texts whose characters are bytes."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "REMOTE_ADDR": (scope.get("client") or ("",))[0],
        "SERVER_NAME": scope["server"][0],
        "SERVER_PORT": str(scope["server"][1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        if b"_" in raw_name:  # It would pass for the header with a hyphen.
            continue
        name, value = raw_name.decode("latin-1").upper().replace("-", "_"), raw_value.decode("latin-1")
        if name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            name = f"HTTP_{name}"
        environ[name] = f"{environ[name]},{value}" if name in environ else value
    return environ
