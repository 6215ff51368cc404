"""A stub provider in a thread of its own, so that a blocking command or a busy client never holds it up."""

import asyncio
import threading
from abc import ABC, abstractmethod

from tests.support.provider import Received, Reply, StubProvider

START_S = 10


class ProviderThread(ABC):
    """The server and its thread; what it answers is in `_answer`, which runs on that thread."""

    def __init__(self, name: str) -> None:
        self.port = 0
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    async def _answer(self, request: Received, reply: Reply) -> None: ...

    def start(self) -> None:
        """Serve; returns when `port` is known."""
        self._thread.start()
        assert self._started.wait(START_S), f"{self._thread.name} did not start"

    def stop(self) -> None:
        """End the server. Raises what a handler raised."""
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(START_S)
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as failure:
            self._failure = failure

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with StubProvider(self._answer) as stub:
            self.port = stub.port
            self._started.set()
            await self._stop.wait()
