"""Film, in no vendor's dialect: how its size is spelled. A second of it costs the same whichever way it is held."""

import re

_SIZE = re.compile(r"([1-9][0-9]{1,4})x([1-9][0-9]{1,4})", re.ASCII)
_NAMED = {"4k": "2160p", "hd": "720p", "fullhd": "1080p", "uhd": "2160p"}


def resolution(size: str) -> str:
    """A film's size by the lines of its shorter side: "1792x1024" and "1024x1792" are "1024p", "4K" is "2160p"."""
    plain = size.lower()
    if (sides := _SIZE.fullmatch(plain)) is not None:
        return f"{min(int(sides[1]), int(sides[2]))}p"
    return _NAMED.get(plain, plain)
