"""The calendar of time zones, by the IANA database of the system or of the package `tzdata`; UTC needs neither.

A day begins at its first instant: where a clock skips midnight, when it skips; where midnight comes twice, the first
time. https://docs.python.org/3/library/zoneinfo.html
"""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.limits.budgets import Edges, Span
from domain.limits.rows import Period
from ports.environment import Calendar

_NAME_MAX = 64
_MONTHS = {"month": 1, "quarter": 3}
_DAYS = {"day": 1, "week": 7}


class ZoneCalendar(Calendar):
    """The calendar of every zone that the database has. Edges are remembered until their day ends."""

    def __init__(self) -> None:
        self._edges: dict[str, Edges] = {}

    def edges(self, time_zone: str, at_ms: int) -> Edges:
        known = self._edges.get(time_zone)
        if known is None or not known.day.start_ms <= at_ms < known.day.end_ms:
            known = self._edges[time_zone] = _edges(_zone(time_zone), at_ms)
        return known

    def knows(self, time_zone: str) -> bool:
        try:
            _zone(time_zone[:_NAME_MAX])
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return False
        return True

    def after(self, time_zone: str, period: Period, at_ms: int, periods: int) -> int:
        zone = _zone(time_zone)
        return _start_ms(zone, _later(_first_day(_local(zone, at_ms), period), period, periods))


@lru_cache(maxsize=256)
def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


def _edges(zone: tzinfo, at_ms: int) -> Edges:
    today = _local(zone, at_ms)
    return Edges(
        day=_span(zone, "day", today),
        week=_span(zone, "week", today),
        month=_span(zone, "month", today),
        quarter=_span(zone, "quarter", today),
    )


def _span(zone: tzinfo, period: Period, today: date) -> Span:
    first = _first_day(today, period)
    return Span(_start_ms(zone, first), _start_ms(zone, _later(first, period, 1)))


def _first_day(day: date, period: Period) -> date:
    """The first day of the period that contains the day."""
    match period:
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case _:
            return day


def _later(first: date, period: Period, periods: int) -> date:
    """The first day of the period that is so many after the one that begins on this day."""
    if period in _DAYS:
        return first + timedelta(days=_DAYS[period] * periods)
    months = first.year * 12 + first.month - 1 + _MONTHS[period] * periods
    return date(months // 12, months % 12 + 1, 1)


def _local(zone: tzinfo, at_ms: int) -> date:
    return datetime.fromtimestamp(at_ms // 1000, zone).date()


def _start_ms(zone: tzinfo, day: date) -> int:
    """The first instant of a day. A midnight that a clock skips is read by the offset before: it is the skip."""
    return int(datetime.combine(day, time(), zone).astimezone(UTC).timestamp()) * 1000
