"""Reads the CPU time and the memory of a process and its descendants from /proc."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S: int = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


@dataclass(frozen=True, kw_only=True)
class Memory:
    """The memory of a process tree, in MiB."""

    rss_mb: float
    """Resident pages, summed: a page that two processes share counts twice."""
    pss_mb: float
    """The same with shared pages divided among their sharers: what the machine would get back."""
    worker_rss_mb: float
    """Resident pages of the largest process."""


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat after the command's name, which may itself hold spaces and brackets."""
    return (PROC / str(pid) / "stat").read_text().rpartition(") ")[2].split()


def tree(root: int) -> list[int]:
    """The process `root` and all that live below it."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                parent = int(_stat(int(entry.name))[1])
            except OSError:
                continue  # it ended while we looked
            children.setdefault(parent, []).append(int(entry.name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def cpu_seconds(root: int) -> float:
    """User and system time spent so far by the tree under `root`."""
    ticks = 0
    for pid in tree(root):
        try:
            fields = _stat(pid)
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS_PER_S


def _kib(lines: Iterable[str], name: str) -> int:
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


def memory(root: int) -> Memory:
    """The memory that the tree under `root` holds now."""
    rss: list[int] = []
    pss: list[int] = []
    for pid in tree(root):
        try:
            lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        rss.append(_kib(lines, "Rss:"))
        pss.append(_kib(lines, "Pss:"))
    return Memory(rss_mb=sum(rss) / 1024, pss_mb=sum(pss) / 1024, worker_rss_mb=max(rss, default=0) / 1024)
