"""The time that a request of AIGNE's statistics is about, and whose days it has.

Moments are seconds since 1970, and the second of the end is included. `timezoneOffset` is in minutes as JavaScript has
it: UTC+8 is -480. `timezone` is a name such as Europe/Berlin, and goes before it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import msgspec

from domain.refusals import BadRequest
from entrypoints.http.aigne_management.access import Visit, wrong
from entrypoints.http.wire import Request

SECONDS_DIGITS = 12
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
DAYS = 30
BUCKETS_MAX = 3_000
_QUARTER = 15
_OFFSET_MAX = 15 * 60


class Days(msgspec.Struct, frozen=True, kw_only=True):
    """The days of a time zone. `edges` returns the start of the day that contains a moment, and that of the next."""

    edges: Callable[[int], tuple[int, int]]
    zone: tzinfo

    def date(self, at_ms: int) -> datetime:
        """The local time of a moment, whose date is that of its day."""
        return datetime.fromtimestamp(at_ms // 1000, self.zone)


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """From a moment until before another, in milliseconds."""

    from_ms: int
    to_ms: int

    @property
    def before(self) -> "Span":
        """The time of the same length before."""
        return Span(from_ms=2 * self.from_ms - self.to_ms, to_ms=self.from_ms)


def seconds_of(request: Request, name: str) -> int | BadRequest | None:
    """The seconds since 1970 of a field of the query; None where it is not there."""
    text = request.query_value(name)
    if text is None or text == "":
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= SECONDS_DIGITS):
        return wrong(name, "Write seconds since 1970.")
    return int(text)


def given_span(request: Request, names: tuple[str, str] = ("startTime", "endTime")) -> Span | BadRequest:
    """The time of a list: from the first moment until after the second of the end, where they are given."""
    start, end = (seconds_of(request, name) for name in names)
    if isinstance(start, BadRequest):
        return start
    if isinstance(end, BadRequest):
        return end
    to_s = 10**SECONDS_DIGITS if end is None else end + 1
    if (start or 0) > to_s - 1:
        return wrong(names[1], f"The end must not be before {names[0]}.")
    return Span(from_ms=(start or 0) * 1000, to_ms=to_s * 1000)


def required_span(request: Request) -> Span | BadRequest:
    """The time of a request that must name it."""
    for name in ("startTime", "endTime"):
        if not request.query_value(name):
            return wrong(name, "The field is missing. Write seconds since 1970.")
    return given_span(request)


def recent_span(visit: Visit) -> Span | BadRequest:
    """The time that is given, or the last `timeRange` days; it ends now at the latest."""
    request, now_ms = visit.request, visit.acting.hub.clock.now_ms()
    if request.query_value("startTime") or request.query_value("endTime"):
        span = required_span(request)
        if isinstance(span, BadRequest):
            return span
        return Span(from_ms=min(span.from_ms, now_ms), to_ms=max(min(span.to_ms, now_ms + 1), span.from_ms + 1))
    text = request.query_value("timeRange") or str(DAYS)
    if not (text.isascii() and text.isdigit() and 1 <= len(text) <= 4 and int(text) >= 1):
        return wrong("timeRange", "Write a whole number of days.")
    return Span(from_ms=now_ms - int(text) * DAY_MS, to_ms=now_ms + 1)


def day_of(visit: Visit) -> Days | BadRequest:
    """The days of the caller's time zone."""
    request, calendar = visit.request, visit.acting.hub.calendar
    if (zone := request.query_value("timezone")) is not None:
        if not calendar.knows(zone):
            return wrong("timezone", "Write the name of a time zone, such as Europe/Berlin.")

        def in_zone(at_ms: int) -> tuple[int, int]:
            day = calendar.edges(zone, at_ms).day
            return day.start_ms, day.end_ms

        return Days(edges=in_zone, zone=ZoneInfo(zone))
    offset_ms = offset_of(request)
    if isinstance(offset_ms, BadRequest):
        return offset_ms

    def at_offset(at_ms: int) -> tuple[int, int]:
        start_ms = floored(at_ms, DAY_MS, offset_ms)
        return start_ms, start_ms + DAY_MS

    return Days(edges=at_offset, zone=timezone(timedelta(milliseconds=-offset_ms)))


def offset_of(request: Request) -> int | BadRequest:
    """The `timezoneOffset` in milliseconds."""
    text = request.query_value("timezoneOffset") or "0"
    digits = text.removeprefix("-")
    is_number = digits.isascii() and digits.isdigit() and len(digits) < 6
    if not is_number or int(digits) > _OFFSET_MAX or int(digits) % _QUARTER:
        return wrong("timezoneOffset", "Write minutes as JavaScript's getTimezoneOffset has them, such as -480.")
    return int(text) * MINUTE_MS


def floored(at_ms: int, size_ms: int, offset_ms: int) -> int:
    """The start of the bucket that contains a moment."""
    return at_ms - (at_ms - offset_ms) % size_ms


def buckets_of(visit: Visit, span: Span) -> tuple[str, list[int]] | BadRequest:
    """The granularity, and the edges of the buckets that contain the time: hours up to a day, else days."""
    days = day_of(visit)
    if isinstance(days, BadRequest):
        return days
    if span.to_ms - span.from_ms <= DAY_MS + 1000:
        offset_ms = offset_of(visit.request)
        start_ms = floored(span.from_ms, HOUR_MS, 0 if isinstance(offset_ms, BadRequest) else offset_ms)
        return "hour", [*range(start_ms, span.to_ms + HOUR_MS, HOUR_MS)]
    edges = [days.edges(span.from_ms)[0]]
    while edges[-1] < span.to_ms:
        if len(edges) > BUCKETS_MAX:
            return wrong("startTime", f"The time has more than {BUCKETS_MAX} days.")
        edges.append(days.edges(edges[-1])[1])
    return "day", edges
