"""What the dialects of images have in common: shapes, and words that are missing."""

from math import gcd

from domain.model_api.images import ImagesRequest
from domain.refusals import UnsupportedParameter

# OpenAI's sizes are about a million pixels, as what the others make unless told otherwise.
_PIXELS = range(700_000, 1_700_000)


def shape(request: ImagesRequest) -> tuple[int, int] | None:
    """The image's width to its height: (2, 3) for "1024x1536". None where no size is asked for, or none such is."""
    width, _, height = (request.size or "").partition("x")
    if not (
        width.isascii() and width.isdigit() and height.isascii() and height.isdigit() and len(request.size or "") < 12
    ):
        return None
    wide, high = int(width), int(height)
    if wide * high not in _PIXELS:
        return None
    common = gcd(wide, high)
    return wide // common, high // common


def lack(
    request: ImagesRequest, dialect: str, words: frozenset[str], shapes: frozenset[tuple[int, int]]
) -> UnsupportedParameter | None:
    """What a dialect with these further words and these shapes cannot say of the request, or None."""

    def missing(field: str) -> UnsupportedParameter:
        return UnsupportedParameter(field=field, dialect=dialect, model=request.model)

    for name in request.extra:
        if name not in words:
            return missing(name)
    if request.size is not None and shape(request) not in shapes:
        return missing("size")
    if request.quality is not None:
        return missing("quality")
    if request.background not in (None, "opaque"):
        return missing("background")
    return None
