"""Durations as a histogram: what a process counts from its start, for those who watch it."""

from bisect import bisect_left

BOUNDS_US = tuple(10_000 * 2**power for power in range(17))
"""The upper bounds of the buckets: from 10 ms, doubling, to some 11 minutes."""


class Histogram:
    """How many durations fell into each bucket, those above the last bound at the end, and the sum of all in µs."""

    __slots__ = ("counts", "sum_us")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_US) + 1)
        self.sum_us = 0

    def add(self, duration_us: int) -> None:
        """Count one duration; a bound belongs to the bucket below it."""
        self.counts[bisect_left(BOUNDS_US, duration_us)] += 1
        self.sum_us += duration_us

    @property
    def cumulative(self) -> list[int]:
        """The number of durations up to each bound, and of all at the end."""
        total = 0
        return [total := total + count for count in self.counts]
