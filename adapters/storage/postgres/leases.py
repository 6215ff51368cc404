"""Which processes of the hub are alive, on any number of machines: each one writes a row again every few seconds.

The clock of the database decides, so the clocks of the machines do not matter. A process of this machine is seen by its
lock file, too, which shows its end at once; the row decides about all others. A process that stood still for longer
than its lease may come back after others have ended its calls: then it settles them late, for what is left
(`domain/billing/settlement.py`).
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator

from adapters.storage.postgres.connection import Connection, Database, Engine
from ports.books import StorageError
from ports.environment import Liveness

BEAT_S, LEASE_MS = 2.0, 20_000
# Rows that are older than any call: nobody asks for them any more.
_KEPT_MS = 7 * 24 * 3_600_000

_NOW_MS = "(extract(epoch from clock_timestamp()) * 1000)::bigint"
_BEAT = f"""insert into processes (owner, seen_ms) values ($1, {_NOW_MS})
    on conflict (owner) do update set seen_ms = excluded.seen_ms"""
_END = "update processes set seen_ms = 0 where owner = $1"
_FORGET = f"delete from processes where seen_ms < {_NOW_MS} - {_KEPT_MS} and seen_ms > 0"
_AGES = f"select owner, {_NOW_MS} - seen_ms as age_ms from processes"

_log = logging.getLogger("aihub")


class LeaseLiveness(Liveness):
    """Life signs in the database, besides those of `files`, which the processes of one machine see.

    `is_gone` answers by what was read last, so it never takes a process for gone that has written its row by then.
    """

    def __init__(self, database: Database, files: Liveness) -> None:
        self._database = database
        self._files = files
        self._own: str | None = None
        self._ages: dict[str, int] = {}
        self._beaten_s = 0.0  # by the wall clock, which goes on while a process is frozen
        self.begun = asyncio.Event()  # This process makes calls, so others must see that it lives.

    def own(self) -> str:
        if self._own is None:
            self._own = self._files.own()
            self.begun.set()
        return self._own

    def is_gone(self, owner: str) -> bool | None:
        if owner == self._own:
            return False
        gone = self._files.is_gone(owner)
        if gone is not None:
            return gone
        age_ms = self._ages.get(owner)
        return None if age_ms is None else age_ms > LEASE_MS

    def renew(self) -> None:
        self._files.renew()

    async def resume(self) -> None:
        """Renew the lease now if it may have run out: the next beat could come after another process's sweep."""
        if self._own is not None and abs(time.time() - self._beaten_s) > 2 * BEAT_S:
            with contextlib.suppress(StorageError):  # Then no call is admitted either.
                await self.beat()

    async def beat(self) -> None:
        """Renew the own lease, and read those of all others. StorageError if the database does not answer."""
        own = self._own

        async def work(connection: Connection, _: Engine) -> None:
            if own is not None:
                await connection.execute(_BEAT, own)

        if own is not None:
            await self._database.transact(work)
            self._beaten_s = time.time()
        async with self._database.reading() as connection:
            self._ages = dict(await connection.fetch(_AGES))

    async def end(self) -> None:
        """Let the lease end now, so that others need not wait for it."""
        own = self._own
        if own is None:
            return

        async def work(connection: Connection, _: Engine) -> None:
            await connection.execute(_END, own)
            await connection.execute(_FORGET)

        await self._database.transact(work)


@contextlib.asynccontextmanager
async def leases(database: Database, files: Liveness, every_s: float = BEAT_S) -> AsyncIterator[LeaseLiveness]:
    """Life signs that are renewed for as long as the block runs, and end with it."""
    liveness = LeaseLiveness(database, files)
    await liveness.beat()
    beating = asyncio.create_task(_beat_on(liveness, every_s), name="leases")
    try:
        yield liveness
    finally:
        beating.cancel()
        await asyncio.wait({beating})
        with contextlib.suppress(StorageError):
            await liveness.end()


async def _beat_on(liveness: LeaseLiveness, every_s: float) -> None:
    """Beat until cancelled; a failure is reported once for as long as it lasts."""
    reported = False
    await liveness.begun.wait()
    while True:
        try:
            await liveness.beat()
            reported = False
        except StorageError as error:
            if not reported:
                _log.error("this process cannot show that it lives, and tries again: %s", error)
            reported = True
        await asyncio.sleep(every_s)
