"""Which processes of the hub are alive, shown by locks on files in one directory.

A process proves that it is alive by a lock that the kernel holds for it. However the process ends, the kernel releases
the lock; nothing has to be written, and there is no heartbeat.

A cleanup may remove a file. So a missing file alone proves nothing: the process is gone only if its process id is gone
too, or belongs to a process that began at another time. Names contain what is needed for this check. A process of
another machine, or of another namespace of process ids, whose file is missing cannot be checked.
"""

import contextlib
import fcntl
import os
import re
import weakref
import zlib
from pathlib import Path

from ports.environment import Liveness

# Process id, start of the process (clock ticks since boot), the namespace of its id, and random bits.
_NAME = re.compile(r"w(?P<pid>[0-9]+)-(?P<began>[0-9]+)-(?P<place>[0-9a-f]{8})-[0-9a-f]{10}")
_UNKNOWN, _ENDED = 0, -1


class FlockLiveness(Liveness):
    """Proof of life by locks on files in one directory, for all processes of one machine.

    A name is made on first use, so in the worker and not in the parent that forks it. It must be requested before the
    books contain it.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._own: tuple[int, str, int] | None = None  # process id, name, file
        self._place = _place()
        own = weakref.WeakMethod(self._let_go_after_fork)
        # A child that kept the file open would keep its dead parent alive.
        os.register_at_fork(after_in_child=lambda: (release := own()) and release())

    def own(self) -> str:
        if self._own is None:
            name = f"w{os.getpid()}-{_began(os.getpid()) or _UNKNOWN}-{self._place}-{os.urandom(5).hex()}"
            self._own = (os.getpid(), name, self._locked(name))
        return self._own[1]

    def is_gone(self, owner: str) -> bool | None:
        if self._own is not None and owner == self._own[1]:
            return False
        if not owner or owner.startswith(".") or "/" in owner:
            return None  # not a name that this class has made
        path = self._directory / owner
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return self._has_ended(owner)
        except OSError:
            return False  # This cannot be checked now, for example because there are no file descriptors left.
        try:
            # A shared lock, so that two processes that check at once do not take each other for the owner.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            os.close(file)
        with contextlib.suppress(OSError):
            path.unlink()
        return True

    def renew(self) -> None:
        """Create this process's file again if it was removed. Raises OSError if that is impossible now."""
        if self._own is None:
            return
        pid, name, file = self._own
        here = os.fstat(file)
        with contextlib.suppress(FileNotFoundError):
            there = os.stat(self._directory / name)
            if (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino):
                return
        self._own = (pid, name, self._locked(name))
        os.close(file)

    def close(self) -> None:
        """Release the lock. The file stays, because a free lock proves the end.

        The process that notices it removes the file.
        """
        if self._own is not None:
            file, self._own = self._own[2], None
            os.close(file)

    def remove_ended(self) -> None:
        """Remove the files of processes that are gone, including those that no call names."""
        with contextlib.suppress(OSError):
            for name in os.listdir(self._directory):
                self.is_gone(name)

    def _has_ended(self, owner: str) -> bool | None:
        """Whether the process of a name without a file has ended; None if its id is of another namespace."""
        match = _NAME.fullmatch(owner)
        if match is None or match["place"] != self._place:
            return None
        pid, began = int(match["pid"]), int(match["began"])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            pass  # It is alive, and belongs to another user.
        now = _began(pid)
        return now == _ENDED or (now is not None and began != _UNKNOWN and now != began)

    def _locked(self, name: str) -> int:
        """Create a file that gets its name only when its lock is held, so that no process finds it unlocked."""
        self._directory.mkdir(mode=0o700, parents=False, exist_ok=True)
        unnamed = self._directory / f".{name}"
        file = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            unnamed.rename(self._directory / name)
        except BaseException:
            os.close(file)
            raise
        return file

    def _let_go_after_fork(self) -> None:
        if self._own is not None and self._own[0] != os.getpid():
            os.close(self._own[2])
            self._own = None


def _began(pid: int) -> int | None:
    """Return when the process began, in clock ticks since boot; None if that is unknown. See proc(5).

    A process that has ended is there until its parent has asked how: _ENDED.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name, in parentheses, may contain anything: fields are counted from its end.
            fields = file.read().rpartition(b")")[2].split()
            return _ENDED if fields[0] in (b"Z", b"X") else int(fields[19])
    except (OSError, ValueError, IndexError):
        return None


def _place() -> str:
    """Return what identifies the machine, the boot and the namespace of process ids; constant without /proc."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_bytes()
        space = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return "00000000"
    return f"{zlib.crc32(boot + str(space).encode()):08x}"
