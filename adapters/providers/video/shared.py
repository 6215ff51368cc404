"""Common parts of the video dialects: a finished video and unsupported fields."""

from base64 import b64encode
from collections.abc import Collection

from adapters.providers.openai.failure import malformed
from adapters.providers.whole_body import is_error
from domain.model_api.events import Ended, Event, UsageReported
from domain.model_api.video import VideoRequest, VideoResult
from domain.refusals import UnsupportedParameter
from domain.usage import Usage

MP4 = "video/mp4"


def finished_video(content: bytes, seconds: int, size: str | None) -> tuple[Event, ...]:
    """Return the events of a video that came as bytes, or Broken if it is not a video."""
    if not content or is_error(content):
        return (malformed("it is no video"),)
    return encoded(b64encode(content).decode(), MP4, seconds, size)


def encoded(base64: str, media_type: str, seconds: int, size: str | None) -> tuple[Event, ...]:
    """Return the same for one that came as base64."""
    made = VideoResult(base64=base64, media_type=media_type, seconds=seconds, size=size)
    return (made, UsageReported(usage=Usage(video_seconds=seconds)), Ended())


def first_unsupported(request: VideoRequest, dialect: str, fields: Collection[str]) -> UnsupportedParameter | None:
    """Return the first of the caller's own fields that the dialect does not have, or None."""
    for name in request.extra:
        if name not in fields:
            return UnsupportedParameter(field=name, dialect=dialect, model=request.model)
    return None
