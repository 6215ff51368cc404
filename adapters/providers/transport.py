"""How requests reach the wire: httpx2's types in front, pyreqwest (Rust's reqwest and hyper) behind.

httpx2's own stack costs 1.6 ms of CPU a request, this one some 0.2 ms, and callers keep httpx2's seam. pyreqwest
ships such an adapter too, but that one buffers event streams to their end and adds all timeouts up to one deadline.

House rule: this file moves bytes and names failures, nothing else. No redirect, no cookie, no decompression, no
retry of a request that may have been sent; and only httpx2's exceptions leave. A failure is told by pyreqwest's
type; its text decides in one place only, `_never_sent`, where being wrong errs to the careful side.
"""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta

import anyio.lowlevel
import httpx2
from pyreqwest import exceptions as rust
from pyreqwest.bytes import Bytes
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response

from adapters.providers.silence import Silence

_WHOLE_BYTES_MAX = 1024 * 1024
_READ_AHEAD = 64 * 1024

WHOLE = "aihub.whole"
"""The request extension that says the answer is not wanted before it is whole."""

# reqwest takes these two timeouts per client and not per request, so requests share clients by rounded timeouts:
# few, however many timeouts there are, since a client costs 8 ms (the system's certificates) and has its own pool.
_CONNECT_S = (120.0, 60.0, 30.0, 20.0, 10.0, 5.0, 3.0, 2.0, 1.0, 0.5, 0.2, 0.1)
_ABANDONED_S = (1.0, 4.0, 15.0, 60.0, 240.0, 960.0, 3840.0)

_NAMES: tuple[tuple[type[rust.PyreqwestError], type[httpx2.TransportError]], ...] = (
    # The first that fits. What is not listed, RequestError itself above all, is an answer that breaks HTTP's rules:
    # pyreqwest has no type of its own for a body that ends before its content-length or has a malformed chunk.
    (rust.PoolTimeoutError, httpx2.PoolTimeout),
    (rust.WriteTimeoutError, httpx2.WriteTimeout),
    (rust.RequestTimeoutError, httpx2.ReadTimeout),
    (rust.WriteError, httpx2.WriteError),
    (rust.ReadError, httpx2.ReadError),
    (rust.ClientClosedError, httpx2.ReadError),
    (rust.BuilderError, httpx2.UnsupportedProtocol),
)


class PyreqwestTransport(httpx2.AsyncBaseTransport):
    """HTTP/1.1 with pooled connections; one per process, closed with `aclose`.

    Nothing is created before the first request, so the object may be made before a fork. Proxies are taken from
    the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY), trusted roots from the system or SSL_CERT_FILE;
    `ca_pem` is trusted besides. All of them are read when a client is made, not at every request.

    HTTP/2 stays off: there, one dead connection or one slow window stalls every call to its provider.
    """

    def __init__(self, ca_pem: bytes | None = None) -> None:
        self._ca_pem = ca_pem
        self._clients: dict[tuple[float | None, float | None], Client] = {}
        self._closed = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request; the response is there with its headers, and its stream must be closed.

        `request.extensions["timeout"]` holds seconds, None or absent for no limit. `connect` counts as the next
        shorter step of `_CONNECT_S`, below `read` at any rate. `read` limits the wait for the headers, counted
        from now, and then every wait for more of the body (one of known length up to 1 MiB: for all of it).
        `write` and `pool` are covered by the wait for the headers: the pool never makes a request wait.

        Cancelling the wait for the headers frees the caller at once, but not the connection: pyreqwest cannot
        abort a request there. It is closed when the provider answers, or by the limit of `_ABANDONED_S`, which is
        two to eight times `read` and at least a second; there is none for a `read` above 32 minutes.

        Raises:
            httpx2.TransportError: ConnectError and ConnectTimeout mean that no byte of the request was sent.
        """
        timeout = request.extensions.get("timeout", {})
        read_s: float | None = timeout.get("read")
        exchange = self._exchange(request, timeout.get("connect"), read_s)
        silence = Silence(read_s)
        answer: Response | None = None
        try:
            answer = await silence.wait(exchange.__aenter__())
        except rust.PyreqwestError as error:
            raise _translated(error, request) from error
        except TimeoutError:
            raise httpx2.ReadTimeout(f"no answer within {read_s} s", request=request) from None
        except asyncio.CancelledError:
            await _cancelled_again()
            raise
        finally:
            if answer is None:
                silence.stop()
        headers = _headers(answer)
        return httpx2.Response(
            answer.status,
            headers=headers,
            stream=_Body(exchange, answer, request, silence, whole=_is_small(headers)),
            extensions={"http_version": answer.version.encode("ascii")},
            request=request,
        )

    async def aclose(self) -> None:
        """Close the idle connections and fail what waits for headers; answers at hand can be read to their end."""
        self._closed = True
        while self._clients:  # A pool closes its connections when the last reference to its client goes.
            _, client = self._clients.popitem()
            await client.close()

    def _exchange(self, request: httpx2.Request, connect_s: float | None, read_s: float | None) -> StreamRequest:
        try:
            builder = self._client(request, connect_s, read_s).request(request.method, str(request.url))
            builder = builder.headers(request.headers.multi_items())
            if not isinstance(request.stream, httpx2.ByteStream):
                builder = builder.body_stream(request.stream)
            elif body := b"".join(request.stream):
                builder = builder.body_bytes(body)
            # With read-ahead, headers wait until that much of the body has come: right for a whole answer, which it
            # brings in one crossing between the threads, and wrong for a stream.
            read_ahead = _READ_AHEAD if request.extensions.get(WHOLE) else 0
            return builder.streamed_read_buffer_limit(read_ahead).build_streamed()
        except ValueError as error:  # A header or a URL that cannot be sent; BuilderError is a ValueError too.
            raise httpx2.LocalProtocolError(str(error), request=request) from error

    def _client(self, request: httpx2.Request, connect_s: float | None, read_s: float | None) -> Client:
        if self._closed:
            raise httpx2.ConnectError("the transport is closed", request=request)
        # Shorter than the read timeout, for otherwise a dead host would be taken for a silent one.
        if read_s is not None and (connect_s is None or connect_s >= read_s):
            connect_s = next((step for step in _CONNECT_S if step < read_s), _CONNECT_S[-1])
        elif connect_s is not None:
            connect_s = next((step for step in _CONNECT_S if step <= connect_s), _CONNECT_S[-1])
        # reqwest's own read timeout runs on while nobody reads. So it must not be what limits a read, but it gets
        # rid of exchanges that were given up before their headers came.
        abandoned_s = None
        if read_s is not None:
            abandoned_s = next((step for step in _ABANDONED_S if step >= 2 * read_s), None)
        key = (connect_s, abandoned_s)
        if (client := self._clients.get(key)) is None:
            try:
                client = self._clients[key] = _client(connect_s, abandoned_s, self._ca_pem)
            except rust.BuilderError as error:  # No trusted root found, or `ca_pem` is none.
                raise httpx2.ConnectError(_text(error), request=request) from error
        return client


class _Body(httpx2.AsyncByteStream):
    """A response's body, to be read once. Whoever stops reading it, however, has closed its connection."""

    def __init__(
        self, exchange: StreamRequest, answer: Response, request: httpx2.Request, silence: Silence, whole: bool
    ) -> None:
        self._exchange = exchange
        self._answer = answer
        self._request = request
        self._silence = silence
        self._whole = whole
        self._begun = False
        self._open = True

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        if self._begun:
            raise httpx2.StreamConsumed()
        self._begun = True
        try:
            if self._whole:  # All at once: one crossing between the threads instead of two or more.
                if body := await self._read():
                    self._open = False
                    yield body.to_bytes()
            else:
                while (chunk := await self._read()) is not None:
                    yield chunk.to_bytes()
            self._open = False
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        self._silence.stop()
        if self._open:
            self._open = False
            # Ends without suspending, hence under cancellation too: no read is under way, or it was just cancelled.
            await self._exchange.__aexit__(None, None, None)

    async def _read(self) -> Bytes | None:
        if not self._open:
            raise httpx2.StreamClosed()
        try:
            return await self._silence.wait(
                self._answer.bytes() if self._whole else self._answer.body_reader.read_chunk()
            )
        except rust.PyreqwestError as error:
            raise _translated(error, self._request) from error
        except TimeoutError:
            raise httpx2.ReadTimeout(f"nothing more within {self._silence.limit_s} s", request=self._request) from None
        except asyncio.CancelledError:
            await _cancelled_again()
            raise


async def _cancelled_again() -> None:
    """Let anyio cancel the task in its own words, if it was anyio.

    pyreqwest answers a cancellation with a CancelledError of its own. No cancel scope knows that one for its own, so
    it would pass through every scope and end the task; it must be said again by anyio, at its next checkpoint.
    """
    await anyio.lowlevel.checkpoint_if_cancelled()


def _client(connect_s: float | None, abandoned_s: float | None, ca_pem: bytes | None) -> Client:
    builder = ClientBuilder().follow_redirects(False).referer(False)
    builder = builder.gzip(False).brotli(False).zstd(False).deflate(False)  # Else they are asked for, unasked.
    # reqwest cannot leave these two out: a request without its own gets an empty user-agent and accept: */*.
    builder = builder.user_agent("").http1_lower_case_headers()
    if connect_s is not None:
        builder = builder.connect_timeout(timedelta(seconds=connect_s))
    if abandoned_s is not None:
        builder = builder.read_timeout(timedelta(seconds=abandoned_s))
    if ca_pem is not None:
        builder = builder.add_root_certificate_pem(ca_pem)
    return builder.build()


def _is_small(headers: list[tuple[str, str]]) -> bool:
    length = ""
    for name, value in headers:
        if name == "content-length":
            length = value
        elif name == "content-type" and value.startswith("text/event-stream"):
            return False
    return length.isdecimal() and int(length) <= _WHOLE_BYTES_MAX


def _headers(answer: Response) -> list[tuple[str, str]]:
    try:
        return list(answer.headers.items())
    except ValueError:
        # pyreqwest cannot tell a value that is not ASCII; such a header is left out, the others are kept.
        told: list[tuple[str, str]] = []
        for name in dict.fromkeys(answer.headers.keys()):
            try:
                told += [(name, value) for value in answer.headers.getall(name)]
            except ValueError:
                continue
        return told


def _translated(error: rust.PyreqwestError, request: httpx2.Request) -> httpx2.TransportError:
    kind: type[httpx2.TransportError]
    if isinstance(error, rust.ConnectError):
        kind = httpx2.ConnectError if _never_sent(error) else httpx2.RemoteProtocolError
    elif isinstance(error, rust.ConnectTimeoutError):
        kind = httpx2.ConnectTimeout if _never_sent(error) else httpx2.ReadTimeout
    else:
        kind = next((ours for theirs, ours in _NAMES if isinstance(error, theirs)), httpx2.RemoteProtocolError)
    return kind(_text(error), request=request)


def _never_sent(error: rust.DetailedPyreqwestError) -> bool:
    """Whether the failure came before a connection stood, after which the request is safe to repeat.

    pyreqwest's ConnectError and ConnectTimeoutError do not tell: a connection closed or silent after the request
    was sent is of the same type. The kind of the error in hyper's client does, and it is only handed over as text.
    """
    return any(cause["message"] == "client error (Connect)" for cause in error.details["causes"] or ())


def _text(error: rust.PyreqwestError) -> str:
    """What went wrong and the innermost cause; the causes between them repeat the URL and the like."""
    causes = error.details["causes"] if isinstance(error, rust.DetailedPyreqwestError) else None
    return f"{error.message}: {causes[-1]['message']}" if causes else error.message
