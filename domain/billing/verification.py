"""Derive the books again: every balance from the journal, every charge from its quantities and its rate.

It is independent on purpose: it shares the price arithmetic with the rules and nothing else.
"""

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from domain.billing.limit_verification import LimitAuditor
from domain.billing.limits_of_call import models_of
from domain.billing.settlement import occasion_of
from domain.books.ids import CALL, ENTRY, text_of
from domain.books.ids import GRANT as GRANT_ID
from domain.books.rows import Hold
from domain.ledger.audited import AuditedCall, AuditedLine, KeptId
from domain.ledger.rows import (
    ACCOUNTS,
    BREAKAGE,
    GRANT,
    HELD,
    ISSUED,
    MOVING,
    OF_ACTION,
    OF_GRANT,
    REVENUE,
    WITHDRAWN,
    Adjustment,
    Grant,
    HoldLine,
    TransferKind,
)
from domain.pricing.charge import total_of
from domain.pricing.rate import Rate
from domain.pricing.tiers import Occasion


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """The first mismatch: its subject, and the two figures that should be equal."""

    subject: str
    claim: str
    booked: str
    derived: str


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What was proved, in nanocredits: issued = revenue + breakage + withdrawn + available + held.

    Withdrawn is what operators took back: grants that they voided, and what they took from wallets.

    `given_away` counts lost calls that had delivered something: the books add up, but the operator may have paid for
    output that was not charged.
    """

    transfers: int
    grants: int
    calls: int
    open_holds: int
    issued_nanos: int
    revenue_nanos: int
    breakage_nanos: int
    withdrawn_nanos: int
    available_nanos: int
    held_nanos: int
    given_away: int = 0


class _Moved(msgspec.Struct):
    """What the lines of one call move: into its hold, to revenue, back to its grants, and in addition after its end."""

    held: int = 0
    captured: int = 0
    given_back: int = 0
    adjusted: int = 0


# What a line with a grant adds to its account, by kind, and which sum of a call it counts for.
_SIGNS = {kind: (target == GRANT) - (source == GRANT) for kind, (source, target) in ACCOUNTS.items()}
# What enters a grant when it is made.
_MAKING = frozenset(("grant", "receive"))
_OF_NO_CALL = OF_GRANT | OF_ACTION


class Auditor:
    """Takes rates, journal, adjustments, calls, holds and grants of one snapshot, in this order; then `conclude`.

    What counts against limits comes first of all, to `limits`. The journal lines of a call must come before the call,
    and all others before the holds and the grants.
    """

    def __init__(self) -> None:
        self.first: Difference | None = None
        self.limits = LimitAuditor()
        self._moved: dict[TransferKind, int] = dict.fromkeys(ACCOUNTS, 0)
        self._of_call: dict[KeptId, _Moved] = {}
        self._of_grant: dict[KeptId, int] = defaultdict(int)
        self._granted: dict[KeptId, int] = defaultdict(int)
        self._moving: dict[KeptId, int] = defaultdict(int)
        self._adjustments: dict[str, list[Adjustment]] = defaultdict(list)
        self._rates: dict[str, Rate] = {}
        self._held_by_grant: dict[str, int] = defaultdict(int)
        self._transfers = self._calls = self._grants = self._open = self._charged = self._available = 0
        self._amounts = self._held = self._given_away = 0

    def rate(self, rate: Rate) -> None:
        """A version of a rate, by which charges are derived."""
        self._rates[rate.id] = rate

    def lines(self, lines: Sequence[AuditedLine]) -> None:
        """Lines of the journal, those of a call one after another."""
        self._transfers += len(lines)
        moved, of_call, of_grant = self._moved, self._of_call, self._of_grant
        for line in lines:
            kind, nanos, grant_id = line.kind, line.amount_nanos, line.grant_id
            moved[kind] += nanos
            if grant_id is not None:
                of_grant[grant_id] += _SIGNS[kind] * nanos
            if kind in _OF_NO_CALL:
                if kind in _MAKING and grant_id is not None:
                    self._granted[grant_id] += nanos
                if kind in ("send", "receive"):
                    self._moving[line.cause] += nanos if kind == "send" else -nanos
                continue
            sums = of_call.get(line.cause)
            if sums is None:
                sums = of_call[line.cause] = _Moved()
            if kind == "hold":
                sums.held += nanos
            elif kind == "capture":
                sums.captured += nanos
            elif kind == "adjustment":
                sums.adjusted += nanos
            elif kind in ("release", "expire"):
                sums.given_back += nanos
            else:
                sums.adjusted -= nanos

    def all_lines_taken(self) -> None:
        """No line follows: what is left of calls and grants goes by the text of its id from now on."""
        self._of_call = {text_of(call_id, CALL): sums for call_id, sums in self._of_call.items()}
        for sums in (self._of_grant, self._granted):
            packed = [key for key in sums if isinstance(key, bytes)]
            sums.update({text_of(key, GRANT_ID): sums.pop(key) for key in packed})

    def adjustment(self, adjustment: Adjustment) -> None:
        """A re-rating of a call: its lines sum to its amount; the amount itself is checked with the call."""
        lines = sum(line.nanos for line in adjustment.lines)
        self._expect(adjustment.id, "the adjustment is the sum of its lines", adjustment.amount_nanos, lines)
        self._adjustments[adjustment.call_id].append(adjustment)

    def call(self, call: AuditedCall) -> None:
        """A call that has ended: its hold against the journal, its charge against its quantities."""
        self._calls += 1
        self._charged += call.charge_nanos
        self._given_away += call.ending == "lost" and call.first_byte_ms is not None and call.provider is not None
        moved = self._of_call.pop(call.id, None) or _Moved()
        self._hold(call.id, call.hold_nanos, call.hold_lines, moved, left_nanos=0)
        self._expect(call.id, "the charge is what was captured", call.charge_nanos, moved.captured)
        if call.reserved:
            adjusted = self._adjustments.get(text_of(call.id, CALL), ()) if self._adjustments else ()
            counted = call.charge_nanos + sum(one.counted_nanos for one in adjusted)
            self.limits.ended_call(call.reserved, counted, models_of(call))
        total = self._derived(call, call.rate_id)
        charge = min(total, call.hold_nanos)
        self._expect(call.id, "the charge follows from the quantities", call.charge_nanos, charge)
        self._expect(call.id, "what was not collected is the rest", call.uncollected_nanos, total - charge)
        self._adjustments_of(call, moved.adjusted)

    def hold(self, hold: Hold) -> None:
        """A call that runs: what it holds against the journal."""
        self._calls += 1
        self._open += 1
        moved = self._of_call.pop(hold.id, None) or _Moved()
        self._hold(hold.id, hold.hold_nanos, hold.hold_lines, moved, left_nanos=hold.hold_nanos)
        self.limits.open_call(hold.reserved)
        for line in hold.hold_lines:
            self._held_by_grant[line.grant_id] += line.nanos

    def _hold(
        self, call_id: KeptId, nanos: int, lines: tuple[HoldLine, ...], moved: _Moved, *, left_nanos: int
    ) -> None:
        """What was held for a call, and what is left of it in the hold's account."""
        left = moved.held - moved.captured - moved.given_back
        self._expect(call_id, "the hold's lines sum to the hold", sum([line.nanos for line in lines]), nanos)
        self._expect(call_id, "the account of the hold", left_nanos, left)
        self._expect(call_id, "the hold is what was taken for it", nanos, moved.held)

    def grant(self, grant: Grant) -> None:
        """A grant: what is available and held in it, against the journal and the open calls."""
        self._grants += 1
        self._available += grant.available_nanos
        self._held += grant.held_nanos
        self._amounts += grant.amount_nanos
        granted = self._granted[grant.id]
        self._expect(grant.id, "the grant's amount is what was granted", grant.amount_nanos, granted)
        available = self._of_grant.pop(grant.id, 0)
        self._expect(grant.id, "the grant's available credit", grant.available_nanos, available)
        self._expect(grant.id, "the grant's held credit", grant.held_nanos, self._held_by_grant.pop(grant.id, 0))

    def conclude(self) -> Totals | Difference:
        """The totals if everything adds up, else the first difference."""
        accounts = (ISSUED, REVENUE, BREAKAGE, WITHDRAWN)
        issued, revenue, breakage, withdrawn = (self._balance(account) for account in accounts)
        self._expect("revenue", "revenue is the sum of all charges, as adjusted", self._charged, revenue)
        left = {f"{GRANT}:{grant_id!s}": nanos for grant_id, nanos in self._of_grant.items()}
        for call_id, moved in self._of_call.items():
            left[f"{HELD}:{call_id!s}"] = moved.held - moved.captured - moved.given_back
        left |= {f"{MOVING}:{text_of(cause, ENTRY)}": nanos for cause, nanos in self._moving.items()}
        for account, nanos in sorted(left.items()):
            self._expect(account, "an account of the journal is known to the books", 0, nanos)
        self._expect("journal", "every line of a call is of one in the books", 0, len(self._of_call))
        self._expect("adjustments", "every adjustment is of a call in the books", 0, len(self._adjustments))
        held = sum(self._held_by_grant.values())
        self._expect("held", "what is held in grants no call accounts for", 0, held)
        first = self._amounts - self._moved["receive"]
        self._expect("issued", "what was issued is the sum of all grants that no transfer made", first, -issued)
        rest = -issued - revenue - breakage - withdrawn - self._available
        self._expect("held", "issued = revenue + breakage + withdrawn + available + held", self._held, rest)
        self.limits.conclude(self._expect)
        if self.first is not None:
            return self.first
        return Totals(
            transfers=self._transfers,
            grants=self._grants,
            calls=self._calls,
            open_holds=self._open,
            issued_nanos=-issued,
            revenue_nanos=revenue,
            breakage_nanos=breakage,
            withdrawn_nanos=withdrawn,
            available_nanos=self._available,
            held_nanos=self._held,
            given_away=self._given_away,
        )

    def _balance(self, account: str) -> int:
        """What the lines of all kinds leave in an account."""
        return sum(
            nanos * ((target == account) - (source == account))
            for nanos, (source, target) in ((self._moved[kind], ends) for kind, ends in ACCOUNTS.items())
        )

    def _adjustments_of(self, call: AuditedCall, adjusted_nanos: int) -> None:
        """What was charged in addition and given back is in the journal, and follows from the last rate applied."""
        made = self._adjustments.pop(text_of(call.id, CALL), []) if self._adjustments else []
        moved = sum([adjustment.amount_nanos for adjustment in made])
        self._charged += moved
        self._expect(call.id, "the adjustments are what was moved", moved, adjusted_nanos)
        if made:
            last = made[-1]
            derived = self._derived(call, last.rate_id) if last.late is None else self._derived_late(call, last)
            charge = min(derived, call.hold_nanos)
            booked = call.charge_nanos + moved + last.owed_nanos
            self._expect(last.id, "the charge as adjusted follows from the quantities", booked, charge)

    def _derived(self, call: AuditedCall, rate_id: str | None) -> int:
        """The price of the call's quantities under a rate, even beyond its hold."""
        if not call.billed or call.usage is None or rate_id is None:
            return 0
        rate = self._rates.get(rate_id)
        if rate is None:
            self._expect(call.id, f"the rate {rate_id} is in the books", 1, 0)
            return call.charge_nanos + call.uncollected_nanos
        return total_of(call.usage, rate, occasion_of(call))

    def _derived_late(self, call: AuditedCall, adjustment: Adjustment) -> int:
        """The price of what a lost call had delivered."""
        rate, late = self._rates.get(adjustment.rate_id), adjustment.late
        if rate is None or late is None:
            self._expect(call.id, f"the rate {adjustment.rate_id} is in the books", 1, 0)
            return adjustment.amount_nanos + adjustment.owed_nanos
        occasion = Occasion(service=late.service_tier, at_ms=call.started_ms, size=late.size, quality=late.quality)
        return total_of(late.usage, rate, occasion)

    def _expect(self, subject: KeptId, claim: str, booked: int, derived: int) -> None:
        if booked != derived and self.first is None:
            self.first = Difference(
                subject=text_of(subject, CALL), claim=claim, booked=str(booked), derived=str(derived)
            )
