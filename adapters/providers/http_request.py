"""Send the HTTP request of an attempt, from the dialect's encoding and the line to the provider."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from typing import Protocol

import httpx2

from adapters.providers.dialect import Headers
from adapters.providers.polling import CONNECT_S_MAX
from adapters.providers.provider_lines import Line
from domain.failures import Failure
from domain.model_api.call import Attempt, ModelCall
from domain.model_api.requests import ModelRequest

_CHUNK_BYTES = 64 * 1024


class Received(Protocol):
    """The beginning of an answer, with its headers' names in lower case, and its body, to be read once."""

    status: int
    headers: list[tuple[bytes, bytes]]

    async def read(self) -> bytes | None:
        """Return the next bytes, None at the end."""
        ...

    async def aclose(self) -> None:
        """Close the connection, unless the body was read to its end."""
        ...


class FromClient:
    """A response of the HTTP client as `Received`."""

    def __init__(self, response: httpx2.Response) -> None:
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        self.status = response.status_code
        self.headers = [(name.lower(), value) for name, value in response.headers.raw]
        self._stream = response.stream
        self._reads = response.stream.__aiter__()

    async def read(self) -> bytes | None:
        """Return the next bytes, None at the end."""
        return await anext(self._reads, None)

    async def aclose(self) -> None:
        """Close the connection, unless the body was read to its end."""
        if isinstance(self._reads, AsyncGenerator):
            await self._reads.aclose()
        await self._stream.aclose()


def send(line: Line, attempt: Attempt, call: ModelCall, request: ModelRequest | None) -> Awaitable[Received | Failure]:
    """Send the request; return the answer once its headers are there, or a Failure if it cannot be signed.

    Raises what the transport raises.
    """
    has_more = attempt.trace_headers or (request is None and (call.form is not None or call.relay_headers))
    if line.post is None or has_more:
        return _sent(line, attempt, call, request)
    timeout_s = attempt.timeout_ms / 1000
    body = line.dialect.encode(request, attempt) if request is not None else line.dialect.pass_through(call, attempt)
    return line.post(body, min(timeout_s, CONNECT_S_MAX), timeout_s)


async def _sent(line: Line, attempt: Attempt, call: ModelCall, request: ModelRequest | None) -> Received | Failure:
    built = http_request(line, attempt, call, request)
    if isinstance(built, Failure):
        return built
    return FromClient(await line.transport.handle_async_request(built))


def http_request(
    line: Line, attempt: Attempt, call: ModelCall, request: ModelRequest | None
) -> httpx2.Request | Failure:
    """Return the request of an attempt, or a Failure if it cannot be signed.

    `request` is None if both ends use one dialect: then the call's own fields pass through, or its form.
    """
    dialect, headers = line.dialect, line.headers
    added: Headers = ()
    form = call.form if request is None else None
    if form is not None:
        body = b""
        headers = httpx2.Headers(headers)
        headers["content-type"] = form.content_type
    elif request is not None:
        body = dialect.encode(request, attempt)
    else:
        body = dialect.pass_through(call, attempt)
        added = tuple(pair for pair in call.relay_headers if pair[0] not in headers)
    if dialect.sign is not None:
        signed = dialect.sign(line.provider.secret, str(line.url), body)
        if isinstance(signed, Failure):
            return signed
        added += signed
    added += attempt.trace_headers
    if added:
        raw = [(name.encode(), value.encode("latin-1", "replace")) for name, value in added]
        headers = httpx2.Headers([*headers.raw, *raw])
    chunks = () if form is None else form.with_model(attempt.target.model)
    timeout_s = attempt.timeout_ms / 1000
    connect_s = min(timeout_s, CONNECT_S_MAX)
    sent = httpx2.Request(
        "POST",
        line.url,
        headers=headers,
        stream=httpx2.ByteStream(body) if form is None else _Chunks(chunks),
        extensions={
            "timeout": {"connect": connect_s, "read": timeout_s, "write": timeout_s, "pool": connect_s},
        },
    )
    sent.headers.encoding = "latin-1"  # Otherwise each access would detect the encoding again.
    sent.headers["content-length"] = str(len(body) + sum(map(len, chunks)))
    return sent


class _Chunks(httpx2.AsyncByteStream):
    """A body that is sent in chunks from its memory, so that it is never in memory twice."""

    def __init__(self, chunks: tuple[memoryview, ...]) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            for start in range(0, len(chunk), _CHUNK_BYTES):
                yield bytes(chunk[start : start + _CHUNK_BYTES])
