"""`stats verify`: the sums of usage are derived again from the calls and compared."""

from collections import defaultdict
from collections.abc import Callable

import msgspec

from domain.books.ids import CALL, text_of
from domain.books.statistics.proof import SumProof
from domain.books.statistics.sums import sum_of_adjustment, sum_of_call
from domain.ledger.rows import Adjustment
from entrypoints.usecases.manage.maintenance import PROGRESS_EVERY
from entrypoints.usecases.management_context import ActionContext, Denial, NoFields
from entrypoints.usecases.public_types import Moment, moment
from ports.books import Storage


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
    proof, count = SumProof(), 0
    adjusted: defaultdict[str, list[Adjustment]] = defaultdict(list)
    async with storage.snapshot() as snapshot:
        async for one in snapshot.usage_sums():
            proof.booked(one)
        async for adjustment in snapshot.adjustments():
            adjusted[adjustment.call_id].append(adjustment)
        async for calls in snapshot.summed_calls():
            for call in calls:
                proof.derived(sum_of_call(call, ""))
                for adjustment in adjusted.get(text_of(call.id, CALL), ()) if adjusted else ():
                    proof.derived(sum_of_adjustment(call, adjustment, ""))
            count += len(calls)
            if count % PROGRESS_EVERY < len(calls):
                report(f"{count} calls")
    return proof, count
