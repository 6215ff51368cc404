"""CSV of what a page shows, by the rules of `line_formats`."""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from entrypoints.http.dashboard.page import Download
from entrypoints.usecases.line_formats import csv_line
from entrypoints.usecases.public_types import Credits, CreditsEach, Dollars, Moment, written


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
    return "".join(csv_line([_public(value) for value in row]) for row in rows).encode()


def _public(value: Any) -> Any:
    return written(value) if isinstance(value, (Credits, CreditsEach, Dollars, Moment)) else value
