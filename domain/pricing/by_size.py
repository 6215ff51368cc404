"""Prices of an image, or of a second of video, by its size and its quality.

The plain price is for everything that no variant names. The charge is by the size and quality that the answer reports,
else by those requested; if both are unknown, by the dearest that is possible. The same rule bounds a call before it is
made.
"""

from functools import lru_cache
from typing import Protocol

import msgspec

from domain.model_api.video import resolution
from domain.pricing.money import format_credits_each
from domain.pricing.tiers import UnitPrices

# The units that may have variants: the others have no size.
VARIED = ("image_nanos", "video_second_nanos")
WORD_CHARACTERS_MAX = 32
_OTHER = ""  # The size, or the quality, that no variant names.


class Variant(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, cache_hash=True
):
    """The price for one `size` and one `quality`, in lower case; None: for any.

    A video's size is its resolution, such as "1080p". The price holds in every tier.
    """

    prices: UnitPrices
    size: str | None = None
    quality: str | None = None

    def __post_init__(self) -> None:
        """Refuse a variant that cannot match, that has no price, or whose price has no size."""
        if self.size is None and self.quality is None:
            raise ValueError("a variant names a size, a quality, or both")
        for word in (self.size, self.quality):
            if word is not None and worded(word) != word:
                raise ValueError(f"write a size such as 1024x1536 and a quality such as high, not {word!r}")
        given = [name for name in UnitPrices.__struct_fields__ if getattr(self.prices, name) is not None]
        if not given or not set(given) <= set(VARIED):
            raise ValueError("a variant has a price of image or of video_second, and no other")
        if self.prices.video_second_nanos is not None and self.size not in (None, resolution(self.size or "")):
            raise ValueError(f"a video's size is its resolution: write {resolution(self.size or '')}, not {self.size}")


Variants = tuple[Variant, ...]


def worded(value: str | None) -> str | None:
    """The normalised size or quality, as it is compared and stored; None if none was chosen."""
    if not value or value.lower() == "auto":
        return None
    # No variant has such a long name, and the call log stores what the caller wrote.
    return value.lower() if len(value) <= WORD_CHARACTERS_MAX else f"{value[:WORD_CHARACTERS_MAX].lower()}…"


def distinct(variants: Variants) -> Variants:
    """The same variants; ValueError if two of them have the same size and quality."""
    seen: set[tuple[str | None, str | None, str]] = set()
    for variant in variants:
        for field in VARIED:
            key = (variant.size, variant.quality, field)
            if getattr(variant.prices, field) is not None:
                if key in seen:
                    raise ValueError(f"expected one price for each size and quality: {variant_label(variant)} has two")
                seen.add(key)
    return variants


def variant_each(variant: Variant) -> dict[str, str | None]:
    """A variant with what one piece costs in it, as exact decimals."""
    prices = {
        field.removesuffix("_nanos"): format_credits_each(nanos)
        for field in VARIED
        if (nanos := getattr(variant.prices, field)) is not None
    }
    return {"size": variant.size, "quality": variant.quality, **prices}


class Sized(Protocol):
    """Something of a size, of a quality, or of both."""

    @property
    def size(self) -> str | None: ...
    @property
    def quality(self) -> str | None: ...


def variant_label(variant: Sized) -> str:
    """The size and quality of a variant as text: "1024x1536 high"."""
    return " ".join(word for word in (variant.size, variant.quality) if word)


@lru_cache(maxsize=4096)
def variant_price(
    variants: Variants, field: str, size: str | None, quality: str | None, plain_nanos: int | None
) -> int | None:
    """The price of one piece in that size and quality; the dearest possible one if one of them is unknown.

    `plain_nanos` is the price without a variant, None if there is none. None if there is no price at all.
    """
    named = [variant for variant in variants if getattr(variant.prices, field) is not None]
    sizes = (size,) if size is not None else (_OTHER, *(each.size for each in named if each.size))
    qualities = (quality,) if quality is not None else (_OTHER, *(each.quality for each in named if each.quality))
    found = [_exactly(named, field, one, other, plain_nanos) for one in sizes for other in qualities]
    return max((nanos for nanos in found if nanos is not None), default=None)


def _exactly(named: list[Variant], field: str, size: str, quality: str, plain_nanos: int | None) -> int | None:
    """The variant that matches most, size before quality; else the plain price, else the dearest variant."""
    fitting = [each for each in named if each.size in (None, size) and each.quality in (None, quality)]
    if fitting:
        chosen = max(fitting, key=lambda each: (each.size is not None) * 2 + (each.quality is not None))
        return int(getattr(chosen.prices, field))
    if plain_nanos is not None:
        return plain_nanos
    return max((int(getattr(each.prices, field)) for each in named), default=None)
