"""Lines of files: CSV that every reader understands and no spreadsheet calculates, and JSON Lines."""

import csv
import io
from collections.abc import AsyncIterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.usage import Usage
from entrypoints.usecases.line_formats import csv_line, in_parts, lines_in
from entrypoints.usecases.public_types import Credits, Moment


class Row(msgspec.Struct, frozen=True, kw_only=True):
    text: str | None
    amount: Credits
    at: Moment
    is_new: bool
    parts: list[int]
    usage: Usage | None


def read(text: str) -> list[list[str]]:
    return [*csv.reader(io.StringIO(text, newline=""), strict=True)]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("@cmd", "'@cmd"),
        ("+49 30", "'+49 30"),
        ("-a", "'-a"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("-0.5", "-0.5"),
        ("a=1", "a=1"),
        ('a "b", c\r\nd', 'a "b", c\r\nd'),
        (None, ""),
    ],
)
def test_a_text_that_looks_like_a_formula_is_a_text(text: str | None, cell: str) -> None:
    assert [[cell, "1"]] == read(csv_line([text, 1]))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=2))
def test_a_record_is_read_again_as_it_was(cells: list[str]) -> None:
    line = csv_line(cells)

    assert line.endswith("\r\n")
    (found,) = read(line)
    assert cells == [
        cell[1:] if cell[:1] == "'" and before[:1] != "'" else cell for cell, before in zip(found, cells, strict=True)
    ]


def test_every_unit_of_usage_has_a_column_and_parts_are_json() -> None:
    head, line_of = lines_in("csv", Row)
    row = Row(text="x", amount=Credits(-5), at=Moment(0), is_new=True, parts=[1, 2], usage=Usage(input_tokens=7))
    names, used, unused = read(head + line_of(row) + line_of(msgspec.structs.replace(row, usage=None)))

    record = dict(zip(names, used, strict=True))
    assert ("-0.000000005", "1970-01-01T00:00:00.000Z", "true", "[1,2]", "7", "") == tuple(
        record[name] for name in ("amount", "at", "is_new", "parts", "input_tokens", "output_tokens")
    )
    assert "" == dict(zip(names, unused, strict=True))["input_tokens"]


@pytest.mark.anyio
async def test_a_file_begins_at_once_and_goes_on_in_parts() -> None:
    async def texts() -> AsyncIterator[str]:
        for _ in range(20):
            yield "x" * 5_000

    async def nothing() -> AsyncIterator[str]:
        nobody: tuple[str, ...] = ()
        for text in nobody:
            yield text

    parts = [part async for part in in_parts(texts(), "head\n")]

    assert b"head\n" + b"x" * 100_000 == b"".join(parts)
    assert 5_005 == len(parts[0])
    assert 2 < len(parts) < 6
    assert [b"head\n"] == [part async for part in in_parts(nothing(), "head\n")]


def test_json_lines_have_every_text_unchanged() -> None:
    head, line_of = lines_in("jsonl", Row)
    row = Row(text="=1+1", amount=Credits(1), at=Moment(0), is_new=False, parts=[], usage=None)

    assert "" == head
    assert line_of(row).endswith("\n")
    assert ("=1+1", "0.000000001") == tuple(msgspec.json.decode(line_of(row))[name] for name in ("text", "amount"))
