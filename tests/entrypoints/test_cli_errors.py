"""The command line, when the data are not what they should be: one line that names what is wrong and the remedy."""

import os
import pty
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.entrypoints.cli_in_process import Said
from tests.entrypoints.command import AIHUB, ROOT


def test_books_without_their_master_key_get_no_new_one(say: Said, refused: Said, data_dir: Path) -> None:
    say("user", "add", "ann")
    (data_dir / "master.key").unlink()

    reported = refused("user", "list")

    assert "every API key would be unknown" in reported
    assert "AIHUB_MASTER_KEY" in reported
    assert not (data_dir / "master.key").exists()


def test_a_backup_that_is_put_back_alone_is_opened_with_its_own_master_key_only(
    say: Said, refused: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIHUB_MASTER_KEY", "01" * 32)
    say("user", "add", "ann")
    say("backup", str(tmp_path / "copy.db"))
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "new"))
    (tmp_path / "new").mkdir()
    (tmp_path / "copy.db").rename(tmp_path / "new" / "aikit.db")

    monkeypatch.setenv("AIHUB_MASTER_KEY", "02" * 32)
    reported = refused("user", "list")
    monkeypatch.setenv("AIHUB_MASTER_KEY", "01" * 32)

    assert f"{tmp_path / 'new' / 'aikit.db'} was made under another master key" in reported
    assert "AIHUB_MASTER_KEY" in reported
    assert "owner" in say("user", "list")


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        (b"no database at all" * 100, "put the books, or a backup of them, in its place"),
        (b"", None),  # an empty file is a database without tables: the books begin in it
    ],
)
def test_a_file_that_is_no_database_is_reported_with_the_remedy(
    say: Said, refused: Said, data_dir: Path, content: bytes, remedy: str | None
) -> None:
    say("user", "add", "ann")
    (data_dir / "aikit.db").write_bytes(content)

    if remedy is None:
        assert "owner" in say("user", "list")
    else:
        assert remedy in refused("user", "list")


def test_damaged_books_are_reported_with_the_remedy(say: Said, refused: Said, data_dir: Path) -> None:
    say("user", "add", "ann")
    path = data_dir / "aikit.db"
    with closing(sqlite3.connect(path)) as books:
        (page,) = books.execute("select rootpage from sqlite_schema where name = 'users'").fetchone()
        (size,) = books.execute("pragma page_size").fetchone()
    whole = bytearray(path.read_bytes())
    whole[(page - 1) * size : page * size] = b"\xff" * size
    path.write_bytes(whole)

    assert "the books are damaged; put a backup of them in their place" in refused("user", "list")


def test_books_of_a_newer_hub_and_of_something_else_are_named(say: Said, refused: Said, data_dir: Path) -> None:
    say("user", "add", "ann")
    path = data_dir / "aikit.db"
    with closing(sqlite3.connect(path)) as books, books:
        books.execute("insert into migrations values ('9999_later.sql', 'x', 0)")
    assert f"{path}: migration 9999_later.sql is unknown" in (newer := refused("user", "list"))
    assert "run that one" in newer
    path.unlink()
    with closing(sqlite3.connect(path)) as books, books:
        books.execute("create table recipes (name text)")
    assert f"{path}: the file is a database of something else; move it away" in refused("user", "list")


def test_a_data_dir_that_is_a_file_is_reported_as_such(
    refused: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "file"))

    assert refused("user", "list") == f"aihub: DATA_DIR {tmp_path / 'file'} cannot be used: it is no directory\n"


def test_a_terminal_is_shown_that_the_books_are_new(data_dir: Path) -> None:
    terminal, its_end = pty.openpty()
    reported = []
    for words in (("user", "add", "ann"), ("call", "list")):
        env = {"PATH": os.environ["PATH"], "DATA_DIR": str(data_dir)}
        subprocess.run([*AIHUB, *words], env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=its_end, check=True)
        os.write(its_end, b"end\n")
        shown = b""
        while not shown.endswith(b"end\r\n"):
            shown += os.read(terminal, 4096)
        reported.append(shown.decode())
    os.close(its_end)
    os.close(terminal)

    assert reported == [f"began new books in {data_dir} (DATA_DIR)\r\nend\r\n", "end\r\n"]


@pytest.mark.parametrize("words", [
    ("user", "list"), ("call", "list"), ("ledger", "verify"), ("sweep",), ("backup", "copy.db"), ("route", "explain", "m"),
    ("user", "list", "--json"), ("credit", "balance", "owner"),
])  # fmt: skip
def test_what_only_reads_begins_no_books(refused: Said, data_dir: Path, words: tuple[str, ...]) -> None:
    """Who named another DATA_DIR than the hub's would take empty books for their own."""
    reported = refused(*words)

    assert f"there are no books in {data_dir}" in reported
    assert "DATA_DIR" in reported
    assert not data_dir.exists()


def test_the_price_book_is_read_without_books(say: Said, data_dir: Path) -> None:
    assert "gpt" in say("price", "list", "--json")
    assert not data_dir.exists()


def test_damaged_books_are_not_copied(say: Said, refused: Said, data_dir: Path, tmp_path: Path) -> None:
    """A backup that cannot be put back is worse than none: the operator would rely on it."""
    say("user", "add", "ann")
    path = data_dir / "aikit.db"
    with closing(sqlite3.connect(path)) as books:
        (page,) = books.execute("select rootpage from sqlite_schema where name = 'journal'").fetchone()
        (size,) = books.execute("pragma page_size").fetchone()
    damaged = bytearray(path.read_bytes())
    damaged[(page - 1) * size : page * size] = b"\xff" * size
    path.write_bytes(damaged)

    assert "damaged" in refused("backup", str(tmp_path / "copy.db"))
    assert [name for name in os.listdir(tmp_path) if name.startswith("copy")] == []
