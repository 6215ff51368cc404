"""The table of what a dialect cannot express is printed in the documents as the code has it."""

from pathlib import Path

from domain.dialects.unsupported_params import SENT, TABLE

PAGE = Path(__file__).parents[1] / "docs" / "unsupported.md"


def printed() -> list[str]:
    """The table in Markdown."""
    lines = ["| field | kind | what it is | sent to |", "|---|---|---|---|"]
    for row in TABLE:
        sent = ", ".join(sorted(dialect for dialect, fields in SENT.items() if row.field in fields))
        lines.append(f"| `{row.field}` | {row.kind} | {row.meaning} | {sent} |")
    return lines


def test_the_printed_table_is_the_one_that_the_code_reads() -> None:
    assert printed() == [line for line in PAGE.read_text().splitlines() if line.startswith("|")]


def test_every_field_that_a_dialect_sends_has_a_kind_elsewhere() -> None:
    assert "*" == TABLE[-1].field
    assert {"label", "wish", "promise"} == {row.kind for row in TABLE}
