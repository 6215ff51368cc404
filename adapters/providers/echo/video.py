"""The echo's video: always the same file, `video.mp4`, one second of 16 by 16 pixels, whatever length was requested.

It is a job as in OpenAI's API: created as queued, completed when it is retrieved, and downloaded. Nothing is stored, so
the id contains the model and the requested length.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec

from adapters.providers.echo.shared import EchoAnswer, as_json, refused

SIZE = "16x16"
_PREFIX = "video_"
_PATH = re.compile(r"/videos/video_([A-Za-z0-9_=-]{1,200})(/content)?$")


class _Request(msgspec.Struct, frozen=True):
    model: Annotated[str, msgspec.Meta(max_length=100)]
    prompt: Annotated[str, msgspec.Meta(min_length=1)]
    seconds: Annotated[str, msgspec.Meta(pattern="^[1-9][0-9]{0,2}$")] = "4"


class _Video(msgspec.Struct, frozen=True, array_like=True):
    """The content of an id: the model and the length."""

    model: str
    seconds: Annotated[int, msgspec.Meta(ge=1, le=999)]


_REQUEST = msgspec.json.Decoder(_Request)
_VIDEO = msgspec.json.Decoder(_Video)


def video(body: bytes, content_type: str) -> EchoAnswer:
    """Return a new job."""
    request = _REQUEST.decode(body)
    return _job(_Video(request.model, int(request.seconds)), "queued", 0)


def video_at(path: str) -> EchoAnswer | None:
    """Return the job of a path, or its content; None if the path names none."""
    found = _PATH.search(path)
    if found is None:
        return None
    try:
        made = _VIDEO.decode(urlsafe_b64decode(found[1]))
    except (msgspec.MsgspecError, ValueError):
        return refused(404, "There is no such video.")
    if found[2]:
        return EchoAnswer(200, "video/mp4", _content())
    return _job(made, "completed", 100)


@cache
def _content() -> bytes:
    return (Path(__file__).parent / "video.mp4").read_bytes()


def _job(made: _Video, status: str, progress: int) -> EchoAnswer:
    return as_json(
        {
            "id": _PREFIX + urlsafe_b64encode(msgspec.json.encode(made)).decode(),
            "object": "video",
            "model": made.model,
            "status": status,
            "progress": progress,
            "created_at": 0,
            "seconds": str(made.seconds),
            "size": SIZE,
        }
    )
