"""Books that an older hub made are opened, brought up to date and proved.

`tests/fixtures/books_of_0_1_0.sqlite.gz` was made by the hub before its words became the field's: a call of every
ending, a sealed credential, an answer kept for its Idempotency-Key, and three calls that were re-rated.
`books_before_holds.sqlite.gz` was made before a running call had a row of its own: a call of every ending, most of them
held over two grants, one that runs, breakage, and re-rated calls that were charged more, given back, and given back
past the expiry of their grant.
"""

import gzip
from pathlib import Path

import pytest

from tests.support.hub import HubProcess

FIXTURES = Path(__file__).parents[1] / "fixtures"
BOOKS, BEFORE_HOLDS = FIXTURES / "books_of_0_1_0.sqlite.gz", FIXTURES / "books_before_holds.sqlite.gz"
MASTER_KEY = "4RS6qNzc5gL7txX8g2AmlSH8lM89gnghp/0cQRCvTh0="


def older_books(data_dir: Path, books: Path = BOOKS) -> HubProcess:
    data_dir.mkdir()
    (data_dir / "aikit.db").write_bytes(gzip.decompress(books.read_bytes()))
    return HubProcess(data_dir, env={"AIHUB_MASTER_KEY": MASTER_KEY})


def test_the_books_of_an_older_hub_add_up_after_their_migration(tmp_path: Path) -> None:
    hub = older_books(tmp_path / "data")

    totals = hub.cli("ledger", "verify")

    assert (6, 22, 3) == (totals["calls"], totals["transfers"], totals["grants"])
    assert ("11", "0.0002", "10.9998", "0") == (
        totals["issued"],
        totals["revenue"],
        totals["available"],
        totals["held"],
    )


def test_the_endings_of_older_calls_are_todays_terms(tmp_path: Path) -> None:
    hub = older_books(tmp_path / "data")

    calls = hub.cli("call", "list")

    assert ["lost", "client_disconnected", "timed_out", "provider_failed", "completed", "completed"] == [
        call["ending"] for call in calls
    ]
    assert ["0", "0.000042", "0", "0.000041", "0.000009", "0.000022"] == [call["charge"] for call in calls]


def test_older_books_take_new_rows(tmp_path: Path) -> None:
    hub = older_books(tmp_path / "data")

    (credential,) = hub.cli("credential", "list")
    hub.cli("credit", "grant", "alice", "1")

    assert "stub" == credential["provider"]
    assert "12" == hub.cli("ledger", "verify")["issued"]


def test_books_from_before_holds_add_up_after_their_migration(tmp_path: Path) -> None:
    hub = older_books(tmp_path / "data", BEFORE_HOLDS)

    totals = hub.cli("ledger", "verify")

    assert (8, 41, 4, 1) == (totals["calls"], totals["transfers"], totals["grants"], totals["open_holds"])
    assert ("5.0509", "0.00030285", "0.000304", "5.04993315", "0.00036") == (
        totals["issued"],
        totals["revenue"],
        totals["breakage"],
        totals["available"],
        totals["held"],
    )


def test_a_call_that_ran_before_holds_is_swept_with_what_it_held(tmp_path: Path) -> None:
    hub = older_books(tmp_path / "data", BEFORE_HOLDS)
    before = hub.cli("call", "list")

    hub.cli("sweep")

    after, totals = hub.cli("call", "list"), hub.cli("ledger", "verify")
    assert [
        None,
        "completed",
        "timed_out",
        "client_disconnected",
        "provider_failed",
        "completed",
        "lost",
        "completed",
    ] == [call["ending"] for call in before]
    assert ("lost", before[1:]) == (after[0]["ending"], after[1:])
    assert ("0", "5.05029315") == (totals["held"], totals["available"])


def test_a_call_that_was_adjusted_before_holds_shows_how(tmp_path: Path) -> None:
    hub = older_books(tmp_path / "data", BEFORE_HOLDS)

    shown = [hub.cli("call", "show", call["id"]) for call in hub.cli("call", "list")]

    assert [[], ["-0.0001"], [], ["0.00000375"], [], ["0.00005", "-0.0001"], [], ["-0.00006"]] == [
        [adjustment["amount"] for adjustment in call["adjustments"]] for call in shown
    ]


@pytest.mark.parametrize("books", [BOOKS, BEFORE_HOLDS], ids=lambda path: path.name)
def test_the_sums_of_the_calls_so_far_are_made_by_the_migration(tmp_path: Path, books: Path) -> None:
    hub = older_books(tmp_path / "data", books)

    verified = hub.cli("stats", "verify")

    assert (True, len([call for call in hub.cli("call", "list") if call["ending"]])) == (
        verified["ok"],
        verified["calls"],
    )
