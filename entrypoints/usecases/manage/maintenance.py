"""Keeping the books in order: closing the calls of dead processes, and proving that everything adds up."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
import msgspec

from domain.billing.limit_verification import LimitAuditor
from domain.billing.sweep import Owners, Swept
from domain.billing.sweep import sweep as sweep_rule
from domain.billing.verification import Auditor, Difference, Totals
from domain.books.rows import Call, Row
from domain.books.scopes import SweepFacts, SweepScope
from domain.ledger.rows import Grant
from entrypoints.usecases.call_context import CallContext
from ports.books import Snapshot, Storage, StorageError
from ports.environment import Clock, Liveness

BATCH = 500
SWEEP_EVERY_S = 5
PROGRESS_EVERY = 10_000

_log = logging.getLogger("aihub")

Progress = Callable[[str], None]


class _Look(msgspec.Struct, frozen=True, kw_only=True):
    """The open calls with the processes that run them, and whether all is in order; changes nothing."""

    owners: dict[str, str]  # by call
    idle: bool
    writes: tuple[Row, ...] = ()


async def sweep(
    storage: Storage,
    liveness: Liveness,
    clock: Clock,
    is_running: Callable[[str], bool] | None = None,
    low_balance_nanos: int | None = None,
) -> Swept:
    """Release the hold of every lost call, and end expired credit; safe anywhere and any number of times.

    `is_running` returns whether this process makes the call of an id or has still to settle it; None where this
    process makes no calls. `low_balance_nanos` is the threshold of wallets that have none of their own. Returns what
    this sweep alone closed, in one or several decisions.
    """
    lost: list[Call] = []
    expired: list[Grant] = []
    batch = BATCH
    while True:
        scope = SweepScope(now_ms=clock.now_ms(), calls_max=batch)
        found = await storage.decide(scope, _look)
        if found.idle:
            return Swept(lost=tuple(lost), expired_grants=tuple(expired), writes=())
        owners = _owners(found, liveness, is_running)
        rule = partial(sweep_rule, owners=owners, now_ms=scope.now_ms, low_balance_nanos=low_balance_nanos)
        swept = await storage.decide(scope, rule)
        lost += swept.lost
        expired += swept.expired_grants
        if len(found.owners) < batch:
            return Swept(lost=tuple(lost), expired_grants=tuple(expired), writes=())
        if not swept.lost:
            # A full batch of living calls: lost ones may follow them.
            batch *= 2


async def sweep_regularly(hub: CallContext, every_s: float = SWEEP_EVERY_S) -> None:
    """Sweep every few seconds until cancelled, so that the holds of dead processes are released soon.

    An error does not end the task; it is reported once for as long as it lasts. Each round also checks that the books
    are still in place and that other processes can see that this one lives.
    """
    reported = ""
    while True:
        await anyio.sleep(every_s)
        try:
            await keep_in_order(hub)
        except Exception as problem:
            if repr(problem) != reported:
                reported = repr(problem)
                _log.error(
                    "the sweep failed and is tried again every %g seconds: %s",
                    every_s,
                    problem,
                    exc_info=None if isinstance(problem, StorageError) else problem,
                )
        else:
            if reported:
                _log.warning("the sweep succeeds again")
            reported = ""


async def keep_in_order(hub: CallContext) -> None:
    """Do one round of what a process does regularly while it serves."""
    hub.storage.check_in_place()
    hub.liveness.renew()
    await sweep_own(hub)


async def sweep_own(hub: CallContext) -> Swept:
    """Sweep as the process that makes calls: calls that it has open in the books and does not run are lost, too."""
    return await sweep(
        hub.storage,
        hub.liveness,
        hub.clock,
        lambda call_id: call_id in hub.running or call_id in hub.unsettled,
        hub.policy.low_balance_nanos,
    )


async def verify(storage: Storage, progress: Progress = lambda _: None) -> Totals | Difference:
    """Derive every balance from the journal and every charge from its quantities, over one snapshot of the books.

    Calls and lines of the journal are read in parallel, in the order of their ids, so only a portion of each is in
    memory at a time.
    """
    auditor = Auditor()
    async with storage.snapshot() as snapshot:
        await _limits(auditor.limits, snapshot)
        async for rate in snapshot.rates():
            auditor.rate(rate)
        async for adjustment in snapshot.adjustments():
            auditor.adjustment(adjustment)
        await _calls(auditor, snapshot, progress)
        async for hold in snapshot.holds():
            auditor.hold(hold)
        async for grant in snapshot.grants():
            auditor.grant(grant)
    return auditor.conclude()


async def _calls(auditor: Auditor, snapshot: Snapshot, progress: Progress) -> None:
    """All lines of the journal and all calls that have ended, for the auditor: the lines of a call before it."""
    lines = snapshot.audited_lines()
    count = 0
    taken_to: Any = None  # ids as the storage keeps them: all bytes, or all texts
    async for calls in snapshot.audited_calls():
        while taken_to is None or taken_to <= calls[-1].id:
            some = await anext(lines, None)
            if some is None:
                break
            auditor.lines(some)
            taken_to = some[-1].cause
        for call in calls:
            auditor.call(call)
        count += len(calls)
        if count % PROGRESS_EVERY < len(calls):
            progress(f"{count} calls")
    async for some in lines:
        auditor.lines(some)
    auditor.all_lines_taken()


async def _limits(auditor: LimitAuditor, snapshot: Snapshot) -> None:
    """What counts against limits, for the auditor."""
    async for limit in snapshot.limits():
        auditor.limit(limit)
    async for cell in snapshot.limit_cells():
        auditor.cell(cell)
    async for spent in snapshot.budget_spent():
        auditor.spent(spent)
    async for run in snapshot.runs():
        auditor.run(run)


def _owners(found: _Look, liveness: Liveness, is_running: Callable[[str], bool] | None) -> Owners:
    seen = {owner: liveness.is_gone(owner) for owner in set(found.owners.values())}
    own = liveness.own() if is_running is not None else None
    return Owners(
        gone=frozenset(owner for owner, gone in seen.items() if gone),
        unseen=frozenset(owner for owner, gone in seen.items() if gone is None),
        abandoned=frozenset(
            call_id
            for call_id, owner in found.owners.items()
            if is_running is not None and owner == own and not is_running(call_id)
        ),
    )


def _look(facts: SweepFacts) -> _Look:
    return _Look(
        owners={hold.id: hold.owner for hold in facts.holds},
        idle=not facts.holds and not facts.grants and not facts.stale_answers,
    )
