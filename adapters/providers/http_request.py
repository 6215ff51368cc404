"""The HTTP request of an attempt: what the dialect says of the call, along the line to the provider."""

from collections.abc import AsyncIterator

import httpx2

from adapters.providers.dialect import Headers
from adapters.providers.endpoints import Line
from adapters.providers.polling import CONNECT_S_MAX
from domain.failures import Failure
from domain.model_api.call import Attempt, ModelCall
from domain.model_api.requests import ModelRequest

_PIECE_BYTES = 64 * 1024


def http_request(
    line: Line, attempt: Attempt, call: ModelCall, request: ModelRequest | None
) -> httpx2.Request | Failure:
    """The request of an attempt; a Failure where it cannot be signed.

    `request` is None where both ends speak one dialect: then the call's own fields go through, or its form.
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
    if added:
        raw = [(name.encode(), value.encode("latin-1", "replace")) for name, value in added]
        headers = httpx2.Headers([*headers.raw, *raw])
    pieces = () if form is None else form.with_model(attempt.target.model)
    timeout_s = attempt.timeout_ms / 1000
    connect_s = min(timeout_s, CONNECT_S_MAX)
    sent = httpx2.Request(
        "POST",
        line.url,
        headers=headers,
        stream=httpx2.ByteStream(body) if form is None else _Pieces(pieces),
        extensions={
            "timeout": {"connect": connect_s, "read": timeout_s, "write": timeout_s, "pool": connect_s},
        },
    )
    sent.headers.encoding = "latin-1"  # Else each look at them tries which encoding they are in.
    sent.headers["content-length"] = str(len(body) + sum(map(len, pieces)))
    return sent


class _Pieces(httpx2.AsyncByteStream):
    """A body that is sent from where it lies, a piece at a time, so that it is never in memory twice."""

    def __init__(self, pieces: tuple[memoryview, ...]) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            for start in range(0, len(piece), _PIECE_BYTES):
                yield bytes(piece[start : start + _PIECE_BYTES])
