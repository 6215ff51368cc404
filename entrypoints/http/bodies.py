"""A request's body: read within bounds of size, time and memory, and only from callers with a valid key.

A small body comes with its head and costs nothing here. For any other the key is looked at first, so a stranger
occupies no more than the server reads ahead.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, NamedTuple

import msgspec

from domain.accounts.identity import Caller
from domain.refusals import BadHttp, BadRequest, HubFull, Refusal, TooLarge
from entrypoints.http.dashboard.session import session_of
from entrypoints.http.keys import caller_of_request
from entrypoints.http.wire import Request
from entrypoints.usecases.call_context import CallContext

# Smaller bodies are not counted: the bound on requests bounds them.
COUNTED_BYTES_MIN = 64 * 1024
# The body of such a request has no meaning, so it is not waited for.
_BODILESS = ("GET", "HEAD", "OPTIONS")
# A page's form that is shorter is read from anybody: nobody has a key who is about to sign in with one.
FORM_BYTES_MAX = 64 * 1024
_BROKEN = BadRequest(
    field=None,
    problem="The body ended before it was whole, or its chunks are malformed. Nothing was done; send all of it.",
)

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class BodyMemory:
    """The memory that all bodies of a process may occupy together, in bytes."""

    def __init__(self, bytes_max: int) -> None:
        self._left = bytes_max

    def take(self, size: int) -> bool:
        """Take as much, if there is as much left."""
        if size > self._left:
            return False
        self._left -= size
        return True

    def give_back(self, size: int) -> None:
        """A body is not needed any more."""
        self._left += size


class BodyTimeouts(NamedTuple):
    """How long, in seconds, a body may bring no byte, and how long it may take in all."""

    silence_s: float = 30.0
    whole_s: float = 300.0


BODY_TIMEOUTS = BodyTimeouts()


class BodyReader:
    """Reads the body of one request. Its memory is taken until `release`."""

    __slots__ = ("_hub", "_memory", "_taken", "_timeouts")

    def __init__(self, hub: CallContext, memory: BodyMemory, timeouts: BodyTimeouts = BODY_TIMEOUTS) -> None:
        self._hub = hub
        self._memory = memory
        self._timeouts = timeouts
        self._taken = 0

    def release(self) -> None:
        """The request is over."""
        if self._taken:
            self._memory.give_back(self._taken)
            self._taken = 0

    async def read(self, method: str, query: str, headers: Mapping[str, str], receive: Receive) -> bytes | Refusal:
        """The body, from the messages of ASGI that `receive` gives."""
        bytes_max = self._hub.body_bytes_max
        if is_announced_too_large(headers, bytes_max):
            return TooLarge(bytes_max=bytes_max)
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            body: bytes = message.get("body", b"")
            return self._kept(body) if len(body) <= bytes_max else TooLarge(bytes_max=bytes_max)
        if method in _BODILESS:
            return b""
        if is_short_form(headers):
            return await self._rest(message, receive, FORM_BYTES_MAX)
        return await key_refusal(self._hub, query, headers) or await self._rest(message, receive, bytes_max)

    def _kept(self, body: bytes) -> bytes | Refusal:
        return body if len(body) < COUNTED_BYTES_MIN or self._take(len(body)) else HubFull()

    def _take(self, size: int) -> bool:
        if not self._memory.take(size):
            return False
        self._taken += size
        return True

    async def _rest(self, message: MutableMapping[str, Any], receive: Receive, bytes_max: int) -> bytes | Refusal:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._timeouts.whole_s
        pieces: list[bytes] = []
        size = 0
        while message["type"] == "http.request":
            piece: bytes = message.get("body", b"")
            size += len(piece)
            if size > bytes_max:
                return TooLarge(bytes_max=bytes_max)
            if not self._take(len(piece)):
                return HubFull()
            pieces.append(piece)
            if not message.get("more_body", False):
                return b"".join(pieces)
            try:
                async with asyncio.timeout_at(min(loop.time() + self._timeouts.silence_s, end)):
                    message = await receive()
            except TimeoutError:
                return BadHttp(problem="slow")
        return _BROKEN


def is_short_form(headers: Mapping[str, str]) -> bool:
    """Whether the body is the form of a page, of a length that a stranger may send."""
    announced = headers.get("content-length", "")
    is_form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return is_form and announced.isdigit() and len(announced) < 6 and int(announced) <= FORM_BYTES_MAX


def is_announced_too_large(headers: Mapping[str, str], bytes_max: int) -> bool:
    """Whether the length that the head announces is over the bound."""
    announced = headers.get("content-length", "")
    return announced.isdigit() and (len(announced) > 18 or int(announced) > bytes_max)


async def key_refusal(hub: CallContext, query: str, headers: Mapping[str, str]) -> Refusal | None:
    """The refusal of a caller without a valid key; None for all others.

    The cookie of a session counts, since the dashboard's own routes read it: no other route does.
    A key in the query counts here on every path; the route decides later whether it may be there.
    """
    request = Request(id="", method="", path="", query=query, headers=dict(headers), body=b"", started_us=0)
    if (key := request.query_value("key")) is not None:
        request.headers.setdefault("x-goog-api-key", key)
    if "cookie" in headers and (session := session_of(hub, request)) is not None:
        request = msgspec.structs.replace(request, fingerprint=session.fingerprint)
    caller = await caller_of_request(hub, request)
    return None if isinstance(caller, Caller) else caller


def short_body_refusal(headers: Mapping[str, str], body: bytes) -> Refusal | None:
    """The refusal of a body that is shorter than its head announced: for servers that do not notice."""
    announced = headers.get("content-length", "")
    return _BROKEN if announced.isdigit() and int(announced) > len(body) else None
