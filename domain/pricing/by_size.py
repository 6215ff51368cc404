"""Prices of an image, or of a second of video, by its size and its quality.

The plain price is that of whatever no variant names. The charge is by what was made, as the answer tells it, else by
what was asked for; where neither says, by the dearest that it may have been, for unknown is never free. The same rule
bounds a call before it is made.
"""

from functools import lru_cache

import msgspec

from domain.model_api.video import resolution
from domain.money import format_credits_each
from domain.pricing.tiers import UnitPrices

# What may have variants: the other leaves have no size.
VARIED = ("image_nanos", "video_second_nanos")
WORD_CHARACTERS_MAX = 32
_OTHER = ""  # The size, or the quality, of what no variant names.


class Variant(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, cache_hash=True
):
    """What is paid for one `size` and one `quality`, in lower case; None: for any.

    A video's size is its resolution, such as "1080p". The price holds in every tier.
    """

    prices: UnitPrices
    size: str | None = None
    quality: str | None = None

    def __post_init__(self) -> None:
        """Refuse one that could never be met, or that names no price or one that has no size."""
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


def worded(said: str | None) -> str | None:
    """A size or a quality as it is compared and kept; None where nobody chose one."""
    if not said or said.lower() == "auto":
        return None
    # Nothing that a variant names is so long, and a call keeps what its caller wrote.
    return said.lower() if len(said) <= WORD_CHARACTERS_MAX else f"{said[:WORD_CHARACTERS_MAX].lower()}…"


def distinct(variants: Variants) -> Variants:
    """The same variants; ValueError if two of them say what the same thing costs."""
    seen: set[tuple[str | None, str | None, str]] = set()
    for variant in variants:
        for field in VARIED:
            key = (variant.size, variant.quality, field)
            if getattr(variant.prices, field) is not None:
                if key in seen:
                    raise ValueError(f"say one price for each size and quality: {variant_label(variant)} has two")
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


def variant_label(variant: Variant) -> str:
    """What a variant is the price of, in words: "1024x1536 high"."""
    return " ".join(word for word in (variant.size, variant.quality) if word)


@lru_cache(maxsize=4096)
def variant_price(
    variants: Variants, field: str, size: str | None, quality: str | None, plain_nanos: int | None
) -> int | None:
    """What one piece costs in that size and quality; the dearest that it may cost where one of them is unknown.

    `plain_nanos` is the price beside the variants, None where there is none; so is the answer where there is neither.
    """
    named = [variant for variant in variants if getattr(variant.prices, field) is not None]
    sizes = (size,) if size is not None else (_OTHER, *(each.size for each in named if each.size))
    qualities = (quality,) if quality is not None else (_OTHER, *(each.quality for each in named if each.quality))
    found = [_exactly(named, field, one, other, plain_nanos) for one in sizes for other in qualities]
    return max((nanos for nanos in found if nanos is not None), default=None)


def _exactly(named: list[Variant], field: str, size: str, quality: str, plain_nanos: int | None) -> int | None:
    """The variant that names most of it, size before quality; else the plain price, else the dearest there is."""
    fitting = [each for each in named if each.size in (None, size) and each.quality in (None, quality)]
    if fitting:
        chosen = max(fitting, key=lambda each: (each.size is not None) * 2 + (each.quality is not None))
        return int(getattr(chosen.prices, field))
    if plain_nanos is not None:
        return plain_nanos
    return max((int(getattr(each.prices, field)) for each in named), default=None)
