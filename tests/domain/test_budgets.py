"""What was spent in a period and what is left: one row, and every period is a question over it."""

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.limits.budgets import (
    CALENDAR,
    Edges,
    alerts,
    charged,
    held,
    moment_of,
    remaining,
    rolled,
    spent_in,
)
from domain.limits.rows import BudgetSpent, Period
from tests.domain.build_limits import DAY_MS, a_budget, plain_calendar


def edges_at(now_ms: int) -> Edges:
    return plain_calendar("UTC", now_ms)


NOTHING = BudgetSpent(budget_id="budget-1", subject="user:ada")


def test_open_holds_count_and_a_settlement_leaves_the_charge() -> None:
    spent = held(rolled(NOTHING, edges_at(5)), 600)
    assert remaining(a_budget(), spent, 5) == 400

    spent = charged(spent, 600, 250, moment_of(spent, 5))

    assert remaining(a_budget(), spent, 5) == 750


def test_a_new_period_begins_with_nothing_spent() -> None:
    spent = charged(held(rolled(NOTHING, edges_at(5)), 600), 600, 600, 5)
    tomorrow = rolled(spent, edges_at(DAY_MS))

    assert {period: spent_in(tomorrow, period) for period in (*CALENDAR, "total")} == {
        "day": 0, "week": 600, "month": 600, "quarter": 600, "total": 600,
    }  # fmt: skip


def test_a_call_that_is_held_before_an_edge_and_settled_after_it_counts_for_the_period_of_its_hold() -> None:
    spent = held(rolled(NOTHING, edges_at(DAY_MS - 1)), 600)
    at_ms = moment_of(spent, DAY_MS - 1)
    spent = rolled(spent, edges_at(DAY_MS))
    assert remaining(a_budget(), spent, DAY_MS) == 400, "until it is settled it holds"

    spent = charged(spent, 600, 500, at_ms)

    assert remaining(a_budget(), spent, DAY_MS) == 1_000
    assert remaining(a_budget(period="week"), spent, DAY_MS) == 500


def test_another_period_or_amount_is_another_question() -> None:
    spent = charged(held(rolled(NOTHING, edges_at(5)), 300), 300, 300, 5)
    spent = charged(held(rolled(spent, edges_at(DAY_MS)), 200), 200, 200, DAY_MS)

    periods: tuple[Period, ...] = ("day", "week", "total")
    left = {period: remaining(a_budget(1_000, period), spent, DAY_MS) for period in periods}
    assert left == {"day": 800, "week": 500, "total": 500}
    assert remaining(a_budget(400, "week"), spent, DAY_MS) == -100


def test_an_override_holds_until_its_end() -> None:
    budget = a_budget(100, override_nanos=900, override_until_ms=DAY_MS)

    assert remaining(budget, NOTHING, DAY_MS - 1) == 900
    assert remaining(budget, NOTHING, DAY_MS) == 100


def test_a_clock_that_goes_back_begins_no_period_again() -> None:
    spent = charged(held(rolled(NOTHING, edges_at(3 * DAY_MS)), 400), 400, 400, 3 * DAY_MS)

    back = rolled(spent, edges_at(2 * DAY_MS))
    assert remaining(a_budget(), back, 2 * DAY_MS) == 600
    again = charged(held(back, 100), 100, 100, moment_of(back, 2 * DAY_MS))
    assert remaining(a_budget(), again, 2 * DAY_MS) == 500


@pytest.mark.parametrize(("before", "after", "reached"), [
    (0,    499,   ()),
    (0,    500,   (50,)),
    (499,  500,   (50,)),
    (500,  501,   ()),
    (0,    1_000, (50, 100)),
    (999,  1_000, (100,)),
    (1_000, 1_100, ()),
])  # fmt: skip
def test_an_alert_is_given_once_when_the_charge_reaches_it(before: int, after: int, reached: tuple[int, ...]) -> None:
    was = msgspec.structs.replace(NOTHING, day_nanos=before)
    now = msgspec.structs.replace(NOTHING, day_nanos=after)

    found = alerts(a_budget(alerts=(50, 100)), was, now, 5)

    assert tuple(alert.percent for alert in found) == reached
    assert all(alert.spent_nanos == after and alert.amount_nanos == 1_000 for alert in found)


@given(
    st.sampled_from((*CALENDAR, "total")),
    st.integers(0, 5_000),
    st.lists(st.tuples(st.integers(-DAY_MS, 12 * DAY_MS), st.integers(0, 3_000), st.booleans()), max_size=60),
    st.randoms(use_true_random=False),
)
def test_at_every_instant_what_is_spent_and_held_is_at_most_the_amount(
    period: Period, amount: int, steps: list[tuple[int, int, bool]], chance: Random
) -> None:
    """Against a list of all calls: the period of each by the clock of its hold, which may go back by less than a day."""
    budget, spent = a_budget(amount, period), NOTHING
    now_ms = 400 * DAY_MS
    opened: list[tuple[int, int]] = []
    closed: list[tuple[int, int]] = []
    latest_ms = 0
    for after_ms, nanos, settles in steps:
        now_ms += after_ms
        if settles and opened:
            hold, at_ms = opened.pop(chance.randrange(len(opened)))
            charge = min(hold, nanos)
            spent = charged(spent, hold, charge, at_ms)
            closed.append((at_ms, charge))
        else:
            latest_ms = max(latest_ms, now_ms)
            spent = rolled(spent, edges_at(now_ms))
            if nanos <= remaining(budget, spent, now_ms):
                at_ms = moment_of(spent, now_ms)
                spent = held(spent, nanos)
                opened.append((nanos, at_ms))
        start_ms = edges_at(latest_ms).of(period)
        counted = sum(charge for at_ms, charge in closed if start_ms is None or at_ms >= start_ms.start_ms)
        assert spent_in(spent, period) == counted
        assert spent.held_nanos == sum(hold for hold, _ in opened)
        assert counted + spent.held_nanos <= amount
