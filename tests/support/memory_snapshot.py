"""The books in memory at one moment."""

from collections.abc import AsyncIterator, Iterable
from typing import Any, TypeVar

import msgspec

from domain.books.rows import Call, Hold, Row
from domain.books.statistics.sums import SummedCall
from domain.books.statistics.usage_sum import UsageSum
from domain.ledger.audited import AuditedCall, AuditedLine
from domain.ledger.rows import Adjustment, Grant, Transfer
from domain.limits.rows import BudgetSpent, Limit, LimitCell, Run
from domain.pricing.rate import Rate
from tests.support.parts import part_of

R = TypeVar("R", bound=Row)
P = TypeVar("P", bound=msgspec.Struct)


class MemorySnapshot:
    """The books at one moment: the lists of frozen rows as they were."""

    def __init__(self, rows: dict[type, list[Any]]) -> None:
        self._rows = rows

    def transfers(self) -> AsyncIterator[Transfer]:
        return _each(self._rows[Transfer])

    def holds(self) -> AsyncIterator[Hold]:
        return _each(self._rows[Hold])

    def adjustments(self) -> AsyncIterator[Adjustment]:
        return _each(self._rows[Adjustment])

    def grants(self) -> AsyncIterator[Grant]:
        return _each(sorted(self._rows[Grant], key=lambda grant: (grant.created_ms, grant.id)))

    def calls(self) -> AsyncIterator[Call]:
        return _each(self._rows[Call])

    def audited_lines(self) -> AsyncIterator[list[AuditedLine]]:
        return _portion(AuditedLine, self._rows[Transfer])

    def audited_calls(self) -> AsyncIterator[list[AuditedCall]]:
        return _portion(AuditedCall, self._rows[Call])

    def summed_calls(self) -> AsyncIterator[list[SummedCall]]:
        return _portion(SummedCall, self._rows[Call])

    def usage_sums(self) -> AsyncIterator[UsageSum]:
        return _each(self._rows[UsageSum])

    def rates(self) -> AsyncIterator[Rate]:
        return _each(self._rows[Rate])

    def limits(self) -> AsyncIterator[Limit]:
        return _each(self._rows[Limit])

    def limit_cells(self) -> AsyncIterator[LimitCell]:
        return _each(self._rows[LimitCell])

    def budget_spent(self) -> AsyncIterator[BudgetSpent]:
        return _each(self._rows[BudgetSpent])

    def runs(self) -> AsyncIterator[Run]:
        return _each(self._rows[Run])


async def _portion(kind: type[P], rows: Iterable[Any]) -> AsyncIterator[list[P]]:
    if found := [part_of(kind, row) for row in rows]:
        yield found


async def _each(rows: Iterable[R]) -> AsyncIterator[R]:
    for row in rows:
        yield row
