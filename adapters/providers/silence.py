"""The bound on a provider's silence: one timer for a whole exchange, however many reads it has.

`asyncio.timeout` makes and cancels a timer for each read, which under a stream costs as much as reading it. Here the
timer stays; a read only moves the moment at which silence has lasted too long.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class Silence:
    """Bounds every wait of one exchange to `limit_s` seconds; None for no bound. `stop` it when the exchange ends."""

    __slots__ = ("_due", "_is_over", "_task", "_timer", "limit_s")

    def __init__(self, limit_s: float | None) -> None:
        self.limit_s = limit_s
        self._due = 0.0
        self._is_over = False
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self, awaited: Awaitable[T]) -> T:
        """The result, or TimeoutError if it takes longer than the limit. A cancellation from elsewhere goes on."""
        if self.limit_s is None:
            return await awaited
        loop = asyncio.get_running_loop()
        task = self._task = asyncio.current_task(loop)
        assert task is not None
        cancelled_before = task.cancelling()
        self._is_over = False
        self._due = loop.time() + self.limit_s
        if self._timer is None:
            self._timer = loop.call_at(self._due, self._look, loop)
        try:
            return await awaited
        except asyncio.CancelledError:
            if self._is_over and task.uncancel() <= cancelled_before:
                raise TimeoutError from None
            raise
        finally:
            self._task = None

    def stop(self) -> None:
        """Nobody waits any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Has it been silent for too long? Look again when it will have been; not at all if nobody waits."""
        self._timer = None
        if self._task is None:
            return
        if loop.time() < self._due:
            self._timer = loop.call_at(self._due, self._look, loop)
        else:
            self._is_over = True
            self._task.cancel()
