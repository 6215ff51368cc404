"""The proof that the sums equal the calls, in a few bytes for each quarter of an hour.

A sum is turned into one number that is linear in its fields: the numbers of the calls add up to that of their sum. The
factors are drawn from the key and the field by a hash, so two different sets of sums have the same number only by
chance, once in 2**64.
"""

from collections import defaultdict
from functools import lru_cache
from hashlib import blake2b
from operator import attrgetter, mul

from domain.books.statistics.usage_sum import ADDED, KEY, UsageSum

_BITS = 64
_BYTES = 8
# Which process has written a part says nothing about the calls.
_place_of = attrgetter(*(name for name in KEY if name != "writer"))
_fields_of = attrgetter(*ADDED)


def _drawn(text: str) -> int:
    """An odd number, the same for the same text."""
    return int.from_bytes(blake2b(text.encode(), digest_size=_BYTES).digest(), "big") | 1


_FACTORS = tuple(map(_drawn, ADDED))


class SumProof:
    """Takes what calls and adjustments come to, and the sums in the books, in any order; then `first_difference`."""

    def __init__(self) -> None:
        self.sums = 0
        self._rest: defaultdict[int, int] = defaultdict(int)

    def derived(self, one: UsageSum) -> None:
        """What one call or one adjustment comes to."""
        self._rest[one.slot_ms] += _number(one)

    def booked(self, one: UsageSum) -> None:
        """One sum of the books."""
        self.sums += 1
        self._rest[one.slot_ms] -= _number(one)

    def first_difference(self) -> int | None:
        """The first quarter of an hour whose sums are not those of its calls, in milliseconds; None if all are."""
        return min((slot_ms for slot_ms, rest in self._rest.items() if rest % 2**_BITS), default=None)


def _number(one: UsageSum) -> int:
    place = _drawn_for(_place_of(one))
    fields: int = sum(map(mul, _FACTORS, _fields_of(one)))
    return place * fields


# Calls that follow each other are often of the same user, model and quarter of an hour.
@lru_cache(maxsize=4_096)
def _drawn_for(place: tuple[str | int, ...]) -> int:
    return _drawn("\n".join(map(str, place)))
