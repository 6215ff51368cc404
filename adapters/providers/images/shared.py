"""Common parts of the image dialects: shapes and unsupported fields."""

from math import gcd

from domain.model_api.images import ImagesRequest
from domain.refusals import UnsupportedParameter

# OpenAI's sizes have about a million pixels, as the default sizes of the others have.
_PIXELS = range(700_000, 1_700_000)


def shape(request: ImagesRequest) -> tuple[int, int] | None:
    """Return the ratio of width to height: (2, 3) for "1024x1536". None without a size, or with an invalid one."""
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


def first_unsupported(
    request: ImagesRequest, dialect: str, fields: frozenset[str], shapes: frozenset[tuple[int, int]]
) -> UnsupportedParameter | None:
    """Return the first field that a dialect with these fields and shapes does not have, or None."""

    def missing(field: str) -> UnsupportedParameter:
        return UnsupportedParameter(field=field, dialect=dialect, model=request.model)

    for name in request.extra:
        if name not in fields:
            return missing(name)
    if request.size is not None and shape(request) not in shapes:
        return missing("size")
    if request.quality is not None:
        return missing("quality")
    if request.background not in (None, "opaque"):
        return missing("background")
    return None
