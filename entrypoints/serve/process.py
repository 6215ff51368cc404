"""The life of a serving process: the resources that it takes at its start, and its end after a failure."""

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
    """Raise the soft limit of open files and connections, a mere default, to the hard one, also for the workers."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else hard
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    with contextlib.suppress(ValueError, OSError):  # a sandbox may forbid it
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
