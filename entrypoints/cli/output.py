"""The output of a command: a value for scripts and a text for people, and how both are written.

House rule: amounts are exact decimals, as text, everywhere; moments are UTC. No code here handles a secret.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from domain.refusals import (
    AlreadyExists,
    BadRequest,
    NotAllowed,
    NotFound,
    Refusal,
    Remedy,
    UnknownModel,
    UnpricedModel,
)
from entrypoints.actions.action import find_action
from entrypoints.refusals.sentences import Sentences, Words
from entrypoints.refusals.table import record_of
from entrypoints.usecases import public_types


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


class Complaint(Exception):
    """The command was not carried out; the message contains the reason and the remedy, in one line."""


def written(output: Output, as_json: bool) -> str:
    """The text for standard output."""
    if output.is_written:
        return ""
    if as_json:
        return msgspec.json.format(msgspec.json.encode(output.value, enc_hook=public_types.written), indent=2).decode()
    return output.text


def progress() -> Callable[[str], None]:
    """A function that prints the progress of a long action, if standard error is a terminal."""
    if not sys.stderr.isatty():
        return lambda _: None
    return lambda done: print(f"\r{done}", end="\r", file=sys.stderr, flush=True)


class _CommandNames(Words):
    """Names in quotes; fields by the command line's names."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields

    def name(self, text: str) -> str:
        return repr(text)

    def field(self, text: str) -> str:
        return self._fields.get(text, text)


def complaint(refusal: Refusal, names: Mapping[str, str] | None = None) -> Complaint:
    """The message for an action that was refused; `names` are the command line's for the fields of the request."""
    sentences = Sentences(refusal, record_of(refusal), _CommandNames({} if names is None else names))
    clause = sentences.clause()
    match refusal:
        case NotFound():
            remedy = _remedy(refusal.remedy) if refusal.remedy else "nothing was changed"
            return Complaint(f"{clause}{_known(refusal.similar)}; {remedy}")
        case AlreadyExists():
            return Complaint(f"{clause}; {_remedy(Remedy(f'{refusal.kind} list'))}")
        case BadRequest():
            named = _with_names(clause, names or {})
            return Complaint(f"{named}; {_remedy(refusal.remedy)}" if refusal.remedy else named)
        case NotAllowed():
            return Complaint(clause)
        case UnknownModel():
            known = _known(refusal.similar)
            return Complaint(f"no provider here serves {refusal.model!r}{known}; see `aihub provider list`")
        case UnpricedModel():
            unsold = f"{refusal.model} has no rate, so it is not sold while billing is on"
            return Complaint(f"{unsold}; see `aihub rate set -h`")
        case _:
            return Complaint(sentences.whole())


def _known(similar: Sequence[str]) -> str:
    return f"; known here: {', '.join(similar)}" if similar else ""


def _with_names(clause: str, names: Mapping[str, str]) -> str:
    """The clause with the fields that it names, in backticks, under the command line's names."""
    for field, name in names.items():
        clause = clause.replace(f"`{field}`", name)
    return clause


def _remedy(remedy: Remedy) -> str:
    """The command that helps: "see `aihub key list`", "add the user with `aihub user add eve`"."""
    noun, _, verb = remedy.action.partition(" ")
    command = f"`{' '.join(filter(None, ('aihub', remedy.action, _subject(remedy))))}`"
    if verb == "list":
        return f"see {command}"
    return f"add the {noun} with {command}" if verb == "add" else f"use {command}"


def _subject(remedy: Remedy) -> str:
    """What the command is about: its first argument, after the option that it may need."""
    action = find_action(remedy.action) if remedy.subject else None
    word = action.arguments[0].word if action is not None else ""
    return f"{word} {remedy.subject}" if word.startswith("-") else remedy.subject


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
