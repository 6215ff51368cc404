"""The limits of the server: as much as descriptors and memory allow, with a reserve."""

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

# Files of the books, listening sockets, the event loop's own, pipes, and files that an import opens for a moment.
DESCRIPTORS_KEPT = 48
DESCRIPTORS_MAX = 1_000_000
# A request whose answer streams has its caller's connection and its provider's.
DESCRIPTORS_EACH = 2
# Connections that only wait: for a request, or for the answer that the hub is full.
CONNECTIONS_SPARE = 64
# An open stream costs 47 KB, measured with 5,000 of them; bodies have a bound of their own.
REQUEST_BYTES = 64 * 1024
_GROUP = Path("/sys/fs/cgroup/memory.max")
_MEMORY = Path("/proc/meminfo")


class Limits(NamedTuple):
    """How many requests may be under way at once in a process, and how many connections open."""

    requests: int
    connections: int


class ConnectionTimeouts(NamedTuple):
    """How long the server waits for a caller, in seconds."""

    # For a request's head, from the connection's beginning or from the head's first byte.
    head_s: float = 30.0
    # For another request: longer than the minute after which load balancers commonly close idle connections, so that
    # they close first.
    idle_s: float = 75.0
    # For the discarded rest of a request.
    drain_s: float = 10.0
    # For a caller who reads nothing of its answer.
    stall_s: float = 60.0
    # From a closed sending side to an interim answer, by which it shows that the caller has left for good.
    probe_s: float = 0.5
    # How often all this is checked.
    look_s: float = 1.0


CONNECTION_TIMEOUTS = ConnectionTimeouts()


def limits_of(descriptors: int, memory_bytes: int | None, workers: int) -> Limits:
    """The limits of a process that has so many descriptors and shares the memory with the other workers.

    `memory_bytes` of None: the memory is unknown, and only the descriptors count.
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
    """The memory of this machine or container; None if it is unknown."""
    known = []
    with suppress(OSError, ValueError):  # "max": as much as the machine has
        known.append(int(_GROUP.read_text()))
    with suppress(OSError, ValueError):
        lines = _MEMORY.read_text().splitlines()
        known += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemTotal:")]
    return min(known, default=None)
