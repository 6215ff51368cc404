"""Sums of usage of the past, kept in memory: statistics of a long time then read only its last hours from the books.

A call is summed in the quarter of an hour in which it began, when it ends. So the sums of a time change no more once it
is over, no call runs that began in it, and no charge is adjusted: `PastUsage` reports the last two.
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Protocol, TypeAlias, get_args

import msgspec

from domain.books.statistics.summary import Subject, UsageQuery
from domain.books.statistics.usage_sum import KEY, UsageSum, added
from ports.books import StorageError
from ports.environment import Calendar, Clock
from ports.readers.usage import UsageReader

HOUR_MS = 3_600_000
# The clocks of two machines differ by less.
CLOCKS_MS = HOUR_MS
PIECES_MAX = 1_500
# With more pieces missing, a query is answered by the books, and the pieces are read after it.
READ_AT_ONCE_MAX = 2
# A piece with more sums is read from the books every time.
SUMS_OF_PIECE_MAX = 5_000
# About 50 MB.
SUMS_MAX = 60_000
VIEWS_OF_PIECE_MAX = 32
# A view by hour with more sums is read from the books every time.
SUMS_BY_HOUR_MAX = 500
_EVERY: tuple[Subject, ...] = get_args(Subject)


class Books(Protocol):
    """What the past is read from: a `ManagementContext`."""

    @property
    def storage(self) -> UsageReader: ...
    @property
    def calendar(self) -> Calendar: ...
    @property
    def clock(self) -> Clock: ...


class _Piece:
    """The sums of a time that is over; None: there are too many to be kept."""

    def __init__(self, start_ms: int, sums: Sequence[UsageSum] | None) -> None:
        self.sums = sums
        self._start_ms = start_ms
        self._views: dict[tuple[object, ...], list[UsageSum]] = {}
        self.by_hour: dict[tuple[object, ...], list[UsageSum]] = {}

    def view(self, query: UsageQuery) -> list[UsageSum]:
        """The sums that the query asks for; with `by_slot` their moment is the start of the piece."""
        values = tuple(query.values.items())
        key = (values, query.by, query.by_slot)
        if key not in self._views:
            if len(self._views) >= VIEWS_OF_PIECE_MAX:
                self._views.clear()
            self._views[key] = self._chosen(values, query.by, self._start_ms if query.by_slot else 0)
        return self._views[key]

    def _chosen(self, values: Sequence[tuple[str, str]], by: Sequence[str], slot_ms: int) -> list[UsageSum]:
        emptied = {name: "" for name in KEY if name not in by} | {"slot_ms": slot_ms}
        chosen: dict[tuple[str, ...], UsageSum] = {}
        for one in self.sums or ():
            if all(getattr(one, name) == value for name, value in values):
                subject = tuple([getattr(one, name) for name in by])
                known = chosen.get(subject)
                chosen[subject] = added(known, one) if known else msgspec.structs.replace(one, **emptied)
        return [*chosen.values()]


class UsagePast:
    """The pieces of the past that were read, the least recently used of too many forgotten. Losing them costs time."""

    def __init__(self, sums_of_piece_max: int = SUMS_OF_PIECE_MAX) -> None:
        self._sums_of_piece_max = sums_of_piece_max
        self._pieces: OrderedDict[tuple[int, int], _Piece] = OrderedDict()
        self._adjusted: tuple[str, ...] = ()
        self._count = 0
        self._reading: asyncio.Task[None] | None = None

    async def usage(self, hub: Books, time_zone: str, query: UsageQuery) -> list[UsageSum]:
        """The sums that the query asks for, one part for each piece of the time.

        With `by_slot` the moments of past sums are those of their day in the time zone, or of the query's start in it.
        """
        return await self._collected(hub, time_zone, query, self._whole)

    async def usage_by_hour(self, hub: Books, time_zone: str, query: UsageQuery) -> list[UsageSum]:
        """As above for a query with `by_slot`, but the moments of past sums are those of their hour."""
        return await self._collected(hub, time_zone, query, self._by_hour)

    async def _collected(self, hub: Books, time_zone: str, query: UsageQuery, read: "_Read") -> list[UsageSum]:
        past = await hub.storage.past_usage()
        if past.first_ms is None:
            return []
        if past.adjusted != self._adjusted:
            self._pieces.clear()
            self._adjusted, self._count = past.adjusted, 0
        now_ms, start_ms = hub.clock.now_ms(), query.from_ms
        over_ms = min(now_ms - CLOCKS_MS, past.open_since_ms or now_ms)
        if start_ms < past.first_ms:
            start_ms = max(start_ms, hub.calendar.edges(time_zone, past.first_ms).day.start_ms)
        places = [*_days(hub.calendar, time_zone, start_ms, min(query.to_ms, over_ms - over_ms % HOUR_MS))]
        missing = [place for place in places if place not in self._pieces]
        if len(missing) > READ_AT_ONCE_MAX:
            if len(places) < PIECES_MAX:
                self._read_ahead(hub.storage, missing)
            return await hub.storage.usage(query)
        found: list[UsageSum] = []
        for from_ms, to_ms in places:
            found += await read(hub.storage, msgspec.structs.replace(query, from_ms=from_ms, to_ms=to_ms))
            start_ms = to_ms
        if start_ms < query.to_ms:
            found += await hub.storage.usage(msgspec.structs.replace(query, from_ms=start_ms))
        return found

    async def read_ahead(self) -> None:
        """Wait until the pieces that were missing have been read."""
        if self._reading is not None:
            await asyncio.wait([self._reading])

    def _read_ahead(self, books: UsageReader, places: Sequence[tuple[int, int]]) -> None:
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_all(books, places))

    async def _read_all(self, books: UsageReader, places: Sequence[tuple[int, int]]) -> None:
        """Read the pieces, the newest first. Where the books cannot be read, the next query tries again."""
        with contextlib.suppress(StorageError):
            for place in reversed(places):
                await self._read(books, *place)

    async def _whole(self, books: UsageReader, query: UsageQuery) -> list[UsageSum]:
        piece = await self._piece(books, query)
        return await books.usage(query) if piece.sums is None else piece.view(query)

    async def _by_hour(self, books: UsageReader, query: UsageQuery) -> list[UsageSum]:
        piece = await self._piece(books, query)
        key = (tuple(query.values.items()), query.by)
        known = piece.by_hour.get(key)
        if known is None:
            known = _hours(await books.usage(query))
            if len(known) <= SUMS_BY_HOUR_MAX:
                piece.by_hour[key] = known
        return known

    async def _piece(self, books: UsageReader, query: UsageQuery) -> _Piece:
        place = (query.from_ms, query.to_ms)
        piece = self._pieces.get(place)
        if piece is None:
            return await self._read(books, *place)
        self._pieces.move_to_end(place)
        return piece

    async def _read(self, books: UsageReader, from_ms: int, to_ms: int) -> _Piece:
        adjusted = self._adjusted
        sums = await books.usage(UsageQuery(from_ms=from_ms, to_ms=to_ms, by=_EVERY))
        piece = _Piece(from_ms, sums if len(sums) <= self._sums_of_piece_max else None)
        if adjusted == self._adjusted:
            known = self._pieces.pop((from_ms, to_ms), None)
            self._count -= len(known.sums or ()) if known is not None else 0
            self._pieces[from_ms, to_ms] = piece
            self._count += len(piece.sums or ())
        while len(self._pieces) > PIECES_MAX or self._count > SUMS_MAX:
            _, oldest = self._pieces.popitem(last=False)
            self._count -= len(oldest.sums or ())
        return piece


def _days(calendar: Calendar, time_zone: str, from_ms: int, to_ms: int) -> Iterator[tuple[int, int]]:
    """The days of a time, the first and the last as far as they are in it."""
    while from_ms < to_ms:
        end_ms = min(calendar.edges(time_zone, from_ms).day.end_ms, to_ms)
        yield from_ms, end_ms
        from_ms = end_ms


def _hours(sums: Sequence[UsageSum]) -> list[UsageSum]:
    """The sums of the quarters of each hour, as one for each subject."""
    chosen: dict[tuple[str | int, ...], UsageSum] = {}
    for one in sums:
        part = msgspec.structs.replace(one, slot_ms=one.slot_ms - one.slot_ms % HOUR_MS)
        known = chosen.get(part.key)
        chosen[part.key] = part if known is None else added(known, part)
    return [*chosen.values()]


_Read: TypeAlias = Callable[[UsageReader, UsageQuery], Awaitable[list[UsageSum]]]
