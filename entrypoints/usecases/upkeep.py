"""Keeping the books in order: closing what the dead left open, and proving that everything adds up."""

import contextlib
from collections.abc import Callable
from functools import partial

import anyio
import msgspec

from domain.books import Call, Lot, Row
from domain.scopes import SweepFacts, SweepScope
from domain.sweep import Swept
from domain.sweep import sweep as sweep_rule
from domain.verification import Auditor, Difference, Totals
from entrypoints.usecases.desk import Desk
from ports.environment import Clock, Liveness
from ports.storage import Storage, StorageUnavailable

BATCH = 500
SWEEP_EVERY_S = 5
PROGRESS_EVERY = 10_000

Progress = Callable[[str], None]


class _Look(msgspec.Struct, frozen=True, kw_only=True):
    """How many calls are open, who runs them, and whether all is in order: a look that changes nothing."""

    calls: int
    owners: frozenset[str]
    idle: bool
    writes: tuple[Row, ...] = ()


async def sweep(storage: Storage, liveness: Liveness, clock: Clock) -> Swept:
    """Give back every hold that nobody will settle, and end expired credit; safe anywhere and any number of times.

    The answer is what was closed, by this sweep alone, in one or several decisions.
    """
    lost: list[Call] = []
    expired: list[Lot] = []
    batch = BATCH
    while True:
        scope = SweepScope(now_ms=clock.now_ms(), calls_max=batch)
        found = await storage.decide(scope, _look)
        if found.idle:
            return Swept(lost=tuple(lost), expired_lots=tuple(expired), writes=())
        gone = frozenset(owner for owner in found.owners if liveness.is_gone(owner))
        swept = await storage.decide(scope, partial(sweep_rule, gone=gone, now_ms=scope.now_ms))
        lost += swept.lost
        expired += swept.expired_lots
        if found.calls < batch:
            return Swept(lost=tuple(lost), expired_lots=tuple(expired), writes=())
        if not swept.lost:
            # A full batch of living calls: the dead may stand behind them.
            batch *= 2


async def sweep_regularly(desk: Desk) -> None:
    """Sweep every few seconds until cancelled, so that what a dead neighbour held is not missed for long."""
    while True:
        await anyio.sleep(SWEEP_EVERY_S)
        # Books that cannot be reached now are asked again next time; the calls themselves complain meanwhile.
        with contextlib.suppress(StorageUnavailable):
            await sweep(desk.storage, desk.liveness, desk.clock)


async def verify(storage: Storage, progress: Progress = lambda _: None) -> Totals | Difference:
    """Derive every balance from the journal and every charge from its quantities, over one snapshot of the books."""
    auditor = Auditor()
    async with storage.snapshot() as snapshot:
        async for rate in snapshot.rates():
            auditor.rate(rate)
        count = 0
        async for transfer in snapshot.transfers():
            auditor.transfer(transfer)
            count += 1
            if count % PROGRESS_EVERY == 0:
                progress(f"{count} transfers")
        async for adjustment in snapshot.adjustments():
            auditor.adjustment(adjustment)
        count = 0
        async for call in snapshot.calls():
            auditor.call(call)
            count += 1
            if count % PROGRESS_EVERY == 0:
                progress(f"{count} calls")
        async for lot in snapshot.lots():
            auditor.lot(lot)
    return auditor.conclude()


def _look(facts: SweepFacts) -> _Look:
    return _Look(
        calls=len(facts.open_calls),
        owners=frozenset(call.owner for call in facts.open_calls),
        idle=not facts.open_calls and not facts.lots and not facts.stale_answers,
    )
