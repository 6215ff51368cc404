"""What the hub measures: sums of the books, which are the same in every process, and figures of this process."""

import os
from collections import Counter
from collections.abc import Iterable

import msgspec

from domain.books.statistics.summary import UsageQuery, merged, slots_of
from domain.books.statistics.usage_sum import UsageSum
from entrypoints.usecases.call.latencies import Latencies
from entrypoints.usecases.call_context import CallContext
from ports.books import WriterFigures

OTHER = "other"
MODELS_MAX = 1_000


class OpenHolds(msgspec.Struct, frozen=True, kw_only=True):
    """The calls that run by the books, what they hold, and the age of the oldest; 0 if there is none."""

    count: int = 0
    held_nanos: int = 0
    oldest_ms: int = 0


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of one moment. `sums` are by provider, model, operation and ending, of all time.

    `worker` names this process, to which all after it belongs: its latencies, the calls that it runs, the ended calls
    that it could not write to the books yet, the number that it wrote late, and what its writer has done.
    """

    sums: tuple[UsageSum, ...]
    holds: OpenHolds
    worker: str
    latencies: Latencies
    running: int
    unsettled: int
    settled_late: int
    writer: WriterFigures


async def measured(hub: CallContext) -> Measured:
    """The figures as of now. StorageError if the books cannot be read."""
    now_ms = hub.clock.now_ms()
    _, to_ms = slots_of(0, now_ms + 1)
    query = UsageQuery(from_ms=0, to_ms=to_ms, by=("provider", "model", "operation", "ending"))
    sums = merged(await hub.usage_past.usage(hub, "UTC", query))
    return Measured(
        sums=bounded(sums),
        holds=await _open_holds(hub, now_ms),
        worker=str(os.getpid()),
        latencies=hub.latencies,
        running=len(hub.running),
        unsettled=len(hub.unsettled),
        settled_late=hub.unsettled.settled,
        writer=hub.storage.writer_figures(),
    )


def bounded(sums: Iterable[UsageSum]) -> tuple[UsageSum, ...]:
    """The sums, with one name for all models that never completed a call, and for those beyond the most used.

    Callers choose the names of models where a provider takes any: a name that no provider knows gets no series.
    """
    sums = tuple(sums)
    completed: Counter[str] = Counter()
    for one in sums:
        completed[one.model] += one.completed
    kept = {model for model, calls in completed.most_common(MODELS_MAX) if calls}
    return merged(one if one.model in kept else msgspec.structs.replace(one, model=OTHER) for one in sums)


async def _open_holds(hub: CallContext, now_ms: int) -> OpenHolds:
    count = held_nanos = 0
    oldest_ms = now_ms
    async with hub.storage.snapshot() as snapshot:
        async for hold in snapshot.holds():
            count += 1
            held_nanos += hold.hold_nanos
            oldest_ms = min(oldest_ms, hold.started_ms)
    return OpenHolds(count=count, held_nanos=held_nanos, oldest_ms=now_ms - oldest_ms)
