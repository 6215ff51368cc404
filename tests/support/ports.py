"""Ports for servers that start later than their port is chosen, and again on the same one.

They are below those that the system gives to connections, so no client takes one while its server is down. Each of
pytest's processes has ports of its own, and two runs on one machine begin at different ones.
"""

import itertools
import os
import random
import socket
from collections.abc import Iterator
from contextlib import suppress

_PORTS = range(20_000, 32_000)


def _own() -> Iterator[int]:
    """The ports of this process, again and again."""
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    own = _PORTS[number::processes]
    begin = random.SystemRandom().randrange(len(own))
    return itertools.cycle([*own[begin:], *own[:begin]])


_own_ports = _own()


def free_port() -> int:
    """A port that nobody listens on just now, and no other test of this run is given."""
    for port in _own_ports:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("the ports never end")
