"""Figures of a run: what its tests count (requests, kills, faults by kind), added up and printed at its end.

A difference is a test that counts and fails: what it counted did not come to what the books say.
"""

from collections import Counter
from collections.abc import Mapping

PROPERTY = "figure"  # what a report calls one
FAULT = "fault: "
_FIRST = ("requests", "kills", "worlds", "mutants", "mutants killed")


class Figures:
    """What one test counts. They travel with its report, since the tests may run in several processes."""

    def __init__(self, properties: list[tuple[str, object]]) -> None:
        self._properties = properties

    def add(self, counted: Mapping[str, int]) -> None:
        """Add so many of each; a fault is named with `FAULT` before its kind."""
        self._properties += [(PROPERTY, f"{count} {name}") for name, count in counted.items()]


class Sum:
    """The figures of all tests of a run."""

    def __init__(self) -> None:
        self._counted: Counter[str] = Counter()
        self._differences = 0

    def add(self, properties: list[tuple[str, object]], failed: bool) -> None:
        """The figures of one report."""
        reported = [str(value).partition(" ") for name, value in properties if name == PROPERTY]
        for count, _, name in reported:
            self._counted[name] += int(count)
        self._differences += bool(reported) and failed

    def lines(self) -> list[str]:
        """What to print; nothing where nothing was counted."""
        if not self._counted:
            return []
        names = [*_FIRST, *sorted(name for name in self._counted if name not in _FIRST and not name.startswith(FAULT))]
        counts = [f"{name} {self._counted[name]:,}" for name in names if name in self._counted]
        faults = [
            f"{name.removeprefix(FAULT)} {count:,}"
            for name, count in sorted(self._counted.items())
            if name.startswith(FAULT)
        ]
        reported = [" · ".join([*counts, f"differences {self._differences:,}"])]
        return [*reported, *([f"faults: {' · '.join(faults)}"] if faults else [])]
