"""The books derived again: every balance from the journal, every charge from its quantities and its rate.

An independent reading on purpose: it shares the price arithmetic with the rules and nothing else.
"""

from collections import defaultdict

import msgspec

from domain.books import Call, Lot, Rate, Transfer
from domain.pricing import price
from domain.tiers import Occasion


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """The first thing that does not add up: what, and the two figures that should be one."""

    subject: str
    claim: str
    booked: str
    derived: str


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What was proved, in nanocredits: issued = revenue + breakage + available + held."""

    transfers: int
    lots: int
    calls: int
    open_holds: int
    issued_nanos: int
    revenue_nanos: int
    breakage_nanos: int
    available_nanos: int
    held_nanos: int


class Auditor:
    """Feed it the rates, the journal, the calls and the lots of one snapshot, in this order, then ask."""

    def __init__(self) -> None:
        self.first: Difference | None = None
        self._balances: dict[str, int] = defaultdict(int)
        self._captured: dict[str, int] = defaultdict(int)
        self._granted: dict[str, int] = defaultdict(int)
        self._held_for: dict[str, int] = defaultdict(int)
        self._rates: dict[str, Rate] = {}
        self._held_by_lot: dict[str, int] = defaultdict(int)
        self._transfers = self._calls = self._lots = self._open = self._charged = self._available = 0
        self._amounts = self._held = 0

    def rate(self, rate: Rate) -> None:
        """A version of a rate, by which charges are derived."""
        self._rates[rate.id] = rate

    def transfer(self, transfer: Transfer) -> None:
        """A line of the journal."""
        self._transfers += 1
        self._balances[transfer.from_account] -= transfer.amount_nanos
        self._balances[transfer.to_account] += transfer.amount_nanos
        if transfer.kind == "capture":
            self._captured[transfer.call_id or ""] += transfer.amount_nanos
        if transfer.kind == "hold":
            self._held_for[transfer.call_id or ""] += transfer.amount_nanos
        if transfer.kind == "grant":
            self._granted[transfer.to_account] += transfer.amount_nanos

    def call(self, call: Call) -> None:
        """A call: its hold against the journal, its charge against its quantities."""
        self._calls += 1
        self._charged += call.charge_nanos
        is_open = call.ending is None
        self._open += is_open
        self._expect(
            call.id, "the hold's lines sum to the hold", sum(x.nanos for x in call.hold_lines), call.hold_nanos
        )
        self._expect(
            call.id,
            "the account of the hold",
            call.hold_nanos if is_open else 0,
            self._balances.pop(f"held:{call.id}", 0),
        )
        self._expect(call.id, "the hold is what was taken for it", call.hold_nanos, self._held_for.pop(call.id, 0))
        self._expect(call.id, "the charge is what was captured", call.charge_nanos, self._captured.pop(call.id, 0))
        if is_open:
            for line in call.hold_lines:
                self._held_by_lot[line.lot_id] += line.nanos
        else:
            total = self._derived(call)
            charge = min(total, call.hold_nanos)
            self._expect(call.id, "the charge follows from the quantities", call.charge_nanos, charge)
            self._expect(call.id, "what was not collected is the rest", call.uncollected_nanos, total - charge)

    def lot(self, lot: Lot) -> None:
        """A lot: what is available and held in it, against the journal and the open calls."""
        self._lots += 1
        self._available += lot.available_nanos
        self._held += lot.held_nanos
        self._amounts += lot.amount_nanos
        self._expect(lot.id, "the lot's amount is what was granted", lot.amount_nanos, self._granted[f"lot:{lot.id}"])
        self._expect(lot.id, "the lot's available credit", lot.available_nanos, self._balances.pop(f"lot:{lot.id}", 0))
        self._expect(lot.id, "the lot's held credit", lot.held_nanos, self._held_by_lot.pop(lot.id, 0))

    def conclude(self) -> Totals | Difference:
        """The totals if all adds up, else the first difference found."""
        held = sum(self._held_by_lot.values())
        self._expect("revenue", "revenue is the sum of all charges", self._charged, self._balances["revenue"])
        for account, nanos in sorted(self._balances.items()):
            if account.startswith(("lot:", "held:")):
                self._expect(account, "an account of the journal is known to the books", 0, nanos)
        self._expect("held", "what is held in lots no call accounts for", 0, held)
        issued, revenue, breakage = (self._balances[a] for a in ("issued", "revenue", "breakage"))
        self._expect("issued", "what was issued is the sum of all lots", self._amounts, -issued)
        rest = -issued - revenue - breakage - self._available
        self._expect("held", "issued = revenue + breakage + available + held", self._held, rest)
        if self.first is not None:
            return self.first
        return Totals(
            transfers=self._transfers,
            lots=self._lots,
            calls=self._calls,
            open_holds=self._open,
            issued_nanos=-issued,
            revenue_nanos=revenue,
            breakage_nanos=breakage,
            available_nanos=self._available,
            held_nanos=self._held,
        )

    def _derived(self, call: Call) -> int:
        """What the call's quantities come to under the rate it names, beyond its hold too."""
        if not call.billed or call.usage is None or call.rate_id is None:
            return 0
        rate = self._rates.get(call.rate_id)
        if rate is None:
            self._expect(call.id, f"the rate {call.rate_id} is in the books", 1, 0)
            return call.charge_nanos + call.uncollected_nanos
        return price(call.usage, rate, Occasion(service=call.service_tier, at_ms=call.started_ms)).total_nanos

    def _expect(self, subject: str, claim: str, booked: int, derived: int) -> None:
        if booked != derived and self.first is None:
            self.first = Difference(subject=subject, claim=claim, booked=str(booked), derived=str(derived))
