"""Who owns which credit: grants of a wallet, and the moves between accounts that change them.

Every move is a `Transfer` from one account to another, so the journal sums to zero line by line. A hold takes from the
grants in burn-down order; what it took is captured in the same order, and the rest goes back to the same grants. The
functions are pure: they return moves, and the rule that calls them writes the moves.
"""

from collections.abc import Iterable, Sequence

import msgspec

from domain.ledger.rows import Grant, HoldLine, Transfer, TransferKind


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """The balance of a wallet at a time: `available = posted - held`."""

    posted_nanos: int
    held_nanos: int

    @property
    def available_nanos(self) -> int:
        """What may be held now."""
        return self.posted_nanos - self.held_nanos


class Moves(msgspec.Struct, frozen=True, kw_only=True):
    """The grants after a step and the transfers that the step makes."""

    grants: tuple[Grant, ...]
    transfers: tuple[Transfer, ...]
    lines: tuple[HoldLine, ...] = ()


def is_effective(grant: Grant, now_ms: int) -> bool:
    """Whether the grant has begun to hold. One without a later start holds even if the clock has gone back."""
    return grant.effective_ms <= now_ms or grant.effective_ms <= grant.created_ms


def usable(grants: Iterable[Grant], now_ms: int) -> list[Grant]:
    """The grants that can be spent at `now_ms`, in burn-down order.

    Lower priority number first, then earliest expiry, then earliest created, then id.
    """
    live = [grant for grant in grants if is_effective(grant, now_ms) and not grant.is_over(now_ms)]
    if len(live) > 1:
        never = 2**63
        live.sort(
            key=lambda grant: (
                grant.priority,
                never if grant.expires_ms is None else grant.expires_ms,
                grant.created_ms,
                grant.id,
            )
        )
    return live


def balance(grants: Iterable[Grant], now_ms: int) -> Balance:
    """Posted and held credit at `now_ms`. What has expired or was voided counts only where a running call holds it."""
    all_grants = tuple(grants)
    held = sum(grant.held_nanos for grant in all_grants)
    return Balance(posted_nanos=available(all_grants, now_ms) + held, held_nanos=held)


def available(grants: Iterable[Grant], now_ms: int) -> int:
    """What may be held at `now_ms`."""
    return sum(grant.available_nanos for grant in usable(grants, now_ms))


def posted(grants: Iterable[Grant]) -> int:
    """What the books have of these grants, held or not; what has expired counts until a sweep has ended it."""
    return sum(grant.available_nanos + grant.held_nanos for grant in grants)


def add_grant(grant: Grant) -> Moves:
    """Credit is issued into a new grant."""
    transfer = Transfer(
        cause=grant.id, kind="grant", grant_id=grant.id, amount_nanos=grant.amount_nanos, at_ms=grant.created_ms
    )
    return Moves(grants=(grant,), transfers=(transfer,))


def hold(grants: Sequence[Grant], call_id: str, nanos: int, now_ms: int) -> Moves:
    """Take `nanos` for a call out of what is available, in burn-down order. The caller has checked it is there."""
    moved: list[Grant] = []
    lines: list[HoldLine] = []
    missing = nanos
    for grant in usable(grants, now_ms):
        if missing == 0:
            break
        part = min(missing, grant.available_nanos)
        if part:
            moved.append(_shift(grant, available=-part, held=part))
            lines.append(HoldLine(grant.id, part))
            missing -= part
    assert missing == 0, f"a hold of {nanos} lacks {missing}"
    return Moves(grants=tuple(moved), transfers=_transfers("hold", call_id, now_ms, lines), lines=tuple(lines))


def resolve(
    grants: Sequence[Grant],
    lines: Sequence[HoldLine],
    call_id: str,
    captured_nanos: int,
    now_ms: int,
    rest: TransferKind = "release",
) -> Moves:
    """Capture a part of a hold, in its own order, and release the rest to the grants that it came from.

    Captured plus released is what was held; `rest` names the release ("expire" if the call was lost).
    """
    by_id = {grant.id: grant for grant in grants}
    captured = 0
    back: list[HoldLine] = []
    for line in lines:
        taken = min(line.nanos, captured_nanos - captured)
        captured += taken
        returned = line.nanos - taken
        by_id[line.grant_id] = _shift(by_id[line.grant_id], available=returned, held=-line.nanos)
        if returned:
            back.append(HoldLine(line.grant_id, returned))
    assert captured == captured_nanos, f"a capture of {captured_nanos} is more than was held"
    transfers = _transfers(rest, call_id, now_ms, back)
    if captured:
        paid = Transfer(cause=call_id, kind="capture", grant_id=None, amount_nanos=captured, at_ms=now_ms)
        transfers = (paid, *transfers)
    return Moves(grants=tuple(by_id.values()), transfers=transfers)


def end(grant: Grant, now_ms: int) -> Moves:
    """The rest of a grant that is over leaves it, except what a running call still holds.

    It is withdrawn if the grant was voided, and else becomes breakage. The step is what the grant was worth before.
    That only falls, so what a call releases afterwards leaves in a line of its own, even in the same millisecond.
    """
    if grant.available_nanos == 0:
        return Moves(grants=(grant,), transfers=())
    transfer = Transfer(
        cause=grant.id,
        kind="breakage" if grant.voided_ms is None else "void",
        step=grant.available_nanos + grant.held_nanos,
        grant_id=grant.id,
        amount_nanos=grant.available_nanos,
        at_ms=now_ms,
    )
    return Moves(grants=(_shift(grant, available=-grant.available_nanos, held=0),), transfers=(transfer,))


def taken(grants: Sequence[Grant], nanos: int, now_ms: int) -> tuple[HoldLine, ...]:
    """Up to `nanos` of what is available, in burn-down order."""
    lines: list[HoldLine] = []
    for grant in usable(grants, now_ms):
        part = min(nanos, grant.available_nanos)
        if part:
            lines.append(HoldLine(grant.id, part))
            nanos -= part
    return tuple(lines)


def deduct(grants: Sequence[Grant], cause: str, nanos: int, now_ms: int) -> Moves:
    """An operator takes `nanos` of what is available, in burn-down order. The caller has checked it is there."""
    return _out("deduction", grants, cause, nanos, now_ms)


def send(grants: Sequence[Grant], cause: str, nanos: int, now_ms: int) -> Moves:
    """`nanos` of what is available leave for another wallet, in burn-down order. The caller has checked it is there."""
    return _out("send", grants, cause, nanos, now_ms)


def receive(sent: Moves, grants: Sequence[Grant], cause: str, wallet_id: str, ids: Sequence[str], now_ms: int) -> Moves:
    """What was sent arrives in the other wallet: a new grant for each that it came from, which ends when that ends.

    `grants` are those that it came from, and `ids` has at least as many ids for the new ones.
    """
    by_id = {grant.id: grant for grant in grants}
    arrived = tuple(
        msgspec.structs.replace(
            by_id[line.grant_id],
            id=grant_id,
            user_id=wallet_id,
            amount_nanos=line.nanos,
            available_nanos=line.nanos,
            held_nanos=0,
            effective_ms=min(now_ms, by_id[line.grant_id].effective_ms),
            created_ms=now_ms,
        )
        for line, grant_id in zip(sent.lines, ids, strict=False)
    )
    lines = [HoldLine(grant.id, grant.amount_nanos) for grant in arrived]
    return Moves(grants=arrived, transfers=_transfers("receive", cause, now_ms, lines))


def _out(kind: TransferKind, grants: Sequence[Grant], cause: str, nanos: int, now_ms: int) -> Moves:
    by_id = {grant.id: grant for grant in grants}
    lines = taken(grants, nanos, now_ms)
    assert sum(line.nanos for line in lines) == nanos, f"{cause} takes more than is available"
    return Moves(
        grants=tuple(_shift(by_id[line.grant_id], available=-line.nanos, held=0) for line in lines),
        transfers=_transfers(kind, cause, now_ms, lines),
        lines=lines,
    )


def _shift(grant: Grant, available: int, held: int) -> Grant:
    return msgspec.structs.replace(
        grant, available_nanos=grant.available_nanos + available, held_nanos=grant.held_nanos + held
    )


def _transfers(kind: TransferKind, cause: str, now_ms: int, lines: Sequence[HoldLine]) -> tuple[Transfer, ...]:
    """One transfer for each line."""
    return tuple(
        [
            Transfer(cause=cause, kind=kind, step=n, grant_id=line.grant_id, amount_nanos=line.nanos, at_ms=now_ms)
            for n, line in enumerate(lines)
        ]
    )
