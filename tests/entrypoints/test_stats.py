"""`stats show`: what is summed, in which periods, and by what."""

from typing import Any

import msgspec
import pytest

from domain.books.management_scopes import UserScope
from domain.books.statistics.summary import nothing
from domain.books.statistics.usage_sum import SLOT_MS
from domain.refusals import BadRequest, NotFound
from entrypoints.usecases.manage.stats import ShowStats, StatsView, show_stats
from entrypoints.usecases.management_context import ActionContext
from entrypoints.usecases.public_types import Moment
from tests.adapters.storage_rules import a_user, write
from tests.entrypoints.management_context import a_management_context

pytestmark = pytest.mark.anyio

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
# The last Sunday of March 2026, when Berlin's day has 23 hours: midnight there is 23:00 UTC of the day before.
BERLIN_SHORT_DAY_MS = 1_774_738_800_000


async def shown(sums: list[dict[str, Any]], **fields: Any) -> StatsView:
    reply = await reply_to(sums, **fields)
    assert isinstance(reply, StatsView)
    return reply


async def reply_to(sums: list[dict[str, Any]], **fields: Any) -> Any:
    context = a_management_context()
    rows = [
        msgspec.structs.replace(nothing(), **({"user_id": "user-1", "calls": 1, "charge_nanos": 10**9} | one))
        for one in sums
    ]
    await context.storage.decide(UserScope(name="nobody"), write(a_user(1), a_user(2), *rows))
    return await show_stats(ActionContext(hub=context, by="test"), ShowStats(**fields))


def times(since_ms: int, until_ms: int) -> dict[str, Moment]:
    return {"since": Moment(since_ms), "until": Moment(until_ms)}


async def test_days_are_those_of_the_time_zone_also_where_a_clock_is_changed() -> None:
    day = BERLIN_SHORT_DAY_MS
    sums = [{"slot_ms": at} for at in (day - SLOT_MS, day, day + 23 * HOUR_MS - SLOT_MS, day + 23 * HOUR_MS)]

    view = await shown(sums, every="day", time_zone="Europe/Berlin", **times(day - DAY_MS, day + 2 * DAY_MS - HOUR_MS))

    assert [(day - DAY_MS, 1), (day, 2), (day + 23 * HOUR_MS, 1)] == [
        (row.since, row.figures.calls) for row in view.rows
    ]
    assert 4 == view.total.calls


async def test_zones_with_half_hours_have_whole_days() -> None:
    midnight = 20_000 * DAY_MS - 5 * HOUR_MS - HOUR_MS // 2  # in Kolkata

    view = await shown(
        [{"slot_ms": midnight - SLOT_MS}, {"slot_ms": midnight}],
        every="day",
        time_zone="Asia/Kolkata",
        **times(midnight - DAY_MS, midnight + DAY_MS),
    )

    assert [(midnight - DAY_MS, 1), (midnight, 1)] == [(row.since, row.figures.calls) for row in view.rows]


async def test_subjects_are_named_and_ordered_by_their_charge() -> None:
    sums: list[dict[str, Any]] = [
        {"model": "small"},
        {"model": "large", "charge_nanos": 3 * 10**9, "writer": "two"},
        {"user_id": "user-2", "model": "small", "charge_nanos": 2 * 10**9},
    ]

    view = await shown(sums, by=("user", "model"), **times(0, DAY_MS))

    assert [("name-1", "large"), ("name-2", "small"), ("name-1", "small")] == [
        (row.user, row.model) for row in view.rows
    ]
    assert 6 * 10**9 == view.total.charge
    only = await shown(sums, user="name-2", **times(0, DAY_MS))
    assert (1, []) == (only.total.calls, only.rows)


async def test_the_time_before_is_of_the_same_length() -> None:
    sums: list[dict[str, Any]] = [
        {"slot_ms": 0},
        {"slot_ms": HOUR_MS},
        {"slot_ms": 2 * HOUR_MS - SLOT_MS, "writer": "two"},
    ]

    view = await shown(sums, compare=True, **times(HOUR_MS, 2 * HOUR_MS))

    assert view.before is not None
    assert (2, 1) == (view.total.calls, view.before.calls)


async def test_charges_are_net_of_adjustments_and_averages_are_over_what_completed() -> None:
    view = await shown(
        [{"adjusted_nanos": -4, "charge_nanos": 10, "completed": 2, "duration_ms": 7, "first_byte_ms": 3}],
        **times(0, DAY_MS),
    )

    assert (6, -4, 3, None) == (
        view.total.charge,
        view.total.adjusted,
        view.total.average_ms,
        view.total.average_first_byte_ms,
    )


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        (times(DAY_MS, DAY_MS), "since"),
        ({**times(0, 400 * DAY_MS), "every": "quarter_hour"}, "every"),
    ],
)
async def test_a_wrong_request_names_its_field(fields: dict[str, Any], field: str) -> None:
    reply = await reply_to([], **fields)

    assert isinstance(reply, BadRequest)
    assert field == reply.field


async def test_the_usage_of_an_unknown_user_is_not_found() -> None:
    assert isinstance(await reply_to([], user="eve"), NotFound)
