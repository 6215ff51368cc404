"""The output of a command: a value for scripts and a text for people, and how both are written.

House rule: amounts are exact decimals, as text, everywhere; moments are UTC. No code here handles a secret.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias, assert_never

import msgspec

from domain.management.changes import Denied, Outcome
from domain.refusals import AlreadyExists, BadRequest, NotAllowed, NotFound, Remedy, UnknownModel, UnpricedModel
from entrypoints.refusals.sentences import Sentences, Words
from entrypoints.refusals.table import record_of
from entrypoints.usecases import public_types
from entrypoints.usecases.management_context import Denial, Done


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """The output of a command: `value` under --json, else `text`; a `note` for people goes to standard error.

    If `is_written`, the output has gone to standard output already, piece by piece. The `value` of a command that is
    made from an action is the action's reply.
    """

    value: Any = None
    text: str
    note: str = ""
    code: int = 0
    is_written: bool = False


Views: TypeAlias = Mapping[str, Callable[[Any, Any], Output]]  # how the reply to a request is shown, by action


class NotDone(Exception):
    """An action was refused; `complaint` makes the message where the action is known."""

    def __init__(self, denial: Denial) -> None:
        super().__init__()
        self.denial = denial


class Complaint(Exception):
    """The command was not carried out; the message contains the reason and the remedy, in one line."""


def written(output: Output, as_json: bool) -> str:
    """The text for standard output."""
    if output.is_written:
        return ""
    if as_json:
        return msgspec.json.format(msgspec.json.encode(output.value, enc_hook=public_types.written), indent=2).decode()
    return output.text


def made(outcome: Outcome) -> Done:
    """The result of a change, if it was made; NotDone if not."""
    if isinstance(outcome, Denied):
        raise NotDone(outcome.refusal)
    return outcome


class _CommandNames(Words):
    """Names in quotes; fields by the command line's names."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields

    def name(self, text: str) -> str:
        return repr(text)

    def field(self, text: str) -> str:
        return self._fields.get(text, text)


def complaint(denial: Denial, names: Mapping[str, str] | None = None) -> Complaint:
    """The message for a change that was not made; `names` are the command line's for the fields of the request."""
    clause = Sentences(denial, record_of(denial), _CommandNames(names or {})).clause()
    match denial:
        case NotFound():
            known = f"known here: {', '.join(denial.similar)}; " if denial.similar else ""
            remedy = _remedy(denial.remedy) if denial.remedy else "nothing was changed"
            return Complaint(f"{clause}; {known}{remedy}")
        case AlreadyExists():
            return Complaint(f"{clause}; {_remedy(Remedy(f'{denial.kind} list'))}")
        case BadRequest():
            return Complaint(f"{clause}; {_remedy(denial.remedy)}" if denial.remedy else clause)
        case NotAllowed():
            return Complaint(clause)
        case UnknownModel():
            known = f"; known here: {', '.join(denial.similar)}" if denial.similar else ""
            return Complaint(f"no provider here serves {denial.model!r}{known}; see `aihub provider list`")
        case UnpricedModel():
            unsold = f"{denial.model} has no rate, so it is not sold while billing is on"
            return Complaint(f"{unsold}; see `aihub rate set -h`")
        case _:
            assert_never(denial)


def _remedy(remedy: Remedy) -> str:
    """The command that helps: "see `aihub key list`", "add the user with `aihub user add eve`"."""
    noun, _, verb = remedy.action.partition(" ")
    command = f"`{' '.join(filter(None, ('aihub', remedy.action, remedy.subject)))}`"
    if verb == "list":
        return f"see {command}"
    return f"add the {noun} with {command}" if verb == "add" else f"use {command}"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], nothing: str) -> str:
    """Aligned columns, numbers to the right; `nothing` if there are no rows."""
    cells = [[_cell(cell) for cell in row] for row in rows]
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
    """One line for each name and value; an unknown value is left empty."""
    width = max(map(len, pairs))
    return "\n".join(f"{name.replace('_', ' '):<{width}}  {_plain(value)}".rstrip() for name, value in pairs.items())


def moment(ms: int | None) -> str | None:
    """`2026-01-31T12:00:00.000Z`, which sorts as text."""
    return None if ms is None else public_types.written(public_types.Moment(ms))


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _cell(value)


def _cell(value: object) -> str:
    """A value as text: amounts, moments and durations in their public form."""
    if value is None:
        return ""
    is_plain = type(value) in (str, int, bool)
    return str(value) if is_plain or not isinstance(value, int) else public_types.written(value)
