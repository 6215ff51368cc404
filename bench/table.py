"""The report: rows of a measure, its figure, its ratio to the stub, and its target, as a table or as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True)
class Target:
    """The least or the most that a figure should be."""

    limit: float
    at_least: bool = False

    def is_met(self, figure: float) -> bool:
        return figure >= self.limit if self.at_least else figure <= self.limit

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.limit:,g}"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the report. No figure means that it was not measured, and the note contains the reason."""

    measure: str
    figure: float | None = None
    unit: str = ""
    to_stub: str = ""
    target: Target | None = None
    note: str = ""

    def cells(self) -> tuple[str, ...]:
        figure = "not measured" if self.figure is None else f"{written(self.figure)} {self.unit}".rstrip()
        target, verdict = "", ""
        if self.target is not None:
            target = str(self.target)
            if self.figure is not None:
                verdict = "met" if self.target.is_met(self.figure) else "MISSED"
        return self.measure, figure, self.to_stub, target, verdict, self.note

    def as_json(self) -> dict[str, object]:
        record = asdict(self) | {"target": None, "met": None}
        if self.target is not None:
            record["target"] = str(self.target)
            record["met"] = None if self.figure is None else self.target.is_met(self.figure)
        return record


HEADINGS = ("measure", "figure", "to the stub", "target", "", "")
RIGHT_ALIGNED = {1, 2, 3}


def written(figure: float) -> str:
    """The figure with at least three significant digits: 12,345 and 123 and 12.3 and 1.23."""
    if abs(figure) >= 100:
        return f"{figure:,.0f}"
    return f"{figure:.1f}" if abs(figure) >= 10 else f"{figure:.2f}"


def as_table(rows: Sequence[Row]) -> str:
    """The rows under headings, aligned."""
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in RIGHT_ALIGNED else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def as_json(rows: Sequence[Row], **more: object) -> str:
    """The rows as one JSON document, together with `more`."""
    return json.dumps({**more, "rows": [row.as_json() for row in rows]}, indent=2)
