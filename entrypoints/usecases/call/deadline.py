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

# Looks within so many seconds share a timer, if they are at least so far ahead.
SLOT_S, FAR_S = 0.25, 5.0
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


class Looks:
    """The looks of all deadlines of a process, of which nearly all are dropped before their time.

    A timer of the loop for each would cost ten times as much, so looks of `SLOT_S` share one. Those that are due soon
    have their own.
    """

    def __init__(self) -> None:
        self._slots: dict[int, set[Deadline]] = {}
        self._soon: dict[Deadline, asyncio.TimerHandle] = {}

    def add(self, deadline: "Deadline", loop: asyncio.AbstractEventLoop, in_s: float, at_s: float) -> None:
        """Call the deadline's `look` in so many seconds, at that time of the loop, or up to `SLOT_S` later."""
        if in_s < FAR_S:
            self._soon[deadline] = loop.call_at(at_s, self._look_at_one, deadline)
            return
        number = int(at_s / SLOT_S) + 1
        slot = self._slots.get(number)
        if slot is None:
            slot = self._slots[number] = set()
            loop.call_at(number * SLOT_S, self._look_at_slot, number)
        slot.add(deadline)

    def drop(self, deadline: "Deadline", at_s: float) -> None:
        """Forget the look at that time."""
        slot = self._slots.get(int(at_s / SLOT_S) + 1)
        if slot is not None:
            slot.discard(deadline)
        if self._soon and (timer := self._soon.pop(deadline, None)) is not None:
            timer.cancel()

    def _look_at_one(self, deadline: "Deadline") -> None:
        del self._soon[deadline]
        deadline.look()

    def _look_at_slot(self, number: int) -> None:
        for deadline in self._slots.pop(number):
            deadline.look()


class Deadline:
    """The timer of one call, from its making until `stop`. It belongs to the running event loop.

    `passed` is true once the time is over; `waiting` is the task that waits for the provider, None at any other time.
    """

    __slots__ = ("_call", "_cancels", "_ends", "_given", "_look_s", "_looks", "_loop", "_write_s", "passed", "waiting")

    def __init__(self, call: Timed, duration_ms: int, write_ms: int, looks: Looks) -> None:
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
        self._looks = looks
        in_s = write_s if write_s < duration_s else duration_s
        self._look_s = now_s + in_s
        looks.add(self, loop, in_s, self._look_s)

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
        self._looks.drop(self, self._look_s)
        self._call = _NO_CALL

    def look(self) -> None:
        """The time of a look has come."""
        if self._call is _NO_CALL:
            return
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
        in_s = self._write_s if self.passed else min(left_s, self._write_s)
        self._look_s = self._loop.time() + in_s
        self._looks.add(self, self._loop, in_s, self._look_s)
