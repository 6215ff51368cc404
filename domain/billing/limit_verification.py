"""Derive what counts against limits again: budgets, runs, open calls and exposure from the reservations of all calls.

Rates are not derived: what they have taken is earned back, and no row keeps it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from domain.limits.rows import BudgetSpent, Limit, LimitCell, Reservation, Run

# What reports that a booked figure differs from the derived one: subject, claim, booked, derived.
Expect = Callable[[str, str, int, int], None]
_PERIODS = ("day", "week", "month", "quarter")


class LimitAuditor:
    """Takes all rows that count, then all calls; then `conclude`. Its memory is that of the rows that count."""

    def __init__(self) -> None:
        self._counted: dict[str, str] = {}
        self._spent: dict[tuple[str, str], BudgetSpent] = {}
        self._runs: dict[tuple[str, str], Run] = {}
        self._cells: dict[tuple[str, str], LimitCell] = {}
        self._held: dict[tuple[str, str], int] = defaultdict(int)
        self._open: dict[tuple[str, str], int] = defaultdict(int)
        self._charged: dict[tuple[str, str, str], int] = defaultdict(int)

    def limit(self, limit: Limit) -> None:
        """A limit, removed or not."""
        if limit.measure == "concurrency" or (limit.measure == "exposure" and limit.removed_ms is None):
            self._counted[limit.id] = limit.measure

    def cell(self, cell: LimitCell) -> None:
        """What a subject has taken of a limit."""
        if cell.limit_id in self._counted:
            self._cells[cell.limit_id, cell.subject] = cell

    def spent(self, spent: BudgetSpent) -> None:
        """What a subject has spent of a budget."""
        self._spent[spent.budget_id, spent.subject] = spent

    def run(self, run: Run) -> None:
        """A run with a row."""
        self._runs[run.run_id, run.user_id] = run

    def open_call(self, reserved: Iterable[Reservation]) -> None:
        """What a running call has reserved."""
        for one in reserved:
            if one.kind in ("budget", "run"):
                self._held[one.id, one.subject] += one.amount
            elif one.kind in ("concurrency", "exposure"):
                self._open[one.id, one.subject] += one.amount

    def ended_call(self, reserved: Iterable[Reservation], charge_nanos: int, models: Sequence[str]) -> None:
        """What a call that has ended had reserved, its charge, and the subjects of the model that answered."""
        for one in reserved:
            if one.subject.startswith("model:") and one.subject not in models:
                continue
            self._charged[one.id, one.subject, "total"] += charge_nanos
            spent = self._spent.get((one.id, one.subject))
            for period in _PERIODS if spent is not None and one.kind == "budget" else ():
                if one.mark >= getattr(spent, f"{period}_ms"):
                    self._charged[one.id, one.subject, period] += charge_nanos

    def conclude(self, expect: Expect) -> None:
        """Compare every row with what was derived."""
        for key, spent in self._spent.items():
            expect(key[0], "what a budget's open calls hold", spent.held_nanos, self._held.pop(key, 0))
            expect(key[0], "what a budget has spent in all", spent.total_nanos, self._charged.pop((*key, "total"), 0))
            for period in _PERIODS:
                booked, derived = getattr(spent, f"{period}_nanos"), self._charged.pop((*key, period), 0)
                expect(key[0], f"what a budget has spent this {period}", booked, derived)
        for key, run in self._runs.items():
            expect(key[0], "what a run's open calls hold", run.held_nanos, self._held.pop(key, 0))
            expect(key[0], "what a run has spent", run.spent_nanos, self._charged.pop((*key, "total"), 0))
        for key, cell in self._cells.items():
            expect(key[0], f"the {self._counted[key[0]]} of open calls", cell.value, self._open.pop(key, 0))
        # Of a provider without a cap nothing is counted.
        expect("limits", "what calls reserved is known to the books", 0, sum(self._held.values()))
        expect("limits", "what calls were charged is known to the books", 0, sum(self._charged.values()))
