"""Who owns which credit: lots of a wallet, and the moves between accounts that change them.

Every move is a `Transfer` from one account to another, so the journal sums to zero line by line. A hold takes
from the lots in burn-down order; what it took is captured in the same order, and the rest goes back where it came
from. Moves are derived from values and written by whoever decides; nothing here remembers anything.
"""

from collections.abc import Iterable, Sequence

import msgspec

from domain.ledger.rows import HoldLine, Lot, Transfer, TransferKind

ISSUED = "issued"
REVENUE = "revenue"
BREAKAGE = "breakage"


def lot_account(lot_id: str) -> str:
    """The account of the credit available in a lot."""
    return f"lot:{lot_id}"


def held_account(call_id: str) -> str:
    """The account of the credit held for a call."""
    return f"held:{call_id}"


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """What a wallet is worth at a moment: `available = posted - held`."""

    posted_nanos: int
    held_nanos: int

    @property
    def available_nanos(self) -> int:
        """What may be held now."""
        return self.posted_nanos - self.held_nanos


class Moves(msgspec.Struct, frozen=True, kw_only=True):
    """The lots after a step and the transfers that the step makes."""

    lots: tuple[Lot, ...]
    transfers: tuple[Transfer, ...]
    lines: tuple[HoldLine, ...] = ()


def is_effective(lot: Lot, now_ms: int) -> bool:
    """Whether the lot's time has come. One that holds from its making on does, also by a clock that has gone back."""
    return lot.effective_ms <= now_ms or lot.effective_ms <= lot.created_ms


def usable(lots: Iterable[Lot], now_ms: int) -> list[Lot]:
    """The lots that can be spent at `now_ms`, in burn-down order.

    Lower priority number first, then earliest expiry, then earliest created, then id.
    """
    live = [lot for lot in lots if is_effective(lot, now_ms) and (lot.expires_ms is None or now_ms < lot.expires_ms)]
    if len(live) > 1:
        never = 2**63
        live.sort(
            key=lambda lot: (lot.priority, never if lot.expires_ms is None else lot.expires_ms, lot.created_ms, lot.id)
        )
    return live


def balance(lots: Iterable[Lot], now_ms: int) -> Balance:
    """Posted and held credit at `now_ms`. Credit past its expiry counts only where a running call holds it."""
    all_lots = tuple(lots)
    held = sum(lot.held_nanos for lot in all_lots)
    return Balance(posted_nanos=available(all_lots, now_ms) + held, held_nanos=held)


def available(lots: Iterable[Lot], now_ms: int) -> int:
    """What may be held at `now_ms`."""
    return sum(lot.available_nanos for lot in usable(lots, now_ms))


def grant(lot: Lot) -> Moves:
    """Credit is issued into a new lot."""
    transfer = Transfer(
        id=f"{lot.id}:grant",
        kind="grant",
        from_account=ISSUED,
        to_account=lot_account(lot.id),
        amount_nanos=lot.amount_nanos,
        at_ms=lot.created_ms,
    )
    return Moves(lots=(lot,), transfers=(transfer,))


def hold(lots: Sequence[Lot], call_id: str, nanos: int, now_ms: int) -> Moves:
    """Take `nanos` for a call out of what is available, in burn-down order. The caller has checked it is there."""
    moved: list[Lot] = []
    lines: list[HoldLine] = []
    missing = nanos
    for lot in usable(lots, now_ms):
        if missing == 0:
            break
        part = min(missing, lot.available_nanos)
        if part:
            moved.append(_shift(lot, available=-part, held=part))
            lines.append(HoldLine(lot.id, part))
            missing -= part
    assert missing == 0, f"a hold of {nanos} lacks {missing}"
    held = held_account(call_id)
    transfers = _transfers("hold", call_id, now_ms, [(lot_account(line.lot_id), held, line.nanos) for line in lines])
    return Moves(lots=tuple(moved), transfers=transfers, lines=tuple(lines))


def resolve(
    lots: Sequence[Lot],
    lines: Sequence[HoldLine],
    call_id: str,
    captured_nanos: int,
    now_ms: int,
    rest: TransferKind = "release",
) -> Moves:
    """Capture so much of a hold, in its own order, and give the rest back to the lots that it came from.

    Captured plus given back is what was held; `rest` names the giving back ("expire" where the call was lost).
    """
    by_id = {lot.id: lot for lot in lots}
    captured = 0
    back: list[tuple[str, str, int]] = []
    for line in lines:
        taken = min(line.nanos, captured_nanos - captured)
        captured += taken
        returned = line.nanos - taken
        by_id[line.lot_id] = _shift(by_id[line.lot_id], available=returned, held=-line.nanos)
        if returned:
            back.append((held_account(call_id), lot_account(line.lot_id), returned))
    assert captured == captured_nanos, f"a capture of {captured_nanos} is more than was held"
    paid = ((held_account(call_id), REVENUE, captured),) if captured else ()
    return Moves(
        lots=tuple(by_id.values()),
        transfers=(
            *_transfers("capture", call_id, now_ms, paid),
            *_transfers(rest, call_id, now_ms, back),
        ),
    )


def break_expired(lot: Lot, now_ms: int) -> Moves:
    """What is left in a lot past its expiry becomes breakage. What a running call still holds is left to it.

    The id carries what the lot was worth before. That only ever falls, so what a call gives back after the expiry
    breaks under an id of its own, even in the same millisecond.
    """
    transfer = Transfer(
        id=f"{lot.id}:breakage:{lot.available_nanos + lot.held_nanos}",
        kind="breakage",
        from_account=lot_account(lot.id),
        to_account=BREAKAGE,
        amount_nanos=lot.available_nanos,
        at_ms=now_ms,
    )
    return Moves(lots=(_shift(lot, available=-lot.available_nanos, held=0),), transfers=(transfer,))


def _shift(lot: Lot, available: int, held: int) -> Lot:
    return msgspec.structs.replace(
        lot, available_nanos=lot.available_nanos + available, held_nanos=lot.held_nanos + held
    )


def _transfers(
    kind: TransferKind, call_id: str, now_ms: int, moves: Iterable[tuple[str, str, int]]
) -> tuple[Transfer, ...]:
    """One transfer for each move, named after the call: `<call>:hold`, and `<call>:hold:1` for a second lot."""
    named = [
        Transfer(
            id=f"{call_id}:{kind}" if n == 0 else f"{call_id}:{kind}:{n}",
            kind=kind,
            from_account=from_account,
            to_account=to_account,
            amount_nanos=nanos,
            at_ms=now_ms,
            call_id=call_id,
        )
        for n, (from_account, to_account, nanos) in enumerate(moves)
    ]
    return tuple(named)
