"""Books that an older hub made are opened, brought up to date and proved.

`tests/fixtures/books_of_0_1_0.sqlite.gz` was made by the hub before its words became the field's: a call of every
ending, a sealed credential, an answer kept for its Idempotency-Key, and three calls that were re-rated.
"""

import gzip
from pathlib import Path

from tests.support.hub import HubProcess

BOOKS = Path(__file__).parents[1] / "fixtures" / "books_of_0_1_0.sqlite.gz"
MASTER_KEY = "4RS6qNzc5gL7txX8g2AmlSH8lM89gnghp/0cQRCvTh0="


def older_books(data_dir: Path) -> HubProcess:
    data_dir.mkdir()
    (data_dir / "aikit.db").write_bytes(gzip.decompress(BOOKS.read_bytes()))
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


def test_the_endings_of_older_calls_are_the_words_of_today(tmp_path: Path) -> None:
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
