"""Histograms of latencies: every duration is in the bucket of the first bound that is not below it."""

from bisect import bisect_left
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from entrypoints.usecases.call.latencies import Latencies
from ports.durations import BOUNDS_US, Histogram
from ports.telemetry import CallEvent, Timings


def event(provider: str | None, ended_us: int, first_us: int | None) -> CallEvent:
    timings = Timings(first_chunk_us=first_us, settled_us=ended_us, ended_us=ended_us)
    return CallEvent(
        call_id="call_1", user_id="user_1", key_id="key_1", operation="chat", model="m", stream=False, provider=provider,
        provider_model=None, ending="completed", charge_nanos=0, uncollected_nanos=0, cost_nanos=None, usage=None,
        usage_source=None, timings=timings, attempts=(),
    )  # fmt: skip


def test_a_duration_at_a_bound_counts_as_within_it() -> None:
    histogram = Histogram()
    for duration_us in (0, BOUNDS_US[0], BOUNDS_US[0] + 1, BOUNDS_US[-1] + 1):
        histogram.add(duration_us)

    assert [2, 3] == histogram.cumulative[:2]
    assert [3, 4] == histogram.cumulative[-2:]


@given(st.lists(st.integers(0, 2 * BOUNDS_US[-1])))
def test_each_bucket_counts_the_durations_up_to_its_bound(durations: list[int]) -> None:
    histogram = Histogram()
    for duration_us in durations:
        histogram.add(duration_us)

    expected = [sum(one <= bound for one in durations) for bound in BOUNDS_US]
    assert [*expected, len(durations)] == histogram.cumulative
    assert sum(durations) == histogram.sum_us
    assert Counter(bisect_left(BOUNDS_US, one) for one in durations) == Counter(
        {n: count for n, count in enumerate(histogram.counts) if count}
    )


def test_a_call_that_no_provider_answered_has_a_duration_and_no_first_chunk() -> None:
    latencies = Latencies()
    latencies.call_ended(event("acme", 30_000, 20_000))
    latencies.call_ended(event(None, 10_000, None))

    assert {("acme", "chat", "completed"): 30_000, ("", "chat", "completed"): 10_000} == {
        key: histogram.sum_us for key, histogram in latencies.durations.items()
    }
    assert {("acme", "chat"): 20_000} == {key: one.sum_us for key, one in latencies.first_chunks.items()}
