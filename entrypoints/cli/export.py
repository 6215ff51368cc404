"""Streamed replies, such as those of `call export`: each goes to standard output when it comes, as one line."""

import os
import sys
from collections.abc import AsyncIterator

import msgspec

from entrypoints.cli.output import Output
from entrypoints.usecases.line_formats import lines_in


async def write_replies(
    replies: AsyncIterator[msgspec.Struct], kind: type[msgspec.Struct], noun: str, as_json: bool
) -> Output:
    """Write CSV by RFC 4180, or JSON Lines. A file of CSV has its head line even if there are no replies."""
    head, line_of = lines_in("jsonl" if as_json else "csv", kind)
    count = 0
    try:
        sys.stdout.write(head)
        async for reply in replies:
            sys.stdout.write(line_of(reply))
            count += 1
        sys.stdout.flush()
    except (
        BrokenPipeError
    ):  # The reader has closed the pipe. Python would complain again when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Output(text="", note=f"{count} {noun}s", is_written=True)
