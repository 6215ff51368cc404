"""Which processes of the hub are alive, shown by locks on files in one directory.

A process proves that it lives by a lock that the kernel holds for it. However the process dies, the kernel releases
it; nothing has to be written, and nobody has to wait for a heartbeat to fail.

A file may be removed by somebody who cleans up. So a missing file alone proves nothing: the process is gone only if its
process id is, too, or belongs to a process that began at another time. Names carry what is needed for that. A process
of another machine, or of another namespace of process ids, whose file is missing cannot be seen at all.
"""

import contextlib
import fcntl
import os
import re
import weakref
import zlib
from pathlib import Path

from ports.environment import Liveness

# Process id, when the process began (clock ticks since the machine did), where its id is valid, and chance.
_NAME = re.compile(r"w(?P<pid>[0-9]+)-(?P<began>[0-9]+)-(?P<place>[0-9a-f]{8})-[0-9a-f]{10}")
_UNKNOWN = 0


class FlockLiveness(Liveness):
    """Life signs as locks on files in one directory, for all processes of one machine.

    A name is made when it is first asked for, so in the worker and not in the parent that forks it. Ask for it before
    the books can hold it.
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
            return None  # no name that this class has made
        path = self._directory / owner
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return self._has_ended(owner)
        except OSError:
            return False  # It cannot be told just now, for want of file descriptors, say.
        try:
            # Shared, so that two processes that look at once do not take each other for the owner.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            os.close(file)
        with contextlib.suppress(OSError):
            path.unlink()
        return True

    def renew(self) -> None:
        """Put this process's life sign back where somebody has removed it. OSError if that cannot be done now."""
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
        """Be gone, in good order. The file stays, for its free lock proves it; whoever finds that out removes it."""
        if self._own is not None:
            file, self._own = self._own[2], None
            os.close(file)

    def forget_the_dead(self) -> None:
        """Remove the files of processes that are gone, also of those whose name no call bears."""
        with contextlib.suppress(OSError):
            for name in os.listdir(self._directory):
                self.is_gone(name)

    def _has_ended(self, owner: str) -> bool | None:
        """Whether the process of a name without a file has ended; None if its id says nothing here."""
        told = _NAME.fullmatch(owner)
        if told is None or told["place"] != self._place:
            return None
        pid, began = int(told["pid"]), int(told["began"])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            pass  # It lives, and is somebody else's.
        now = _began(pid)
        return now is not None and began != _UNKNOWN and now != began

    def _locked(self, name: str) -> int:
        """A file that bears the name only once its lock is held: nobody can find it without."""
        self._directory.mkdir(mode=0o700, parents=False, exist_ok=True)
        aside = self._directory / f".{name}"
        file = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            aside.rename(self._directory / name)
        except BaseException:
            os.close(file)
            raise
        return file

    def _let_go_after_fork(self) -> None:
        if self._own is not None and self._own[0] != os.getpid():
            os.close(self._own[2])
            self._own = None


def _began(pid: int) -> int | None:
    """When the process began, in clock ticks since the machine did; None where that cannot be told. See proc(5)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name, in parentheses, may hold anything: fields are counted behind its end.
            return int(file.read().rpartition(b")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None


def _place() -> str:
    """What tells machine, boot and namespace of process ids from others; without /proc there is only one."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_bytes()
        space = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return "00000000"
    return f"{zlib.crc32(boot + str(space).encode()):08x}"
