"""Billed calls by the second with the books in SQLite and in PostgreSQL, in turns: whole answers, one worker.

    python -m bench.engines [--rounds 3] [--seconds 5] [--aihub PATH]

The hub is on the first CPU; the stub provider, the load generator and the PostgreSQL server of the tests' own share the
last. Compare figures of one run only.
"""

import argparse
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench.__main__ import find_hub
from bench.build import build
from bench.hub import BenchedHub, Provider
from bench.processes import Processes
from bench.session import FAST, Placement
from bench.traffic import Measured, Server, Shape, Traffic
from tests.support import postgres

ENGINES = ("sqlite", "postgres")
WARM_UP_S = 1.0
SHARE = 0.7


def one_engine(
    traffic: Traffic, placement: Placement, command: Path, data: Path, stub: Server, seconds: float
) -> Measured:
    """Set a hub up, measure it, and verify its books."""
    url = postgres.new_books() if data.name.startswith("postgres") else ""
    hub = BenchedHub(processes=traffic.processes, command=command, data=data, cpus=placement.hub, database=url)
    hub.set_up(Provider(name=FAST, port=stub.port))
    shape = Shape(seconds=seconds, model=f"{FAST}/bench")
    with hub.serving() as server:
        traffic.measure(f"{data.name}, warming up", server, replace(shape, seconds=WARM_UP_S))
        measured = traffic.measure(data.name, server, shape)
    hub.verify()
    return measured


def compared(command: Path, rounds: int, seconds: float) -> dict[str, list[Measured]]:
    """Measure both engines in turns."""
    placement = Placement.of_this_machine()
    os.sched_setaffinity(0, placement.tools)
    postgres.SETTINGS["fsync"] = "on"
    found: dict[str, list[Measured]] = {engine: [] for engine in ENGINES}
    with tempfile.TemporaryDirectory(prefix="aihub-bench-") as folder, Processes() as processes:
        traffic = Traffic(processes=processes, programs=build(Path(folder)), cpus=placement.tools)
        stub = traffic.stub()
        for number in range(rounds):
            for engine in ENGINES:
                data = Path(folder) / f"{engine}-{number}"
                found[engine].append(one_engine(traffic, placement, command, data, stub, seconds))
        for fault in traffic.trouble:
            print(f"bench: FAILED: {fault}")
    return found


def main() -> None:
    """Measure in rounds, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--aihub", type=Path)
    options = parser.parse_args()
    command = find_hub(options.aihub)
    if command is None:
        raise SystemExit("bench: cannot find the aihub command; name it: --aihub PATH")
    found = compared(command.absolute(), options.rounds, options.seconds)
    for engine, rounds in found.items():
        rate, cpu_us = median(each.rps for each in rounds), median(each.cpu_us for each in rounds)
        print(f"{engine:<10} {rate:>7,.0f} billed calls/s  {cpu_us:>5.0f} µs of the hub's processor time a call")
    pairs = zip(found["postgres"], found["sqlite"], strict=True)
    ratio = median(shared.rps / single.rps for shared, single in pairs)
    print(f"PostgreSQL against SQLite: {ratio:.2f} (target >= {SHARE})")


if __name__ == "__main__":
    main()
