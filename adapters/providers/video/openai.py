"""OpenAI's video API, for compatible servers: a video is created, polled until it is completed, and downloaded.

https://developers.openai.com/api/reference/resources/videos. OpenAI ended its own service on 2026-09-24
(https://developers.openai.com/api/docs/models/sora-2); other servers still have it. House rule: the length is always
sent, because a server's default would not bound the charge. The video's own fields report what was made.
"""

import re
from functools import partial
from typing import Any
from urllib.parse import quote

import msgspec

from adapters.providers.decode_errors import DECODE_ERRORS
from adapters.providers.dialect import PollStep, ProviderDialect, Step, never
from adapters.providers.framing.sse import EventFramer
from adapters.providers.lenient_json import Lenient
from adapters.providers.openai import headers
from adapters.providers.openai.failure import malformed, reported_error
from adapters.providers.openai.operations import failing_as
from adapters.providers.video.shared import finished_video, first_unsupported
from domain.failures import Failure
from domain.model_api.call import Attempt
from domain.model_api.events import Broken
from domain.model_api.video import SECONDS_OPENAI, FirstFrame, VideoRequest, resolution
from domain.pricing.by_size import worded
from domain.refusals import UnsupportedParameter
from domain.usage import PIECES_MAX

NAME = "openai-video"
_DONE = frozenset(("completed", "succeeded"))
_OVER = frozenset(("failed", "cancelled", "canceled", "expired", "rejected"))
# Error codes of a failed video with which a retry would fail too.
_REFUSED = frozenset(("moderation_blocked", "content_policy_violation", "content_filter", "invalid_prompt"))
_NUMBER = re.compile(r"([0-9]{1,6})(?:\.([0-9]{1,9}))?", re.ASCII)


class _Video(msgspec.Struct):
    id: Any = None  # A number is no id: it would be asked after in vain.
    status: str = ""
    seconds: Any = None
    size: Any = None
    error: Any = None


_VIDEO = Lenient(_Video)


def encode(request: VideoRequest, attempt: Attempt) -> bytes:
    """Return the request body; a first frame is sent as a URL or as data."""
    fields: dict[str, Any] = {
        "model": attempt.target.model,
        "prompt": request.prompt,
        "seconds": str(request.seconds or SECONDS_OPENAI),
    }
    if request.size is not None:
        fields["size"] = request.size
    if request.image is not None:
        fields["input_reference"] = {"image_url": _url(request.image)}
    return msgspec.json.encode(fields)


def refuses(request: VideoRequest) -> UnsupportedParameter | None:
    """Refuse a last frame, references, and unsupported fields."""
    for field, is_set in (("lastFrame", request.last_frame), ("referenceImages", request.references)):
        if is_set:
            return UnsupportedParameter(field=field, dialect=NAME, model=request.model)
    return first_unsupported(request, NAME, ())


def job(request: VideoRequest, _attempt: Attempt, body: bytes) -> Step:
    """Return the next step for the video: poll it, download it, or report its failure."""
    try:
        video = _VIDEO.decode(body)
    except DECODE_ERRORS as problem:
        return (malformed(str(problem)),)
    status = video.status.lower()
    if status in _OVER or (video.error is not None and status not in _DONE):
        return (_failed(video, body),)
    if not isinstance(video.id, str) or not video.id.strip("."):
        return (malformed("its video has no id"),)
    path = f"videos/{quote(video.id, safe='')}"
    if status not in _DONE:
        return PollStep(path=path, then=partial(job, request, _attempt), waits=True)
    seconds = _whole_seconds(video.seconds) or request.seconds or SECONDS_OPENAI
    size = video.size if isinstance(video.size, str) else request.size
    size = worded(size)
    return PollStep(
        path=f"{path}/content", then=lambda content: finished_video(content, seconds, size and resolution(size))
    )


def _failed(video: _Video, body: bytes) -> Broken:
    """Return the failure; a server does not charge for a failed video."""
    if video.error is None:
        return Broken(failure=Failure(kind="unavailable", message=f"The video is {video.status}."))
    failure = reported_error(video.error, body).failure
    return Broken(
        failure=msgspec.structs.replace(failure, kind="request_rejected") if failure.code in _REFUSED else failure
    )


def _whole_seconds(value: Any) -> int | None:
    """Return the video's seconds, rounded up: "8", 8 or "8.5", which is 9."""
    number = _NUMBER.fullmatch(str(value))
    if number is None:
        return None
    seconds = int(number[1]) + (int(number[2] or "0") > 0)
    return seconds if 0 < seconds <= PIECES_MAX else None


def _url(still: FirstFrame) -> str:
    return still.url if still.url is not None else f"data:{still.media_type};base64,{still.base64 or ''}"


OPENAI_VIDEO = ProviderDialect(
    name=NAME,
    path=lambda model, stream: "videos",
    headers=headers,
    encode=encode,
    refuses=refuses,
    decode=never,
    start=never,
    step=never,
    failure=failing_as(NAME),
    framer=EventFramer,
    job=job,
)
