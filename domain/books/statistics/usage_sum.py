"""Sums of calls, as rows of the books. A row is a part: a storage adds it to what the books have under its key."""

from operator import add, attrgetter

import msgspec

SLOT_MS = 900_000
"""A quarter of an hour: the days of every time zone are whole quarters, though not whole hours, of UTC."""

KEY = (
    "user_id",
    "slot_ms",
    "key_id",
    "app",
    "provider",
    "credential_id",
    "model",
    "operation",
    "ending",
    "writer",
)
_key_of = attrgetter(*KEY)


class UsageSum(msgspec.Struct, frozen=True, gc=False):
    """The calls that began in one quarter of an hour, and that agree in all fields of `KEY`.

    `app`, `provider` and `credential_id` are empty where there is none. `writer` is the process that adds: no two
    processes wait for each other's row. `charge_nanos` is as settled, `adjusted_nanos` what re-rating charged or gave
    back, `cost_nanos` what the providers ask, in nano-USD, for the calls whose cost is known (all but `cost_unknown`).
    `input_tokens` include those read from and written to a cache, `output_tokens` include reasoning; `pieces` are
    images, seconds, characters and all else that is no token. Durations are sums over the calls that completed;
    `first_byte_ms` is that of `first_bytes` calls.
    """

    user_id: str
    slot_ms: int
    key_id: str
    app: str
    provider: str
    credential_id: str
    model: str
    operation: str
    ending: str
    writer: str
    calls: int = 0
    completed: int = 0
    estimated: int = 0
    adjusted: int = 0
    charge_nanos: int = 0
    uncollected_nanos: int = 0
    adjusted_nanos: int = 0
    cost_nanos: int = 0
    cost_unknown: int = 0
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    pieces: int = 0
    duration_ms: int = 0
    first_byte_ms: int = 0
    first_bytes: int = 0

    @property
    def key(self) -> tuple[str | int, ...]:
        """The values of the fields of `KEY`."""
        values: tuple[str | int, ...] = _key_of(self)
        return values


ADDED = tuple(name for name in UsageSum.__struct_fields__ if name not in KEY)
"""The fields that are added; those of `KEY` stay."""
_parts_of = attrgetter(*ADDED)


def added(one: UsageSum, other: UsageSum) -> UsageSum:
    """The sum of two rows of one key."""
    return UsageSum(*_key_of(one), *map(add, _parts_of(one), _parts_of(other)))
