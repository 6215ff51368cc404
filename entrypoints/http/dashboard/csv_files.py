"""CSV by RFC 4180 of what a page shows.

A text that a spreadsheet would read as a formula gets an apostrophe before it, as OWASP advises:
https://owasp.org/www-community/attacks/CSV_Injection
"""

import csv
from collections.abc import AsyncIterator, Iterable, Sequence
from io import StringIO
from typing import Any

from entrypoints.http.dashboard.page import Download
from entrypoints.usecases.public_types import Credits, CreditsEach, Dollars, Moment, written

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_of(name: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Download:
    """The file: amounts and moments in their public form, an empty cell where there is no value."""
    return Download(name=f"{name}.csv", content=_lines([head, *rows]))


def csv_stream(name: str, head: Sequence[str], portions: AsyncIterator[list[list[Any]]]) -> Download:
    """The file of any number of rows, which is sent as its portions come."""

    async def content() -> AsyncIterator[bytes]:
        yield _lines([head])
        async for rows in portions:
            yield _lines(rows)

    return Download(name=f"{name}.csv", content=content())


def _lines(rows: Iterable[Sequence[Any]]) -> bytes:
    text = StringIO()
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (Credits, CreditsEach, Dollars, Moment)):
        return written(value)
    if isinstance(value, int):
        return value
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
