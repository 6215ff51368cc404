"""A process that works on a storage file of its parent's, and prints each call once it is answered.

    python -m tests.adapters.storage_worker <path> <name> <calls>

It says that it is ready and begins when it is sent a line. Each call holds ten nanos and captures them; a call
that finds too little ends the work.
"""

import asyncio
import itertools
import sys
from collections.abc import Iterator

from adapters.storage.sqlite.storage import SqliteStorage
from tests.adapters.storage_rules import capture_one, hold_one


async def work(path: str, name: str, calls: int) -> None:
    async with SqliteStorage.open(path, busy_ms=20_000) as storage:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        numbers = itertools.islice(itertools.count(), calls)
        await asyncio.gather(*(caller(storage, name, numbers) for _ in range(8)))


async def caller(storage: SqliteStorage, name: str, numbers: Iterator[int]) -> None:
    for number in numbers:
        call_id = f"{name}-{number}"
        if not await hold_one(storage, call_id):
            return
        print("held", call_id, flush=True)
        assert await capture_one(storage, call_id)
        print("captured", call_id, flush=True)


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], sys.argv[2], int(sys.argv[3])))
