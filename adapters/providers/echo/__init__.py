"""A provider inside the process, for tests before any key is configured: it returns its input.

It implements OpenAI's APIs as an HTTP transport without a socket, so everything between the caller and the provider is
real. House rule: the answer depends on the request alone (hence `created` is 0), and unsupported requests are refused
as OpenAI would refuse them. Each API has a file in this package, which describes its answers.
"""

from collections.abc import AsyncIterator, Iterator

import anyio.lowlevel
import httpx2
import msgspec

from adapters.providers.echo.audio import speech, transcription
from adapters.providers.echo.chat import chat
from adapters.providers.echo.completions import completions
from adapters.providers.echo.embeddings import embeddings
from adapters.providers.echo.images import edits, images
from adapters.providers.echo.moderations import moderations
from adapters.providers.echo.rerank import rerank
from adapters.providers.echo.shared import EchoAnswer, Endpoint, Misfit, refused
from adapters.providers.echo.video import video, video_at

_BYTES_MAX = 64 * 1024 * 1024
# The first entry that the path ends with is used.
_ENDPOINTS: dict[str, Endpoint] = {
    "/chat/completions": chat,
    "/completions": completions,
    "/embeddings": embeddings,
    "/moderations": moderations,
    "/rerank": rerank,
    "/images/generations": images,
    "/images/edits": edits,
    "/videos": video,
    "/audio/speech": speech,
    "/audio/transcriptions": transcription,
    "/audio/translations": transcription,
}


class EchoTransport(httpx2.AsyncBaseTransport):
    """Answer `POST …/chat/completions` and OpenAI's other paths inside the process."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the answer to one request; the body is sent event by event if the request has `stream`."""
        path = request.url.path
        if request.method == "GET" and (found := video_at(path)) is not None:
            return _response(found)
        endpoint = next((made for suffix, made in _ENDPOINTS.items() if path.endswith(suffix)), None)
        if endpoint is None:
            return _response(refused(404, f"Unknown request URL: {request.method} {path}."))
        if request.method != "POST":
            return _response(refused(405, f"Not allowed to {request.method} on {path}."))
        assert isinstance(request.stream, httpx2.AsyncByteStream)
        body = b""
        async for chunk in request.stream:
            body += chunk
            if len(body) > _BYTES_MAX:
                return _response(refused(413, "The request body is too large."))
        try:
            return _response(endpoint(body, request.headers.get("content-type", "")))
        except (msgspec.MsgspecError, Misfit) as error:
            return _response(refused(400, str(error)))


class _Chunks(httpx2.AsyncByteStream):
    """Chunks as network reads: each lets other tasks run first, so that a disconnected caller is noticed."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            await anyio.lowlevel.checkpoint()
            yield chunk


def _response(answer: EchoAnswer) -> httpx2.Response:
    stream = httpx2.ByteStream(answer.body) if isinstance(answer.body, bytes) else _Chunks(answer.body)
    headers = [(b"content-type", answer.content_type.encode())]
    return httpx2.Response(answer.status, headers=headers, stream=stream)
