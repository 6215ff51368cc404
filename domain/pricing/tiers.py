"""Prices of units, and the tiers that replace some of them: by service, by the request's size, by the hour.

A tier states when it holds and names only the units that differ from the ordinary prices. The whole request is priced
at one tier: past a threshold every token costs more, not only those beyond it ("prompts > 200k tokens" in Google's and
Anthropic's price lists; "more than 272K input tokens" in OpenAI's).
"""

from collections.abc import Collection, Iterable, Sequence

import msgspec

_DAY_MS = 86_400_000
_MINUTE_MS = 60_000


class UnitPrices(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, cache_hash=True
):
    """A price for each unit, in nanos per million units; None is the parent's price, or unpriced."""

    input_nanos: int | None = None
    input_audio_nanos: int | None = None
    input_image_nanos: int | None = None
    cache_read_nanos: int | None = None
    cache_read_audio_nanos: int | None = None
    cache_write_nanos: int | None = None
    cache_write_1h_nanos: int | None = None
    output_nanos: int | None = None
    output_audio_nanos: int | None = None
    output_image_nanos: int | None = None
    reasoning_nanos: int | None = None
    tool_use_nanos: int | None = None
    image_nanos: int | None = None
    character_nanos: int | None = None
    second_nanos: int | None = None
    video_second_nanos: int | None = None
    request_nanos: int | None = None
    search_unit_nanos: int | None = None

    def __post_init__(self) -> None:
        """Refuse a price below zero."""
        for name in self.__struct_fields__:
            if (getattr(self, name) or 0) < 0:
                raise ValueError(f"a price is not below zero: {name} is {getattr(self, name)}")


class Tier(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, cache_hash=True):
    """Prices that hold for some requests instead of the ordinary ones; units of None stay ordinary.

    `service` is the service tier that the provider reports (None: the standard one), `above_tokens` what the request's
    whole input must exceed, and `from_minute` to `until_minute` the hours of the day in UTC (equal: all day; until
    before from: over midnight).
    """

    prices: UnitPrices
    service: str | None = None
    above_tokens: int = 0
    from_minute: int = 0
    until_minute: int = 0

    def __post_init__(self) -> None:
        """Refuse hours outside of a day, and a threshold below zero."""
        if not (0 <= self.from_minute < 1440 and 0 <= self.until_minute <= 1440):
            raise ValueError(f"a day has 1440 minutes: {self.from_minute} to {self.until_minute}")
        if self.above_tokens < 0:
            raise ValueError(f"a threshold is not below zero: {self.above_tokens}")


class Occasion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a call was served, as far as its price depends on it: the reported service tier, and when it began.

    `size` and `quality` are of the images or the video that were made; None if unknown.
    """

    service: str | None = None
    at_ms: int = 0
    size: str | None = None
    quality: str | None = None


def tier_of(tiers: Sequence[Tier], occasion: Occasion, input_tokens: int) -> Tier | None:
    """The tier that a request falls under; None: the ordinary prices.

    The service is the one that the provider reports; one without tiers is priced as the standard one. The highest
    threshold that the input exceeds counts: at exactly 200,000 tokens "above 200,000" does not hold.
    """
    if not tiers:
        return None
    minute = occasion.at_ms % _DAY_MS // _MINUTE_MS
    of_service = [tier for tier in tiers if tier.service == occasion.service] if occasion.service else []
    fitting = [
        tier
        for tier in of_service or (tier for tier in tiers if tier.service is None)
        if _reached(tier, input_tokens) and _in_hours(tier, minute)
    ]
    return max(fitting, key=lambda tier: (tier.above_tokens, _has_hours(tier)), default=None)


def reachable(tiers: Iterable[Tier], services: Collection[str], input_tokens_max: int) -> list[Tier]:
    """The tiers that a request with at most that input may reach, at any hour.

    `services` are those requested. The provider may serve the standard one instead, so that counts too.
    """
    return [
        tier
        for tier in tiers
        if (tier.service is None or tier.service in services) and _reached(tier, input_tokens_max)
    ]


def _reached(tier: Tier, input_tokens: int) -> bool:
    return tier.above_tokens == 0 or input_tokens > tier.above_tokens


def _has_hours(tier: Tier) -> bool:
    return tier.from_minute != tier.until_minute


def _in_hours(tier: Tier, minute: int) -> bool:
    start, end = tier.from_minute, tier.until_minute
    if start == end:
        return True
    return start <= minute < end if start < end else minute >= start or minute < end
