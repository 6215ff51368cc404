"""What the auditor reads where the books are in PostgreSQL: with the driver alone, in one snapshot."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from tests.simulation.auditor import Books, CallRow, GrantRow, Price, line_of, proved

T = TypeVar("T")

# The hub keeps its journal by cause, so a test that proves every instant must see each line as it comes. A wallet's
# lines are written behind the lock of its user, so their numbers are in the order of their commits.
_WATCH = """
create table if not exists written (
    n bigserial primary key, cause text not null, kind smallint not null, step bigint not null
);
create or replace function line_is_written() returns trigger language plpgsql as $$
begin
    insert into written (cause, kind, step) values (new.cause, new.kind, new.step);
    return new;
end $$;
create or replace trigger line_is_written after insert on journal for each row execute function line_is_written();
insert into written (cause, kind, step) select cause, kind, step from journal order by at_ms, cause, kind, step;
"""
_LINES = """select cause, kind, step, grant_id, amount_nanos, at_ms from written join journal using (cause, kind, step)
    order by n"""
_COUNT = "select count(*) from journal"
_CALLS = """select id, user_id, ending, complete, hold_nanos, charge_nanos, uncollected_nanos, usage_source,
    idempotency_key, rate_id, provider, owner from calls"""
_HOLDS = """select id, user_id, null::text, false, hold_nanos, 0::bigint, 0::bigint, null::text, idempotency_key,
    null::text, null::text, null::text from holds"""
_GRANTS = "select id, user_id, amount_nanos, available_nanos, held_nanos, expires_ms from grants"
END_ALL = """select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()"""
_CONNECT_S = 30


def watch(url: str) -> None:
    """Write down every line from now on, in the books of this database."""
    run(url, _WATCH)


def run(url: str, statement: str) -> None:
    """Run a statement on a connection of its own."""
    _connected(url, lambda connection: connection.execute(statement))


def user_id_of(url: str, name: str) -> str:
    """The id of the user of that name."""
    return str(_connected(url, lambda connection: connection.fetchval("select id from users where name = $1", name)))


def prices(url: str) -> dict[str, Price]:
    """Every version of every rate."""
    rows = _connected(url, lambda connection: connection.fetch("select id, prices from rates"))
    by_rate = {rate_id: json.loads(units) for rate_id, units in rows}
    return {rate_id: Price(units["input_nanos"], units["output_nanos"]) for rate_id, units in by_rate.items()}


def read(url: str) -> Books:
    """The books as of now, while others write."""
    return _connected(url, _read)


def audit(url: str) -> Books:
    """Prove the books as of now; AssertionError names the first thing that does not add up."""
    return proved(read(url))


async def _read(connection: Any) -> Books:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        lines = [line_of(*row) for row in await connection.fetch(_LINES)]
        assert await connection.fetchval(_COUNT) == len(lines), "a line was written that nobody saw"
        found = [*await connection.fetch(_CALLS), *await connection.fetch(_HOLDS)]
        rows = sorted((CallRow(*row) for row in found), key=lambda row: row.id)
        calls = {row.id: row for row in rows}
        assert len(calls) == len(rows), "a call runs that has ended"
        grants = {row[0]: GrantRow(*row) for row in await connection.fetch(_GRANTS)}
    return Books(lines, calls, grants)


def _connected(url: str, work: Callable[[Any], Awaitable[T]]) -> T:
    """Do the work on a connection of its own. Its event loop has a thread of its own: the caller may be in another."""
    import asyncpg

    async def done() -> T:
        connection = await asyncpg.connect(url, timeout=_CONNECT_S)
        try:
            return await work(connection)
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, done()).result()
