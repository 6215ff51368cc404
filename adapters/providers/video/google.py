"""Google's video: a long-running operation is started and polled, and its result is downloaded.

Gemini API: https://ai.google.dev/gemini-api/docs/video, the video is a file;
https://ai.google.dev/gemini-api/docs/deprecations lists the models that it still has. Vertex AI:
https://docs.cloud.google.com/vertex-ai/generative-ai/docs/ model-reference/veo-video-generation, the video is inside
the operation. The default is one video; a request for more is refused. No answer reports the video's length or size, so
both are taken from the request; the default size is 720p.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.dialect import PollStep, ProviderDialect, Step, never
from adapters.providers.google import GOOGLE, GOOGLE_VERTEX
from adapters.providers.google.failure import malformed
from adapters.providers.lenient_json import Lenient
from adapters.providers.rejection import kind_of_status
from adapters.providers.video.shared import MP4, encoded, finished_video, first_unsupported
from domain.failures import Failure
from domain.model_api.call import Attempt
from domain.model_api.events import Broken, Event
from domain.model_api.video import SECONDS_GOOGLE, FirstFrame, VideoRequest, resolution, sides_of
from domain.refusals import UnsupportedParameter

NAME, VERTEX = "google-video", "google-vertex-video"
_RESOLUTIONS = {"720p": "720p", "1080p": "1080p", "2160p": "4k"}
_DEFAULT_SIZE = "720p"
_FIELDS = frozenset({"aspectRatio", "negativePrompt", "personGeneration"})
_VERTEX_FIELDS = _FIELDS | {"seed", "generateAudio", "enhancePrompt", "resizeMode", "compressionQuality"}
_NAME = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_.-]+)*", re.ASCII)
_FILE = re.compile(r"(?:^|/)files/([A-Za-z0-9_-]+)")
# The HTTP status for an operation's error code: https://google.aip.dev/193, google.rpc.Code.
_STATUSES = {3: 400, 5: 404, 8: 429, 9: 400, 11: 400}


class _Video(msgspec.Struct, rename="camel"):
    uri: str | None = None
    encoded_video: str | None = None
    bytes_base64_encoded: str | None = None
    mime_type: str | None = None


class _Sample(msgspec.Struct):
    video: _Video | None = None


class _Generated(msgspec.Struct, rename="camel"):
    generated_samples: list[_Sample] = []
    rai_media_filtered_reasons: list[str] = []


class _Response(msgspec.Struct, rename="camel"):
    """The Gemini API nests its videos one level deeper; Vertex has `videos`."""

    generate_video_response: _Generated | None = None
    videos: list[_Video] = []
    rai_media_filtered_reasons: list[str] = []


class _Error(msgspec.Struct):
    code: int = 13
    message: str = ""


class _Operation(msgspec.Struct):
    name: str = ""
    done: bool = False
    error: _Error | None = None
    response: _Response | None = None


_OPERATION = Lenient(_Operation)


def path(model: str, stream: bool) -> str:
    """Return `models/{model}:predictLongRunning`."""
    return f"{GOOGLE.path(model, False).rpartition(':')[0]}:predictLongRunning"


def encode(request: VideoRequest, attempt: Attempt) -> bytes:
    """Return the request body."""
    instance: dict[str, Any] = {"prompt": request.prompt}
    for name, still in (("image", request.image), ("lastFrame", request.last_frame)):
        if still is not None:
            instance[name] = _image(still)
    if request.references:
        instance["referenceImages"] = [
            {"image": _image(still), "referenceType": "asset"} for still in request.references
        ]
    parameters: dict[str, Any] = {**request.extra, "durationSeconds": request.seconds or SECONDS_GOOGLE}
    if request.size is not None:
        parameters["resolution"] = _RESOLUTIONS[resolution(request.size)]
        if (ratio := _ratio(request.size)) is not None:
            parameters["aspectRatio"] = ratio
    return msgspec.json.encode({"instances": [instance], "parameters": parameters})


def encode_for_vertex(request: VideoRequest, attempt: Attempt) -> bytes:
    """Return the request body for Vertex, which has a field for audio; Veo 2 has no audio."""
    if attempt.target.model.startswith("veo-2"):
        return encode(request, attempt)
    with_audio = {"generateAudio": msgspec.Raw(b"true"), **request.extra}
    return encode(msgspec.structs.replace(request, extra=with_audio), attempt)


def refuses(request: VideoRequest) -> UnsupportedParameter | None:
    """Refuse images by URL, sizes that Google does not make, a shape given twice, and unsupported fields."""
    return _refuses(request, NAME, _FIELDS)


def refuses_at_vertex(request: VideoRequest) -> UnsupportedParameter | None:
    """Refuse the same at Vertex, which has some more fields."""
    return _refuses(request, VERTEX, _VERTEX_FIELDS)


def _refuses(request: VideoRequest, dialect: str, fields: frozenset[str]) -> UnsupportedParameter | None:
    sides = sides_of(request.size or "")
    for field, is_set in (
        ("image", request.image is not None and request.image.url is not None),
        ("lastFrame", request.last_frame is not None and request.last_frame.url is not None),
        ("referenceImages", any(still.url is not None for still in request.references)),
        ("size", request.size is not None and resolution(request.size) not in _RESOLUTIONS),
        ("size", sides is not None and _ratio(request.size or "") is None),
        ("aspectRatio", sides is not None and "aspectRatio" in request.extra),
    ):
        if is_set:
            return UnsupportedParameter(field=field, dialect=dialect, model=request.model)
    return first_unsupported(request, dialect, fields)


def job(request: VideoRequest, attempt: Attempt, body: bytes) -> Step:
    """Return the next step for an operation, which the Gemini API finds by its name."""
    return _step(request, body, lambda name: PollStep(path=name, then=partial(job, request, attempt), waits=True))


def job_at_vertex(request: VideoRequest, attempt: Attempt, body: bytes) -> Step:
    """Return the next step for an operation, which Vertex finds by a method of the model."""
    path = f"{GOOGLE.path(attempt.target.model, False).rpartition(':')[0]}:fetchPredictOperation"
    return _step(
        request,
        body,
        lambda name: PollStep(
            path=path,
            body=msgspec.json.encode({"operationName": name}),
            then=partial(job_at_vertex, request, attempt),
            waits=True,
        ),
    )


def _step(request: VideoRequest, body: bytes, ask: Callable[[str], PollStep]) -> Step:
    try:
        operation = _OPERATION.decode(body)
    except DECODE_ERRORS as problem:
        return (malformed(str(problem)),)
    if operation.error is not None:
        kind = kind_of_status(_STATUSES.get(operation.error.code, 500))
        message = operation.error.message or "the operation failed without a message"
        return (Broken(failure=Failure(kind=kind, message=message)),)
    if operation.done:
        return _made(request, operation.response or _Response())
    if not _NAME.fullmatch(operation.name) or ".." in operation.name:
        return (malformed("its operation has no name"),)
    return ask(operation.name)


def _made(request: VideoRequest, response: _Response) -> Step:
    """Return the video if it is in the answer, else the step that downloads it."""
    seconds = request.seconds or SECONDS_GOOGLE
    size = resolution(request.size or _DEFAULT_SIZE)
    generated = response.generate_video_response or _Generated()
    videos = [*response.videos, *(sample.video for sample in generated.generated_samples if sample.video is not None)]
    if not videos:
        return _unmade([*response.rai_media_filtered_reasons, *generated.rai_media_filtered_reasons])
    video = videos[0]
    at_hand = video.bytes_base64_encoded or video.encoded_video
    if at_hand:
        return encoded(at_hand, video.mime_type or MP4, seconds, size)
    # The video's own URI may name any server; the file is also below the URL that the operator configured.
    file = _FILE.search(video.uri or "")
    if file is None:
        return (malformed("its video is nowhere"),)
    return PollStep(
        path=f"files/{file[1]}:download?alt=media", then=lambda content: finished_video(content, seconds, size)
    )


def _unmade(reasons: list[str]) -> tuple[Event, ...]:
    if not reasons:
        return (malformed("it has no video"),)
    message = f"No video was made: {'; '.join(reasons)[:1000]}"
    return (Broken(failure=Failure(kind="request_rejected", message=message, code="content_filter")),)


def _ratio(size: str) -> str | None:
    """Return the aspect ratio of a size such as "1280x720", if Google makes it."""
    sides = sides_of(size)
    if sides is None or max(sides) * 9 != min(sides) * 16:
        return None
    return "16:9" if sides[0] > sides[1] else "9:16"


def _image(still: FirstFrame) -> dict[str, str]:
    return {"bytesBase64Encoded": still.base64 or "", "mimeType": still.media_type}


GOOGLE_VIDEO = ProviderDialect(
    name=NAME,
    path=path,
    headers=GOOGLE.headers,
    encode=encode,
    refuses=refuses,
    decode=never,
    start=never,
    step=never,
    failure=GOOGLE.failure,
    framer=GOOGLE.framer,
    job=job,
)
VERTEX_VIDEO = msgspec.structs.replace(
    GOOGLE_VIDEO,
    name=VERTEX,
    headers=GOOGLE_VERTEX.headers,
    sign=GOOGLE_VERTEX.sign,
    encode=encode_for_vertex,
    refuses=refuses_at_vertex,
    job=job_at_vertex,
)
