"""Sums of usage by period and by subject, and compared with the period before."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Any, Literal, get_args

import msgspec

from domain.books.statistics.usage_sum import KEY, SLOT_MS, UsageSum, added

Subject = Literal["user_id", "key_id", "app", "provider", "credential_id", "model", "operation", "ending"]


_slot_of = attrgetter("slot_ms")


class UsageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls are summed: those that began from `from_ms` until before `to_ms`, with all these values.

    Both moments are whole quarters of an hour. The sums are separate for each value of the subjects in `by`, and with
    `by_slot` for each quarter; in all other fields of its key a sum is empty.
    """

    from_ms: int
    to_ms: int
    user_id: str | None = None
    key_id: str | None = None
    app: str | None = None
    provider: str | None = None
    credential_id: str | None = None
    model: str | None = None
    operation: str | None = None
    ending: str | None = None
    by: tuple[Subject, ...] = ()
    by_slot: bool = False

    @property
    def values(self) -> dict[str, str]:
        """The fields that are limited to a value."""
        return {name: value for name in get_args(Subject) if (value := getattr(self, name)) is not None}


class PastUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What may still change the sums of the past, and where they begin.

    `first_ms` is the first quarter of an hour with a call, `open_since_ms` the start of the oldest running call; None:
    there is none. `adjusted` has the ids of the newest adjustments.
    """

    first_ms: int | None
    open_since_ms: int | None
    adjusted: tuple[str, ...]


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """The sums of one period, by subject where the query asks for that."""

    from_ms: int
    to_ms: int
    sums: tuple[UsageSum, ...]


def slots_of(from_ms: int, to_ms: int) -> tuple[int, int]:
    """The whole quarters of an hour that contain a time: its start rounded down, its end rounded up."""
    return from_ms - from_ms % SLOT_MS, to_ms + -to_ms % SLOT_MS


def nothing() -> UsageSum:
    """The sum of no calls."""
    empty: dict[str, Any] = dict.fromkeys(KEY, "")
    return UsageSum(**(empty | {"slot_ms": 0}))


def total(sums: Iterable[UsageSum]) -> UsageSum:
    """The sum of all; the fields of its key are empty."""
    whole = nothing()
    for one in sums:
        whole = added(whole, one)
    return whole


def by_period(sums: Sequence[UsageSum], edges: Sequence[int]) -> tuple[Period, ...]:
    """The sums of each period between two edges, periods without calls too. The sums are by quarter of an hour."""
    ordered = sorted(sums, key=_slot_of)
    starts = [bisect_left(ordered, edge, key=_slot_of) for edge in edges]
    return tuple(
        Period(from_ms=from_ms, to_ms=to_ms, sums=merged(ordered[first:last]))
        for (from_ms, to_ms), (first, last) in zip(pairwise(edges), pairwise(starts), strict=True)
    )


def merged(sums: Iterable[UsageSum]) -> tuple[UsageSum, ...]:
    """One sum for each subject, whatever its quarter and its writer, the greatest charge first."""
    by_subject: dict[tuple[str, ...], UsageSum] = {}
    for one in sums:
        subject = tuple(getattr(one, name) for name in get_args(Subject))
        known = by_subject.get(subject)
        by_subject[subject] = msgspec.structs.replace(one, slot_ms=0, writer="") if known is None else added(known, one)
    return tuple(sorted(by_subject.values(), key=lambda one: (-net_nanos(one), -one.calls, one.model, one.user_id)))


def net_nanos(one: UsageSum) -> int:
    """What the calls were charged in the end: as settled, and as adjusted since."""
    return one.charge_nanos + one.adjusted_nanos
