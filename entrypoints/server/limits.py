"""How much the server takes on: as much as descriptors and memory afford, and some in reserve."""

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

# Files of the books, sockets that listen, the event loop's own, pipes, and what an import opens for a moment.
DESCRIPTORS_KEPT = 48
DESCRIPTORS_MAX = 1_000_000
# A request whose answer streams has its caller's connection and its provider's.
DESCRIPTORS_EACH = 2
# Connections that only wait: for a request, or to be told that there is no room for one.
CONNECTIONS_SPARE = 64
# What an open stream costs is 47 KB, measured with 5,000 of them; a body beside it has a bound of its own.
REQUEST_BYTES = 64 * 1024
_GROUP = Path("/sys/fs/cgroup/memory.max")
_MEMORY = Path("/proc/meminfo")


class Limits(NamedTuple):
    """How many requests may be under way at once in a process, and how many connections open."""

    requests: int
    connections: int


class ConnectionTimeouts(NamedTuple):
    """How long a caller is waited for, in seconds."""

    # For a request's head, from the connection's beginning or from the head's first byte.
    head_s: float = 30.0
    # For another request: longer than the minute after which load balancers commonly close what rests, so that they
    # are first.
    idle_s: float = 75.0
    # For the rest of a request that nobody reads any more.
    drain_s: float = 10.0
    # For a caller who takes nothing of what is sent to it.
    stall_s: float = 60.0
    # From a closed sending side to an interim answer, by which it shows that the caller has left for good.
    probe_s: float = 0.5
    # How often all this is looked at.
    look_s: float = 1.0


CONNECTION_TIMEOUTS = ConnectionTimeouts()


def limits_of(descriptors: int, memory_bytes: int | None, workers: int) -> Limits:
    """What a process may take on that has so many descriptors, and shares the memory with the other workers.

    `memory_bytes` of None: nobody knows, and only the descriptors count.
    """
    descriptors = min(descriptors, DESCRIPTORS_MAX)  # None at all is a very large number, or -1.
    descriptors = DESCRIPTORS_MAX if descriptors < 0 else descriptors
    spare = min(CONNECTIONS_SPARE, max(descriptors // 8, 8))
    requests = (descriptors - DESCRIPTORS_KEPT - spare) // DESCRIPTORS_EACH
    if memory_bytes is not None:
        requests = min(requests, memory_bytes // 2 // workers // REQUEST_BYTES)
    requests = max(requests, 8)
    return Limits(requests, requests + spare)


def memory_bytes() -> int | None:
    """The memory that this machine, or the container, has; None where neither says so."""
    known = []
    with suppress(OSError, ValueError):  # "max": as much as the machine has
        known.append(int(_GROUP.read_text()))
    with suppress(OSError, ValueError):
        lines = _MEMORY.read_text().splitlines()
        known += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemTotal:")]
    return min(known, default=None)
