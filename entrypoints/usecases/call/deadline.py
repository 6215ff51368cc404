"""The end of one call by the monotonic clock, enforced by the process that runs it.

One timer per call covers attempts, pauses, the relay, and the sending to a caller who does not read. It never looks at
the wall clock, so a clock that is stepped ends no call. At the deadline it cancels the call's task if that waits for a
provider; a call that is sending is ended from outside (`Timed.late`), because a send may wait for its caller without
end. A caller who reads nothing for the write timeout counts as gone (`Timed.stalled`).
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

from domain.failures import Failure

# Timers may fire up to a clock's resolution early.
_RESOLUTION_S = 0.001

LATE = Failure(kind="timed_out", message="the call took longer than the hub's deadline")

T = TypeVar("T")


class Timed(Protocol):
    """A call as the timer sees it: the facts that it reads and the events that it reports."""

    @property
    def given(self) -> int:
        """The number of pieces of a stream that were given to the caller."""
        ...

    def late(self) -> None:
        """The deadline passed while the call was not waiting for its provider."""
        ...

    def stalled(self) -> None:
        """The caller has not taken the last piece for as long as a write may last, or up to twice as long."""
        ...


class _NoCall:
    given = 0

    def late(self) -> None:
        pass

    def stalled(self) -> None:
        pass


_NO_CALL: Timed = _NoCall()


class Deadline:
    """The timer of one call, from its making until `stop`. It belongs to the running event loop.

    `passed` is true once the time is over; `waiting` is the task that waits for the provider, None at any other time.
    """

    __slots__ = ("_call", "_cancels", "_ends", "_given", "_loop", "_timer", "_write_s", "passed", "waiting")

    def __init__(self, call: Timed, duration_ms: int, write_ms: int) -> None:
        self.passed = False
        self.waiting: asyncio.Task[Any] | None = None
        self._call = call
        self._cancels = 0
        self._given = 0
        loop = self._loop = asyncio.get_running_loop()
        duration_s, write_s = duration_ms / 1000, write_ms / 1000
        self._write_s = write_s
        now_s = loop.time()
        self._ends = now_s + duration_s
        # By the moment, since `call_later` would ask for the time once more.
        self._timer = loop.call_at(now_s + (write_s if write_s < duration_s else duration_s), self._look)

    def left_ms(self) -> int:
        """The time that the call has left; 0 or less when it is over."""
        return int((self._ends - self._loop.time()) * 1000)

    async def bounded(self, work: Coroutine[Any, Any, T]) -> T | Failure:
        """The result of the work; `LATE`, with the work cancelled, if the deadline passes first."""
        if self.passed:
            work.close()
            return LATE
        task = self.waiting = asyncio.current_task()
        try:
            return await work
        except asyncio.CancelledError:
            if not self.has_cancelled(task):
                raise
            return LATE
        finally:
            self.waiting = None

    def has_cancelled(self, task: "asyncio.Task[Any] | None") -> bool:
        """Whether the cancellation that has just reached the task is the deadline's alone; then it is taken back."""
        return self.passed and task is not None and task.uncancel() <= self._cancels

    def stop(self) -> None:
        """Release the call, which is over, so that its memory is free at once."""
        self._timer.cancel()
        self._call = _NO_CALL

    def _look(self) -> None:
        left_s = self._ends - self._loop.time()
        if not self.passed and left_s <= _RESOLUTION_S:
            self.passed = True
            if self.waiting is not None:
                self._cancels = self.waiting.cancelling()
                self.waiting.cancel()
            else:
                self._call.late()
        elif self.waiting is None and self._given == self._call.given:
            self._call.stalled()
        self._given = self._call.given
        self._timer = self._loop.call_later(self._write_s if self.passed else min(left_s, self._write_s), self._look)
