"""Encode a request as bytes."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import httpx2

from adapters.providers.transport.dialing import Origin, Proxy

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LENGTH = b"content-length"
_PORTS = {"http": 80, "https": 443}


class Opening(NamedTuple):
    """The first bytes of a request. With `is_partial`, more of its body follows. `request` is for error messages."""

    data: bytes
    is_partial: bool = False
    is_head: bool = False
    request: httpx2.Request | None = None


class Prepared(NamedTuple):
    """A POST to one URL, encoded once for many bodies: its destination, and its head without the body's length."""

    origin: Origin
    head: bytes

    def with_body(self, body: bytes) -> Opening:
        """Return the whole request."""
        return Opening(b"%bcontent-length: %d\r\n\r\n%b" % (self.head, len(body), body))


def prepared(url: httpx2.URL, headers: httpx2.Headers, proxy_to: Callable[[Origin], Proxy | None]) -> Prepared:
    """Encode a POST but for its body. Raises httpx2.TransportError if it cannot be sent."""
    request = httpx2.Request("POST", url, headers=headers)
    origin = origin_of(request)
    fixed = [(name, value) for name, value in request.headers.raw if name != _LENGTH]
    return Prepared(origin, _head_of(request, fixed, proxy_to(origin)))


def origin_of(request: httpx2.Request) -> Origin:
    """Return the destination of the request. Raises UnsupportedProtocol or LocalProtocolError for an invalid one."""
    url = request.url
    scheme = url.scheme
    port = _PORTS.get(scheme)
    if port is None and scheme:
        raise httpx2.UnsupportedProtocol(f"cannot speak {scheme}", request=request)
    host = url.raw_host.decode("ascii")
    if port is None or not host:
        raise httpx2.LocalProtocolError("the URL is not absolute", request=request)
    return Origin(scheme == "https", host, url.port or port)


def opening_of(request: httpx2.Request, proxy: Proxy | None) -> Opening:
    """Return the request line, the headers, and the body if it is in memory.

    Raises LocalProtocolError if HTTP cannot express them. A relaying proxy (for TLS a proxy only tunnels) gets the full
    URL and the authorization.
    """
    headers, length = request.headers.raw, b""
    if headers and headers[-1][0] == _LENGTH:
        length = b"content-length: %b\r\n" % headers.pop()[1]
    is_partial = not isinstance(request.stream, httpx2.ByteStream)
    body = b"" if is_partial else b"".join(request.stream)  # type: ignore[arg-type]
    head = _head_of(request, headers, proxy)
    if length.count(b"\n") > 1 or length.count(b"\r") > 1 or b"\0" in length:
        raise httpx2.LocalProtocolError("a line break in the length of the body", request=request)
    if body and not length and "content-length" not in request.headers:
        length = b"content-length: %d\r\n" % len(body)
    return Opening(b"%b%b\r\n%b" % (head, length, body), is_partial, request.method == "HEAD", request)


def _head_of(request: httpx2.Request, headers: list[tuple[bytes, bytes]], proxy: Proxy | None) -> bytes:
    url = request.url
    try:
        relay = proxy if url.scheme == "http" else None
        target = url.raw_path if relay is None else b"http://" + url.netloc + url.raw_path
        return _head(request.method, target, url.netloc, tuple(headers), relay and relay.authorization)
    except ValueError as error:
        raise httpx2.LocalProtocolError(str(error), request=request) from error


@lru_cache(maxsize=512)
def _head(
    method: str, target: bytes, host: bytes, headers: tuple[tuple[bytes, bytes], ...], authorization: bytes | None
) -> bytes:
    """Return all header lines except the body's length, which comes last; `authorization` is the proxy's.

    Raises ValueError if HTTP cannot express them.

    The result is cached, because calls to one model differ only in the body.
    """
    lines = [b"%b %b HTTP/1.1" % (_token(method.encode("ascii")), target)]
    named = [(_token(name).lower(), value) for name, value in headers]
    lines += [b"%b: %b" % pair for pair in named]
    names = {name for name, _ in named}
    if b"host" not in names:
        lines.append(b"host: " + host)
    if authorization is not None:
        lines.append(b"proxy-authorization: " + authorization)
    head = b"".join(b"%b\r\n" % line for line in lines)
    if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines) or b"\0" in head:
        raise ValueError("a line break in the URL or in a header")
    return head


def is_chunked(request: httpx2.Request) -> bool:
    """Whether the body is sent in chunks, because its length is unknown."""
    return "content-length" not in request.headers


def _token(token: bytes) -> bytes:
    if _TOKEN.fullmatch(token) is None:
        raise ValueError(f"not an HTTP token: {token!r}")
    return token
