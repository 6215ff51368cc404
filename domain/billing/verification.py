"""Derive the books again: every balance from the journal, every charge from its quantities and its rate.

It is independent on purpose: it shares the price arithmetic with the rules and nothing else.
"""

from collections import defaultdict

import msgspec

from domain.billing.limit_verification import LimitAuditor
from domain.billing.limiting import models_of
from domain.billing.settlement import occasion_of
from domain.books.rows import Call, Hold
from domain.ledger.rows import BREAKAGE, ISSUED, REVENUE, Adjustment, Grant, HoldLine, Transfer
from domain.pricing.charge import price
from domain.pricing.rate import Rate
from domain.pricing.tiers import Occasion


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """The first mismatch: its subject, and the two figures that should be equal."""

    subject: str
    claim: str
    booked: str
    derived: str


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What was proved, in nanocredits: issued = revenue + breakage + available + held.

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
    available_nanos: int
    held_nanos: int
    given_away: int = 0


class Auditor:
    """Takes rates, journal, adjustments, calls, holds and grants of one snapshot, in this order; then `conclude`.

    What counts against limits comes first of all, to `limits`. The journal lines of a call must come before the call,
    and all others before the holds and the grants.
    """

    def __init__(self) -> None:
        self.first: Difference | None = None
        self.limits = LimitAuditor()
        self._balances: dict[str, int] = defaultdict(int)
        self._captured: dict[str, int] = defaultdict(int)
        self._granted: dict[str, int] = defaultdict(int)
        self._held_for: dict[str, int] = defaultdict(int)
        self._adjusted: dict[str, int] = defaultdict(int)
        self._adjustments: dict[str, list[Adjustment]] = defaultdict(list)
        self._rates: dict[str, Rate] = {}
        self._held_by_grant: dict[str, int] = defaultdict(int)
        self._transfers = self._calls = self._grants = self._open = self._charged = self._available = 0
        self._amounts = self._held = self._given_away = 0

    def rate(self, rate: Rate) -> None:
        """A version of a rate, by which charges are derived."""
        self._rates[rate.id] = rate

    def transfer(self, transfer: Transfer) -> None:
        """A line of the journal."""
        self._transfers += 1
        self._balances[transfer.from_account] -= transfer.amount_nanos
        self._balances[transfer.to_account] += transfer.amount_nanos
        match transfer.kind:
            case "hold":
                self._held_for[transfer.cause] += transfer.amount_nanos
            case "capture":
                self._captured[transfer.cause] += transfer.amount_nanos
            case "adjustment":
                self._adjusted[transfer.cause] += transfer.amount_nanos
            case "refund" | "forfeit":
                self._adjusted[transfer.cause] -= transfer.amount_nanos
            case "grant":
                self._granted[transfer.to_account] += transfer.amount_nanos
            case "release" | "expire" | "breakage":
                pass

    def adjustment(self, adjustment: Adjustment) -> None:
        """A re-rating of a call: its lines sum to its amount; the amount itself is checked with the call."""
        lines = sum(line.nanos for line in adjustment.lines)
        self._expect(adjustment.id, "the adjustment is the sum of its lines", adjustment.amount_nanos, lines)
        self._adjustments[adjustment.call_id].append(adjustment)

    def call(self, call: Call) -> None:
        """A call that has ended: its hold against the journal, its charge against its quantities."""
        self._calls += 1
        self._charged += call.charge_nanos
        self._given_away += call.ending == "lost" and call.first_byte_ms is not None and call.provider is not None
        self._hold(call.id, call.hold_nanos, call.hold_lines, left_nanos=0)
        self._expect(call.id, "the charge is what was captured", call.charge_nanos, self._captured.pop(call.id, 0))
        self.limits.ended_call(call.reserved, call.charge_nanos, models_of(call))
        total = self._derived(call)
        charge = min(total, call.hold_nanos)
        self._expect(call.id, "the charge follows from the quantities", call.charge_nanos, charge)
        self._expect(call.id, "what was not collected is the rest", call.uncollected_nanos, total - charge)
        self._adjustments_of(call)

    def hold(self, hold: Hold) -> None:
        """A call that runs: what it holds against the journal."""
        self._calls += 1
        self._open += 1
        self._hold(hold.id, hold.hold_nanos, hold.hold_lines, left_nanos=hold.hold_nanos)
        self.limits.open_call(hold.reserved)
        for line in hold.hold_lines:
            self._held_by_grant[line.grant_id] += line.nanos

    def _hold(self, call_id: str, nanos: int, lines: tuple[HoldLine, ...], *, left_nanos: int) -> None:
        """What was held for a call, and what is left of it in the hold's account."""
        self._expect(call_id, "the hold's lines sum to the hold", sum(line.nanos for line in lines), nanos)
        self._expect(call_id, "the account of the hold", left_nanos, self._balances.pop(f"held:{call_id}", 0))
        self._expect(call_id, "the hold is what was taken for it", nanos, self._held_for.pop(call_id, 0))

    def grant(self, grant: Grant) -> None:
        """A grant: what is available and held in it, against the journal and the open calls."""
        self._grants += 1
        self._available += grant.available_nanos
        self._held += grant.held_nanos
        self._amounts += grant.amount_nanos
        self._expect(
            grant.id, "the grant's amount is what was granted", grant.amount_nanos, self._granted[f"grant:{grant.id}"]
        )
        self._expect(
            grant.id, "the grant's available credit", grant.available_nanos, self._balances.pop(f"grant:{grant.id}", 0)
        )
        self._expect(grant.id, "the grant's held credit", grant.held_nanos, self._held_by_grant.pop(grant.id, 0))

    def conclude(self) -> Totals | Difference:
        """The totals if everything adds up, else the first difference."""
        held = sum(self._held_by_grant.values())
        self._expect(
            "revenue", "revenue is the sum of all charges, as adjusted", self._charged, self._balances[REVENUE]
        )
        for account, nanos in sorted(self._balances.items()):
            if account.startswith(("grant:", "held:")):
                self._expect(account, "an account of the journal is known to the books", 0, nanos)
        self._expect("adjustments", "every adjustment is of a call in the books", 0, len(self._adjustments))
        self._expect("held", "what is held in grants no call accounts for", 0, held)
        issued, revenue, breakage = (self._balances[a] for a in (ISSUED, REVENUE, BREAKAGE))
        self._expect("issued", "what was issued is the sum of all grants", self._amounts, -issued)
        rest = -issued - revenue - breakage - self._available
        self._expect("held", "issued = revenue + breakage + available + held", self._held, rest)
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
            available_nanos=self._available,
            held_nanos=self._held,
            given_away=self._given_away,
        )

    def _adjustments_of(self, call: Call) -> None:
        """What was charged in addition and given back is in the journal, and follows from the last rate applied."""
        adjustments = self._adjustments.pop(call.id, [])
        moved = sum(adjustment.amount_nanos for adjustment in adjustments)
        self._charged += moved
        self._expect(call.id, "the adjustments are what was moved", moved, self._adjusted.pop(call.id, 0))
        if adjustments:
            last = adjustments[-1]
            derived = self._derived(call, last.rate_id) if last.late is None else self._derived_late(call, last)
            charge = min(derived, call.hold_nanos)
            booked = call.charge_nanos + moved + last.owed_nanos
            self._expect(last.id, "the charge as adjusted follows from the quantities", booked, charge)

    def _derived(self, call: Call, rate_id: str | None = None) -> int:
        """The price of the call's quantities under the rate it names, or another, even beyond its hold."""
        rate_id = rate_id or call.rate_id
        if not call.billed or call.usage is None or rate_id is None:
            return 0
        rate = self._rates.get(rate_id)
        if rate is None:
            self._expect(call.id, f"the rate {rate_id} is in the books", 1, 0)
            return call.charge_nanos + call.uncollected_nanos
        return price(call.usage, rate, occasion_of(call)).total_nanos

    def _derived_late(self, call: Call, adjustment: Adjustment) -> int:
        """The price of what a lost call had delivered."""
        rate, late = self._rates.get(adjustment.rate_id), adjustment.late
        if rate is None or late is None:
            self._expect(call.id, f"the rate {adjustment.rate_id} is in the books", 1, 0)
            return adjustment.amount_nanos + adjustment.owed_nanos
        occasion = Occasion(service=late.service_tier, at_ms=call.started_ms, size=late.size, quality=late.quality)
        return price(late.usage, rate, occasion).total_nanos

    def _expect(self, subject: str, claim: str, booked: int, derived: int) -> None:
        if booked != derived and self.first is None:
            self.first = Difference(subject=subject, claim=claim, booked=str(booked), derived=str(derived))
