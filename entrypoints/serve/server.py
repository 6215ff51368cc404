"""Serving: the preparation before the first request, and then a production server.

The parent process prepares the books and watches its workers; each worker builds its own hub. A worker never outlives
its parent: a hub that was killed must not go on answering, and its port must be free for the next.

Weak spot: workers listen with SO_REUSEPORT, so two hubs could share a port unnoticed. That is why the port is tried
first without it.
"""

import asyncio
import contextlib
import gc
import logging
import multiprocessing
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from entrypoints.config import Settings
from entrypoints.log_lines import log_as_json
from entrypoints.serve.process import raise_descriptor_limit
from entrypoints.serve.report import Started, error_text, in_json
from entrypoints.server.exchange import App
from entrypoints.server.limits import Limits, limits_of, memory_bytes
from entrypoints.server.supervisor import Supervisor
from entrypoints.usecases.manage.first_run import BY, first_run, found
from entrypoints.usecases.manage.maintenance import sweep
from entrypoints.usecases.manage.providers import register_vendor_keys
from entrypoints.usecases.manage.rates_from_prices import sell_by_rule
from entrypoints.usecases.manage.sign_in_link import make_link
from entrypoints.wiring import CannotStart, master_key_file, operator_hub, place_of

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

# Within the ten seconds that container runtimes wait between SIGTERM and SIGKILL.
STOP_S = 8
_PR_SET_PDEATHSIG = 1
_M_MMAP_THRESHOLD = -3
_MMAP_BYTES = 128 * 1024
SWITCH_S = 0.0005
GC_THRESHOLD = 50_000

_log = logging.getLogger("aihub")


def serve(settings: Settings, as_json: bool = False) -> int:
    """Serve until a signal ends it; the exit code. CannotStart if the hub cannot begin."""
    if settings.log == "json":
        log_as_json()
    as_json = as_json or settings.log == "json"
    event_loop = _event_loop(settings)
    raise_descriptor_limit()
    _check_port_is_free(settings.host, settings.port)
    started = asyncio.run(_prepare(settings))
    os.environ.update(_environment(settings))
    print(in_json(started) if as_json else error_text(started), flush=True)
    load = partial(_load, settings)
    on_stop = partial(_announce_stop, as_json and settings.log == "text")
    Supervisor(load, settings.host, settings.port, settings.workers, STOP_S, on_stop, event_loop).run()
    return 0


def _event_loop(settings: Settings) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes the event loop; None for asyncio's own. CannotStart if uvloop is not installed."""
    if settings.event_loop == "asyncio":
        return None
    try:
        from uvloop import new_event_loop
    except ImportError:
        raise CannotStart("AIHUB_EVENT_LOOP=uvloop needs uvloop: install aihub[uvloop]") from None
    return new_event_loop


def _announce_stop(as_json: bool) -> None:
    """Report the stop, which takes a while and has no other output while calls still run."""
    if not as_json:
        _log.warning("aihub is stopping; calls that run have %d seconds to end", STOP_S)


async def _prepare(settings: Settings) -> Started:
    async with operator_hub(settings) as context:
        first = await first_run(context, settings.owner_key)
        registered = await register_vendor_keys(context, BY, settings.vendor_keys)
        await sell_by_rule(context, settings.terms)
        low_nanos = settings.policy.low_balance_nanos
        swept = await sweep(context.storage, context.liveness, context.clock, low_balance_nanos=low_nanos)
        link = await make_link(context, await found(context)) if first.fresh and settings.dashboard else None
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104  # compared, not bound
    url = f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
    return Started(
        url=url,
        data=place_of(settings),
        master_key="AIHUB_MASTER_KEY" if settings.master_key else str(master_key_file(settings)),
        first=first,
        registered=tuple(f"{credential.masked} for {credential.provider}" for credential in registered),
        lost=len(swept.lost),
        billed=settings.billed,
        workers=settings.workers,
        interface=settings.interface,
        dashboard=settings.dashboard,
        sign_in_link=f"{url}/dashboard/sign-in/{link}" if link else None,
    )


def _load(settings: Settings) -> tuple[App, Limits]:
    """The application of a worker and its limits; called in the worker."""
    _begin_worker(settings)
    if settings.interface == "wsgi":
        from entrypoints.wsgi_threads import create_app as create
    else:
        from entrypoints.asgi import create_app as create  # type: ignore[assignment]
    app: App = create()
    _tune_interpreter()
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return app, limits_of(descriptors, memory_bytes(), settings.workers)


def _begin_worker(settings: Settings) -> None:
    """Let only the parent stop a worker, also while it is still starting.

    A fork inherits its parent's handlers, which only notify the parent: a signal would be lost until the worker has its
    own. A worker that dies before that has served no call. An interrupt from the terminal goes to a whole process
    group; the worker leaves the group, because its parent decides how it ends.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setpgid(0, 0)
    die_with_parent()
    _give_memory_back()
    if settings.exclusive_cores:
        _let_threads_finish()


def _give_memory_back() -> None:
    """Give the memory of large bodies back to the system once they are freed. See mallopt(3), M_MMAP_THRESHOLD.

    By default, glibc raises that bound to the largest block that was ever freed, and keeps smaller blocks for itself.
    """
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(AttributeError, OSError):  # another C library
            ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _MMAP_BYTES)


def _let_threads_finish() -> None:
    """Let no woken thread preempt the one that woke it. Call it before any thread begins, since threads inherit it.

    The loop and the writer of the books wake each other several times a call, and the waking thread is about to wait
    anyway. Preempting it costs a seventh of all CPU time. But such a thread waits longer behind other processes on the
    same core, so this is for cores that the hub has to itself. See sched(7), SCHED_BATCH.
    """
    if hasattr(os, "SCHED_BATCH"):
        with contextlib.suppress(OSError):  # a sandbox may forbid it
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _tune_interpreter() -> None:
    """Set the interpreter up for a server, once everything is imported."""
    # The loop, the writer of the books and the server share one interpreter. A waiting thread gets it after this
    # long; with Python's default of 5 ms a commit under load would take a second, since it waits for every statement.
    sys.setswitchinterval(SWITCH_S)
    # The collector need not scan objects that live as long as the process, and calls leave hardly any cycles.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 100)


def die_with_parent() -> None:
    """Let this worker be killed when its parent process dies, in any way. Does nothing without a parent."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    else:
        threading.Thread(target=_follow, args=(parent,), name="parent watch", daemon=True).start()
    if os.getppid() != parent.pid:  # it died before the lines above
        os.kill(os.getpid(), signal.SIGKILL)


def _follow(parent: "BaseProcess") -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGKILL)


def _check_port_is_free(host: str, port: int) -> None:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        remedy = "another hub may be running; choose another address with --host and --port"
        raise CannotStart(f"cannot listen on {host} port {port}: {error.strerror or error}; {remedy}") from error


def _environment(settings: Settings) -> dict[str, str]:
    """The settings that the command line has changed, for the workers, which read the environment."""
    return {
        "AIHUB_HOST": settings.host,
        "AIHUB_PORT": str(settings.port),
        "AIHUB_WORKERS": str(settings.workers),
        "AIHUB_INTERFACE": settings.interface,
        "AIHUB_MARGIN": "",  # The models of the price book have rates by now, and no worker needs to read all of it.
    }
