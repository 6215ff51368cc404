"""Send requests with aiohttp, behind httpx2's transport interface: the replacement for our own transport.

It needs `aihub[aiohttp]` and is chosen by AIHUB_TRANSPORT=aiohttp. Both pass the same tests. Proxies (HTTP_PROXY,
HTTPS_PROXY, ALL_PROXY, NO_PROXY) and trusted roots (the system's, SSL_CERT_FILE, `ca_pem`) are chosen by the same code.

What it lacks is in `LACKS` of the tests: above all, a POST that meets the close of an idle connection fails, because
aiohttp repeats only idempotent methods. https://docs.aiohttp.org/en/stable/client_reference.html

House rule: it raises only httpx2's exceptions, ConnectError and ConnectTimeout only if no byte of the request was sent.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any

import aiohttp
import httpx2
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from yarl import URL

from adapters.providers.transport.answer import READ_AHEAD, WHOLE_BYTES_MAX
from adapters.providers.transport.dialing import Dialer, Proxy, error_text
from adapters.providers.transport.request import opening_of, origin_of

# Headers that aiohttp would add.
_ADDED = frozenset(("User-Agent", "Accept", "Accept-Encoding", "Content-Type"))
_HEAD_BYTES_MAX = 64 * 1024
_SWITCHING = 101


class AiohttpTransport(httpx2.AsyncBaseTransport):
    """HTTP/1.1 with pooled connections; one per process, closed with `aclose`. The contract is `Http1Transport`'s."""

    def __init__(self, ca_pem: bytes | None = None, idle_s: float = 50.0) -> None:
        self._dialer = Dialer(ca_pem)
        self._idle_s = idle_s
        self._made: aiohttp.ClientSession | None = None
        self._closed = False

    async def __aenter__(self) -> "AiohttpTransport":
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request; return the response once its headers are there. Its stream must be closed.

        Raises:
            httpx2.TransportError: ConnectError and ConnectTimeout mean that no byte of the request was sent.
        """
        origin = origin_of(request)
        try:
            proxy = self._dialer.proxy_to(origin)
        except httpx2.ProxyError as error:
            error.request = request
            raise
        opening_of(request, proxy)  # Refuses what HTTP cannot express.
        if self._closed:
            raise httpx2.ConnectError("the transport is closed", request=request)
        timeout = request.extensions.get("timeout", {})
        # The body's framing is written by aiohttp.
        headers = [pair for pair in request.headers.multi_items() if pair[0] != "transfer-encoding"]
        options: dict[str, Any] = {}
        if proxy is not None:
            options["proxy"] = _url_of(proxy)
            known = [("proxy-authorization", proxy.authorization.decode("ascii"))] if proxy.authorization else []
            if origin.tls:
                options["proxy_headers"] = dict(known)
            else:
                headers += known
        try:
            if origin.tls or (proxy is not None and proxy.origin.tls):
                options["ssl"] = await self._tls(request)
            answer = await self._session().request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=headers,
                data=b"".join(request.stream) if isinstance(request.stream, httpx2.ByteStream) else request.stream,
                timeout=_limits(timeout.get("connect"), timeout.get("read")),
                allow_redirects=False,
                **options,
            )
        except Exception as error:
            raise error if isinstance(error, httpx2.TransportError) else self.failure(error, request) from error
        if answer.status == _SWITCHING:
            answer.close()
            raise httpx2.RemoteProtocolError("the provider switched to another protocol", request=request)
        return httpx2.Response(
            answer.status,
            headers=[(name.lower(), value) for name, value in answer.raw_headers],
            stream=_Body(self, answer, request),
            extensions={"http_version": b"HTTP/%d.%d" % answer.version if answer.version else b"HTTP/1.1"},
            request=request,
        )

    async def aclose(self) -> None:
        """Close all connections; an exchange in progress fails with ReadError."""
        self._closed = True
        if self._made is not None:
            await self._made.close()
        await asyncio.sleep(0)  # The event loop closes a socket in its next iteration.

    def failure(self, error: Exception, request: httpx2.Request) -> httpx2.TransportError:
        """Return the exception of httpx2 for one of aiohttp, whose own texts contain the provider's URL."""
        kind, text = _kind_of(error) if not self._closed else (httpx2.ReadError, "the transport was closed")
        return kind(text, request=request)

    async def _tls(self, request: httpx2.Request) -> ssl.SSLContext:
        try:
            return await self._dialer.tls_context()
        except OSError as error:
            raise httpx2.ConnectError(f"TLS: {error}", request=request) from error

    def _session(self) -> aiohttp.ClientSession:
        if self._made is None:
            self._made = aiohttp.ClientSession(
                connector=_Connector(limit=0, keepalive_timeout=self._idle_s),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=_ADDED,
                auto_decompress=False,
                read_bufsize=READ_AHEAD,
                max_line_size=_HEAD_BYTES_MAX,
                max_field_size=_HEAD_BYTES_MAX,
            )
        return self._made


class _Connector(aiohttp.TCPConnector):
    """Reuses no idle connection on which bytes have come: they would be taken for the next answer."""

    async def _get(self, key: ConnectionKey, traces: list[Any]) -> Connection | None:
        while (found := await super()._get(key, traces)) is not None:
            if found.protocol is None or not found.protocol.should_close:
                return found
            found.close()
        return None


class _Body(httpx2.AsyncByteStream):
    """The body of one answer, to be read once."""

    def __init__(self, transport: AiohttpTransport, answer: aiohttp.ClientResponse, request: httpx2.Request) -> None:
        self._transport = transport
        self._answer = answer
        self._request = request
        self._begun = False
        self._left = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        if self._begun:
            raise httpx2.StreamConsumed()
        self._begun = True
        return self._chunks()

    async def _chunks(self) -> AsyncIterator[bytes]:
        length, kind = self._answer.content_length, self._answer.headers.get("content-type", "")
        whole = length is not None and length <= WHOLE_BYTES_MAX and not kind.startswith("text/event-stream")
        while True:
            if self._left:
                raise httpx2.StreamClosed()
            try:
                chunk = await (self._answer.read() if whole else self._answer.content.readany())
            except Exception as error:
                self._answer.close()
                raise self._transport.failure(error, self._request) from error
            except BaseException:
                self._answer.close()
                raise
            if chunk:
                yield chunk
            if whole or not chunk:
                return

    async def aclose(self) -> None:
        self._left = True
        self._answer.close()  # Closes the connection, unless the answer is complete.


def _url_of(proxy: Proxy) -> URL:
    host = f"[{proxy.origin.host}]" if ":" in proxy.origin.host else proxy.origin.host
    return URL(f"{'https' if proxy.origin.tls else 'http'}://{host}:{proxy.origin.port}")


def _kind_of(error: Exception) -> tuple[type[httpx2.TransportError], str]:
    """Return the exception of httpx2 and its text, without a URL."""
    match error:
        case aiohttp.ClientResponseError() if error.request_info.method == "CONNECT":
            return httpx2.ProxyError, f"the proxy does not let us through: {error.message}"
        case aiohttp.ClientResponseError():
            return httpx2.RemoteProtocolError, error.message
        case aiohttp.ClientConnectorCertificateError():
            return httpx2.ConnectError, f"TLS: {error.certificate_error}"
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, ssl.SSLError):
            return httpx2.ConnectError, f"TLS: {error.os_error.reason or error.os_error}"
        case aiohttp.ClientConnectorError():
            return httpx2.ConnectError, error_text(error.os_error)
        case aiohttp.ConnectionTimeoutError():
            return httpx2.ConnectTimeout, "no connection in time"
        case TimeoutError():
            return httpx2.ReadTimeout, "no more in time"
        case aiohttp.ServerDisconnectedError():
            return httpx2.RemoteProtocolError, "the connection was closed"
        case aiohttp.ClientPayloadError():
            return httpx2.RemoteProtocolError, "the body is not complete"
        case OSError():
            return httpx2.ReadError, error_text(error)
        case aiohttp.ClientError():
            return httpx2.RemoteProtocolError, type(error).__name__
    return httpx2.LocalProtocolError, type(error).__name__


def _limits(connect_s: float | None, read_s: float | None) -> aiohttp.ClientTimeout:
    limits = [limit for limit in (connect_s, read_s) if limit is not None]
    return aiohttp.ClientTimeout(total=None, connect=min(limits, default=None), sock_read=read_s)
