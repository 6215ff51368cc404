"""A rate as one integer: what passes, what waits and how long, and that nothing is rounded."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.limits.rates import STEPS_MAX, Level, Wait, level, moved, take
from domain.limits.rows import PER_MS_MAX, WINDOW_MS_MAX, Limit, Measure
from tests.domain.build import NOW_MS

MINUTE_MS = 60_000


def a_rate(amount: int = 3, window_ms: int = MINUTE_MS, measure: Measure = "requests") -> Limit:
    return Limit(id="limit-1", subject="hub", measure=measure, amount=amount, window_ms=window_ms, created_ms=0)


def passed(limit: Limit, tat: int, units: int, now_ms: int) -> int:
    after = take(limit, tat, units, now_ms)
    assert isinstance(after, int), after
    return after


def test_after_a_pause_as_many_pass_at_once_as_the_limit_has_and_then_one_at_a_time() -> None:
    limit = a_rate(3)
    tat = 0
    for _ in range(3):
        tat = passed(limit, tat, 1, NOW_MS)

    assert take(limit, tat, 1, NOW_MS) == Wait(20_000)
    assert take(limit, tat, 1, NOW_MS + 19_999) == Wait(1)
    tat = passed(limit, tat, 1, NOW_MS + 20_000)
    assert take(limit, tat, 1, NOW_MS + 20_000) == Wait(20_000)


def test_more_than_the_limit_at_once_never_passes_however_long_it_waits() -> None:
    assert take(a_rate(1_000, measure="tokens"), 0, 1_001, NOW_MS) == Wait(None)
    assert isinstance(take(a_rate(1_000, measure="tokens"), 0, 1_000, NOW_MS), int)


def test_what_is_left_and_when_all_of_it_is_there_again() -> None:
    limit = a_rate(60)

    assert level(limit, 0, NOW_MS) == Level(remaining=60, reset_ms=0)
    tat = passed(limit, 0, 45, NOW_MS)
    assert level(limit, tat, NOW_MS) == Level(remaining=15, reset_ms=45_000)
    assert level(limit, tat, NOW_MS + 1_500) == Level(remaining=16, reset_ms=43_500)


def test_a_rate_may_go_into_debt_and_nothing_passes_until_it_is_earned_back() -> None:
    limit = a_rate(1_000, measure="tokens")
    tat = moved(passed(limit, 0, 100, NOW_MS), 1_900, limit.per_unit)

    assert level(limit, tat, NOW_MS) == Level(remaining=0, reset_ms=120_000)
    assert take(limit, tat, 1, NOW_MS) == Wait(60_060)
    assert isinstance(take(limit, tat, 1, NOW_MS + 60_060), int)


def test_what_is_given_back_can_be_taken_again_but_never_more_than_the_limit() -> None:
    limit = a_rate(10)
    tat = moved(passed(limit, 0, 10, NOW_MS), -10, limit.per_unit)

    assert level(limit, tat, NOW_MS) == Level(remaining=10, reset_ms=0)
    assert level(limit, moved(tat, -1_000, limit.per_unit), NOW_MS).remaining == 10
    assert moved(0, -1, limit.per_unit) == 0
    assert moved(STEPS_MAX, 1, limit.per_unit) == STEPS_MAX


@pytest.mark.parametrize(("amount", "window_ms", "fits"), [
    (1,             1_000,          True),
    (10_000_000,    MINUTE_MS,      True),
    (10**9,         MINUTE_MS,      True),
    (10**12,        WINDOW_MS_MAX,  True),
    (PER_MS_MAX,    1_001,          True),
    (PER_MS_MAX + 1, 1_001,         False),
    (999_999_999,   MINUTE_MS,      False),
    (0,             MINUTE_MS,      False),
    (1,             999,            False),
    (1,             WINDOW_MS_MAX + 1, False),
])  # fmt: skip
def test_a_limit_is_one_that_a_whole_number_of_steps_expresses(amount: int, window_ms: int, fits: bool) -> None:
    if fits:
        limit = a_rate(amount, window_ms)
        assert passed(limit, 0, amount, 2**42 - 1) < STEPS_MAX
    else:
        with pytest.raises(AssertionError):
            a_rate(amount, window_ms)


limits = st.builds(a_rate, st.integers(1, 10_000), st.integers(1_000, 100_000))
# A moment after the one before, and how much is wanted then.
requested = st.lists(st.tuples(st.integers(0, 40_000), st.integers(1, 20)), max_size=60)


@given(limits, requested)
def test_a_unit_passes_exactly_where_the_sliding_definition_lets_it(
    limit: Limit, requests: list[tuple[int, int]]
) -> None:
    """In every time t at most amount * (1 + t / window) units have passed, and no request that keeps to it waits."""
    tat, now_ms = 0, NOW_MS
    history: list[tuple[int, int]] = []
    for after_ms, units in requests:
        now_ms += after_ms
        found = take(limit, tat, units, now_ms)
        assert isinstance(found, int) == _slides(limit, [*history, (now_ms, units)])
        if isinstance(found, int):
            tat = found
            history.append((now_ms, units))
        elif found.ms is not None:
            assert not _slides(limit, [*history, (now_ms + found.ms - 1, units)])
            assert _slides(limit, [*history, (now_ms + found.ms, units)])


@given(limits, requested)
def test_the_level_is_what_can_be_taken(limit: Limit, requests: list[tuple[int, int]]) -> None:
    tat, now_ms = 0, NOW_MS
    for after_ms, units in requests:
        now_ms += after_ms
        found = take(limit, tat, units, now_ms)
        tat = found if isinstance(found, int) else tat
        left = level(limit, tat, now_ms)
        assert left.remaining == 0 or isinstance(take(limit, tat, left.remaining, now_ms), int)
        assert isinstance(take(limit, tat, left.remaining + 1, now_ms), Wait)
        assert level(limit, tat, now_ms + left.reset_ms).remaining == limit.amount


@given(limits, requested, st.data())
def test_corrections_follow_a_bucket_that_leaks(
    limit: Limit, requests: list[tuple[int, int]], data: st.DataObject
) -> None:
    """A bucket of exact fractions that leaks `amount` a window and is corrected by what was really used."""
    tat, now_ms, fill = 0, NOW_MS, Fraction(0)
    for after_ms, units in requests:
        now_ms += after_ms
        fill = max(Fraction(0), fill - Fraction(after_ms * limit.amount, limit.window_ms))
        found = take(limit, tat, units, now_ms)
        assert isinstance(found, int) == (fill + units <= limit.amount)
        if isinstance(found, int):
            used = data.draw(st.integers(0, 3 * units))
            tat = moved(found, used - units, limit.per_unit)
            fill += used


def _slides(limit: Limit, history: list[tuple[int, int]]) -> bool:
    """Whether no stretch of time that ends with the last of them has more units than it may."""
    end_ms, total = history[-1][0], 0
    for at_ms, units in reversed(history):
        total += units
        if total * limit.window_ms > limit.amount * (limit.window_ms + end_ms - at_ms):
            return False
    return True
