"""Pairs of a hold and its settlement through one hot wallet, by the second: the books alone, without HTTP.

    python -m bench.storage [--pairs 10000] [--callers 256] [--rounds 3] [--url postgresql://…]

SQLite in one process, PostgreSQL in one process, and PostgreSQL in two processes that share the wallet, in turns.
Without --url a PostgreSQL server of the tests' own is started for each round, with its commits on the disk. Compare
figures of one run only.
"""

import argparse
import asyncio
import multiprocessing
import time
from collections.abc import Iterator
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from adapters.storage.postgres.storage import PostgresStorage
from adapters.storage.sqlite.storage import SqliteStorage
from ports.books import Storage
from tests.adapters.storage_rules import capture_one, hold_one, open_account
from tests.support import postgres

WALLET_NANOS = 10**12
ROWS = ("sqlite", "postgres", "postgres, two processes")


class Speed(NamedTuple):
    """How many pairs a second, and the processor time that the processes of the hub took for each."""

    pairs_per_s: float
    cpu_us: float


class Load(NamedTuple):
    """What one process does: its pairs from `first`, with so many callers at once."""

    first: int
    pairs: int
    callers: int


async def measured(storage: Storage, load: Load) -> Speed:
    """The speed of a storage in which the account is open."""
    numbers = iter(range(load.first, load.first + load.pairs))
    begun_s, cpu_s = time.perf_counter(), time.process_time()
    await asyncio.gather(*(_caller(storage, numbers) for _ in range(load.callers)))
    took_s = time.perf_counter() - begun_s
    return Speed(load.pairs / took_s, (time.process_time() - cpu_s) / load.pairs * 1e6)


async def _caller(storage: Storage, numbers: Iterator[int]) -> None:
    for number in numbers:
        assert await hold_one(storage, f"call-{number}")
        assert await capture_one(storage, f"call-{number}")


async def _sqlite(load: Load) -> Speed:
    with TemporaryDirectory() as directory:
        async with SqliteStorage.open(Path(directory) / "books.db") as books:
            await open_account(books, nanos=WALLET_NANOS)
            return await measured(books, load)


async def _postgres(url: str, load: Load, begin: Barrier | None = None) -> Speed:
    async with PostgresStorage.open(url) as books:
        if begin is not None:
            await asyncio.to_thread(begin.wait)
        return await measured(books, load)


async def _account(url: str) -> None:
    async with PostgresStorage.open(url) as books:
        await open_account(books, nanos=WALLET_NANOS)


def _process(url: str, load: Load, begin: Barrier, speeds: "Queue[Speed]") -> None:
    speeds.put(asyncio.run(_postgres(url, load, begin)))


def _two_processes(url: str, load: Load) -> Speed:
    """Two processes that begin at once; each has half of the pairs and as many callers as one process has."""
    spawn = multiprocessing.get_context("spawn")
    begin, speeds = spawn.Barrier(2), spawn.Queue()
    half = load.pairs // 2
    shares = [load._replace(first=load.first + n * half, pairs=half) for n in range(2)]
    processes = [spawn.Process(target=_process, args=(url, share, begin, speeds)) for share in shares]
    for process in processes:
        process.start()
    both = [speeds.get() for _ in processes]
    for process in processes:
        process.join()
    # Each had its own half, so the slower one decides.
    return Speed(2 * min(speed.pairs_per_s for speed in both), sum(speed.cpu_us for speed in both) / 2)


def one_round(given: str | None, pairs: int, callers: int) -> dict[str, Speed]:
    """Each row of the table once."""
    url = given or postgres.new_books()
    asyncio.run(_account(url))
    load = Load(0, pairs, callers)
    speeds = (
        asyncio.run(_sqlite(load)),
        asyncio.run(_postgres(url, load)),
        _two_processes(url, load._replace(first=pairs)),
    )
    return dict(zip(ROWS, speeds, strict=True))


def main() -> None:
    """Measure in rounds, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--callers", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--url", help="an empty database; one round only")
    options = parser.parse_args()
    postgres.SETTINGS["fsync"] = "on"
    count = 1 if options.url else options.rounds
    rounds = [one_round(options.url, options.pairs, options.callers) for _ in range(count)]
    for name in ROWS:
        speeds = [each[name] for each in rounds]
        rate, cpu_us = (median(column) for column in zip(*speeds, strict=True))
        print(f"{name:<24} {rate:>7,.0f} pairs/s  {cpu_us:>5.0f} µs of processor time a pair")
    gain = median(each[ROWS[2]].pairs_per_s / each[ROWS[1]].pairs_per_s for each in rounds)
    print(f"two processes against one: {gain:.2f}")


if __name__ == "__main__":
    main()
