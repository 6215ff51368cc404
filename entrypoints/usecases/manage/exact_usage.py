"""Sums of usage of a time to the millisecond: the sums of the books, and at its edges the calls themselves.

The books sum calls by the quarter of an hour. A time that begins or ends within one contains a part of its calls: these
are summed one by one, by the rules by which settlements sum them.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import msgspec

from domain.books.call_query import CallQuery, LoggedCall
from domain.books.statistics.summary import UsageQuery
from domain.books.statistics.sums import sum_of_adjustment, sum_of_call
from domain.books.statistics.usage_sum import KEY, SLOT_MS, UsageSum, added
from entrypoints.usecases.management_context import ManagementContext

Read: TypeAlias = Callable[[UsageQuery], Awaitable[Sequence[UsageSum]]]

_PART = 500
_WRITER = ""


async def exact_usage(hub: ManagementContext, query: UsageQuery, whole: Read | None = None) -> list[UsageSum]:
    """The sums that the query asks for; its two moments may be any. `whole` reads sums of whole quarters."""
    first_ms = query.from_ms + -query.from_ms % SLOT_MS
    last_ms = query.to_ms - query.to_ms % SLOT_MS
    if query.to_ms > hub.clock.now_ms():
        last_ms = query.to_ms + -query.to_ms % SLOT_MS  # No call begins in the future.
    edges = [(query.from_ms, min(first_ms, query.to_ms)), (max(last_ms, first_ms), query.to_ms)]
    if first_ms > last_ms:
        edges = [(query.from_ms, query.to_ms)]
    sums: dict[tuple[str | int, ...], UsageSum] = {}
    if first_ms < last_ms:
        read = whole or hub.storage.usage
        _add(sums, await read(msgspec.structs.replace(query, from_ms=first_ms, to_ms=last_ms)), query)
    for from_ms, to_ms in edges:
        if from_ms < to_ms:
            async for part in _summed(hub, query, from_ms, to_ms):
                _add(sums, part, query)
    return [*sums.values()]


async def _summed(hub: ManagementContext, query: UsageQuery, from_ms: int, to_ms: int) -> AsyncIterator[list[UsageSum]]:
    """The calls of a short time, each as a sum."""
    wanted = CallQuery(
        from_ms=from_ms,
        to_ms=to_ms,
        state="ended",
        user_id=query.user_id,
        key_id=query.key_id,
        app=query.app or None,
        provider=query.provider or None,
        model=query.model,
        operation=query.operation,
        endings=None if query.ending is None else (query.ending,),
        oldest_first=True,
        limit=_PART,
    )
    while found := await hub.storage.call_log(wanted):
        sums = [one for logged in found for one in sums_of(logged)]
        yield [one for one in sums if all(getattr(one, name) == value for name, value in query.values.items())]
        wanted = msgspec.structs.replace(wanted, beyond=found[-1].call.id)


def sums_of(logged: LoggedCall) -> list[UsageSum]:
    """What an ended call and its adjustments add to the sums."""
    call = logged.call
    return [sum_of_call(call, _WRITER), *(sum_of_adjustment(call, one, _WRITER) for one in logged.adjustments)]


def _add(sums: dict[tuple[str | int, ...], UsageSum], parts: Sequence[UsageSum], query: UsageQuery) -> None:
    """Add the parts, without the fields that the query does not separate."""
    kept = {*query.by, *(("slot_ms",) if query.by_slot else ())}
    blank: dict[str, Any] = {name: 0 if name == "slot_ms" else "" for name in KEY if name not in kept}
    for part in parts:
        reduced = msgspec.structs.replace(part, **blank)
        known = sums.get(reduced.key)
        sums[reduced.key] = reduced if known is None else added(known, reduced)
