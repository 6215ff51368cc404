"""What the dialects of video have in common: one finished video, and words that are missing."""

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
    """The events of a video that came as bytes; nonsense if it is none."""
    if not content or is_error(content):
        return (malformed("it is no video"),)
    return encoded(b64encode(content).decode(), MP4, seconds, size)


def encoded(base64: str, media_type: str, seconds: int, size: str | None) -> tuple[Event, ...]:
    """The same of one that came as base64."""
    made = VideoResult(base64=base64, media_type=media_type, seconds=seconds, size=size)
    return (made, UsageReported(usage=Usage(video_seconds=seconds)), Ended())


def lacking(request: VideoRequest, dialect: str, words: Collection[str]) -> UnsupportedParameter | None:
    """The first word of the caller's own that the dialect has not, or None."""
    for name in request.extra:
        if name not in words:
            return UnsupportedParameter(field=name, dialect=dialect, model=request.model)
    return None
