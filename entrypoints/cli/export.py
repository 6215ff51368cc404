"""Streamed replies, such as those of `call export`: each goes to standard output when it comes, as one line."""

import csv
import os
import sys
from collections.abc import AsyncIterator
from typing import Any, TextIO

import msgspec

from domain.usage import Usage
from entrypoints.cli.output import Output
from entrypoints.usecases.public_types import written

_UNITS = Usage.__struct_fields__


async def write_replies(replies: AsyncIterator[msgspec.Struct], noun: str, as_json: bool) -> Output:
    """Write CSV by RFC 4180, or JSON Lines."""
    lines = _JsonLines(sys.stdout) if as_json else _Csv(sys.stdout)
    count = 0
    try:
        async for reply in replies:
            lines.write(reply)
            count += 1
        sys.stdout.flush()
    except (
        BrokenPipeError
    ):  # The reader has closed the pipe. Python would complain again when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Output(text="", note=f"{count} {noun}s", is_written=True)


class _JsonLines:
    """One JSON object a line."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, reply: msgspec.Struct) -> None:
        """A reply."""
        self._out.write(msgspec.json.encode(reply, enc_hook=written).decode() + "\n")


class _Csv:
    """A head, then one record for each reply. A cell with parts is JSON; each unit of the usage has a column."""

    def __init__(self, out: TextIO) -> None:
        self._out = csv.writer(out)
        self._has_head = False

    def write(self, reply: msgspec.Struct) -> None:
        """A reply."""
        value = msgspec.to_builtins(reply, enc_hook=written)
        used = value.pop("usage", None) or {}
        if not self._has_head:
            self._out.writerow([*value, *_UNITS])
            self._has_head = True
        self._out.writerow([*map(_cell, value.values()), *(used.get(name) for name in _UNITS)])


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return msgspec.json.encode(value).decode() if isinstance(value, (list, dict)) else value
