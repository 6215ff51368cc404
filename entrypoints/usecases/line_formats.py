"""Replies one by one as lines of a file: CSV by RFC 4180, or JSON Lines.

In CSV a cell with parts is JSON, and each unit of the usage has a column. A text that a spreadsheet would take for a
formula, because it begins with `=`, `+`, `-`, `@`, a tab or a carriage return, gets an apostrophe before it, as OWASP
advises (https://owasp.org/www-community/attacks/CSV_Injection); numbers are as they are. JSON Lines has every text
unchanged.
"""

import csv
import re
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Literal, TypeAlias

import msgspec

from domain.usage import Usage
from entrypoints.usecases.public_types import written

LineFormat: TypeAlias = Literal["csv", "jsonl"]
MEDIA_TYPES: dict[LineFormat, str] = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}

_UNITS = Usage.__struct_fields__
_PART_CHARACTERS = 32_768
_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")

_encode = msgspec.json.Encoder(enc_hook=written).encode


class _Line:
    """A file whose `write` returns the text."""

    def write(self, text: str) -> str:
        return text


_row = csv.writer(_Line()).writerow


def csv_line(cells: Iterable[Any]) -> str:
    """A record of CSV, with its line break."""
    line: str = _row([_cell(cell) for cell in cells])
    return line


def lines_in(form: LineFormat, kind: type[msgspec.Struct]) -> tuple[str, Callable[[msgspec.Struct], str]]:
    """What the file begins with, and the function from a reply of this type to its line."""
    if form == "jsonl":
        return "", _json_line
    names = [name for name in kind.__struct_fields__ if name != "usage"]
    if len(names) == len(kind.__struct_fields__):
        return csv_line(names), _csv_record
    return csv_line([*names, *_UNITS]), _csv_record_of_usage


async def in_parts(texts: AsyncIterator[str], head: str = "") -> AsyncIterator[bytes]:
    """The texts in parts that are worth sending; the first part is sent at once."""
    waiting, size = [head], _PART_CHARACTERS
    async for text in texts:
        waiting.append(text)
        size += len(text)
        if size >= _PART_CHARACTERS:
            yield "".join(waiting).encode()
            waiting, size = [], 0
    if any(waiting):
        yield "".join(waiting).encode()


def _json_line(reply: msgspec.Struct) -> str:
    return _encode(reply).decode() + "\n"


def _csv_record(reply: msgspec.Struct) -> str:
    return csv_line(msgspec.to_builtins(reply, enc_hook=written).values())


def _csv_record_of_usage(reply: msgspec.Struct) -> str:
    value = msgspec.to_builtins(reply, enc_hook=written)
    used = value.pop("usage", None) or {}
    return csv_line([*value.values(), *(used.get(name) for name in _UNITS)])


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    text = _encode(value).decode() if isinstance(value, list | dict) else value
    if isinstance(text, str) and _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text
