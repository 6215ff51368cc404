"""`call export`: every call to standard output, one line each, as it is read."""

import csv
import os
import sys
from argparse import Namespace
from typing import Any, TextIO

import msgspec

from domain.money import format_credits
from domain.refusals import NotFound
from domain.usage import Usage
from entrypoints.cli.output import NotDone, Output
from entrypoints.config import Settings
from entrypoints.usecases.manage import call_log as reports
from entrypoints.usecases.manage.call_view import call_view
from entrypoints.usecases.management_context import ManagementContext

_USAGE = Usage.__struct_fields__


async def export_calls(context: ManagementContext, settings: Settings, args: Namespace) -> Output:
    """`call export`: CSV by RFC 4180, or JSON Lines with the fields of `call show`."""
    now_ms = context.clock.now_ms()
    since_ms = args.since(now_ms) if args.since else None
    until_ms = args.until(now_ms) if args.until else None
    calls = await reports.every_call(context.storage, args.user, since_ms, until_ms)
    if isinstance(calls, NotFound):
        raise NotDone(calls)
    lines = _JsonLines(sys.stdout) if args.json else _Csv(sys.stdout)
    count = 0
    try:
        async for exported in calls:
            value = call_view(exported.report)
            lines.write({**value, "adjusted": format_credits(exported.adjusted_nanos)})
            count += 1
        sys.stdout.flush()
    except (
        BrokenPipeError
    ):  # The reader has closed the pipe. Python would complain again when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Output(value=None, text="", note=f"{count} calls", is_written=True)


class _JsonLines:
    """One JSON object a line."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, value: dict[str, Any]) -> None:
        """A call."""
        self._out.write(msgspec.json.encode(value).decode() + "\n")


class _Csv:
    """A head, then one record for each call. A cell with parts is JSON; each unit of the usage has a column."""

    def __init__(self, out: TextIO) -> None:
        self._out = csv.writer(out)
        self._has_head = False

    def write(self, value: dict[str, Any]) -> None:
        """A call."""
        used = value.pop("usage") or {}
        if not self._has_head:
            self._out.writerow([*value, *_USAGE])
            self._has_head = True
        self._out.writerow([*map(_cell, value.values()), *(used.get(name) for name in _USAGE)])


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return msgspec.json.encode(value).decode() if isinstance(value, (list, dict)) else value
