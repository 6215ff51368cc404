"""Lambda's Runtime API over one connection: the next invocation, and what is reported about it.

House rule: an error of the connection or a status that is no success raises `RuntimeApiError`, and the process ends:
Lambda starts another. Only the request for the next invocation is repeated, once, on a connection that Lambda has
closed while it was unused.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import asyncio
import base64
import traceback
from contextlib import suppress
from typing import NamedTuple

import httptools
import msgspec

VERSION = "/2018-06-01/runtime"
ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"
ERROR_BODY = "Lambda-Runtime-Function-Error-Body"
INVOCATION_ID = "Lambda-Runtime-Invocation-Id"
_READ_BYTES = 256 * 1024


class RuntimeApiError(Exception):
    """The Runtime API cannot be reached, or has refused a request."""


class Invocation(NamedTuple):
    """One invocation. `deadline_ms` is when Lambda ends it, by the wall clock; `attempt` identifies one delivery."""

    id: str
    payload: bytes
    deadline_ms: int
    attempt: str | None

    def path(self, end: str) -> str:
        """Return the path of what is reported about this invocation."""
        return f"{VERSION}/invocation/{self.id}/{end}"

    @property
    def headers(self) -> dict[str, str]:
        """The header that identifies the delivery, if Lambda has sent one."""
        return {INVOCATION_ID: self.attempt} if self.attempt else {}


class Answer:
    """An answer of the Runtime API, as httptools reads it. Names of headers are in lower case."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.body = b""
        self.whole = False
        self._parser = httptools.HttpResponseParser(self)

    @property
    def status(self) -> int:
        """The status code."""
        return self._parser.get_status_code()

    def feed(self, data: bytes) -> None:
        """Read on. RuntimeApiError for what is not HTTP."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise RuntimeApiError(f"the Runtime API's answer cannot be read: {error}") from error

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, piece: bytes) -> None:
        self.body += piece

    def on_message_complete(self) -> None:
        self.whole = True


class Connection:
    """One connection to the Runtime API, for one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, address: str) -> "Connection":
        """Connect to a `host:port`."""
        host, _, port = address.rpartition(":")
        try:
            return cls(*await asyncio.open_connection(host, int(port)))
        except OSError as error:
            raise RuntimeApiError(f"the Runtime API at {address} cannot be reached: {error}") from error

    def write(self, data: bytes) -> None:
        """Send bytes, or keep them until there is room."""
        self._writer.write(data)

    async def room(self) -> None:
        """Wait until there is room for more bytes."""
        try:
            await self._writer.drain()
        except OSError as error:
            raise RuntimeApiError(f"the connection to the Runtime API has ended: {error}") from error

    async def answer(self) -> Answer:
        """Return the whole answer to the request."""
        answer = Answer()
        while not answer.whole:
            try:
                data = await self._reader.read(_READ_BYTES)
            except OSError as error:
                raise RuntimeApiError(f"the connection to the Runtime API has ended: {error}") from error
            if not data:
                raise RuntimeApiError("the Runtime API has closed the connection")
            answer.feed(data)
        return answer

    async def close(self) -> None:
        """Close the connection; what was written is still sent."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


class RuntimeApi:
    """The Runtime API, for one invocation at a time; several of these serve several at once."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._connection: Connection | None = None

    async def next(self) -> Invocation:
        """Wait for the next invocation. Lambda may freeze the process as soon as this is sent."""
        request = head("GET", f"{VERSION}/invocation/next", self.address, {})
        if self._connection is None:
            answer = await self._ask(request)
        else:
            try:
                answer = await self._ask(request)
            except RuntimeApiError:
                self._connection = None
                answer = await self._ask(request)
        _check(answer, "the next invocation")
        headers = answer.headers
        return Invocation(
            id=headers["lambda-runtime-aws-request-id"],
            payload=answer.body,
            deadline_ms=int(headers.get("lambda-runtime-deadline-ms") or 0),
            attempt=headers.get(INVOCATION_ID.lower()),
        )

    async def respond(self, invocation: Invocation, body: bytes) -> None:
        """Report a whole response, which is JSON."""
        await self._post(invocation.path("response"), invocation.headers, body)

    async def fail(self, invocation: Invocation, error: BaseException) -> None:
        """Report that the invocation failed before any of its response was sent."""
        await self._post(
            invocation.path("error"), {ERROR_TYPE: error_type(error), **invocation.headers}, error_body(error)
        )

    async def fail_start(self, error: BaseException) -> None:
        """Report that the function cannot start; the process must end then."""
        await self._post(f"{VERSION}/init/error", {ERROR_TYPE: error_type(error)}, error_body(error))

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.close()

    async def _post(self, path: str, headers: dict[str, str], body: bytes) -> None:
        sized = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
        _check(await self._ask(head("POST", path, self.address, sized) + body), path)

    async def _ask(self, request: bytes) -> Answer:
        if self._connection is None:
            self._connection = await Connection.open(self.address)
        self._connection.write(request)
        answer = await self._connection.answer()
        if answer.headers.get("connection", "").lower() == "close":
            await self._connection.close()
            self._connection = None
        return answer


def head(method: str, path: str, address: str, headers: dict[str, str]) -> bytes:
    """Return the head of a request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {address}", "User-Agent: aihub"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def error_type(error: BaseException) -> str:
    """Return the error's type as Lambda recommends it: a category and a reason."""
    return f"Function.{type(error).__name__}"


def error_body(error: BaseException) -> bytes:
    """Return the error as Lambda's own runtimes report it."""
    return msgspec.json.encode(
        {
            "errorMessage": str(error),
            "errorType": error_type(error),
            "stackTrace": traceback.format_tb(error.__traceback__),
        }
    )


def error_trailers(error: BaseException) -> bytes:
    """Return the end of a chunked body that failed, with the error in its trailers."""
    body = base64.b64encode(error_body(error)).decode()
    return f"0\r\n{ERROR_TYPE}: {error_type(error)}\r\n{ERROR_BODY}: {body}\r\n\r\n".encode()


def _check(answer: Answer, what: str) -> None:
    if not 200 <= answer.status < 300:
        raise RuntimeApiError(f"the Runtime API refused {what} with {answer.status}: {answer.body[:500]!r}")
