"""Starts processes on chosen CPUs and ends every one of them, whatever happens."""

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

GRACE_S = 10.0


class Processes:
    """A context that leaves no process behind.

    Each process leads a session of its own, so that a Ctrl-C reaches only the benchmark, and ending the group
    ends what the process has started in turn.
    """

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        # From here on a second Ctrl-C must not leave half of the processes behind.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self.end(*self._running)
        finally:
            signal.signal(signal.SIGINT, before)

    def start(
        self,
        argv: Iterable[str | Path],
        *,
        cpus: Iterable[int],
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdout: int | IO[bytes] = subprocess.DEVNULL,
        stderr: int | IO[bytes] | None = None,
    ) -> "subprocess.Popen[bytes]":
        """Start a program on `cpus` in a process group of its own."""
        allowed = frozenset(cpus)
        process = subprocess.Popen(
            [str(word) for word in argv],
            env=None if env is None else dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, allowed),  # safe: this is the only thread
        )
        self._running.append(process)
        return process

    def run(
        self,
        argv: Iterable[str | Path],
        *,
        cpus: Iterable[int],
        timeout_s: float,
        env: Mapping[str, str] | None = None,
        stderr: int | IO[bytes] | None = None,
    ) -> tuple[int, bytes]:
        """Run a program to its end and return its exit code and what it printed."""
        process = self.start(argv, cpus=cpus, env=env, stdout=subprocess.PIPE, stderr=stderr)
        try:
            printed, _ = process.communicate(timeout=timeout_s)
            return process.returncode, printed
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{process.args!r} was not done within {timeout_s:g} s") from None
        finally:
            self.end(process)

    def end(self, *processes: "subprocess.Popen[bytes]") -> None:
        """Ask the groups of these processes to end, insist after a grace period, and reap them."""
        doomed = list(processes)
        for process in doomed:
            _signal_group(process, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_S
        while time.monotonic() < deadline and not all(has_ended(process) for process in doomed):
            time.sleep(0.01)
        for process in doomed:
            # The leader is not reaped yet, so its id still names this group and no other.
            _signal_group(process, signal.SIGKILL)
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
            if process in self._running:
                self._running.remove(process)


def wait(process: "subprocess.Popen[bytes]", timeout_s: float) -> None:
    """Wait for the very moment at which a process ends (`Popen.wait` with a timeout looks every 50 ms)."""
    watched = os.pidfd_open(process.pid)
    try:
        if not select.select([watched], [], [], timeout_s)[0]:
            raise TimeoutError(f"{process.args!r} was not done within {timeout_s:g} s")
    finally:
        os.close(watched)


def _signal_group(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)


def has_ended(process: "subprocess.Popen[bytes]") -> bool:
    """Whether a process has ended; it is left unreaped, so that its group can still be recognised and ended."""
    if process.returncode is not None:
        return True
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
