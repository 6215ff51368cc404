"""`python -m bench.open_streams [1000 5000]`: many open streams on one worker.

Each stream has an event every two seconds. What is printed: the memory of a stream, how late events are, how long
`/healthz` takes meanwhile, and the CPU time of an event. Each stream takes two
file descriptors of the hub.
"""

import argparse
import http.client
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench import cpu_and_memory
from bench.__main__ import find_hub
from bench.build import build
from bench.processes import Processes
from bench.session import FULL, Placement, Session, progress
from bench.table import Row, as_table, written
from bench.traffic import Server, Shape, Traffic

EVENTS, RATE = 15, 0.5
RAMP_S = 10.0
LOOK_S = 0.2


class Watch:
    """What a second thread sees of a hub while it works: answers of `/healthz`, and memory."""

    def __init__(self, server: Server) -> None:
        self.healthz_ms: list[float] = []
        self.rss_mb: list[float] = []
        self._server = server
        self._done = threading.Event()

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look several times a second for as long as the block runs."""
        thread = threading.Thread(target=self._look)
        thread.start()
        try:
            yield
        finally:
            self._done.set()
            thread.join()

    def _look(self) -> None:
        while not self._done.wait(LOOK_S):
            began = time.monotonic()
            line = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=30)
            line.request("GET", "/healthz")
            assert line.getresponse().status == http.client.OK
            self.healthz_ms.append((time.monotonic() - began) * 1e3)
            line.close()
            self.rss_mb.append(cpu_and_memory.memory(self._server.pid).worker_rss_mb)


def measure(session: Session, count: int, provider: str) -> Sequence[Row]:
    """The figures of so many streams on a hub of their own."""
    with session.hub(f"{count} streams") as (_, server):
        before = cpu_and_memory.memory(server.pid).worker_rss_mb
        watch = Watch(server)
        progress(f"{count} streams")
        shape = Shape(seconds=1, model=f"{provider}/bench", stream=True, connections=count, ramp_s=RAMP_S)
        with watch.looking():
            measured = session.traffic.measure(f"{count} streams", server, shape)
    longest, usual = max(watch.healthz_ms), median(watch.healthz_ms)
    return (
        Row(
            measure=f"{count:,} open streams: /healthz", figure=usual, unit="ms", note=f"longest {written(longest)} ms"
        ),
        Row(
            measure="  events late by",
            figure=measured.lag_p50 / 1e3,
            unit="ms",
            note=f"p99 {written(measured.lag_p99 / 1e3)} ms",
        ),
        Row(measure="  memory", figure=(max(watch.rss_mb) - before) * 1024 / count, unit="KiB/stream"),
        Row(measure="  CPU", figure=measured.cpu_us, unit="µs/event", note=f"{measured.requests:,} streams"),
    )


def main() -> int:
    """Exit code 0 when every stream came to its end and the books add up."""
    parser = argparse.ArgumentParser(prog="python -m bench.open_streams", description="Measure many open streams.")
    parser.add_argument("counts", type=int, nargs="*", default=[1_000, 5_000])
    parser.add_argument("--aihub", type=Path, metavar="PATH", help="the aihub command to measure")
    options = parser.parse_args()
    command = find_hub(options.aihub)
    if command is None:
        print("bench: cannot find the aihub command", file=sys.stderr)
        return 1
    placement = Placement.of_this_machine()
    with tempfile.TemporaryDirectory(prefix="aihub-bench-") as folder, Processes() as processes:
        traffic = Traffic(processes=processes, programs=build(Path(folder)), cpus=placement.tools)
        session = Session(
            traffic=traffic,
            placement=placement,
            effort=FULL,
            command=command.absolute(),
            folder=Path(folder),
            fast=traffic.stub("--events", str(EVENTS), "--rate", str(RATE)),
            slow=traffic.stub(),
        )
        rows = [row for count in options.counts for row in measure(session, count, "stub")]
    print(as_table(rows))
    for fault in traffic.trouble:
        print(f"bench: FAILED: {fault}", file=sys.stderr)
    return 1 if traffic.trouble else 0


if __name__ == "__main__":
    sys.exit(main())
