"""The books: one way to change them. The reads outside of a decision are in `readers`."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol, TypeVar

from domain.books.rows import Call, Decision, Hold
from domain.books.scope_protocol import View
from domain.books.statistics.sums import SummedCall
from domain.books.statistics.usage_sum import UsageSum
from domain.ledger.audited import AuditedCall, AuditedLine
from domain.ledger.rows import Adjustment, Grant, Transfer
from domain.limits.rows import BudgetSpent, Limit, LimitCell, Run
from domain.pricing.rate import Rate
from ports.durations import Histogram
from ports.readers.accounts import AccountReader
from ports.readers.calls import CallReader
from ports.readers.catalog import CatalogReader
from ports.readers.limits import LimitReader
from ports.readers.usage import UsageReader

F = TypeVar("F")
D = TypeVar("D", bound=Decision)


class StorageError(Exception):
    """The books cannot be reached or written just now; nothing was changed."""


class CommitUnknown(StorageError):
    """It is not known whether the decision was written: what repeats it must find what was written before."""


class WriterFigures(NamedTuple):
    """What the writer of a process has to do, and has done since its start.

    `waiting`: decisions that wait; `batches`: how long each batch took until it was durable; `repeated`: how often one
    was begun again because it met another process's, or its connection had ended.
    """

    waiting: int
    batches: Histogram
    repeated: int


class Snapshot(Protocol):
    """A consistent view of the whole books at one moment, for proofs and exports."""

    def transfers(self) -> AsyncIterator[Transfer]:
        """Every line of the journal by its cause, in the order of `packed` ids: a call's lines stand together."""
        ...

    def adjustments(self) -> AsyncIterator[Adjustment]:
        """Every adjustment of a call, in the order made."""
        ...

    def holds(self) -> AsyncIterator[Hold]:
        """The hold of every call that runs, by id."""
        ...

    def grants(self) -> AsyncIterator[Grant]:
        """Every grant."""
        ...

    def calls(self) -> AsyncIterator[Call]:
        """Every call that has ended, in the order of `packed` ids: by the time of its start."""
        ...

    def audited_lines(self) -> AsyncIterator[Sequence[AuditedLine]]:
        """The lines of `transfers` in portions, with what a proof reads of them."""
        ...

    def audited_calls(self) -> AsyncIterator[Sequence[AuditedCall]]:
        """The calls of `calls` in portions, with what a proof reads of them."""
        ...

    def summed_calls(self) -> AsyncIterator[Sequence[SummedCall]]:
        """The calls of `calls` in portions, with what sums of usage are made from."""
        ...

    def usage_sums(self) -> AsyncIterator[UsageSum]:
        """Every sum of usage, by its key."""
        ...

    def rates(self) -> AsyncIterator[Rate]:
        """Every version of every rate."""
        ...

    def limits(self) -> AsyncIterator[Limit]:
        """Every limit, removed ones too."""
        ...

    def limit_cells(self) -> AsyncIterator[LimitCell]:
        """What every subject has taken of every limit."""
        ...

    def budget_spent(self) -> AsyncIterator[BudgetSpent]:
        """What every subject has spent of every budget."""
        ...

    def runs(self) -> AsyncIterator[Run]:
        """Every run that has a row."""
        ...


class Storage(AccountReader, CallReader, CatalogReader, LimitReader, UsageReader, Protocol):
    """Where the books are kept."""

    async def decide(self, scope: View[F], rule: Callable[[F], D], within_s: float | None = None) -> D:
        """Show the rule the facts of `scope`, write what it decides, and answer once that is durable.

        Atomic: no other decision comes between the facts and the writes, in any process. The rule must be pure:
        it may be called again after a conflict. StorageError if the books cannot be written; an exception
        of the rule reaches its own caller only. The scopes are in `domain/books`.

        With `within_s`, StorageError comes after so many seconds at the latest. CommitUnknown means that the
        decision may still be written: a caller that sets a limit must be able to repeat the request.
        """
        ...

    async def check_writable(self) -> None:
        """StorageError if the last decision could not be written and still none can be (a full disk).

        Writes only where the last decision failed, and then nothing that can be read.
        """
        ...

    def writer_figures(self) -> WriterFigures:
        """What the writer of this process has done."""
        ...

    def check_in_place(self) -> None:
        """StorageError if the books were removed or replaced while this process had them open.

        From then on everything is refused, since nothing written could be found again; until they are back.
        """
        ...

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """The whole books as of now, while others go on writing."""
        ...

    async def backup(self, path: str) -> None:
        """Write a complete, consistent copy of the books to a new file, while the hub runs."""
        ...
