"""`stats verify`: the sums of usage are derived again from the calls and compared."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable

import msgspec

from domain.books.statistics.proof import SumProof
from domain.books.statistics.sums import sum_of_adjustment, sum_of_call
from domain.books.statistics.usage_sum import UsageSum
from domain.ledger.rows import Adjustment
from entrypoints.usecases.manage.maintenance import PROGRESS_EVERY
from entrypoints.usecases.management_context import ActionContext, Denial, NoFields
from entrypoints.usecases.public_types import Moment, moment
from ports.books import Snapshot, Storage


class StatsVerified(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the sums equal the calls; `differs_at` is the first quarter of an hour in which they do not."""

    ok: bool
    sums: int
    calls: int
    differs_at: Moment | None = None


async def verify_stats(context: ActionContext, request: NoFields) -> StatsVerified | Denial:
    """Derive every sum again from the calls and compare."""
    proof, calls = await prove(context.hub.storage, context.report)
    differs_ms = proof.first_difference()
    return StatsVerified(ok=differs_ms is None, sums=proof.sums, calls=calls, differs_at=moment(differs_ms))


async def prove(storage: Storage, report: Callable[[str], None] = lambda _: None) -> tuple[SumProof, int]:
    """The proof over one snapshot of the books, and the number of calls."""
    proof, calls = SumProof(), 0
    async with storage.snapshot() as snapshot:
        async for one in snapshot.usage_sums():
            proof.booked(one)
        async for part in _parts(snapshot):
            proof.derived(part)
            calls += part.calls
            if part.calls and calls % PROGRESS_EVERY == 0:
                report(f"{calls} calls")
    return proof, calls


async def _parts(snapshot: Snapshot) -> AsyncIterator[UsageSum]:
    """What each call and each of its adjustments comes to."""
    adjusted: defaultdict[str, list[Adjustment]] = defaultdict(list)
    async for adjustment in snapshot.adjustments():
        adjusted[adjustment.call_id].append(adjustment)
    async for call in snapshot.calls():
        yield sum_of_call(call, "")
        for adjustment in adjusted.get(call.id, ()):
            yield sum_of_adjustment(call, adjustment, "")
