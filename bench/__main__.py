"""`python -m bench [--quick] [--json] [--aihub PATH] [--base COMMIT]`: measure, report, and leave nothing behind."""

import argparse
import os
import platform
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

from bench import paired, table
from bench.build import BuildError, build
from bench.processes import Processes
from bench.run import SLOW_MS, everything
from bench.session import FULL, QUICK, Effort, Placement, Session, progress
from bench.traffic import Traffic

HOME = Path(__file__).resolve().parent.parent


def find_hub(given: Path | None) -> Path | None:
    """The `aihub` command: the one given, else that of this interpreter's environment, else `.venv`, else PATH."""
    if given is not None:
        return given if given.exists() else None
    installed = Path(sys.executable).with_name("aihub")
    local = HOME / ".venv" / "bin" / "aihub"
    anywhere = shutil.which("aihub")
    return next((path for path in (installed, local) if path.exists()), Path(anywhere) if anywhere else None)


def measure(command: Path, effort: Effort, placement: Placement) -> Session:
    """Build the tools, make every run, and end all that was started."""
    with tempfile.TemporaryDirectory(prefix="aihub-bench-") as folder, Processes() as processes:
        progress("compiling the stub provider and the load generator")
        programs = build(Path(folder))
        traffic = Traffic(processes=processes, programs=programs, cpus=placement.tools)
        session = Session(
            traffic=traffic,
            placement=placement,
            effort=effort,
            command=command,
            folder=Path(folder),
            fast=traffic.stub(),
            slow=traffic.stub("--delay-ms", str(SLOW_MS)),
        )
        everything(session)
        return session


def machine(placement: Placement) -> str:
    """The machine of the measurement, in a line."""
    cores = len(placement.available)
    shared = " (shared with the stub and the load generator)" if cores == 1 else ""
    return (
        f"Python {platform.python_version()}, Linux {platform.release()}, {cores} CPUs; "
        f"hub on CPU {min(placement.hub)}{shared}, stub and load generator on CPU {min(placement.tools)}"
    )


def report(session: Session, *, as_json: bool) -> None:
    """Print the figures and the failures."""
    about = machine(session.placement)
    trouble, remarks = session.traffic.trouble, session.traffic.remarks
    if as_json:
        print(table.as_json(session.rows, machine=about, trouble=trouble, remarks=remarks))
    else:
        print(f"{about}\n\n{table.as_table(session.rows)}\n")
        print("Machines drift: trust the ratios to the stub of the same run, not single figures.")
    for remark in remarks:
        print(f"bench: note: {remark}", file=sys.stderr)
    for fault in trouble:
        print(f"bench: FAILED: {fault}", file=sys.stderr)


def stop(number: int, frame: FrameType | None) -> None:
    """End through the contexts that clean up, as Ctrl-C does."""
    raise SystemExit(128 + number)


def main() -> int:
    """Exit code 0 when every answer was good and every ledger verified, however slow; 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the hub against a stub provider.")
    parser.add_argument("--quick", action="store_true", help="measure for two seconds where it is five")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    parser.add_argument("--aihub", type=Path, metavar="PATH", help="the aihub command to measure")
    parser.add_argument("--base", metavar="COMMIT", help="compare with the hub of a commit, in alternating rounds")
    parser.add_argument("--rounds", type=int, default=5, help="how many rounds of --base to make (default: 5)")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job begins with it ignored
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    command = find_hub(options.aihub)
    if command is None:
        print("bench: cannot find the aihub command; install the project or name it: --aihub PATH", file=sys.stderr)
        return 1
    if options.base is not None:
        kept = Path(tempfile.gettempdir()) / f"aihub-bench-{options.base}.json"
        with paired.installed(HOME, options.base) as base:
            results = paired.compare(HOME, base, command.absolute(), options.rounds, options.quick)
        print(paired.report(*results, kept))
        return 0
    placement = Placement.of_this_machine()
    os.sched_setaffinity(0, placement.tools)  # the benchmark's own work must not take CPU from the hub either
    try:
        session = measure(command.absolute(), QUICK if options.quick else FULL, placement)
    except (BuildError, RuntimeError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted; everything that was started has been ended", file=sys.stderr)
        return 130
    report(session, as_json=options.json)
    return 1 if session.traffic.trouble else 0


if __name__ == "__main__":
    sys.exit(main())
