"""What a usage costs the customer: leaves of usage times leaves of a rate, summed, and rounded once.

A leaf that has no rate of its own is sold at its parent's rate, as `Rate` says; a leaf without a parent and
without a rate cannot be sold, and asking for it is refused before the call.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeAlias

import msgspec

from domain.books import Rate
from domain.money import charge_rounded_up
from domain.usage import Usage

Nanos: TypeAlias = int


_INPUT_LEAVES = frozenset(
    (
        "input_tokens",
        "input_audio_tokens",
        "input_image_tokens",
        "cache_read_tokens",
        "cache_read_audio_tokens",
        "cache_write_tokens",
        "cache_write_1h_tokens",
    )
)
_OUTPUT_LEAVES = frozenset(("output_tokens", "output_audio_tokens", "output_image_tokens", "reasoning_tokens"))


class ChargeLine(msgspec.Struct, frozen=True, kw_only=True):
    """One leaf of a charge: so many units at so many nanocredits per million."""

    leaf: str
    units: int
    nanos_per_million: Nanos


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """What a usage comes to: the lines that were used, and their total rounded up once."""

    rate_id: str
    lines: tuple[ChargeLine, ...]
    total_nanos: Nanos


@lru_cache(maxsize=4096)
def leaf_rates(rate: Rate) -> Mapping[str, Nanos]:
    """The price of every leaf of usage, parents' rates filled in. The same mapping each time: nobody changes it."""
    cache_read = _or(rate.cache_read_nanos, rate.input_nanos)
    cache_write = rate.input_nanos if rate.cache_write_nanos is None else rate.cache_write_nanos
    return {
        "input_tokens": rate.input_nanos,
        "input_audio_tokens": _or(rate.input_audio_nanos, rate.input_nanos),
        "input_image_tokens": _or(rate.input_image_nanos, rate.input_nanos),
        "cache_read_tokens": cache_read,
        "cache_read_audio_tokens": _or(rate.cache_read_audio_nanos, cache_read),
        "cache_write_tokens": cache_write,
        "cache_write_1h_tokens": _or(rate.cache_write_1h_nanos, cache_write),
        "output_tokens": rate.output_nanos,
        "output_audio_tokens": _or(rate.output_audio_nanos, rate.output_nanos),
        "output_image_tokens": _or(rate.output_image_nanos, rate.output_nanos),
        "reasoning_tokens": _or(rate.reasoning_nanos, rate.output_nanos),
        "tool_uses": rate.tool_use_nanos or 0,
        "images": rate.image_nanos or 0,
        "characters": rate.character_nanos or 0,
        "seconds": rate.second_nanos or 0,
        "requests": rate.request_nanos or 0,
    }


def price(usage: Usage, rate: Rate) -> Charge:
    """The charge of a usage under a rate.

    1,200 fresh input tokens at 150,000 nanos per million: one line, 180 nanos.
    """
    lines = tuple(
        ChargeLine(leaf=leaf, units=units, nanos_per_million=nanos)
        for leaf, nanos in leaf_rates(rate).items()
        if (units := getattr(usage, leaf))
    )
    total = charge_rounded_up((line.units, line.nanos_per_million) for line in lines)
    return Charge(rate_id=rate.id, lines=lines, total_nanos=total)


@lru_cache(maxsize=4096)
def input_nanos_max(rate: Rate) -> Nanos:
    """The dearest that an input token can be, whatever the provider's cache makes of it."""
    return max(nanos for leaf, nanos in leaf_rates(rate).items() if leaf in _INPUT_LEAVES)


@lru_cache(maxsize=4096)
def output_nanos_max(rate: Rate) -> Nanos:
    """The dearest that an output token can be."""
    return max(nanos for leaf, nanos in leaf_rates(rate).items() if leaf in _OUTPUT_LEAVES)


def _or(nanos: Nanos | None, parent: Nanos) -> Nanos:
    return parent if nanos is None else nanos
