"""Group commit: the queue of decisions in front of a storage engine, and the task that takes them to it in batches.

Concurrent `decide` calls queue up. One task takes all that wait, as one batch, to the engine, which commits them in one
transaction, and answers every caller after that; meanwhile the next batch gathers. No timer is involved.

A caller that is cancelled while it waits, or whose time is over, is skipped if its batch has not begun; otherwise its
decision may commit (CommitUnknown).
"""

import asyncio
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, Self, TypeVar, cast

from domain.books.rows import Decision
from domain.books.scope_protocol import View
from ports.books import CommitUnknown, StorageError, WriterFigures
from ports.durations import Histogram

F = TypeVar("F")
D = TypeVar("D", bound=Decision)
S = TypeVar("S", bound="GroupCommit")

CLOSED = "the books are closed"
# How often a batch that takes long is checked, for callers with a time limit.
_LOOK_S = 0.5


class Operation:
    """One `decide` in progress: the question, then either `decision` or `error`.

    `due` is when its caller stops waiting, in the event loop's time; None without a limit.
    """

    __slots__ = ("decision", "due", "error", "rule", "scope")

    def __init__(self, scope: View[Any], rule: Callable[[Any], Decision]) -> None:
        self.scope = scope
        self.rule = rule
        self.due: float | None = None
        self.decision: Decision | None = None
        self.error: BaseException | None = None


class GroupCommit:
    """The base of a storage: `decide`, the queue behind it, and its end. It belongs to the event loop that made it.

    An engine implements `_run`. `_refusal` is why reading and writing are refused from now on; None if they are not.
    `batch_max` is the number of decisions in a batch: a longer one would make its first caller wait longer than it
    saves the others. `waiting_max` is how many decisions may queue.
    """

    def __init__(self, *, batch_max: int, waiting_max: int) -> None:
        self._batch_max = batch_max
        self._waiting_max = waiting_max
        self._waiting: deque[tuple[Operation, asyncio.Future[None]]] = deque()
        self._work = asyncio.Event()
        self._closed = False
        self._refusal: str | None = None
        self._batches = Histogram()
        self._loop = asyncio.get_running_loop()
        self._pump = asyncio.create_task(self._pump_batches(), name="storage pump")

    @abstractmethod
    async def _run(self, batch: list[Operation]) -> None:
        """Decide and commit all operations; afterwards each has its decision or its error."""
        ...

    @abstractmethod
    async def aclose(self) -> None:
        """Finish the waiting decisions, then close what the engine has open."""
        ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def decide(self, scope: View[F], rule: Callable[[F], D], within_s: float | None = None) -> D:
        """Queue the rule and return its decision after the commit; see `ports.books.Storage`."""
        if self._refusal is not None:
            raise StorageError(self._refusal)
        if len(self._waiting) >= self._waiting_max:
            raise StorageError(f"{self._waiting_max} decisions are waiting already")
        operation = Operation(scope, rule)
        answered: asyncio.Future[None] = self._loop.create_future()
        if within_s is not None:
            operation.due = self._loop.time() + within_s
        self._waiting.append((operation, answered))
        self._work.set()
        await answered
        if operation.error is not None:
            raise operation.error
        return cast(D, operation.decision)

    def writer_figures(self) -> WriterFigures:
        """How many decisions wait, and how long the batches took."""
        return WriterFigures(len(self._waiting), self._batches, self._repeated())

    def _repeated(self) -> int:
        """How many batches were begun again."""
        return 0

    async def _finish(self) -> None:
        """Refuse new decisions, and return when those that wait are answered."""
        self._closed, self._refusal = True, CLOSED
        self._work.set()
        await asyncio.wait({self._pump})

    async def _pump_batches(self) -> None:
        """Take the waiting decisions, batch by batch, until the storage is closed and none is left."""
        try:
            while self._waiting or not self._closed:
                if not self._waiting:
                    self._work.clear()
                    await self._work.wait()
                    continue
                await self._pump_batch()
        finally:
            # Only a cancelled pump leaves callers behind: the event loop is shutting down.
            self._closed, self._refusal = True, CLOSED
            for _, answered in self._waiting:
                answered.cancel()

    async def _pump_batch(self) -> None:
        batch: list[Operation] = []
        callers: list[asyncio.Future[None]] = []
        while self._waiting and len(batch) < self._batch_max:
            operation, answered = self._waiting.popleft()
            if not answered.done():  # A caller that was cancelled or came too late no longer waits.
                batch.append(operation)
                callers.append(answered)
        if not batch:
            return
        begun_s = self._loop.time()
        watch = self._loop.call_later(_LOOK_S, self._look_at_time, [*zip(batch, callers, strict=True)])
        try:
            await self._run(batch)
        except asyncio.CancelledError:
            # The engine may continue, so the batch may still commit: no caller may get a definite answer.
            for answered in callers:
                answered.cancel()
            raise
        except Exception as error:
            for operation in batch:
                operation.error = StorageError(f"the writer failed: {error!r}")
        finally:
            watch.cancel()
            self._batches.add(int((self._loop.time() - begun_s) * 1_000_000))
        for answered in callers:
            if not answered.done():
                answered.set_result(None)

    def _look_at_time(self, running: list[tuple[Operation, "asyncio.Future[None]"]]) -> None:
        """Answer callers whose time is over. Only a batch that takes long is checked, so no other call pays for it."""
        now = self._loop.time()
        for decisions, error in ((running, CommitUnknown), (self._waiting, StorageError)):
            for operation, answered in decisions:
                if operation.due is not None and operation.due < now and not answered.done():
                    answered.set_exception(error("the books gave no answer in time"))
        if not self._pump.done() and not all(answered.done() for _, answered in running):
            self._loop.call_later(_LOOK_S, self._look_at_time, running)


class Opening(Generic[S]):
    """A storage that is about to be opened: await it and close it yourself, or use `async with` for both."""

    def __init__(self, opened: Callable[[], Coroutine[None, None, S]]) -> None:
        self._opened = opened
        self._storage: S | None = None

    def __await__(self) -> Generator[None, None, S]:
        return self._opened().__await__()

    async def __aenter__(self) -> S:
        self._storage = await self._opened()
        return self._storage

    async def __aexit__(self, *_: object) -> None:
        if self._storage is not None:
            await self._storage.aclose()
