"""What every storage answers, whatever keeps the books. Each test runs over memory and over SQLite."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.storage.sqlite.storage import SqliteStorage
from domain.accounts.identity import TeamOfKey
from domain.books.call_query import CallQuery
from domain.books.management_scopes import KeyScope, ProviderScope, UserScope
from domain.books.rows import Call, Idempotency, call_of, running
from domain.books.scopes import CallScope
from domain.ledger.rows import HoldLine
from domain.model_api.call import AttemptRecord
from domain.usage import Usage
from ports.books import Storage
from tests.adapters.storage_rules import (
    a_call,
    a_credential,
    a_grant,
    a_hold,
    a_key,
    a_member,
    a_provider,
    a_rate,
    a_team,
    a_transfer,
    a_user,
    an_entry,
    books,
    capture_one,
    everything,
    hold_one,
    look,
    open_account,
    settle_scope,
    write,
)

pytestmark = pytest.mark.anyio

NOBODY = UserScope(name="nobody")


@pytest.fixture
def precious(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "precious.txt"
    path.write_bytes(b"mine")
    yield path
    assert path.read_bytes() == b"mine"


def begins(path: Path) -> bytes:
    return path.read_bytes()[:100]


def names(folder: Path, start: str) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(start)]


# --- reading ---


async def test_the_version_grows_with_the_catalogue_and_with_nothing_else(storage: Storage) -> None:
    await open_account(storage)
    assert await storage.catalog_version() == 0

    await storage.decide(NOBODY, write(a_provider(), a_credential(), a_rate()))
    assert await storage.catalog_version() == 3

    await storage.decide(ProviderScope(name="acme"), look)
    await hold_one(storage, "call-1")
    assert await storage.catalog_version() == 3
    assert (await storage.decide(CallScope(fingerprint="print-1"), look)).shown.version == 3


async def test_the_catalogue_is_all_that_is_not_removed(storage: Storage) -> None:
    await storage.decide(NOBODY, write(a_provider(), a_provider("gone"), a_credential(1), a_credential(2)))
    await storage.decide(NOBODY, write(a_provider("gone", removed_ms=5), a_credential(2, removed_ms=5)))
    ended = (a_rate(1), a_rate(2, removed=True))
    await storage.decide(NOBODY, write(*ended, a_rate(3), a_rate(4), a_rate(5, model="large"), a_rate(6, removed=True)))
    await storage.decide(NOBODY, write(a_rate(7), a_rate(8)))

    rows = await storage.catalog()

    assert rows.version == 14
    assert rows.providers == [a_provider()]
    assert rows.credentials == [a_credential(1)]
    assert sorted(rows.rates, key=lambda rate: rate.id) == [a_rate(5, model="large"), a_rate(7), a_rate(8)]


async def test_a_caller_is_found_by_fingerprint_revoked_or_not(storage: Storage) -> None:
    await storage.decide(NOBODY, write(a_user(), a_key()))
    assert await storage.caller("print-1") == (a_key(), a_user(), None)

    await storage.decide(KeyScope(key_id="key-1"), write(a_key(revoked_ms=7)))
    assert await storage.caller("print-1") == (a_key(revoked_ms=7), a_user(), None)
    assert await storage.caller("print-2") is None


async def test_users_come_by_name_and_keys_by_age(storage: Storage) -> None:
    zoe, ada = a_user(1, name="zoe"), a_user(2, name="ada")
    young, old = a_key(1, created_ms=9), a_key(2, created_ms=3)
    await storage.decide(NOBODY, write(zoe, ada, young, old))

    assert await storage.users() == [ada, zoe]
    assert await storage.keys() == [old, young]
    assert await storage.user_named("ada") == ada
    assert await storage.user_named("bob") is None


async def test_teams_are_no_users_and_come_with_their_members(storage: Storage) -> None:
    ada, team = a_user(), a_team(has_wallet=False, disabled_ms=3)
    member, gone = a_member(is_admin=True), a_member(2, removed_ms=9)
    key = a_key(team_id="team-1", wallet="team", app="did:abt:z1")
    await storage.decide(NOBODY, write(ada, team, a_team(2), member, gone, key))

    assert await storage.users() == [ada]
    assert await storage.teams() == [team, a_team(2)]
    assert await storage.members() == [member, gone]
    assert await storage.user_named("team:name-1") is None
    assert await storage.account_named("team:name-1") == team
    assert await storage.account_named("name-1") == ada
    assert await storage.caller("print-1") == (key, ada, TeamOfKey(team, member))


async def test_a_team_may_be_renamed_and_its_name_is_free_again(storage: Storage) -> None:
    await storage.decide(NOBODY, write(a_team()))

    await storage.decide(UserScope(name="team:name-1"), write(a_team(name="team:new")))
    await storage.decide(UserScope(name="team:name-1"), write(a_team(2, name="team:name-1")))

    assert [team.id for team in await storage.teams()] == ["team-2", "team-1"]


async def test_a_wallet_is_every_grant_of_its_user_oldest_first(storage: Storage) -> None:
    spent = a_grant(3, available_nanos=0)
    await storage.decide(NOBODY, write(a_user(), a_user(2), spent, a_grant(2), a_grant(4, user_id="user-2")))

    assert await storage.wallet("user-1") == [a_grant(2), spent]
    assert await storage.wallet("user-3") == []


async def test_every_field_of_a_call_comes_back_as_it_was_written(storage: Storage) -> None:
    held = a_hold(
        stream=True,
        billed=False,
        hold_lines=(HoldLine("grant-1", 4), HoldLine("grant-2", 6)),
        idempotency_key="once — “twice”",
        wallet_id="user-2",
        app="did:abt:z1",
        run_id="run-1",
        trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
        client="OpenAI/Python 2.0",
        team_id="team_01k8xq3v9e7d2b4f6h8j0m1n2p",
    )
    call = call_of(
        held,
        owner="process-2",
        provider="acme",
        provider_model="small-2",
        credential_id="credential-1",
        rate_id="rate-1",
        attempts=(
            AttemptRecord(provider="acme", outcome="overloaded", status=429, message='"no"', duration_ms=3),
            AttemptRecord(provider="other", outcome="answered", status=200, credential_id="credential-2"),
        ),
        ending="client_disconnected",
        ended_ms=1_400,
        first_byte_ms=1_100,
        usage=Usage(input_tokens=5, reasoning_tokens=7),
        usage_source="estimated",
        usage_note="odd",
        size="1024x1536",
        quality="high",
        charge_nanos=9,
        uncollected_nanos=2**62,
        error="it hung up",
    )
    await open_account(storage)
    await storage.decide(NOBODY, write(a_user(2), a_grant(2), held))
    assert await storage.call("call-1") == running(held)
    assert (await storage.decide(settle_scope("call-1"), look)).shown.hold == held

    await storage.decide(NOBODY, write(call))

    assert await storage.call("call-1") == call
    assert await storage.call("call-2") is None


async def test_a_call_is_in_the_books_once_running_or_ended(storage: Storage) -> None:
    await open_account(storage)
    await storage.decide(NOBODY, write(a_hold("call-1"), a_hold("call-2")))
    await storage.decide(NOBODY, write(a_call("call-1")))

    rows = await books(storage)

    assert (rows["holds"], rows["calls"]) == ([a_hold("call-2")], [a_call("call-1")])


async def test_calls_come_newest_first_of_one_user_or_of_all(storage: Storage) -> None:
    await open_account(storage)
    theirs = {"user_id": "user-2", "key_id": "key-2"}
    await storage.decide(NOBODY, write(a_user(2), a_key(2)))
    for held in (a_hold("call-1"), a_hold("call-2", **theirs), a_hold("call-3"), a_hold("call-4", **theirs)):
        await storage.decide(NOBODY, write(held))
    for ended in (a_call("call-4", **theirs), a_call("call-1")):
        await storage.decide(NOBODY, write(ended))
    first, last = a_call("call-1"), running(a_hold("call-3"))
    their_first, their_last = running(a_hold("call-2", **theirs)), a_call("call-4", **theirs)

    async def page(**query: Any) -> list[Call]:
        return [one.call for one in await storage.call_log(CallQuery(**query))]

    assert await page(limit=2) == [their_last, last]
    assert await page(beyond="call-4") == [last, their_first, first]
    assert await page(beyond="call-2", limit=1) == [first]
    assert await page(user_id="user-1") == [last, first]
    assert await page(user_id="user-2") == [their_last, their_first]
    assert await page(user_id="user-2", beyond="call-4") == [their_first]
    assert await page(oldest_first=True, beyond="call-1", limit=2) == [their_first, last]
    assert await page(skip=1, limit=2) == [last, their_first]


async def test_calls_of_every_form_of_id_come_in_one_order(storage: Storage) -> None:
    """An id is packed if it has the usual form, and is kept as text if not."""
    old, new = "call_01k9zzzzzzzzzzzzzzzzzzzzzz", "call_01ka0000000000000000000000"
    await open_account(storage)
    for call_id in (new, "other", old):
        await storage.decide(NOBODY, write(a_hold(call_id), a_transfer(call_id, kind="hold", grant_id="grant-1")))
        await storage.decide(NOBODY, write(a_call(call_id)))

    rows = await books(storage)

    assert [call.id for call in rows["calls"]] == [old, new, "other"]
    assert [line.cause for line in rows["transfers"] if line.kind == "hold"] == [old, new, "other"]
    assert [one.call.id for one in await storage.call_log(CallQuery(beyond="other"))] == [new, old]


async def test_an_answer_is_remembered_for_its_user_and_key(storage: Storage) -> None:
    requested = Idempotency(user_id="user-1", key="once", digest="d", call_id="call-1", created_ms=1)
    answered = msgspec.structs.replace(requested, status=200, content_type="text/plain", answer=b"\x00\xff")
    await open_account(storage)
    await storage.decide(NOBODY, write(a_hold(), requested))
    assert await storage.idempotent_answer("user-1", "once") == ("call-1", 0, "", None)

    await storage.decide(NOBODY, write(answered))
    assert await storage.idempotent_answer("user-1", "once") == ("call-1", 200, "text/plain", b"\x00\xff")
    assert await storage.idempotent_answer("user-2", "once") is None


async def test_the_audit_log_comes_newest_first(storage: Storage) -> None:
    for n in (1, 2, 3):
        await storage.decide(NOBODY, write(an_entry(n)))

    assert await storage.audit(2) == [an_entry(3), an_entry(2)]


# --- the whole books ---


async def test_a_snapshot_stays_as_it_was_while_others_write(storage: Storage) -> None:
    await open_account(storage, nanos=20_000)
    await asyncio.gather(*(hold_one(storage, f"call-{n}") for n in range(600)))
    async with storage.snapshot() as snapshot:
        transfers = [await anext(aiter(snapshot.transfers()))]
        await asyncio.gather(*(capture_one(storage, f"call-{n}") for n in range(600)))
        before = await everything(snapshot)
    async with storage.snapshot() as snapshot:
        after = await everything(snapshot)

    assert [transfer.kind for transfer in transfers] == ["hold"], "the calls' ids sort before the grant's"
    assert before["grants"] == [a_grant(nanos=20_000, available_nanos=14_000, held_nanos=6_000)]
    assert [transfer.kind for transfer in before["transfers"]] == [*["hold"] * 600, "grant"]
    assert (len(before["holds"]), before["calls"]) == (600, [])
    assert after["grants"] == [a_grant(nanos=20_000, available_nanos=14_000, held_nanos=0)]
    assert [transfer.kind for transfer in after["transfers"]] == [*["hold", "capture"] * 600, "grant"]
    assert (after["holds"], len(after["calls"])) == ([], 600)


async def test_a_backup_opens_as_the_same_books(storage: Storage, tmp_path: Path) -> None:
    await open_account(storage)
    await storage.decide(NOBODY, write(a_provider(), a_credential(), a_rate(), an_entry()))
    await hold_one(storage, "call-1")
    await capture_one(storage, "call-1")
    answered = Idempotency(user_id="user-1", key="k", digest="d", call_id="call-1", created_ms=1, answer=b"\x00")
    await storage.decide(NOBODY, write(answered))
    path = tmp_path / "backup.db"

    await storage.backup(str(path))

    assert names(tmp_path, "backup.db") == ["backup.db"], "nothing lies beside it"
    assert begins(path)[18:20] == b"\x01\x01", "no log is needed to read it, so it can be read where none can be made"
    before = await books(storage)
    assert len(before["transfers"]) == 3
    async with SqliteStorage.open(path) as copy:
        assert await books(copy) == before
        assert await copy.idempotent_answer("user-1", "k") == ("call-1", 0, "", b"\x00")
        assert await hold_one(copy, "call-2")


async def test_a_backup_overwrites_nothing(storage: Storage, tmp_path: Path, precious: Path) -> None:
    with pytest.raises(FileExistsError):
        await storage.backup(str(precious))

    assert names(tmp_path, "precious") == ["precious.txt"]
