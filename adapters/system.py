"""The machine's own clock and chance, and which processes of the hub are alive.

House rule: a process proves that it lives by a lock that the kernel holds for it. However the process dies, the kernel
lets go; nothing has to be written, nobody has to wait for a heartbeat to fail, and a process id used again by
somebody else cannot be mistaken for it.
"""

import contextlib
import fcntl
import os
import secrets
import time
import weakref
from collections import deque
from pathlib import Path

from ports.environment import Clock, Ids, Liveness

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_DRAW_BYTES, _DRAWS_AT_ONCE = 10, 64
_PAIRS = tuple(high + low for high in _CROCKFORD for low in _CROCKFORD)


class SystemClock(Clock):
    """The clocks of this machine."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_us(self) -> int:
        return time.monotonic_ns() // 1_000


class RandomIds(Ids):
    """Ids of 26 characters after their prefix: 48 bits of milliseconds, then 80 of chance, in Crockford's base 32.

    Chance is drawn for many ids at once, since each visit to the kernel lets other threads go first. No two ids get
    the same: a thread takes a draw by `popleft`, which is one step, and a fork leaves the stock behind.
    """

    def __init__(self) -> None:
        self._moment: tuple[int, str] = (-1, "")
        self._stock: deque[bytes] = deque()
        os.register_at_fork(after_in_child=self._stock.clear)

    def new(self, prefix: str) -> str:
        """`call_01k9…`: ids of different milliseconds sort by time."""
        now_ms = time.time_ns() // 1_000_000
        then_ms, head = self._moment
        if then_ms != now_ms:
            head = _base32(now_ms, pairs=5)
            self._moment = (now_ms, head)
        return f"{prefix}_{head}{_base32(int.from_bytes(self._drawn(), 'big'), pairs=8)}"

    def _drawn(self) -> bytes:
        try:
            return self._stock.popleft()
        except IndexError:
            drawn = os.urandom(_DRAW_BYTES * _DRAWS_AT_ONCE)
            self._stock.extend(drawn[at : at + _DRAW_BYTES] for at in range(_DRAW_BYTES, len(drawn), _DRAW_BYTES))
            return drawn[:_DRAW_BYTES]

    def secret(self) -> str:
        """43 characters that may stand in a URL."""
        return secrets.token_urlsafe(32)

    def chance(self, below: int) -> int:
        return secrets.randbelow(below)


def _base32(number: int, pairs: int) -> str:
    table = _PAIRS
    if pairs == 8:  # the hot one, without a loop
        return (
            table[number >> 70]
            + table[number >> 60 & 1023]
            + table[number >> 50 & 1023]
            + table[number >> 40 & 1023]
            + table[number >> 30 & 1023]
            + table[number >> 20 & 1023]
            + table[number >> 10 & 1023]
            + table[number & 1023]
        )
    return "".join(table[number >> shift & 1023] for shift in range(10 * (pairs - 1), -1, -10))


class FlockLiveness(Liveness):
    """Life signs as locks on files in one directory, for all processes of one machine.

    A name is made when it is first asked for, so in the worker and not in the parent that forks it. Ask for it before
    the books can hold it.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._own: tuple[int, str, int] | None = None  # process id, name, file
        own = weakref.WeakMethod(self._let_go_after_fork)
        # A child that kept the file open would keep its dead parent alive.
        os.register_at_fork(after_in_child=lambda: (release := own()) and release())

    def own(self) -> str:
        if self._own is None:
            self._own = self._make()
        return self._own[1]

    def is_gone(self, owner: str) -> bool:
        if self._own is not None and owner == self._own[1]:
            return False
        if not owner or owner.startswith(".") or "/" in owner:
            return False  # no name that this class has made
        path = self._directory / owner
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        try:
            # Shared, so that two processes that look at once do not take each other for the owner.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(file)
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        return True

    def close(self) -> None:
        """Be gone, in good order."""
        if self._own is not None:
            _, name, file = self._own
            self._own = None
            with contextlib.suppress(FileNotFoundError):
                (self._directory / name).unlink()
            os.close(file)

    def forget_the_dead(self) -> None:
        """Remove the files of processes that are gone, also of those whose name no call bears."""
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(self._directory):
                self.is_gone(name)

    def _make(self) -> tuple[int, str, int]:
        """A file that bears the name only once its lock is held: nobody can find it without."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"w{os.getpid()}-{time.time_ns() // 1_000_000}-{os.urandom(5).hex()}"
        aside = self._directory / f".{name}"
        file = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        aside.rename(self._directory / name)
        return os.getpid(), name, file

    def _let_go_after_fork(self) -> None:
        if self._own is not None and self._own[0] != os.getpid():
            os.close(self._own[2])
            self._own = None
