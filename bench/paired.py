"""Two hubs against each other: that of a base commit and that of the working tree, in alternating rounds.

Single figures of a shared machine are worth little; the ratio of two runs one after the other is worth more, and the
spread of the ratios shows how much.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

QUIET_SHARE = 0.2
QUIET_WAIT_S = 120.0
_LOOK_S = 1.0


class Round(NamedTuple):
    """The rows of one run of the benchmark by measure, and the share of the CPUs that neighbours took in it."""

    figures: Mapping[str, float]
    neighbours: float


class Compared(NamedTuple):
    """One measure: the medians of both sides, and the smallest, the middle and the largest ratio of a round."""

    measure: str
    base: float
    new: float
    ratios: tuple[float, float, float]


def busy_s() -> float:
    """The seconds for which the CPUs of this machine have worked so far. See proc(5), /proc/stat."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def wait_for_quiet_cpus() -> None:
    """Wait until the CPUs are nearly idle, for two minutes at most."""
    end = time.monotonic() + QUIET_WAIT_S
    while time.monotonic() < end:
        before = busy_s()
        time.sleep(_LOOK_S)
        if (busy_s() - before) / _LOOK_S / (os.cpu_count() or 1) < QUIET_SHARE:
            return


def figures_of(report: Mapping[str, Any]) -> dict[str, float]:
    """The figures of a report by measure; a measure that is indented belongs to the one before it."""
    figures: dict[str, float] = {}
    topic = ""
    for row in report["rows"]:
        measure: str = row["measure"]
        topic = topic if measure.startswith(" ") else measure
        name = f"{measure.strip()} ({topic})" if measure.startswith(" ") else measure
        if row.get("figure") is not None:
            figures[name] = float(row["figure"])
    return figures


def compared(base: list[Round], new: list[Round]) -> list[Compared]:
    """Each measure that all rounds have, CPU time first."""
    common = [name for name in base[0].figures if all(name in each.figures for each in (*base, *new))]
    rows = []
    for name in sorted(common, key=lambda each: "CPU" not in each):
        of_base, of_new = [each.figures[name] for each in base], [each.figures[name] for each in new]
        ratios = sorted(ours / theirs for theirs, ours in zip(of_base, of_new, strict=True) if theirs)
        if ratios:
            spread = (ratios[0], statistics.median(ratios), ratios[-1])
            rows.append(Compared(name, statistics.median(of_base), statistics.median(of_new), spread))
    return rows


@contextmanager
def installed(home: Path, commit: str) -> Iterator[Path]:
    """The `aihub` command of a commit, in a worktree and an environment of its own, for as long as the block runs."""
    with tempfile.TemporaryDirectory(prefix="aihub-base-") as folder:
        tree = Path(folder) / "tree"
        subprocess.run(["git", "-C", home, "worktree", "add", "--quiet", "--detach", tree, commit], check=True)
        try:
            pip: list[str | Path] = [
                tree / ".venv/bin/python",
                "-m",
                "pip",
                "install",
                "-qq",
                "--disable-pip-version-check",
            ]
            subprocess.run([sys.executable, "-m", "venv", tree / ".venv"], check=True)
            subprocess.run([*pip, "--require-hashes", "-r", tree / "requirements.lock"], check=True)
            subprocess.run([*pip, "--no-deps", "--no-build-isolation", "-e", tree], check=True)
            yield tree / ".venv/bin/aihub"
        finally:
            subprocess.run(["git", "-C", home, "worktree", "remove", "--force", tree], check=True)


def one_round(home: Path, command: Path, quick: bool) -> Round:
    """Run the benchmark of this tree against a command, in a process group of its own, once the CPUs are quiet."""
    wait_for_quiet_cpus()
    began, busy, own = time.monotonic(), busy_s(), os.times()
    argv = [sys.executable, "-m", "bench", "--json", "--aihub", str(command), *(["--quick"] if quick else [])]
    process = subprocess.Popen(argv, cwd=home, stdout=subprocess.PIPE, start_new_session=True)
    try:
        printed, _ = process.communicate()
    except BaseException:
        process.terminate()  # It ends all that it has started.
        process.wait()
        raise
    after = os.times()
    ours = after.children_user + after.children_system - own.children_user - own.children_system
    spent = (time.monotonic() - began) * (os.cpu_count() or 1)
    if not printed.strip():
        raise RuntimeError(f"the benchmark of {command} gave no figures")
    return Round(figures_of(json.loads(printed)), max(0.0, busy_s() - busy - ours) / spent)


def compare(home: Path, base: Path, new: Path, rounds: int, quick: bool) -> tuple[list[Round], list[Round]]:
    """Run both in turn, so many times."""
    results: tuple[list[Round], list[Round]] = ([], [])
    for number in range(rounds):
        for name, command, rounds_of in (("base", base, results[0]), ("new", new, results[1])):
            print(f"bench: round {number + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
            rounds_of.append(one_round(home, command, quick))
    return results


def report(base: list[Round], new: list[Round], path: Path) -> str:
    """Keep the figures of all rounds as JSON under the path; return the table for a reader."""
    rows = compared(base, new)
    kept = {side: [each._asdict() for each in of] for side, of in (("base", base), ("new", new))}
    path.write_text(json.dumps(kept | {"compared": [each._asdict() for each in rows]}, indent=1))
    share = statistics.median(each.neighbours for each in (*base, *new))
    lines = [f"{'measure':<72}{'base':>10}{'new':>10}{'ratio':>8}  smallest and largest"]
    lines += [
        f"{row.measure[:71]:<72}{row.base:>10.2f}{row.new:>10.2f}{row.ratios[1]:>8.3f}"
        f"  {row.ratios[0]:.3f} to {row.ratios[2]:.3f}"
        for row in rows
    ]
    lines.append(f"Neighbours took {share:.0%} of the CPUs. All figures: {path}")
    return "\n".join(lines)
