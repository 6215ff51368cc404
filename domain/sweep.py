"""What the dead left open, closed: holds whose process is gone or whose deadline has passed; and expired credit ended.

Answers that were kept for their Idempotency-Key are forgotten when their time is over.

Safe to run anywhere and any number of times: it looks only at what is open now.
"""

import msgspec

from domain.books import Call, Lot, Row
from domain.ledger import break_expired, resolve
from domain.scopes import SweepFacts

# A live process settles its call by the deadline; the grace is for a slow disk, not for a slow provider.
GRACE_MS = 30_000


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """The calls that were found lost, and the lots whose rest became breakage."""

    lost: tuple[Call, ...]
    expired_lots: tuple[Lot, ...]
    writes: tuple[Row, ...]


def sweep(facts: SweepFacts, gone: frozenset[str], now_ms: int) -> Swept:
    """Release every hold that nobody will settle, and break what is left in lots past their expiry."""
    lots = {lot.id: lot for lot in facts.lots}
    writes: list[Row] = []
    lost: list[Call] = []
    for call in facts.open_calls:
        is_gone = call.owner in gone
        if not is_gone and now_ms < call.deadline_ms + GRACE_MS:
            continue
        moves = resolve([lots[line.lot_id] for line in call.hold_lines], call.hold_lines, call.id, 0, now_ms, "expire")
        lots.update((lot.id, lot) for lot in moves.lots)
        why = "its process is gone" if is_gone else "its deadline has passed"
        ended = msgspec.structs.replace(
            call, ending="lost", ended_ms=now_ms, error=f"{why}; the provider may have charged the operator for it"
        )
        lost.append(ended)
        writes += [*moves.transfers, ended]
    expired: list[Lot] = []
    for lot in lots.values():
        if lot.expires_ms is not None and lot.expires_ms <= now_ms and lot.available_nanos:
            moves = break_expired(lot, now_ms)
            expired.append(lot)
            lots[lot.id] = moves.lots[0]
            writes += moves.transfers
    changed = [lot for lot in facts.lots if lots[lot.id] != lot]
    writes += [lots[lot.id] for lot in changed]
    writes += [msgspec.structs.replace(kept, status=0, content_type="", answer=None) for kept in facts.stale_answers]
    return Swept(lost=tuple(lost), expired_lots=tuple(expired), writes=tuple(writes))
