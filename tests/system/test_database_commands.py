"""`aihub database`: the books move from SQLite to PostgreSQL and back, complete and proved, and nothing else moves."""

import subprocess
from pathlib import Path

import pytest

from tests.support.hub import HubProcess, running_hub
from tests.support.postgres import new_books, server_or_skip
from tests.system.raw_client import ask, chat
from tests.system.scripted_answers import Script
from tests.system.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.anyio

MASTER_KEY = "00112233445566778899aabbccddeeff" * 2
READS = (("user", "list"), ("key", "list"), ("provider", "list"), ("credential", "list"), ("rate", "list"),
         ("credit", "balance", "owner"), ("call", "list"), ("ledger", "verify"))  # fmt: skip


@pytest.fixture
def empty() -> str:
    return server_or_skip().new_database()


def everything(hub: HubProcess) -> list[object]:
    return [hub.cli(*words) for words in READS]


async def test_the_books_move_to_postgres_and_back_complete(
    tmp_path: Path, provider: ScriptedProvider, empty: str
) -> None:
    with running_hub(tmp_path / "data", env={"AIHUB_MASTER_KEY": MASTER_KEY}) as hub:
        hub.add_provider("stub", provider.base_url)
        for n in range(3):
            assert (await ask(hub.port, hub.key, chat(Script(id=f"before-{n}")))).status == 200
    before = everything(hub)

    copied = hub.cli("database", "copy", "--to", empty)

    assert (copied["calls"], copied["open_holds"]) == (3, 0)
    moved = HubProcess(tmp_path / "other", env={"DATABASE_URL": empty, "AIHUB_MASTER_KEY": MASTER_KEY})
    assert everything(moved) == before
    assert moved.cli("database", "status")["pending"] == []
    moved.start()
    try:
        assert (await ask(moved.port, hub.key, chat(Script(id="after")))).status == 200
    finally:
        moved.stop()
    after = everything(moved)

    back = tmp_path / "back" / "aikit.db"
    back.parent.mkdir()
    moved.cli("database", "copy", "--to", str(back))

    assert everything(HubProcess(back.parent, env={"AIHUB_MASTER_KEY": MASTER_KEY})) == after
    assert len(after[-2]["calls"] if isinstance(after[-2], dict) else list(after[-2])) == 4  # type: ignore[call-overload]


def test_a_copy_goes_where_nothing_is_and_goes_on_where_it_ended(tmp_path: Path, empty: str) -> None:
    hub = HubProcess(tmp_path / "data", env={"AIHUB_MASTER_KEY": MASTER_KEY})
    for n in range(3):
        hub.cli("user", "add", f"user-{n}")
    hub.cli("database", "copy", "--to", empty)
    server = server_or_skip()
    assert hub.cli("database", "copy", "--to", empty, exit_code=1) is None, "there are books"

    # As a copy is that was interrupted before its end: some tables are there, and the books have no master key.
    server.sql("update meta set master_key_id = null, version = 0", empty)
    server.sql("delete from users where name = 'user-2'", empty)
    server.sql("delete from grants", empty)
    assert hub.cli("database", "copy", "--to", empty)["grants"] == 1

    assert (
        len(HubProcess(tmp_path / "o", env={"DATABASE_URL": empty, "AIHUB_MASTER_KEY": MASTER_KEY}).cli("user", "list"))
        == 4
    )


def test_without_a_database_the_commands_name_the_setting(tmp_path: Path) -> None:
    hub = HubProcess(tmp_path / "data")

    hub.cli("database", "status", exit_code=1)
    hub.cli("database", "migrate", exit_code=1)
    hub.cli("database", "copy", "--to", str(tmp_path / "copy.db"), exit_code=1)


def test_a_database_that_is_another_program_s_is_left_alone(tmp_path: Path) -> None:
    url = new_books()
    server_or_skip().sql("insert into migrations values ('9999_later.sql', 'x', 1)", url)

    HubProcess(tmp_path / "data", env={"DATABASE_URL": url}).cli("database", "migrate", exit_code=1)


def test_a_dump_restored_with_the_server_s_own_tools_is_the_same_books(tmp_path: Path, empty: str) -> None:
    """(G18)"""
    server = server_or_skip()
    env = {"AIHUB_MASTER_KEY": MASTER_KEY}
    hub = HubProcess(tmp_path / "data", env={"DATABASE_URL": empty, **env})
    hub.cli("provider", "add", "openai")
    hub.cli("credential", "add", "openai", secret="sk-provider-secret-1234")
    hub.cli("user", "add", "ada")
    hub.cli("credit", "grant", "ada", "5")
    before = everything(hub)
    restored = server.new_database()
    dump = tmp_path / "books.dump"

    subprocess.run([server.binaries / "pg_dump", "--format", "custom", "--file", dump, empty], check=True)
    subprocess.run([server.binaries / "pg_restore", "--dbname", restored, dump], check=True)

    again = HubProcess(tmp_path / "restored", env={"DATABASE_URL": restored, **env})
    assert everything(again) == before
    assert again.cli("database", "migrate") == {"applied": []}
    with pytest.raises(Exception, match="append-only"):
        server.sql("delete from journal", restored)


def test_the_master_key_of_books_in_postgres_is_renewed(tmp_path: Path, empty: str) -> None:
    hub = HubProcess(tmp_path / "data", env={"DATABASE_URL": empty})
    hub.cli("provider", "add", "openai")
    hub.cli("credential", "add", "openai", secret="sk-provider-secret-1234")
    sealed = "select sealed, (select master_key_id from meta) from credentials"
    before = server_or_skip().sql(sealed, empty)

    rotated = hub.cli("master-key", "rotate")

    after = server_or_skip().sql(sealed, empty)
    assert rotated["credentials"] == 1
    assert [a != b for a, b in zip(before[0], after[0], strict=True)] == [True, True]
    assert len(hub.cli("credential", "list")) == 1
