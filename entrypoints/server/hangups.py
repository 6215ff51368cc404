"""Hang-ups of callers whose sending side is closed, as the kernel reports them.

A caller that closes its connection and one that closes only its sending side look alike until bytes are sent to them:
the kernel of a caller that has left answers with a reset. An event loop cannot wait for the reset alone, because the
end of input, which it has read already, would wake it again and again. epoll(7) can: with no event requested, it
reports errors.

Without epoll, the second write after the hang-up shows it.
"""

import asyncio
import select
from collections.abc import Callable


class HangUps:
    """Calls back for each connection that is reset; `forget` it before its descriptor is closed."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll = select.epoll() if hasattr(select, "epoll") else None
        self._of: dict[int, Callable[[], None]] = {}
        if self._epoll is not None:
            loop.add_reader(self._epoll.fileno(), self._look)

    def watch(self, descriptor: int, reset: Callable[[], None]) -> None:
        """Call `reset` when the connection is."""
        if self._epoll is not None:
            self._of[descriptor] = reset
            self._epoll.register(descriptor, 0)

    def forget(self, descriptor: int) -> None:
        """The connection is closed."""
        if self._epoll is not None and self._of.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def close(self) -> None:
        """Stop watching."""
        if self._epoll is not None:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None

    def _look(self) -> None:
        assert self._epoll is not None
        for descriptor, _ in self._epoll.poll(0):
            reset = self._of.get(descriptor)
            if reset is not None:
                self.forget(descriptor)
                reset()
