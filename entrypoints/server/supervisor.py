"""The processes that serve: one parent watches, each worker listens on a socket of its own at the same port.

A worker that ends by itself is replaced. A signal ends all of them: they have `stop_s` seconds to finish, and are
killed after that.
"""

import asyncio
import logging
import multiprocessing
import signal
import socket
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

from entrypoints.server import lifespan
from entrypoints.server.exchange import App
from entrypoints.server.limits import Limits
from entrypoints.server.listening import BACKLOG, Listener

# A worker that ends sooner than this after its start is not replaced at once: it would only end again.
HEALTHY_S = 1.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT)

_log = logging.getLogger("aihub")


class Supervisor:
    """Runs `workers` processes. `load` is called in each and returns the application and its limits.

    `event_loop` makes the event loop of each; None for asyncio's own.
    """

    def __init__(
        self,
        load: Callable[[], tuple[App, Limits]],
        host: str,
        port: int,
        workers: int,
        stop_s: float,
        on_stop: Callable[[], None],
        event_loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
    ) -> None:
        self._load = load
        self._at = (host, port)
        self._workers = workers
        self._stop_s = stop_s
        self._on_stop = on_stop
        self._event_loop = event_loop
        self._running: dict[BaseProcess, float] = {}

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        awake, waking = socket.socketpair()
        waking.setblocking(False)
        signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)  # The wake-up descriptor reports it.
        for _ in range(self._workers):
            self._start()
        while awake not in wait([awake, *(process.sentinel for process in self._running)]):
            self._replace()
        self._on_stop()
        self._end()
        signal.set_wakeup_fd(-1)
        awake.close()
        waking.close()

    def _start(self) -> None:
        process = multiprocessing.get_context("fork").Process(target=self._work, name="aihub worker")
        process.start()
        self._running[process] = time.monotonic()

    def _replace(self) -> None:
        for process, since in [*self._running.items()]:
            if process.exitcode is None:
                continue
            del self._running[process]
            _log.warning("a worker ended by itself (exit %s) and is replaced", process.exitcode)
            if time.monotonic() - since < HEALTHY_S:
                time.sleep(HEALTHY_S)
            self._start()

    def _end(self) -> None:
        for process in self._running:
            process.terminate()
        deadline = time.monotonic() + self._stop_s
        for process in self._running:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.exitcode is None:
                process.kill()
                process.join()

    def _work(self) -> None:
        signal.set_wakeup_fd(-1)
        app, limits = self._load()
        with asyncio.Runner(loop_factory=self._event_loop) as runner:
            runner.run(serve(app, limits, *self._at))


async def serve(app: App, limits: Limits, host: str, port: int) -> None:
    """Serve the application in this process until SIGTERM, then end in good order."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with lifespan.running(app) as failed:
        listener = Listener(app, limits)
        await listener.listen(listening_socket(host, port))
        async with asyncio.TaskGroup() as waits:
            ends = [waits.create_task(event.wait()) for event in (stop, failed)]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for task in ends:
                task.cancel()
        await listener.stop()


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens at a port which the other workers share."""
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(family, kind)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.bind(address)
    listening.listen(BACKLOG)
    return listening
