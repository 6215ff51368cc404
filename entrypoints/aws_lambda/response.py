"""One streamed response: ASGI's messages in, chunks to the Runtime API out.

The response has a connection of its own, which is closed at its end, as Lambda requires of a runtime that streams. Its
head, Lambda's prelude and the first piece of the body leave in one write. What went to Lambda counts as delivered: a
caller who disconnects does not end the invocation, and Lambda does not report it. If Lambda itself ends the
connection, the application sees a caller who has left.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
"""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import msgspec

from entrypoints.aws_lambda.events import HttpRequest
from entrypoints.aws_lambda.runtime_api import (
    ERROR_BODY,
    ERROR_TYPE,
    Answer,
    Connection,
    Invocation,
    RuntimeApiError,
    error_trailers,
    head,
)

Message = MutableMapping[str, Any]

_STREAMING = {
    "Lambda-Runtime-Function-Response-Mode": "streaming",
    "Transfer-Encoding": "chunked",
    "Content-Type": "application/vnd.awslambda.http-integration-response",
    "Trailer": f"{ERROR_TYPE}, {ERROR_BODY}",
}
_PRELUDE_END = bytes(8)
# Lambda frames the answer for the caller itself.
_NOT_SENT = frozenset((b"content-length", b"transfer-encoding", b"connection"))


class Unfinished(Exception):
    """The application ended without having sent a whole answer."""


class StreamedResponse:
    """The answer to one invocation. `started`: a part of it was sent; `complete`: all of it was."""

    def __init__(self, address: str, invocation: Invocation, request: HttpRequest) -> None:
        self.started = self.complete = False
        self._address = address
        self._invocation = invocation
        self._request: HttpRequest | None = request
        self._bare = request.scope["method"] == "HEAD"
        self._head: Message | None = None
        self._connection: Connection | None = None
        self._answer: asyncio.Task[Answer] | None = None
        self._over = asyncio.Event()  # Lambda takes no more of the answer.

    async def receive(self) -> Message:
        """Return the whole request, and later, when no more of the answer is taken, that the caller has left."""
        request, self._request = self._request, None
        if request is not None:
            return {"type": "http.request", "body": request.body, "more_body": False}
        await self._over.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Send the answer's head (with the next piece) or a piece; waits while Lambda takes it more slowly."""
        if self._over.is_set():
            return
        if message["type"] == "http.response.start":
            self._head = message
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        opening = b"" if self._head is None else await self._open(self._head)
        assert self._connection is not None
        end = b"" if more else b"0\r\n\r\n"
        if data := opening + (b"" if self._bare else _chunk(body)) + end:
            self._connection.write(data)
        if more:
            await self._room()
        else:
            self.complete = True
            self._over.set()

    async def end(self, error: BaseException | None) -> None:
        """Finish the response once the application has ended; `error` is how it failed.

        Returns when Lambda has accepted the response. Raises RuntimeApiError if it has not: the process can still
        serve, since whatever Lambda took was charged.
        """
        if self._connection is None or self._answer is None:
            return
        try:
            if not self.complete and not self._answer.done():
                self._connection.write(error_trailers(error or Unfinished("the answer is not whole")))
            self._over.set()
            answer = await self._answer
            if answer.status >= 300:
                raise RuntimeApiError(f"Lambda refused the response with {answer.status}: {answer.body[:500]!r}")
        finally:
            await self._connection.close()

    async def _open(self, message: Message) -> bytes:
        """Connect, and return the request's head with Lambda's prelude."""
        self._connection = await Connection.open(self._address)
        self._answer = asyncio.get_running_loop().create_task(self._connection.answer())
        self._answer.add_done_callback(lambda _: self._over.set())
        self._head, self.started = None, True
        self._bare = self._bare or message["status"] in (204, 304)
        request = head("POST", self._invocation.path("response"), self._address, _STREAMING | self._invocation.headers)
        return request + _chunk(prelude(message) + _PRELUDE_END)

    async def _room(self) -> None:
        assert self._connection is not None
        try:
            await self._connection.room()
        except RuntimeApiError:
            self._over.set()


def prelude(message: Message) -> bytes:
    """Return the JSON that carries status, headers and cookies before the body. A repeated header is joined."""
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for raw_name, raw_value in message.get("headers", ()):
        name, value = raw_name.lower().decode("latin-1"), raw_value.decode("latin-1")
        if name == "set-cookie":
            cookies.append(value)
        elif raw_name.lower() not in _NOT_SENT:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return msgspec.json.encode({"statusCode": message["status"], "headers": headers, "cookies": cookies})


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""
