"""A request as the bytes that open it on the wire."""

import re
from functools import lru_cache

import httpx2

from adapters.providers.transport.dialing import Origin, Proxy

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LENGTH = b"content-length"
_PORTS = {"http": 80, "https": 443}


def origin_of(request: httpx2.Request) -> Origin:
    """Where the request goes; UnsupportedProtocol or LocalProtocolError if there is no such place."""
    url = request.url
    scheme = url.scheme
    port = _PORTS.get(scheme)
    if port is None and scheme:
        raise httpx2.UnsupportedProtocol(f"cannot speak {scheme}", request=request)
    host = url.raw_host.decode("ascii")
    if port is None or not host:
        raise httpx2.LocalProtocolError("the URL is not absolute", request=request)
    return Origin(scheme == "https", host, url.port or port)


def head_of(request: httpx2.Request, proxy: Proxy | None) -> bytes:
    """The request line and the headers, and the body if it is at hand. LocalProtocolError if HTTP cannot say them.

    A proxy that relays (one for TLS only tunnels) is told the whole URL, and who we are.
    """
    url, headers = request.url, request.headers.raw
    length = b""
    if headers and headers[-1][0] == _LENGTH:
        length = b"content-length: %b\r\n" % headers.pop()[1]
    body = b"".join(request.stream) if isinstance(request.stream, httpx2.ByteStream) else b""
    try:
        relay = proxy if url.scheme == "http" else None
        target = url.raw_path if relay is None else b"http://" + url.netloc + url.raw_path
        head = _head(request.method, target, url.netloc, tuple(headers), relay and relay.authorization)
        if length.count(b"\n") > 1 or length.count(b"\r") > 1 or b"\0" in length:
            raise ValueError("a line break in the length of the body")
    except ValueError as error:
        raise httpx2.LocalProtocolError(str(error), request=request) from error
    if body and not length and "content-length" not in request.headers:
        length = b"content-length: %d\r\n" % len(body)
    return b"%b%b\r\n%b" % (head, length, body)


@lru_cache(maxsize=512)
def _head(
    method: str, target: bytes, host: bytes, headers: tuple[tuple[bytes, bytes], ...], known: bytes | None
) -> bytes:
    """All lines but the length of the body, where that stands last; `known` is how the proxy knows us.

    ValueError if HTTP cannot say them.

    Remembered, since from call to call to one model only the body changes.
    """
    lines = [b"%b %b HTTP/1.1" % (_token(method.encode("ascii")), target)]
    named = [(_token(name).lower(), value) for name, value in headers]
    lines += [b"%b: %b" % pair for pair in named]
    names = {name for name, _ in named}
    if b"host" not in names:
        lines.append(b"host: " + host)
    if known is not None:
        lines.append(b"proxy-authorization: " + known)
    head = b"".join(b"%b\r\n" % line for line in lines)
    if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines) or b"\0" in head:
        raise ValueError("a line break in the URL or in a header")
    return head


def is_chunked(request: httpx2.Request) -> bool:
    """Whether the body is sent in chunks, since nobody knows its length."""
    return "content-length" not in request.headers


def _token(word: bytes) -> bytes:
    if _TOKEN.fullmatch(word) is None:
        raise ValueError(f"not a word of HTTP: {word!r}")
    return word
