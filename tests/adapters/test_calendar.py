"""The edges of periods follow the calendar of a time zone, through its changes of the clock."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from adapters.calendar import ZoneCalendar
from domain.limits.rows import Period

HOUR_MS = 3_600_000


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(("zone", "moment", "period", "start", "end"), [
    ("UTC",              "2026-11-30T12:00Z",  "day",     "2026-11-30T00:00Z",      "2026-12-01T00:00Z"),
    ("UTC",              "2026-11-30T12:00Z",  "week",    "2026-11-30T00:00Z",      "2026-12-07T00:00Z"),
    ("UTC",              "2026-11-29T23:59Z",  "week",    "2026-11-23T00:00Z",      "2026-11-30T00:00Z"),
    ("UTC",              "2024-02-29T12:00Z",  "month",   "2024-02-01T00:00Z",      "2024-03-01T00:00Z"),
    ("UTC",              "2026-12-31T23:59Z",  "quarter", "2026-10-01T00:00Z",      "2027-01-01T00:00Z"),
    # Spring: a day of 23 hours; autumn: one of 25.
    ("Europe/Berlin",    "2026-03-29T12:00Z",  "day",     "2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00"),
    ("Europe/Berlin",    "2026-10-25T12:00Z",  "day",     "2026-10-25T00:00+02:00", "2026-10-26T00:00+01:00"),
    ("Europe/Berlin",    "2026-03-31T23:00Z",  "month",   "2026-04-01T00:00+02:00", "2026-05-01T00:00+02:00"),
    ("America/New_York", "2026-12-01T04:59Z",  "month",   "2026-11-01T00:00-04:00", "2026-12-01T00:00-05:00"),
    # Midnight is skipped: the day begins at one o'clock, when it is skipped.
    ("Africa/Cairo",     "2026-04-24T12:00Z",  "day",     "2026-04-24T00:00+02:00", "2026-04-25T00:00+03:00"),
    # Midnight comes twice: the day begins the first time.
    ("America/Havana",   "2026-11-01T12:00Z",  "day",     "2026-11-01T00:00-04:00", "2026-11-02T00:00-05:00"),
    ("Asia/Kathmandu",   "2026-11-30T18:15Z",  "day",     "2026-12-01T00:00+05:45", "2026-12-02T00:00+05:45"),
])  # fmt: skip
def test_a_period_begins_and_ends_at_local_midnight(
    zone: str, moment: str, period: Period, start: str, end: str
) -> None:
    span = ZoneCalendar().edges(zone, ms(moment)).of(period)

    assert span is not None
    assert (span.start_ms, span.end_ms) == (ms(start), ms(end))


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "America/New_York", "Africa/Cairo", "America/Havana", "Asia/Kathmandu"]
)
def test_every_hour_of_two_years_is_in_exactly_one_day_of_its_date(zone: str) -> None:
    calendar, at_ms = ZoneCalendar(), ms("2026-01-01T00:30Z")
    ends_ms = None
    while at_ms < ms("2028-01-01T00:00Z"):
        edges = calendar.edges(zone, at_ms)
        assert edges.day.start_ms <= at_ms < edges.day.end_ms
        assert ends_ms is None or edges.day.start_ms <= ends_ms or edges.day.start_ms == ends_ms
        ends_ms = edges.day.end_ms
        date = datetime.fromtimestamp(at_ms // 1000, ZoneInfo(zone)).date()
        assert datetime.fromtimestamp(edges.day.end_ms // 1000 - 1, ZoneInfo(zone)).date() == date
        for outer in (edges.week, edges.month, edges.quarter):
            assert outer.start_ms <= edges.day.start_ms < edges.day.end_ms <= outer.end_ms
        at_ms += HOUR_MS


def test_an_override_for_so_many_periods_ends_with_the_last_of_them() -> None:
    calendar, now_ms = ZoneCalendar(), ms("2026-11-30T12:00Z")

    assert calendar.after("Europe/Berlin", "month", now_ms, 1) == ms("2026-12-01T00:00+01:00")
    assert calendar.after("Europe/Berlin", "month", now_ms, 3) == ms("2027-02-01T00:00+01:00")
    assert calendar.after("UTC", "quarter", now_ms, 2) == ms("2027-04-01T00:00Z")
    assert calendar.after("UTC", "week", now_ms, 2) == ms("2026-12-14T00:00Z")


def test_a_time_zone_is_known_by_its_name() -> None:
    calendar = ZoneCalendar()

    assert calendar.knows("UTC")
    assert calendar.knows("Europe/Berlin")
    for name in ("", "Berlin", "../../etc/passwd", "x" * 1_000, "\x00"):
        assert not calendar.knows(name)
