"""A provider inside the process, to talk to before any key is at hand: it says back what it was told.

It speaks OpenAI's APIs as an HTTP transport without a socket, so everything between the caller and the provider is
real. House rule: the answer depends on the request alone (hence `created` is 0), and what it cannot do it refuses as
OpenAI would. Each API has a file beside this one, which says what it answers.
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
# The first that the path ends with.
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
    """Answers `POST …/chat/completions` and the other paths of OpenAI's in the process."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer to one request; the body comes event by event if the request says `stream`."""
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
        async for piece in request.stream:
            body += piece
            if len(body) > _BYTES_MAX:
                return _response(refused(413, "The request body is too large."))
        try:
            return _response(endpoint(body, request.headers.get("content-type", "")))
        except (msgspec.MsgspecError, Misfit) as error:
            return _response(refused(400, str(error)))


class _Pieces(httpx2.AsyncByteStream):
    """Pieces as network reads: each lets others run first, so that a caller who leaves is noticed."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            await anyio.lowlevel.checkpoint()
            yield piece


def _response(spoken: EchoAnswer) -> httpx2.Response:
    stream = httpx2.ByteStream(spoken.body) if isinstance(spoken.body, bytes) else _Pieces(spoken.body)
    headers = [(b"content-type", spoken.content_type.encode())]
    return httpx2.Response(spoken.status, headers=headers, stream=stream)
