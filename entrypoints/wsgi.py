"""The hub on Falcon WSGI: threads of a WSGI server on one side, one event loop per process on the other.

Each request crosses to the loop once. The whole handler runs there in one task, because anyio requires one task to
enter and leave a context; a streamed body comes back through a queue, whose pieces cost no crossing of their own.
"""

import asyncio
import atexit
import concurrent.futures
import logging
import queue
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, suppress
from typing import Any

import anyio
import anyio.from_thread
import falcon

from domain.refusals import Refusal, TooLarge
from entrypoints.falcon_middleware import middleware
from entrypoints.http.bodies import is_announced_too_large, key_refusal, short_body_refusal
from entrypoints.http.dialects.dialect_choice import dialect_of
from entrypoints.http.replies import refuse
from entrypoints.http.routes import by_template, canonical_path, served_routes
from entrypoints.http.unrouted import internal_error, unreadable, unserved
from entrypoints.http.wire import Handler, Leave, Reply, Request
from entrypoints.serve.process import end_process
from entrypoints.usecases.call_context import CallContext
from entrypoints.usecases.manage.maintenance import sweep_regularly
from entrypoints.usecases.manage.notice_delivery import deliver_regularly

# How many pieces may wait for a slow caller before the provider is read no further.
PIECES_MAX = 64
# While the provider is silent the server gets an empty piece at this interval: without it a hang-up is not noticed.
LISTEN_S = 0.25
DRAINED_AT_ONCE = 64 * 1024
# A larger body is only read from a caller with a valid key.
UNKNOWN_BYTES_MAX = 64 * 1024
# In the environment if the server has read the body already, within a bound.
BODY = "aihub.body"

_log = logging.getLogger("aihub")


def create_app() -> "falcon.App[Any, Any]":
    """The application for a WSGI server, configured by the environment; call it in the worker, after any fork."""
    from entrypoints.wiring import hub_from_environment

    return wsgi_app(hub_from_environment, _end)


def _end(swept: "concurrent.futures.Future[None]") -> None:
    """The sweep runs as long as the event loop: if an error has ended it, no call can be made any more."""
    if not swept.cancelled() and (error := swept.exception()) is not None:
        end_process(error)


def wsgi_app(
    open_hub: Callable[[], AbstractAsyncContextManager[CallContext]],
    end: Callable[["concurrent.futures.Future[None]"], None] = lambda swept: None,
) -> "falcon.App[Any, Any]":
    """Falcon with the hub's routes, over an event loop that lives as long as the process; `end` is called with it."""
    opened = ExitStack()
    portal = opened.enter_context(anyio.from_thread.start_blocking_portal("asyncio"))
    hub = opened.enter_context(portal.wrap_async_context_manager(open_hub()))
    # WSGI has no shutdown of its own. Registering also keeps what was opened alive.
    atexit.register(opened.close)
    portal.start_task_soon(sweep_regularly, hub).add_done_callback(end)
    portal.start_task_soon(deliver_regularly, hub).add_done_callback(end)
    return falcon_app(hub, portal)


def falcon_app(hub: CallContext, portal: anyio.from_thread.BlockingPortal) -> "falcon.App[Any, Any]":
    """Falcon with the routes of a hub that runs on the portal's event loop."""
    table = served_routes(hub)
    app: falcon.App[Any, Any] = falcon.App(middleware=middleware(canonical_path(table), hub.cors_origins))
    for template, handlers in by_template(table).items():
        app.add_route(template, _resource(hub, portal, handlers))

    def failed(req: falcon.Request, resp: falcon.Response, error: Exception, _: object) -> None:
        headers = {name.lower(): value for name, value in req.headers.items()}
        request = _request(hub, req, headers, b"", {})
        if isinstance(error, falcon.HTTPError):
            allow = dict(error.headers or {}).get("Allow", "")
            _render(resp, unserved(request, error.status_code, tuple(allow.split(", "))))
        else:
            _log.error("request %s failed", request.id, exc_info=error)
            _render(resp, internal_error(request))

    app.add_error_handler(Exception, failed)
    app.add_error_handler(falcon.HTTPError, failed)
    return app


class Crossing:
    """One request on the loop's side, and the queue of its answer to the thread that waits for it."""

    def __init__(self, keep_alive_ms: int = 0) -> None:
        self.head: concurrent.futures.Future[Reply] = concurrent.futures.Future()
        self.over: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._pieces: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._room = asyncio.Event()
        self._cancel: anyio.CancelScope | None = None
        self._problem: BaseException | None = None
        self._keep_alive_ms = keep_alive_ms

    async def carry(self, handler: Handler, request: Request) -> None:
        """Run the handler from beginning to end, in this one task."""
        self._loop = asyncio.get_running_loop()
        try:
            with anyio.CancelScope() as self._cancel:
                async with handler(request) as reply:
                    self.head.set_result(reply)
                    if not isinstance(reply.body, bytes):
                        await self._pump(reply.body)
        except BaseException as problem:
            self._problem = problem
            if self.head.done():
                _log.error("request %s failed in its stream", request.id, exc_info=problem)
            else:
                self.head.set_exception(problem)
            if not isinstance(problem, Exception):
                raise
        finally:
            self._pieces.put(None)
            self.over.set_result(None)

    async def _pump(self, body: AsyncIterator[bytes]) -> None:
        async for piece in body:
            self._pieces.put(piece)
            while self._pieces.qsize() >= PIECES_MAX:
                self._room.clear()
                await self._room.wait()

    def __iter__(self) -> Iterator[bytes]:
        """The pieces, in the server's thread; during silence, a keep-alive at intervals."""
        silences = 0
        while True:
            try:
                piece = self._pieces.get(timeout=LISTEN_S)
                silences = 0
            except queue.Empty:
                silences += 1
                piece = self._piece_in_silence(silences)
            if piece is None:
                if self._problem is not None:
                    # What did not come to its end must not look as if it had: the server breaks the connection.
                    raise ConnectionError("the answer broke off") from self._problem
                return
            if not self._room.is_set() and self._pieces.qsize() < PIECES_MAX // 2 and self._loop is not None:
                self._loop.call_soon_threadsafe(self._room.set)
            yield piece

    def _piece_in_silence(self, silences: int) -> bytes:
        """An empty piece, or a keep-alive each time that the silence has lasted long enough."""
        every = max(1, int(self._keep_alive_ms / (LISTEN_S * 1000)))
        if self._keep_alive_ms and silences % every == 0 and self.head.done():
            return self.head.result().keep_alive
        return b""

    def watch(self) -> Leave:
        """The function that gives the caller up. A hang-up needs no watch here: the server calls `close`."""
        return self._leave

    def _leave(self) -> None:
        # What did not come to its end must not look as if it had.
        self._problem = TimeoutError("the caller took nothing any more")
        if self._cancel is not None:
            self._cancel.cancel()

    def close(self) -> None:
        """The server is done with the body, at its end or before: cancel the call and wait until it is settled."""
        if not self.over.done() and self._loop is not None and self._cancel is not None:
            with suppress(RuntimeError):  # the loop is gone: the process is ending, and the sweep will settle
                self._loop.call_soon_threadsafe(self._cancel.cancel)
            self.over.result()


def _resource(hub: CallContext, portal: anyio.from_thread.BlockingPortal, handlers: dict[str, Handler]) -> object:
    responders = {f"on_{method.lower()}": _responder(hub, portal, handler) for method, handler in handlers.items()}
    return type("Resource", (), responders)()


def _responder(hub: CallContext, portal: anyio.from_thread.BlockingPortal, handler: Handler) -> Callable[..., None]:
    def respond(_: object, req: falcon.Request, resp: falcon.Response, **path_values: str) -> None:
        headers = {name.lower(): value for name, value in req.headers.items()}
        given: bytes | None = req.env.get(BODY)
        body = _body(hub, portal, req, headers) if given is None else given
        crossing = Crossing(hub.keep_alive_ms)
        request = _request(hub, req, headers, body if isinstance(body, bytes) else b"", path_values, crossing.watch)
        if not isinstance(body, bytes):
            _render(resp, refuse(dialect_of(request), request, body))
            return
        if (unread := unreadable(request)) is not None:
            _render(resp, unread)
            return
        portal.start_task_soon(crossing.carry, handler, request)
        reply = crossing.head.result()
        _render(resp, reply, crossing)

    return respond


def _body(
    hub: CallContext, portal: anyio.from_thread.BlockingPortal, req: falcon.Request, headers: dict[str, str]
) -> bytes | Refusal:
    """The body, if the server leaves the reading to the hub; the wait for it is as long as the server's.

    A chunked body has no length, but its server knows the end. Bytes beyond the bound are read and discarded, up to the
    bound again: a caller who is still sending would see a broken connection instead of the answer.
    """
    bytes_max = hub.body_bytes_max
    chunked = req.content_length is None and req.get_header("transfer-encoding") is not None
    stream = req.stream if chunked and req.env.get("wsgi.input_terminated") else req.bounded_stream
    refusal: Refusal | None = TooLarge(bytes_max=bytes_max) if is_announced_too_large(headers, bytes_max) else None
    if refusal is None and (chunked or (req.content_length or 0) > UNKNOWN_BYTES_MAX):
        refusal = portal.call(key_refusal, hub, req.query_string, headers)
    if refusal is None:
        body = b""
        while len(body) <= bytes_max and (piece := stream.read(bytes_max + 1 - len(body))):
            body += piece
        if len(body) <= bytes_max:
            return short_body_refusal(headers, body) or body
        refusal = TooLarge(bytes_max=bytes_max)
    left = bytes_max
    while left > 0 and (piece := stream.read(min(left, DRAINED_AT_ONCE))):
        left -= len(piece)
    return refusal


def _request(
    hub: CallContext,
    req: falcon.Request,
    headers: dict[str, str],
    body: bytes,
    path_values: dict[str, str],
    watch: Callable[[], Leave | None] = lambda: None,
) -> Request:
    return Request(
        id=hub.ids.new("call"),
        method=req.method,
        path=req.path,
        query=req.query_string,
        headers=headers,
        body=body,
        started_us=hub.clock.monotonic_us(),
        path_values=path_values,
        watch=watch,
        address=req.env.get("REMOTE_ADDR", ""),
    )


def _render(resp: falcon.Response, reply: Reply, crossing: Crossing | None = None) -> None:
    resp.status = reply.status
    resp.set_headers(reply.headers)
    if reply.cookie is not None:
        resp.append_header("set-cookie", reply.cookie)
    if isinstance(reply.body, bytes):
        resp.data = reply.body
    else:
        resp.stream = crossing
