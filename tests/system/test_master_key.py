"""The master key is rotated while the hub answers: no call fails, API keys stay known, nothing opens by the old key alone."""

import base64
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.storage.sqlite import sealed as sqlite_sealed
from adapters.vault import MasterKeyVault, decode_master_key, key_id
from ports.vault import VaultError
from tests.behaviour.plain_calls import CHAT, Response, ask, openai_body
from tests.behaviour.stub import Stub
from tests.behaviour.stub_answers import polite
from tests.entrypoints.command import process
from tests.support.hub import HubProcess, Interface, running_hub

INTERFACES: tuple[Interface, ...] = ("asgi", "wsgi")
ANSWERS = 2 * sqlite_sealed.ANSWERS_AT_ONCE + 5
SECRET = "sk-rotated-canary-1234567890"


@pytest.fixture(scope="module")
def provider() -> Iterator[Stub]:
    stub = Stub()
    stub.knows("oai", SECRET)
    stub.always(polite)
    stub.start()
    yield stub
    stub.stop()


@pytest.fixture(params=INTERFACES)
def hub(request: pytest.FixtureRequest, tmp_path: Path, provider: Stub) -> Iterator[HubProcess]:
    with running_hub(tmp_path / "data", request.param, workers=2) as running:
        running.cli("provider", "add", "oai", "--dialect", "openai", "--base-url", provider.url("oai"))
        running.cli("credential", "add", "oai", secret=SECRET)
        running.cli("rate", "set", "oai/m", "--input", "1", "--output", "2", "--context", "9000", "--max-output", "99")
        running.cli("credit", "grant", "owner", "1000")
        yield running
        assert running.cli("ledger", "verify")["ok"]


def keyed(hub: HubProcess, number: int) -> Response:
    return ask(hub, CHAT, openai_body(text=f"Hello {number}"), headers={"idempotency-key": f"key {number}"})


def sealed_values(data_dir: Path) -> list[tuple[str, bytes]]:
    """All that is sealed, with the row that it is sealed for."""
    books = sqlite3.connect(f"file:{data_dir / 'aikit.db'}?mode=ro", uri=True)
    try:
        credentials: list[Any] = books.execute("select 'credential:' || id, sealed from credentials").fetchall()
        answers: list[Any] = books.execute(
            "select 'answer:' || user_id || ':' || key, answer from idempotency where answer is not null"
        ).fetchall()
    finally:
        books.close()
    return [(row, bytes(sealed)) for row, sealed in credentials + answers]


def test_a_rotation_changes_everything_that_is_sealed_and_no_call_notices(hub: HubProcess) -> None:
    guest = hub.cli("key", "create", "--user", "owner")["key"]
    first = [keyed(hub, number) for number in range(ANSWERS)]
    old = decode_master_key((hub.data_dir / "master.key").read_text(), "the test")
    received: list[Response] = []
    done = threading.Event()

    def go_on_calling() -> None:
        while not done.is_set():
            received.append(ask(hub, CHAT, openai_body(), key=guest))

    callers = [threading.Thread(target=go_on_calling) for _ in range(3)]
    for caller in callers:
        caller.start()
    try:
        reported = hub.cli("master-key", "rotate")
    finally:
        done.set()
        for caller in callers:
            caller.join()

    new, kept = (hub.data_dir / "master.key").read_text().split()
    assert old == decode_master_key(kept, "the test")
    current = decode_master_key(new, "the test")
    assert (key_id(old).hex(), key_id(current).hex()) == (reported["before_id"], reported["after_id"])
    assert (1, ANSWERS, []) == (reported["credentials"], reported["answers"], reported["unreadable"])
    assert {200} == {one.status for one in received}
    sealed = sealed_values(hub.data_dir)
    assert len(sealed) == 1 + ANSWERS
    for row, value in sealed:
        MasterKeyVault([current]).unseal(value, row)
        with pytest.raises(VaultError):
            MasterKeyVault([old]).unseal(value, row)
    for number, before in enumerate(first):
        again = keyed(hub, number)
        assert ("true", before.body) == (again.header("idempotent-replayed"), again.body)

    hub.stop()
    hub.start()
    for key in (hub.key, guest):
        assert 200 == ask(hub, CHAT, openai_body(), key=key).status, (
            "API keys outlive the key that they were made under"
        )
    assert 0o600 == (hub.data_dir / "master.key").stat().st_mode & 0o777

    again = hub.cli("master-key", "rotate")
    assert reported["after_id"] == again["before_id"]
    (hub.data_dir / "master.key").write_text((hub.data_dir / "master.key").read_text().split()[0])
    hub.stop()
    hub.start()
    assert 200 == ask(hub, CHAT, openai_body(), key=guest).status, "neither older key is needed any more"
    assert [] == process(hub.data_dir, "master-key", "rotate", "--json").stderr.splitlines()


def test_a_rotation_that_was_broken_off_goes_on_with_the_same_key(hub: HubProcess) -> None:
    keyed(hub, 1)
    old = (hub.data_dir / "master.key").read_text().strip()
    new = base64.b64encode(os.urandom(32)).decode()
    aside = hub.data_dir / "aside"
    aside.write_text(f"{new}\n{old}\n")
    aside.chmod(0o600)
    aside.rename(hub.data_dir / "master.key")  # as far as the first step

    assert 200 == keyed(hub, 2).status
    reported = hub.cli("master-key", "rotate")

    assert key_id(decode_master_key(new, "the test")).hex() == reported["after_id"]
    assert key_id(decode_master_key(old, "the test")).hex() == reported["before_id"]
    assert f"{new}\n{old}\n" == (hub.data_dir / "master.key").read_text()


def test_keys_from_the_environment_are_rotated_by_writing_the_new_one_first(tmp_path: Path, provider: Stub) -> None:
    old, new = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))
    data_dir = tmp_path / "data"

    def aihub(*words: str, keys: str, stdin: str = "") -> Any:
        return process(data_dir, *words, "--json", stdin=stdin, AIHUB_MASTER_KEY=keys)

    assert 0 == aihub("provider", "add", "openai", keys=old).returncode
    assert 0 == aihub("credential", "add", "openai", keys=old, stdin=SECRET).returncode
    alone = aihub("master-key", "rotate", keys=old)
    assert (1, True) == (alone.returncode, "write a new one before it" in alone.stderr)
    assert '"credentials": 1' in aihub("master-key", "rotate", keys=f"{new},{old}").stdout
    assert 0 == aihub("credential", "list", keys=new).returncode
    refused = aihub("credential", "list", keys=old)
    assert (1, True) == (refused.returncode, "another master key" in refused.stderr)
    ((row, sealed),) = sealed_values(data_dir)
    assert SECRET.encode() == MasterKeyVault([decode_master_key(new, "the test")]).unseal(sealed, row)


def test_what_opens_under_no_key_is_reported_and_left_as_it_is(hub: HubProcess) -> None:
    books = sqlite3.connect(hub.data_dir / "aikit.db")
    credential = hub.cli("credential", "list")[-1]["id"]
    lost = MasterKeyVault([os.urandom(32)]).seal(b"x", f"credential:{credential}")
    with books:
        books.execute("update credentials set sealed = ? where id = ?", (lost, credential))
    books.close()

    reported = hub.cli("master-key", "rotate", exit_code=1)

    assert [f"credential:{credential}"] == reported["unreadable"]
    assert (f"credential:{credential}", lost) in sealed_values(hub.data_dir)
