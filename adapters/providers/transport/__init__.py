"""How requests reach the wire: HTTP/1.1 behind httpx2's transport seam, on the event loop's own thread.

httpx2's own stack costs 1.6 ms of CPU a request and a client in a thread of its own pays for every hand-over of the
interpreter; this one costs some 60 µs. What HTTP's grammar is, httptools says (llhttp, Node's parser); what TLS is,
Python's ssl says. `connection.py` is one connection, `answer.py` what comes over it, `dialing.py` how it is made.

House rule: this package moves bytes and names failures, nothing else. No redirect, no cookie, no decompression, no
repetition of a request of which a byte may have been received; and only httpx2's exceptions leave.
"""

import asyncio
from collections.abc import AsyncIterable

import httpx2

from adapters.providers.transport.answer import Answer, RequestNotReceived
from adapters.providers.transport.connection import Connection
from adapters.providers.transport.dialing import Dialer, Origin
from adapters.providers.transport.request import head_of, is_chunked, origin_of


class Http1Transport(httpx2.AsyncBaseTransport):
    """HTTP/1.1 with pooled connections; one per process, closed with `aclose`.

    Nothing is created before the first request, so the object may be made before a fork; it belongs to the event
    loop of that request. Proxies are taken from the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY),
    trusted roots from the system or SSL_CERT_FILE; `ca_pem` is trusted besides. All of them are read once.

    `idle_s` is how long a connection that rests is kept: less than the minute after which load balancers commonly
    close one, so that we are first.

    There is no HTTP/2: there, one dead connection or one slow window stalls every call to its provider.
    """

    def __init__(self, ca_pem: bytes | None = None, idle_s: float = 50.0) -> None:
        self._dialer = Dialer(ca_pem)
        self._idle_s = idle_s
        self._spare: dict[Origin, list[Connection]] = {}
        self._all: set[Connection] = set()
        self._closed = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request; the response is there with its headers, and its stream must be closed.

        `request.extensions["timeout"]` holds seconds, None or absent for no limit. `connect` limits reaching the
        provider, TLS included, and is never more than `read`. `read` limits the wait for the headers and then every
        wait for more of the body (one of known length up to 1 MiB: for all of it). A body that is made while it is
        sent waits at most `read` for room, too; `write` and `pool` are not read: nothing waits for the pool.

        Cancelling closes the connection at once, whatever the exchange was doing.

        Raises:
            httpx2.TransportError: ConnectError and ConnectTimeout mean that no byte of the request was sent.
        """
        origin = origin_of(request)
        timeout = request.extensions.get("timeout", {})
        read_s: float | None = timeout.get("read")
        try:
            proxy = self._dialer.way(origin)
        except httpx2.ProxyError as error:
            error.request = request
            raise
        head = head_of(request, proxy)
        limits = [limit for limit in (timeout.get("connect"), read_s) if limit is not None]
        connect_s = min(limits, default=None)
        answer = self._ask_spare(origin, request, head, read_s)
        try:
            if answer is None:
                answer = await self._ask_fresh(origin, request, head, connect_s, read_s)
            await self._head(request, answer)
        except RequestNotReceived:
            if not isinstance(request.stream, httpx2.ByteStream):  # It is used up.
                raise
            # The provider closed a connection that it had kept, and the request crossed that on its way.
            answer = await self._ask_fresh(origin, request, head, connect_s, read_s)
            await self._head(request, answer)
        return httpx2.Response(
            answer.status,
            headers=answer.headers,
            stream=answer,
            extensions={"http_version": answer.version},
            request=request,
        )

    async def aclose(self) -> None:
        """Close all connections; an exchange under way fails with ReadError."""
        self._closed = True
        for connection in [*self._all]:
            connection.fail(httpx2.ReadError("the transport was closed"))
        await asyncio.sleep(0)  # The loop closes a socket in its next turn.

    async def _ask_fresh(
        self, origin: Origin, request: httpx2.Request, head: bytes, connect_s: float | None, read_s: float | None
    ) -> Answer:
        """The exchange on a new connection."""
        connection = await self._connect(origin, request, connect_s)
        answer = connection.ask(request, head, read_s)
        if answer is None:
            raise httpx2.ConnectError("the connection was closed as soon as it stood", request=request)
        return answer

    async def _head(self, request: httpx2.Request, answer: Answer) -> None:
        """Send what is left of the request, and wait for the answer's headers."""
        try:
            if isinstance(request.stream, AsyncIterable) and not isinstance(request.stream, httpx2.ByteStream):
                await self._send_body(answer, request.stream, is_chunked(request))
            await answer.head()
        except BaseException:
            answer.leave()
            raise

    def _ask_spare(self, origin: Origin, request: httpx2.Request, head: bytes, read_s: float | None) -> Answer | None:
        """The exchange on a connection that was kept; None if there is none that would take a byte of it."""
        spare = self._spare.get(origin)
        while spare:
            connection = spare.pop()
            if connection.is_quiet() and (answer := connection.ask(request, head, read_s)) is not None:
                return answer
            connection.abort()
        return None

    async def _connect(self, origin: Origin, request: httpx2.Request, limit_s: float | None) -> Connection:
        self._refuse_if_closed(request)
        loop = asyncio.get_running_loop()
        made = Connection(loop, origin, self._keep, self._forget)
        try:
            async with asyncio.timeout(limit_s):
                await self._dialer.dial(origin, made)
        except TimeoutError:
            raise httpx2.ConnectTimeout(f"no connection within {limit_s} s", request=request) from None
        except httpx2.TransportError as error:
            error.request = request
            raise
        self._all.add(made)
        self._refuse_if_closed(request, made)
        return made

    def _refuse_if_closed(self, request: httpx2.Request, made: Connection | None = None) -> None:
        if self._closed:
            if made is not None:
                made.abort()
            raise httpx2.ConnectError("the transport is closed", request=request)

    def _keep(self, connection: Connection) -> None:
        """An exchange is over and its connection can have another."""
        if self._closed:
            connection.abort()
            return
        spare = self._spare.get(connection.origin)
        if spare is None:
            spare = self._spare[connection.origin] = []
        spare.append(connection)
        connection.rest(self._idle_s)

    def _forget(self, connection: Connection) -> None:
        """A connection is closed."""
        self._all.discard(connection)
        spare = self._spare.get(connection.origin, [])
        if connection in spare:
            spare.remove(connection)

    async def _send_body(self, answer: Answer, body: AsyncIterable[bytes], chunked: bool) -> None:
        """Send a body as it is made; an answer that begins before its end says that the rest is not wanted."""
        async for piece in body:
            if not piece:
                continue
            if not await answer.send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece):
                return
        answer.sent(b"0\r\n\r\n" if chunked else b"")
