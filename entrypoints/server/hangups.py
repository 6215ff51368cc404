"""Who has left: told by the kernel of callers whose sending side is closed.

A caller that closes its connection and one that closes only its sending side look alike, until something is sent to
them: the kernel of one that has left answers with a reset. A loop cannot wait for that alone, for it would be woken
over and over by the end that it has read already. epoll(7) can: without a kind of event asked for, it reports errors.

Where there is no epoll, the next write but one shows it.
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
        """Watch nothing any more."""
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
