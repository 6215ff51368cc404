"""The figures of a sum of usage, as they are shown."""

import msgspec

from domain.books.statistics.summary import net_nanos
from domain.books.statistics.usage_sum import UsageSum
from entrypoints.usecases.public_types import Credits, Dollars


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of some calls.

    `charge` is what they were charged in the end: as settled, and as adjusted since. `cost` is what the providers ask
    for the calls whose cost is known; `cost_unknown` counts the others; users see neither. `input_tokens` include those
    read from and written to a cache, `output_tokens` include reasoning; `pieces` are images, seconds, characters and so
    on. The averages are over the calls that completed, None where there is none.
    """

    calls: int
    completed: int
    charge: Credits
    uncollected: Credits
    adjusted: Credits
    cost: Dollars | None
    cost_unknown: int | None
    input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int
    reasoning_tokens: int
    pieces: int
    estimated: int
    average_ms: int | None
    average_first_byte_ms: int | None


def figures_of(one: UsageSum) -> Figures:
    """The figures of a sum."""
    return Figures(
        calls=one.calls,
        completed=one.completed,
        charge=Credits(net_nanos(one)),
        uncollected=Credits(one.uncollected_nanos),
        adjusted=Credits(one.adjusted_nanos),
        cost=Dollars(one.cost_nanos),
        cost_unknown=one.cost_unknown,
        input_tokens=one.input_tokens,
        cache_read_tokens=one.cache_read_tokens,
        cache_write_tokens=one.cache_write_tokens,
        output_tokens=one.output_tokens,
        reasoning_tokens=one.reasoning_tokens,
        pieces=one.pieces,
        estimated=one.estimated,
        average_ms=one.duration_ms // one.completed if one.completed else None,
        average_first_byte_ms=one.first_byte_ms // one.first_bytes if one.first_bytes else None,
    )


def figures_for_users(one: UsageSum) -> Figures:
    """The figures of a sum without what providers ask."""
    return msgspec.structs.replace(figures_of(one), cost=None, cost_unknown=None)
