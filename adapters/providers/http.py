"""The shell around the dialects: it makes the attempt over HTTP and turns every outcome into values.

House rule: nothing that a provider does raises here, and no secret is returned. Only the transport of the HTTP client
is used (one `handle_async_request` per attempt): redirects, cookies, decompression and retries are either forbidden
here or decided by the plan.
"""

from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from functools import lru_cache
from types import TracebackType
from typing import Literal

import anyio
import anyio.lowlevel
import httpx2
import msgspec

from adapters.providers.dialect import FramingError, ProviderDialect
from adapters.providers.framing.decompress import GZIP_MARK, Unpacker, unpacker_of
from adapters.providers.http_rejection import rejected
from adapters.providers.http_request import FromClient, Received, send
from adapters.providers.polling import JobChunks
from adapters.providers.provider_lines import Line, Lines
from adapters.providers.reading import StreamChunks, WholeChunk
from adapters.providers.whole_body import is_error, read_whole
from domain.dialects.unsupported_params import sorted_out
from domain.failures import Failure, FailureKind
from domain.model_api.call import Attempt, ModelCall
from domain.model_api.requests import ModelRequest
from domain.refusals import UnsupportedParameter
from ports.providers import Answer
from ports.vault import Vault

_FAULTS = (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, OSError)

_ERROR_BYTES_MAX = 1024 * 1024
_LINGER_S = 0.05
_CLOSE_S = 5.0

_RELAYED = ("openai-", "anthropic-", "x-ratelimit-", "retry-after", "request-id")
# The account behind the hub's credential is hidden from callers.
_NOT_RELAYED = frozenset(("openai-organization", "openai-project", "anthropic-organization-id"))
_READ = frozenset(("content-type", "content-encoding"))

_EVENT_STREAM = "text/event-stream"

PassThrough = Literal["repaired", "exact"]
_REPAIRED: PassThrough = "repaired"


class HttpProviders:
    """All providers of the hub. `local` are transports by URL scheme for those that run in this process.

    A provider's job is polled at least every `poll_ms`. `pass_through` says whether answers for callers of the same
    dialect are repaired, where their vendor is known to break that dialect's schema.
    """

    def __init__(
        self,
        transport: httpx2.AsyncBaseTransport,
        local: Mapping[str, httpx2.AsyncBaseTransport],
        vault: Vault,
        dialects: Mapping[str, ProviderDialect],
        poll_ms: int = 5_000,
        pass_through: PassThrough = _REPAIRED,
    ) -> None:
        self._dialects = dialects
        self._repairs = pass_through == _REPAIRED
        self.poll_ms = poll_ms
        self.lines = Lines(transport, local, vault, dialects)

    def unsupported(self, dialect: str, request: ModelRequest) -> UnsupportedParameter | tuple[str, ...]:
        """Return the promise of the request that the dialect would break, or the fields that it leaves out."""
        provider = self._dialects[dialect]
        if provider.unsupported is None:
            return provider.refuses(request) or ()
        return sorted_out(provider.unsupported(request), dialect, request.model)

    def open(
        self, attempt: Attempt, call: ModelCall, request: ModelRequest | None
    ) -> AbstractAsyncContextManager[Answer | Failure]:
        """Make the attempt; leaving the context closes the provider's connection."""
        return _Exchange(self.lines, attempt, call, request, self.poll_ms, self._repairs and request is None)


class _Exchange:
    """One attempt, from its request to its closed connection."""

    __slots__ = (
        *("_attempt", "_call", "_chunks", "_line", "_lines", "_open", "_poll_ms", "_request", "_stream"),
        *("_fresh", "_repairs", "_unpacker"),
    )

    _line: Line

    def __init__(
        self,
        lines: Lines,
        attempt: Attempt,
        call: ModelCall,
        request: ModelRequest | None,
        poll_ms: int,
        repairs: bool,
    ) -> None:
        self._lines = lines
        self._repairs = repairs
        self._poll_ms = poll_ms
        self._attempt = attempt
        self._call = call
        self._request = request
        self._stream: Received | None = None
        self._open = False  # Whether there may be more to read.
        self._chunks: StreamChunks | WholeChunk | JobChunks | None = None
        self._fresh = True  # Whether nothing of the body has been read yet.
        self._unpacker: Unpacker | None = None

    async def __aenter__(self) -> Answer | Failure:
        line = self._lines.to(self._attempt.target, self._call.stream)
        if isinstance(line, Failure):
            return line
        self._line = line
        try:
            received = await send(line, self._attempt, self._call, self._request)
        except _FAULTS as error:
            return self._fault(error, answered=False)
        if isinstance(received, Failure):
            return line.provider.failure(received)
        self._begin(received)
        try:
            return await self._answer(received)
        except BaseException:
            await self._close(linger=False)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        chunks = self._chunks
        await self._close(linger=kind is None and chunks is not None and chunks.ended)

    async def read(self) -> bytes | Failure | None:
        """Return the next bytes of the body, None at its end, or the failure that ended it."""
        assert self._stream is not None
        try:
            data = await self._stream.read()
        except _FAULTS as error:
            return self._fault(error, answered=True)
        if data is None:
            self._open = False
            if self._unpacker is None or self._unpacker.is_complete:
                return None
            message = f"{self._line.provider.name} ended its answer inside what it had compressed"
            return Failure(kind="truncated", message=message)
        if self._fresh:
            self._fresh = False
            if self._unpacker is None and data[:2] == GZIP_MARK:
                self._unpacker = Unpacker("gzip")
        return data if self._unpacker is None else self._unpacked(self._unpacker, data)

    def _begin(self, received: Received) -> None:
        self._stream, self._open = received, True
        self._fresh, self._unpacker = True, None

    def _unpacked(self, unpacker: Unpacker, data: bytes) -> bytes | Failure:
        try:
            return unpacker.feed(data)
        except FramingError as problem:
            return self._malformed(f"sent a compressed answer: {problem}", 200)

    async def _answer(self, received: Received) -> Answer | Failure:
        status, provider, dialect = received.status, self._line.provider, self._line.dialect
        if not 200 <= status < 300:
            headers = by_name(received.headers)
            self._unpacker = unpacker_of(headers.get("content-encoding", ""))
            return await self.rejection(status, headers)
        content_type, relayed = "", []
        for raw_name, raw_value in received.headers:
            if (name := _relayed_name(raw_name)) is None:
                continue
            value = raw_value.decode("latin-1")
            if name == "content-type":
                content_type = value
            elif name == "content-encoding":
                self._unpacker = unpacker_of(value)
            elif not provider.secret or provider.secret not in value:
                relayed.append((name, value))
        repairs = (
            dialect.repairs(self._call, self._line.vendor) if dialect.repairs is not None and self._repairs else None
        )
        if dialect.job is not None:
            self._chunks = JobChunks(self, self._line, self._attempt, self._request, self._poll_ms)
        elif not self._call.stream:
            header_events = (
                dialect.header_events(by_name(received.headers)) if dialect.header_events is not None else ()
            )
            self._chunks = WholeChunk(self.read, dialect, self._call, provider, repairs, header_events)
        elif (
            not self._call.kind.text
            and dialect.as_stream is None
            and "json" in content_type
            and "event-stream" not in content_type
        ):
            return await self._unstreamed(status)
        else:
            content_type = content_type if dialect.as_stream is None else _EVENT_STREAM
            self._chunks = StreamChunks(self.read, dialect, self._call, provider, repairs, self._repairs)
        return Answer(status=status, content_type=content_type, headers=tuple(relayed), chunks=self._chunks)

    async def ask(self, request: httpx2.Request) -> httpx2.Response | Failure:
        """Send a further request on the same line; `read` reads its answer."""
        await self._close(linger=False)
        try:
            response = await self._line.transport.handle_async_request(request)
        except _FAULTS as error:
            return self._fault(error, answered=False)
        self._begin(FromClient(response))
        self._unpacker = unpacker_of(response.headers.get("content-encoding", ""))
        return response

    async def rejection(self, status: int, headers: dict[str, str]) -> Failure:
        """Return a status other than 2xx as the dialect's failure; its body is read as far as it is sent."""
        provider = self._line.provider
        if 300 <= status < 400:
            return self._malformed("answered with a redirect; redirects are not followed", status)
        body = b""
        while len(body) < _ERROR_BYTES_MAX and isinstance(chunk := await self.read(), bytes):
            body += chunk
        return provider.failure(rejected(self._line.dialect, status, headers, provider.body(body[:_ERROR_BYTES_MAX])))

    async def _unstreamed(self, status: int) -> Failure:
        """Handle JSON in place of a stream of images or audio, which is an error or a malformed answer.

        Nothing has been relayed yet, so it is a failure and not a broken answer: another provider may be tried.
        """
        provider = self._line.provider
        body = await read_whole(self.read, provider)
        if isinstance(body, Failure):
            return body
        if not is_error(body):
            return self._malformed("answered a request for a stream with a whole body", status)
        failure = provider.failure(self._line.dialect.failure(502, {}, provider.body(body)))
        return msgspec.structs.replace(failure, status=status)

    def _malformed(self, what: str, status: int) -> Failure:
        return Failure(kind="malformed", message=f"{self._line.provider.name} {what}", status=status)

    def _fault(self, error: Exception, answered: bool) -> Failure:
        """Return why the transport gave no (more) bytes, by the exception's type; its text is only for the reader."""
        kind: FailureKind
        sent = False
        if isinstance(error, (httpx2.ConnectTimeout, httpx2.PoolTimeout)):
            kind, what = "unreachable", "could not be reached in time"
        elif isinstance(error, httpx2.TimeoutException):
            kind, what = "timed_out", f"was silent for {self._attempt.timeout_ms} ms"
        elif answered:
            kind, what = "truncated", "broke off its answer"
        elif isinstance(error, (httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError)):
            kind, what = "unavailable", "closed the connection before it had answered"
            sent = not isinstance(error, httpx2.WriteError)
        elif isinstance(error, httpx2.LocalProtocolError):
            # Its text quotes the invalid header, escaped, so that no search would find the secret in it.
            message = f"{self._line.provider.name} cannot be called: its URL or credential is not valid in HTTP"
            return Failure(kind="unreachable", message=message)
        else:
            kind, what = "unreachable", "could not be reached"
        provider = self._line.provider
        reason = provider.text(str(error))[:300]
        message = f"{provider.name} {what}: {type(error).__name__} {reason}".rstrip()
        return Failure(kind=kind, message=message, sent=sent)

    async def _close(self, linger: bool) -> None:
        """Close the connection, or return it to the pool if the answer was read to its end.

        The terminal event of a stream is not the end of its HTTP body. The end usually comes with it, and reading it
        saves the next call a connection and its TLS handshake, so the hub waits for it briefly.
        """
        stream, self._stream, self._chunks = self._stream, None, None
        if stream is None:
            return
        if linger and self._open:
            with anyio.move_on_after(_LINGER_S, shield=True), suppress(*_FAULTS):
                while await stream.read() is not None:
                    pass
                self._open = False
        if self._open:
            with anyio.move_on_after(_CLOSE_S, shield=True), suppress(*_FAULTS):
                await stream.aclose()
        else:  # A connection whose body was read to its end is back in the pool already.
            with suppress(*_FAULTS):
                await stream.aclose()


def by_name(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return header lines by their name in lower case."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}


@lru_cache(maxsize=512)
def _relayed_name(raw_name: bytes) -> str | None:
    """Return the lower-case name of a response header that is read or relayed, None for all others."""
    name = raw_name.decode("latin-1").lower()
    return name if name in _READ or (name.startswith(_RELAYED) and name not in _NOT_RELAYED) else None
