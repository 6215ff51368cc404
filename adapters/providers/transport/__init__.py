"""Send requests: HTTP/1.1 behind httpx2's transport interface, on the event loop's own thread.

httpx2's own stack costs 1.6 ms of CPU per request, and a client in a thread of its own pays for every switch of the
interpreter lock; this one costs about 60 µs. httptools (llhttp, Node's parser) parses HTTP; Python's ssl does TLS.
`connection.py` is one connection, `answer.py` one answer on it, `dialing.py` opens connections.

House rule: this package moves bytes and reports failures, nothing else. It has no redirects, cookies or decompression,
and it never repeats a request of which a byte may have been received. It raises only httpx2's exceptions.
"""

import asyncio
from collections.abc import AsyncIterable, Coroutine

import httpx2

from adapters.providers.transport.answer import Answer, RequestNotReceived
from adapters.providers.transport.connection import Connection
from adapters.providers.transport.dialing import Dialer, Origin
from adapters.providers.transport.request import Opening, Prepared, is_chunked, opening_of, origin_of, prepared


class Http1Transport(httpx2.AsyncBaseTransport):
    """HTTP/1.1 with pooled connections; one per process, closed with `aclose`.

    Nothing is created before the first request, so the object may be made before a fork; it belongs to the event loop
    of that request. Proxies are taken from the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY), trusted
    roots from the system or SSL_CERT_FILE; `ca_pem` is trusted in addition. All of them are read once.

    `idle_s` is how long an idle connection is kept: less than the minute after which load balancers commonly close one,
    so that the hub closes first.

    There is no HTTP/2, because one dead connection or one slow window would stall every call to its provider.
    """

    def __init__(self, ca_pem: bytes | None = None, idle_s: float = 50.0) -> None:
        self._dialer = Dialer(ca_pem)
        self._idle_s = idle_s
        self._spare: dict[Origin, list[Connection]] = {}
        self._all: set[Connection] = set()
        self._closed = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request; return the response once its headers are there. Its stream must be closed.

        `request.extensions["timeout"]` holds seconds, None or absent for no limit. `connect` limits the connection to
        the provider, TLS included, and is never more than `read`. `read` limits the wait for the headers and then
        every wait for more of the body (for all of a body of known length up to 1 MiB). A body that is made while it
        is sent also waits at most `read` for room. `write` and `pool` are ignored: nothing waits for the pool.

        A cancellation closes the connection at once.

        Raises:
            httpx2.TransportError: ConnectError and ConnectTimeout mean that no byte of the request was sent.
        """
        origin = origin_of(request)
        timeout = request.extensions.get("timeout", {})
        read_s: float | None = timeout.get("read")
        try:
            proxy = self._dialer.proxy_to(origin)
        except httpx2.ProxyError as error:
            error.request = request
            raise
        opening = opening_of(request, proxy)
        stream = request.stream
        body = stream if opening.is_partial and isinstance(stream, httpx2.AsyncByteStream) else None
        answer = await self._exchange(origin, opening, (timeout.get("connect"), read_s), body)
        return httpx2.Response(
            answer.status,
            headers=answer.headers,
            stream=answer,
            extensions={"http_version": answer.version},
            request=request,
        )

    def prepare(self, url: httpx2.URL, headers: httpx2.Headers) -> Prepared:
        """Encode a POST for `post`. Raises TransportError if it could not be sent."""
        return prepared(url, headers, self._dialer.proxy_to)

    def post(self, to: Prepared, body: bytes, connect_s: float, read_s: float) -> Coroutine[None, None, Answer]:
        """Send a prepared request; return its answer once the headers are there, which must be closed.

        It is `handle_async_request` without the client's objects, which cost as much as the exchange itself.
        """
        return self._exchange(to.origin, to.with_body(body), (connect_s, read_s))

    async def aclose(self) -> None:
        """Close all connections; an exchange in progress fails with ReadError."""
        self._closed = True
        for connection in [*self._all]:
            connection.fail(httpx2.ReadError("the transport was closed"))
        await asyncio.sleep(0)  # The event loop closes a socket in its next iteration.

    async def _exchange(
        self,
        origin: Origin,
        opening: Opening,
        limits_s: tuple[float | None, float | None],
        body: httpx2.AsyncByteStream | None = None,
    ) -> Answer:
        """Run an exchange until the answer's headers are there; `limits_s` are those of `connect` and `read`."""
        answer = self._ask_spare(origin, opening, limits_s[1])
        try:
            if answer is None:
                answer = await self._ask_fresh(origin, opening, limits_s)
            if body is not None:
                await self._send_body(answer, body, opening)
            await answer.head()
        except RequestNotReceived:
            if opening.is_partial:  # Its stream is used up.
                raise
            # The provider closed an idle connection while the request was on its way.
            answer = await self._ask_fresh(origin, opening, limits_s)
            await answer.head()
        return answer

    async def _ask_fresh(self, origin: Origin, opening: Opening, limits_s: tuple[float | None, float | None]) -> Answer:
        """Run the exchange on a new connection."""
        connection = await self._connect(origin, opening, min((s for s in limits_s if s is not None), default=None))
        answer = connection.ask(opening, limits_s[1])
        if answer is None:
            raise httpx2.ConnectError("the connection was closed as soon as it stood", request=opening.request)
        return answer

    def _ask_spare(self, origin: Origin, opening: Opening, read_s: float | None) -> Answer | None:
        """Run the exchange on an idle connection; None if there is none that accepts a byte of it."""
        spare = self._spare.get(origin)
        while spare:
            connection = spare.pop()
            if connection.is_quiet() and (answer := connection.ask(opening, read_s)) is not None:
                return answer
            connection.abort()
        return None

    async def _connect(self, origin: Origin, opening: Opening, limit_s: float | None) -> Connection:
        self._refuse_if_closed(opening)
        loop = asyncio.get_running_loop()
        made = Connection(loop, origin, self._keep, self._forget)
        try:
            async with asyncio.timeout(limit_s):
                await self._dialer.dial(origin, made)
        except TimeoutError:
            raise httpx2.ConnectTimeout(f"no connection within {limit_s} s", request=opening.request) from None
        except httpx2.TransportError as error:
            if opening.request is not None:
                error.request = opening.request
            raise
        self._all.add(made)
        self._refuse_if_closed(opening, made)
        return made

    def _refuse_if_closed(self, opening: Opening, made: Connection | None = None) -> None:
        if self._closed:
            if made is not None:
                made.abort()
            raise httpx2.ConnectError("the transport is closed", request=opening.request)

    def _keep(self, connection: Connection) -> None:
        """Keep a connection whose exchange is over for the next one."""
        if self._closed:
            connection.abort()
            return
        spare = self._spare.get(connection.origin)
        if spare is None:
            spare = self._spare[connection.origin] = []
        spare.append(connection)
        connection.rest(self._idle_s)

    def _forget(self, connection: Connection) -> None:
        """Remove a closed connection."""
        self._all.discard(connection)
        spare = self._spare.get(connection.origin, [])
        if connection in spare:
            spare.remove(connection)

    async def _send_body(self, answer: Answer, body: AsyncIterable[bytes], opening: Opening) -> None:
        """Send a body while it is made; an answer that begins before its end means that the rest is not needed."""
        assert opening.request is not None
        chunked = is_chunked(opening.request)
        try:
            async for chunk in body:
                if not chunk:
                    continue
                if not await answer.send(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk):
                    return
            answer.sent(b"0\r\n\r\n" if chunked else b"")
        except BaseException:
            answer.leave()
            raise
