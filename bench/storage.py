"""Pairs of a hold and its settlement through one hot wallet, by the second: the books alone, without HTTP.

    python -m bench.storage [--pairs 10000] [--callers 256] [--url postgresql://…]

Without --url a PostgreSQL server of the tests' own is started, with its commits on the disk. The engines run one after
the other in one process; compare figures of one run only.
"""

import argparse
import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from adapters.storage.postgres.storage import PostgresStorage
from adapters.storage.sqlite.storage import SqliteStorage
from ports.books import Storage
from tests.adapters.storage_rules import capture_one, hold_one, open_account
from tests.support import postgres

WALLET_NANOS = 10**12


class Speed(NamedTuple):
    """How many pairs a second, and the processor time that this process took for each."""

    pairs_per_s: int
    cpu_us: int


async def measured(storage: Storage, pairs: int, callers: int) -> Speed:
    """The speed of the storage with so many callers at once."""
    await open_account(storage, nanos=WALLET_NANOS)
    numbers = iter(range(pairs))
    begun_s, cpu_s = time.perf_counter(), time.process_time()
    await asyncio.gather(*(_caller(storage, numbers) for _ in range(callers)))
    took_s = time.perf_counter() - begun_s
    return Speed(round(pairs / took_s), round((time.process_time() - cpu_s) / pairs * 1_000_000))


async def _caller(storage: Storage, numbers: Iterator[int]) -> None:
    for number in numbers:
        assert await hold_one(storage, f"call-{number}")
        assert await capture_one(storage, f"call-{number}")


async def _compared(url: str, pairs: int, callers: int) -> dict[str, Speed]:
    with TemporaryDirectory() as directory:
        async with SqliteStorage.open(Path(directory) / "books.db") as books:
            sqlite = await measured(books, pairs, callers)
    async with PostgresStorage.open(url) as shared:
        return {"sqlite": sqlite, "postgres": await measured(shared, pairs, callers)}


def main() -> None:
    """Measure both engines and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--callers", type=int, default=256)
    parser.add_argument("--url", help="an empty database")
    options = parser.parse_args()
    postgres.SETTINGS["fsync"] = "on"
    url = options.url or postgres.new_books()
    for name, speed in asyncio.run(_compared(url, options.pairs, options.callers)).items():
        print(f"{name:<9} {speed.pairs_per_s:>7,} pairs/s  {speed.cpu_us:>5} µs of processor time a pair")


if __name__ == "__main__":
    main()
