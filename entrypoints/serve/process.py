"""The life of a process that serves: what it takes from the machine at its start, and how it ends when it must."""

import contextlib
import logging
import os
import resource

_log = logging.getLogger("aihub")

# Where the hard limit is "unlimited", as on macOS, the kernel may still refuse more than this.
DESCRIPTORS = 65_536
EXIT_FAILED = 1


def end_process(error: BaseException) -> None:
    """End this process now, so that the server puts another in its place. Open calls are ended by the next sweep."""
    _log.critical("the hub of process %d failed, which ends it", os.getpid(), exc_info=error)
    logging.shutdown()
    os._exit(EXIT_FAILED)


def raise_descriptor_limit() -> None:
    """Let this process and its workers open as many files and connections as it may: the soft limit is a default."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else hard
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    with contextlib.suppress(ValueError, OSError):  # a sandbox may forbid it
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
