"""Verification of the books over SQLite keeps no call in memory after checking it, whatever their number."""

import asyncio
import sqlite3
import tracemalloc
from functools import partial
from pathlib import Path

import pytest

from adapters.storage.sqlite import tables as sqlite_rows
from adapters.storage.sqlite.storage import SqliteStorage
from domain.billing.sweep import Owners, sweep
from domain.billing.verification import Totals
from domain.books.scopes import SweepScope
from entrypoints.usecases.manage.maintenance import verify
from tests.adapters.storage_rules import hold_one, open_account

pytestmark = pytest.mark.anyio
FEW, MANY = 1_500, 6_000
# What the proof may remember for each further call; each needed some 400 bytes when all were remembered.
BYTES_A_CALL = 100


async def test_verification_needs_no_more_memory_for_more_calls(tmp_path: Path) -> None:
    async with SqliteStorage.open(tmp_path / "books.db", synchronous="NORMAL") as storage:
        await open_account(storage, nanos=10**9)
        peaks = []
        for start, end in ((0, FEW), (FEW, MANY)):
            for at in range(start, end, 500):
                names = [f"call-{number}" for number in range(at, at + 500)]
                await asyncio.gather(*(hold_one(storage, name) for name in names))
                gone = Owners(gone=frozenset({"process-1"}))
                await storage.decide(SweepScope(now_ms=1), partial(sweep, owners=gone, now_ms=1))
            reported: list[str] = []
            tracemalloc.start()
            try:
                totals = await verify(storage, reported.append)
                peaks.append(tracemalloc.get_traced_memory()[1])
            finally:
                tracemalloc.stop()
            assert isinstance(totals, Totals), totals
            assert (end, 1 + 2 * end) == (totals.calls, totals.transfers)

    assert peaks[1] - peaks[0] < BYTES_A_CALL * (MANY - FEW)


async def test_rows_in_the_order_of_their_ids_are_not_sorted_first(tmp_path: Path) -> None:
    """SQLite would need room for a copy of all of them."""
    async with SqliteStorage.open(tmp_path / "books.db"):
        pass
    books = sqlite3.connect(tmp_path / "books.db")
    try:
        for table, order in ((sqlite_rows.JOURNAL, "cause, kind, step"), (sqlite_rows.CALLS, "id")):
            rest = f"from {table.name} order by {order}"
            plan = books.execute(f"explain query plan select {table.columns} {rest}").fetchall()
            assert not [step for step in plan if "TEMP B-TREE" in step[-1]]
    finally:
        books.close()
