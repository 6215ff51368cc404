"""Video, in no vendor's dialect: the request, the event that carries one video, and the notation of sizes.

A second costs the same in portrait and landscape, so a size is named by the lines of its shorter side.
"""

import re

import msgspec

# The hub's defaults, which are those that OpenAI and Google document.
SECONDS_OPENAI, SECONDS_GOOGLE = 4, 8
# The longest video if no length was requested.
SECONDS_UNREQUESTED_MAX = max(SECONDS_OPENAI, SECONDS_GOOGLE)

_SIZE = re.compile(r"([1-9][0-9]{1,4})x([1-9][0-9]{1,4})", re.ASCII)
_NAMED = {"4k": "2160p", "hd": "720p", "fullhd": "1080p", "uhd": "2160p"}


class FirstFrame(msgspec.Struct, frozen=True, kw_only=True):
    """An image with which a video begins or ends, or that it shows: base64, or a URL."""

    media_type: str
    base64: str | None = None
    url: str | None = None


class VideoRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request for one video from `prompt`.

    `size` is as the caller spells it: "1280x720", "1080p". `image` is the first frame, `last_frame` the last one, and
    `references` show persons or things in the video. `extra` holds fields of some providers, as JSON.
    """

    model: str
    prompt: str
    seconds: int | None = None
    size: str | None = None
    image: FirstFrame | None = None
    last_frame: FirstFrame | None = None
    references: tuple[FirstFrame, ...] = ()
    extra: dict[str, msgspec.Raw] = {}


class VideoResult(msgspec.Struct, frozen=True, kw_only=True, tag="video_result"):
    """One finished video, as base64; `size` is its resolution, None if unknown."""

    base64: str
    media_type: str
    seconds: int
    size: str | None = None


def resolution(size: str) -> str:
    """A video's size by the lines of its shorter side: "1792x1024" and "1024x1792" are "1024p", "4K" is "2160p"."""
    plain = size.lower()
    if (sides := sides_of(plain)) is not None:
        return f"{min(sides)}p"
    return _NAMED.get(plain, plain)


def sides_of(size: str) -> tuple[int, int] | None:
    """The width and the height of a size that names both."""
    sides = _SIZE.fullmatch(size.lower())
    return None if sides is None else (int(sides[1]), int(sides[2]))
