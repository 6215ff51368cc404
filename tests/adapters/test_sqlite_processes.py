"""Several writers of one file, and one that is killed."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.storage.sqlite.storage import SqliteStorage
from domain.books.management_scopes import KeyScope, UserScope
from domain.books.rows import running
from domain.ledger.rows import Grant, Transfer
from tests.adapters.storage_rules import (
    a_grant,
    a_key,
    a_transfer,
    capture_one,
    hold_one,
    open_account,
    write,
)

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[2]


def worker(path: Path, name: str, calls: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.adapters.storage_worker", str(path), name, str(calls)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def start(*processes: subprocess.Popen[str]) -> None:
    """Let them begin together, once all are ready."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


# --- several writers of one file ---


async def test_what_another_writer_commits_is_seen_by_the_very_next_decision(books_path: Path) -> None:
    async with SqliteStorage.open(books_path) as one, SqliteStorage.open(books_path) as other:
        await open_account(one)
        for n in range(10):
            assert await hold_one((one, other)[n % 2], f"call-{n}")
        assert not await hold_one(one, "too much")
        assert await one.wallet("user-1") == [a_grant(available_nanos=0, held_nanos=100)]

        for n in range(10):
            assert await capture_one((one, other)[n % 3 == 0], f"call-{n}")
        assert await other.wallet("user-1") == [a_grant(available_nanos=0, held_nanos=0)]

        await other.decide(UserScope(name="name-1"), write(a_grant(2), a_transfer("more")))
        assert await hold_one(one, "again")
        await other.decide(KeyScope(key_id="key-1"), write(a_key(revoked_ms=5)))
        assert not await hold_one(one, "revoked")


async def test_processes_that_spend_one_grant_spend_it_exactly(books_path: Path) -> None:
    """(G25)"""
    async with SqliteStorage.open(books_path) as storage:
        await open_account(storage, nanos=20_005)
        processes = [worker(books_path, name, 10_000) for name in ("one", "two")]
        start(*processes)
        printed = [(await asyncio.to_thread(process.communicate))[0].splitlines() for process in processes]

        assert [process.returncode for process in processes] == [0, 0]
        captured = {line for lines in printed for line in lines if line.startswith("captured")}
        assert len(captured) == 2_000
        assert min(len(lines) for lines in printed) > 0, "both took part"
        grants, journal = await everything(storage)
        assert grants == [a_grant(nanos=20_005, available_nanos=5, held_nanos=0)]
        assert balances(journal) == {"issued": -20_005, "grant:grant-1": 5, "revenue": 20_000}


async def test_whatever_was_answered_survives_a_kill(books_path: Path) -> None:
    """(G18)"""
    async with SqliteStorage.open(books_path) as storage:
        await open_account(storage, nanos=10**9)
    process = worker(books_path, "victim", 10**9)
    assert process.stdout is not None
    start(process)
    answered = [process.stdout.readline() for _ in range(400)]
    process.send_signal(signal.SIGKILL)
    answered += process.stdout.read().splitlines(keepends=True)
    process.communicate()

    # The last line may have been cut by the kill.
    facts = [line.split() for line in answered if line.endswith("\n")]
    assert len(facts) >= 400
    async with SqliteStorage.open(books_path) as storage:
        async with storage.snapshot() as books:
            calls = {call.id: call async for call in books.calls()}
            calls |= {hold.id: running(hold) async for hold in books.holds()}
        for fact, call_id in facts:
            assert fact == "held" or calls[call_id].ending == "completed"
            assert call_id in calls
        (grant,), journal = await everything(storage)
        held = 10 * sum(call.ending is None for call in calls.values())
        paid = 10 * sum(call.ending is not None for call in calls.values())
        assert (grant.held_nanos, grant.available_nanos) == (held, 10**9 - held - paid)
        sums = balances(journal)
        assert sums.pop("grant:grant-1") == grant.available_nanos
        assert (sums.pop("revenue"), sums.pop("issued"), sum(sums.values())) == (paid, -(10**9), held)


async def everything(storage: SqliteStorage) -> tuple[list[Grant], list[Transfer]]:
    async with storage.snapshot() as snapshot:
        return [grant async for grant in snapshot.grants()], [transfer async for transfer in snapshot.transfers()]


def balances(journal: list[Transfer]) -> dict[str, int]:
    """What is in every account that is not empty."""
    sums: dict[str, int] = {}
    for transfer in journal:
        sums[transfer.from_account] = sums.get(transfer.from_account, 0) - transfer.amount_nanos
        sums[transfer.to_account] = sums.get(transfer.to_account, 0) + transfer.amount_nanos
    return {account: nanos for account, nanos in sums.items() if nanos}


async def test_a_process_that_forgets_to_close_still_ends(books_path: Path) -> None:
    code = """if True:
        import asyncio, sys
        from adapters.storage.sqlite.storage import SqliteStorage
        kept = []
        async def main():
            kept.append(await SqliteStorage.open(sys.argv[1]))
        asyncio.run(main())
    """

    ended = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code, str(books_path)], cwd=ROOT, timeout=20, check=False
    )

    assert ended.returncode == 0
