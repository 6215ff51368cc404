"""Requests, replies and routes without a server: the types between every binder and every handler."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from types import MappingProxyType
from typing import TypeAlias
from urllib.parse import parse_qsl

import msgspec

Headers: TypeAlias = tuple[tuple[str, str], ...]
Leave: TypeAlias = Callable[[], None]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request, whole: header names in lower case, `path_values` as the route's template names them.

    `id` is the call's id and goes back as `x-request-id`. `started_us` is a monotonic time. `watch` asks the server
    to cancel the handler from now on if the caller hangs up; without it a handler runs to its end. It returns a
    function that drops the caller as if it had hung up, None where the server cannot do that. `address` is the other
    end of the connection, "" where the server does not report it. `fingerprint` is that of a key which the hub has
    accepted already, in the session of the dashboard; it counts instead of a key in the headers.
    """

    id: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    started_us: int
    path_values: Mapping[str, str] = MappingProxyType({})
    query: str = ""
    watch: Callable[[], Leave | None] = lambda: None
    address: str = ""
    fingerprint: str | None = None

    def query_value(self, name: str) -> str | None:
        """The last value of that name in the query, None if there is none."""
        return dict(parse_qsl(self.query)).get(name) if self.query else None


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP answer: a body of bytes, or chunks that are sent as they come.

    `keep_alive` is a chunk that a server may send any number of times while it waits for the next one; b"" where there
    is none. `given` counts the chunks so far, so that a server notices silence without a look at their content.
    `cookie` is the value of `set-cookie`, which servers send apart from the other headers.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes | AsyncIterator[bytes]
    keep_alive: bytes = b""
    given: Callable[[], int] = lambda: 0
    cookie: str | None = None


def joined(lines: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Header lines, whose names are in lower case, by name; repeated lines are one with commas (RFC 9110, 5.3)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in lines:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


Handler: TypeAlias = Callable[[Request], AbstractAsyncContextManager[Reply]]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the route table. `template` is Falcon's: `/v1/models/{model:path}`.

    `spends` marks the routes that reach a provider, so that a test can prove that an empty wallet closes all of them.
    """

    method: str
    template: str
    handler: Handler
    spends: bool = False
