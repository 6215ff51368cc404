"""Requests in the bytes of a connection, parsed by httptools, and the refusal of malformed ones.

A request that cannot be read still gives a `Head` with the parts that were understood, so that the refusal can be in
the dialect of its caller.
"""

from typing import NamedTuple, Protocol
from urllib.parse import unquote_to_bytes

import httptools

from entrypoints.server import Refused

# The largest size of a request's target and headers together; larger ones are refused.
HEAD_BYTES_MAX = 64 * 1024
_ASGI = {"version": "3.0", "spec_version": "2.3"}
_VERSIONS = ("1.1", "1.0")

Headers = list[tuple[bytes, bytes]]


class Head(NamedTuple):
    """The part of a request before its body."""

    method: str
    target: bytes
    version: str
    headers: Headers
    keep_alive: bool
    expects_continue: bool

    def scope(self, address: tuple[str, int] | None, client: tuple[str, int] | None) -> dict[str, object]:
        """The request as ASGI describes it; `address` is the server's, `client` that of the other end."""
        target, _, query = self.target.partition(b"?")
        if not target.startswith(b"/"):
            target = _path_of(target)
        path = unquote_to_bytes(target).decode("utf-8", "replace") if b"%" in target else target.decode("latin-1")
        return {
            "type": "http",
            "asgi": _ASGI,
            "http_version": self.version,
            "method": self.method,
            "scheme": "http",
            "path": path,
            "raw_path": target,
            "query_string": query.partition(b"#")[0],
            "root_path": "",
            "headers": self.headers,
            "server": address,
            "client": client,
        }


class Reader(Protocol):
    """The receiver of requests: the connection."""

    def request(self, head: Head) -> None: ...
    def body(self, piece: bytes) -> None: ...
    def end(self) -> None: ...
    def unreadable(self, why: Refused, head: Head) -> None: ...


class RequestParser:
    """Reads one request after another. `in_head`: the head of one has begun and is not whole.

    After `unreadable` it must not be fed any more; while a body is under way, its head is that of an empty request.
    """

    __slots__ = ("_expects", "_head_bytes", "_headers", "_parser", "_reader", "_unread", "_url", "in_head")

    def __init__(self, reader: Reader) -> None:
        self.in_head = False
        self._reader = reader
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._headers: Headers = []
        self._head_bytes = self._unread = 0
        self._expects = False

    def feed(self, data: bytes) -> None:
        """Read on."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if rest := data[upgrade.args[0] :]:  # The server stays with HTTP/1.1, as it may.
                self.feed(rest)
        except httptools.HttpParserError as error:
            if not self._url:
                self._url, self._headers = _guessed(data)
            self._refuse(_why(str(error)))
        else:
            if self.in_head:
                self._unread += len(data)
                if self._unread > HEAD_BYTES_MAX:
                    self._refuse("head_too_large")

    def cut(self, why: Refused) -> None:
        """End the input: no more comes, or not in time."""
        self._refuse(why)

    def _refuse(self, why: Refused, method: str = "GET") -> None:
        self.in_head = False
        self._reader.unreadable(why, Head(method, self._url or b"/", "1.0", self._headers, False, False))

    # --- httptools' side ---

    def on_message_begin(self) -> None:
        self.in_head, self._expects = True, False
        self._url, self._headers = b"", []
        self._head_bytes = self._unread = 0

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.in_head:  # Else it is a trailer.
            name = name.lower()
            self._headers.append((name, value))
            self._head_bytes += len(name) + len(value)
            if name == b"expect" and value.lower() == b"100-continue":
                self._expects = True

    def on_headers_complete(self) -> None:
        self.in_head = False
        parser = self._parser
        version, method = parser.get_http_version(), parser.get_method().decode("ascii")
        if self._head_bytes + len(self._url) > HEAD_BYTES_MAX:
            self._refuse("head_too_large", method)
        elif version not in _VERSIONS:
            self._refuse("version", method)
        elif method == "CONNECT":
            self._refuse("malformed")
        else:
            expects = self._expects and version == "1.1"
            self._reader.request(Head(method, self._url, version, self._headers, parser.should_keep_alive(), expects))

    def on_body(self, piece: bytes) -> None:
        self._reader.body(piece)

    def on_message_complete(self) -> None:
        self._reader.end()


def _why(error: str) -> Refused:
    """The reason of the refusal, from httptools' message."""
    if "overflow" in error:  # of Content-Length: more digits than a number of 64 bits has
        return "body_too_large"
    return "version" if "version" in error or "PRI" in error else "malformed"


def _path_of(target: bytes) -> bytes:
    """The path of a target that is not a path: a whole URL, as proxies receive, or `*`."""
    return b"/" + target.partition(b"://")[2].partition(b"/")[2]


def _guessed(data: bytes) -> tuple[bytes, Headers]:
    """The target of a malformed request, and the one header that shows its dialect."""
    parts = data.partition(b"\r\n")[0].split(b" ")
    target = parts[1] if len(parts) > 1 and parts[1].startswith(b"/") else b"/"
    return target, [(b"anthropic-version", b"")] if b"\nanthropic-version:" in data.lower() else []
