"""What a command says: a value for scripts and a text for people, and how both are written.

House rule: amounts are exact decimals, as text, everywhere; moments are UTC. Nothing here knows a secret.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, assert_never

import msgspec

from domain.management.changes import Denied, Outcome
from domain.refusals import AlreadyExists, BadRequest, NotAllowed, NotFound
from entrypoints.usecases.management_context import Denial, Done


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a command: `value` under --json, else `text`; a `note` for people goes beside it.

    One that `is_written` has gone to standard output already, piece by piece.
    """

    value: Any
    text: str
    note: str = ""
    code: int = 0
    is_written: bool = False


class Complaint(Exception):
    """The command was not carried out; the message says why, and the remedy, in one line."""


def written(said: Said, as_json: bool) -> str:
    """What goes to standard output."""
    if said.is_written:
        return ""
    if as_json:
        return msgspec.json.format(msgspec.json.encode(said.value), indent=2).decode()
    return said.text


def made(outcome: Outcome) -> Done:
    """What came of a change, if it was made; Complaint if not."""
    if isinstance(outcome, Denied):
        raise complaint(outcome.refusal)
    return outcome


def complaint(denial: Denial) -> Complaint:
    """The words for a change that was not made."""
    match denial:
        case NotFound():
            return Complaint(f"there is no {denial.kind} {denial.name!r}; {denial.remedy or 'nothing was changed'}")
        case AlreadyExists():
            article = "an" if denial.kind[0] in "aeio" else "a"  # a user, an alias
            return Complaint(
                f"there is {article} {denial.kind} {denial.name!r} already; see `aihub {denial.kind} list`"
            )
        case BadRequest():
            return Complaint(f"{denial.field}: {denial.problem}" if denial.field else denial.problem)
        case NotAllowed():
            return Complaint(f"a {denial.role} may not {denial.action}")
        case _:
            assert_never(denial)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], nothing: str) -> str:
    """Aligned columns, those that hold numbers to the right; `nothing` where there are no rows."""
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if not cells:
        return nothing
    columns = list(zip(*cells, strict=True))
    widths = [max(len(head), *map(len, column)) for head, column in zip(heads, columns, strict=True)]
    right = [any(column) and all(_is_number(cell) for cell in column if cell) for column in columns]
    lines = [heads, *cells]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    )


def fields(pairs: Mapping[str, object]) -> str:
    """One line for each name and value; what is not known is left empty."""
    width = max(map(len, pairs))
    return "\n".join(f"{name.replace('_', ' '):<{width}}  {_plain(value)}".rstrip() for name, value in pairs.items())


def moment(ms: int | None) -> str | None:
    """`2026-01-31T12:00:00.000Z`, which sorts as text."""
    if ms is None:
        return None
    seconds, rest = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
