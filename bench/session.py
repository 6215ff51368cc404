"""The state that every run shares: placement, durations, the traffic, and the rows so far."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from bench.hub import BenchedHub, HubError, Provider
from bench.table import Row, Target, written
from bench.traffic import CONNECTIONS, Measured, Server, Shape, Traffic

FAST, SLOW = "stub", "slow"
"""The names under which a hub knows the two stub providers."""

RPS = Target(limit=3000, at_least=True)
CPU_PER_REQUEST = Target(limit=330)


def progress(text: str) -> None:
    """Report the progress on standard error."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How long to measure."""

    seconds: float
    warm_up_s: float
    cold_starts: int
    stage_calls: int


FULL = Effort(seconds=5, warm_up_s=2, cold_starts=5, stage_calls=200)
QUICK = Effort(seconds=2, warm_up_s=1, cold_starts=3, stage_calls=50)


@dataclass(frozen=True, kw_only=True)
class Placement:
    """The assignment of CPUs: the first is the hub's, the last is for the stub and the load generator."""

    available: tuple[int, ...]

    @classmethod
    def of_this_machine(cls) -> Self:
        return cls(available=tuple(sorted(os.sched_getaffinity(0))))

    @property
    def hub(self) -> frozenset[int]:
        return frozenset(self.available[:1])

    @property
    def tools(self) -> frozenset[int]:
        return frozenset(self.available[-1:])


@dataclass(kw_only=True)
class Session:
    """One execution of the benchmark."""

    traffic: Traffic
    placement: Placement
    effort: Effort
    command: Path
    folder: Path
    fast: Server
    slow: Server
    rows: list[Row] = field(default_factory=list)
    direct: Measured | None = None
    """The stub called directly, once that has been measured: the base of ratios."""

    def add(self, row: Row) -> None:
        self.rows.append(row)

    def shape(self, provider: str = FAST, *, rate: float | None = None, stream: bool = False) -> Shape:
        return Shape(seconds=self.effort.seconds, model=f"{provider}/bench", rate=rate, stream=stream)

    @contextmanager
    def hub(
        self,
        name: str,
        *,
        cpus: frozenset[int] | None = None,
        billing: bool = True,
        interface: str = "asgi",
        workers: int = 1,
    ) -> Iterator[tuple[BenchedHub, Server]]:
        """A hub that is set up, served and warm. When the context ends it is stopped and its books are verified."""
        progress(f"setting up: {name}")
        hub = BenchedHub(
            processes=self.traffic.processes,
            command=self.command,
            data=self.folder / name.replace(" ", "-").replace(",", ""),
            cpus=self.placement.hub if cpus is None else cpus,
            billing=billing,
            interface=interface,
            workers=workers,
        )
        hub.set_up(Provider(name=FAST, port=self.fast.port), Provider(name=SLOW, port=self.slow.port))
        with hub.serving() as server:
            warm_up = replace(self.shape(), seconds=self.effort.warm_up_s)
            self.traffic.measure(f"{name}, warming up", server, warm_up)
            yield hub, server
        progress(f"verifying the books: {name}")
        try:
            hub.verify()
        except HubError as error:
            self.traffic.trouble.append(f"{name}: {error}")

    def whole(self, name: str, server: Server, *, judged: bool = False) -> Measured:
        """Whole answers, as fast as they come; two rows."""
        progress(f"{name}: whole answers over {CONNECTIONS} connections for {self.effort.seconds:g} s")
        measured = self.traffic.measure(name, server, self.shape())
        rps_ratio = cpu_ratio = ""
        if self.direct is not None and measured.rps and self.direct.cpu_us:
            rps_ratio = f"1/{written(self.direct.rps / measured.rps)}"
            cpu_ratio = f"{written(measured.cpu_us / self.direct.cpu_us)} x"
        p50, p99 = measured.latency_p50 / 1e3, measured.latency_p99 / 1e3
        self.add(
            Row(
                measure=f"{name}: whole answers, {CONNECTIONS} connections",
                figure=measured.rps,
                unit="req/s",
                to_stub=rps_ratio,
                target=RPS if judged else None,
                note=f"latency p50 {written(p50)} ms, p99 {written(p99)} ms",
            )
        )
        target = CPU_PER_REQUEST if judged else None
        self.add(Row(measure="  CPU", figure=measured.cpu_us, unit="µs/request", to_stub=cpu_ratio, target=target))
        return measured
