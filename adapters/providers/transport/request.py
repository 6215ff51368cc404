"""A request as the bytes that open it on the wire."""

import re
from functools import lru_cache

import httpx2

from adapters.providers.transport.dialing import Origin, Proxy

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
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
    url = request.url
    relay = proxy if url.scheme == "http" else None
    target = url.raw_path if relay is None else b"http://" + url.netloc + url.raw_path
    body = b"".join(request.stream) if isinstance(request.stream, httpx2.ByteStream) else b""
    try:
        lines = [b"%b %b HTTP/1.1" % (_token(request.method.encode("ascii")), target)]
        lines += [b"%b: %b" % (_name(name), value) for name, value in request.headers.raw]
    except ValueError as error:
        raise httpx2.LocalProtocolError(str(error), request=request) from error
    if "host" not in request.headers:
        lines.append(b"host: " + url.netloc)
    if relay is not None and relay.authorization is not None:
        lines.append(b"proxy-authorization: " + relay.authorization)
    if body and "content-length" not in request.headers:
        lines.append(b"content-length: %d" % len(body))
    head = b"\r\n".join(lines)
    ends = len(lines) - 1
    if head.count(b"\n") != ends or head.count(b"\r") != ends or b"\0" in head:
        raise httpx2.LocalProtocolError("a line break in the URL or in a header", request=request)
    return b"%b\r\n\r\n%b" % (head, body)


def is_chunked(request: httpx2.Request) -> bool:
    """Whether the body is sent in chunks, since nobody knows its length."""
    return "content-length" not in request.headers


@lru_cache(maxsize=512)
def _name(name: bytes) -> bytes:
    """The header's name in lower case; ValueError if it is none."""
    return _token(name).lower()


def _token(word: bytes) -> bytes:
    if _TOKEN.fullmatch(word) is None:
        raise ValueError(f"not a word of HTTP: {word!r}")
    return word
